"""The specificity index: how far what tasks lose without their own neurons exceeds what they lose without others'.

Of a matrix of losses (row: whose neurons are taken out, column: the task that is tested) it is the mean on the diagonal
less the mean off it, divided by the sum of the means of their absolute values: 1 where only the own task loses, 0
where it does not matter whose neurons are taken out, and -1 where only other tasks lose.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError

_EXACT_UP_TO = 6


@dataclass(frozen=True)
class Specificity:
    """The index of one or several matrices.

    Args:
        index: its mean over the matrices.
        p: one-sided, by the labels of the rows of each matrix; 1 at most.
        permutations: how many labellings make the null; the observed one is among them.
        reason: why there is none; empty when there is one.
    """

    index: float | None = None
    p: float | None = None
    permutations: int = 0
    reason: str = ""


def specificity_index(matrix: Float[np.ndarray, "draw row column"]) -> Float[np.ndarray, " draw"]:
    """The index of each matrix; NaN where all its entries are 0."""
    size = matrix.shape[-1]
    own = np.diagonal(matrix, axis1=-2, axis2=-1)
    others = size * (size - 1)

    def off(entries: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
        rest: np.ndarray = (entries.sum((-2, -1)) - diagonal.sum(-1)) / others
        return rest

    scale = np.abs(own).mean(-1) + off(np.abs(matrix), np.abs(own))
    with np.errstate(invalid="ignore", divide="ignore"):
        index: np.ndarray = (own.mean(-1) - off(matrix, own)) / scale
    return index


def specificity(
    matrices: Sequence[Float[np.ndarray, "row column"]], *, draws: int = 2000, seed: int = 0
) -> Specificity:
    """The mean index of some matrices, say one a seed, with its permutation test.

    Under the null it does not matter whose neurons were taken out, so that the rows of each matrix may be labelled
    anew. For one matrix of at most six tasks all labellings are enumerated, else `draws` are drawn and the observed
    one counts as one more.

    Args:
        matrices: what tasks lose; of one size.
        draws, seed: of the labellings.

    Raises:
        InputError: no matrix, one that is not square or differs from the others, or draws below 1.
    """
    shapes = {one.shape for one in matrices}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or len(set(next(iter(shapes)))) != 1:
        raise InputError(f"the index needs square matrices of one size, not {sorted(shapes)}", where="specificity")
    if draws < 1:
        raise InputError(f"the test needs at least 1 draw, not {draws}", where="specificity")
    stacked = np.stack([np.asarray(one, dtype=np.float64) for one in matrices])
    tasks = stacked.shape[-1]
    if tasks < 2:
        return Specificity(reason=f"{tasks} tasks, at least 2 are needed")
    if not np.isfinite(stacked).all():
        return Specificity(reason="some entries are not finite")
    observed = specificity_index(stacked)
    if np.isnan(observed).any():
        return Specificity(reason="no task loses or gains anything")
    index = float(observed.mean())
    if len(stacked) == 1 and tasks <= _EXACT_UP_TO:
        orders = np.array(list(permutations(range(tasks))))[:, None]
    else:
        rng = np.random.default_rng(seed)
        orders = rng.permuted(np.broadcast_to(np.arange(tasks), (draws, len(stacked), tasks)), axis=-1)
        orders = np.concatenate([np.broadcast_to(np.arange(tasks), (1, len(stacked), tasks)), orders])
    null = np.mean(
        [specificity_index(one[orders[:, place]]) for place, one in enumerate(stacked)],
        axis=0,
    )
    # Indices that are equal but for rounding count as equal.
    return Specificity(index, float(np.mean(null >= index - 1e-9)), len(orders))
