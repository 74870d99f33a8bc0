"""Do two task x task matrices agree? The Mantel test, whose null shuffles whole tasks, since cells are not independent.

The cells of a task x task matrix share tasks: T (T - 1) of them carry no more information than T tasks. Under the null
hypothesis the labels of the tasks of one matrix may as well be permuted, rows and columns together (Mantel 1967).
Matrices need not be symmetric; their diagonals are not used.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.measures.covariates import Covariates
from taskneurons.measures.ranking import mean_ranks

MINIMUM_TASKS = 4
"""With three tasks there are six labellings, and p could not go below 1/6."""
_EXACT_UP_TO = 7
_CHUNK = 1 << 21


@dataclass(frozen=True)
class MantelTest:
    """The rank correlation of the off-diagonal cells of two matrices.

    Attributes:
        tasks: rows, which is the number of columns.
        correlation: Spearman's, or the correlation of what the nuisance leaves of the ranks.
        p_value: two-sided.
        permutations: labellings that make the null distribution.
        exact: whether they are all there are; else they are random draws and p = (1 + hits) / (1 + draws).
        reason: why nothing of this is available; empty when it is.
    """

    tasks: int
    correlation: float | None = None
    p_value: float | None = None
    permutations: int = 0
    exact: bool = False
    reason: str = ""

    @property
    def available(self) -> bool:
        """Whether the test could be made."""
        return not self.reason


def mantel(
    x: Float[np.ndarray, "row column"],
    y: Float[np.ndarray, "row column"],
    *,
    nuisance: Sequence[np.ndarray] = (),
    draws: int = 2000,
    seed: int = 0,
) -> MantelTest:
    """Permutation test of the rank correlation between the off-diagonal cells of two matrices.

    Args:
        x, y: one row and one column a task, in the same order.
        nuisance: matrices whose linear effect is taken out of the ranks of both, and again of each relabelled one (a
            partial Mantel test, see `covariates`), say which tasks are of one family.
        draws: random labellings above 7 tasks; up to 7 all are enumerated.
        seed: of those draws.

    Raises:
        InputError: a matrix is not square or not of the others' shape, or draws is below 1.
    """
    x, y = (np.asarray(matrix, dtype=np.float64) for matrix in (x, y))
    shapes = {np.shape(matrix) for matrix in (x, y, *nuisance)}
    if len(shapes) != 1 or x.ndim != 2 or x.shape[0] != x.shape[1]:
        raise InputError(f"the Mantel test needs square matrices of one shape, not {sorted(shapes)}")
    if draws < 1:
        raise InputError(f"the Mantel test needs at least 1 draw, not {draws}")
    tasks = len(x)
    if tasks < MINIMUM_TASKS:
        return MantelTest(tasks, reason=f"{tasks} tasks, at least {MINIMUM_TASKS} are needed")
    off = ~np.eye(tasks, dtype=bool)
    missing = int((~np.isfinite(x[off]) | ~np.isfinite(y[off])).sum())
    if missing:
        return MantelTest(tasks, reason=f"{missing} of {tasks * (tasks - 1)} pairs of tasks are not available")
    covariates = Covariates([np.ones(tasks * (tasks - 1)), *(np.asarray(one)[off] for one in nuisance)])
    sides = []
    for matrix in (x, y):
        left = covariates.without(mean_ranks(matrix[off]))
        length = float(np.linalg.norm(left))
        if length <= 1e-9 * tasks * (tasks - 1):
            return MantelTest(tasks, reason="all pairs of tasks are equal" + (", given the nuisance" * bool(nuisance)))
        cells = np.zeros((tasks, tasks))
        cells[off] = left / length
        sides.append(cells)
    first, second = sides[0], sides[1][off]
    observed = float(first[off] @ second)
    exact = tasks <= _EXACT_UP_TO
    if exact:
        orders = np.array(list(permutations(range(tasks))))
    else:
        rng = np.random.default_rng(seed)
        orders = rng.permuted(np.tile(np.arange(tasks), (draws, 1)), axis=1)
    hits = 0
    step = max(1, _CHUNK // tasks**2)
    for begin in range(0, len(orders), step):
        some = orders[begin : begin + step]
        found = covariates.correlations(first[some[:, :, None], some[:, None, :]][:, off], second)
        # Equal correlations that are summed in another order must count as equal.
        hits += int((np.abs(found) >= abs(observed) - 1e-12).sum())
    p_value = hits / len(orders) if exact else (1 + hits) / (1 + len(orders))
    return MantelTest(tasks, observed, p_value, len(orders), exact)
