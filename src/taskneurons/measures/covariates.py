"""Partial correlations of relabelled matrices: covariates are taken out before the labels move, and again afterwards.

What a fit leaves of a matrix correlates with no covariate; once its labels have moved, it does, and its partial
correlations are larger than its plain ones. So the null distribution must be one of partial correlations: the double
semi-partialing of Dekker, Krackhardt & Snijders 2007, whose statistic rises with the partial correlation.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

_NOTHING = 1e-9


class Covariates:
    """What is taken out of the cells of a matrix by least squares.

    Args:
        columns: one value a cell each; some may follow from others.
    """

    def __init__(self, columns: Sequence[np.ndarray]) -> None:
        left, sizes, _ = np.linalg.svd(np.column_stack(columns).astype(np.float64), full_matrices=False)
        self._basis = left[:, sizes > sizes[0] * 1e-10]

    def without(self, values: Float[np.ndarray, "... cell"]) -> Float[np.ndarray, "... cell"]:
        """What the fit leaves of the values."""
        left: np.ndarray = values - values @ self._basis @ self._basis.T
        return left

    def correlations(
        self, moved: Float[np.ndarray, "labelling cell"], other: Float[np.ndarray, " cell"]
    ) -> Float[np.ndarray, " labelling"]:
        """Partial correlations of a matrix, in each labelling, with another one.

        Where the fit leaves nothing of a labelling, its correlation counts as 1: the p-value then errs to the safe
        side.

        Args:
            moved: what the fit left of the one matrix, at length 1, in each labelling.
            other: what it left of the other, at length 1.
        """
        lengths = np.linalg.norm(self.without(moved), axis=1)
        found: np.ndarray = np.divide(moved @ other, lengths, out=np.ones(len(moved)), where=lengths > _NOTHING)
        return found
