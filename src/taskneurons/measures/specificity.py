"""The specificity index: how far what tasks lose without their own neurons exceeds what they lose without others'.

Of a matrix of losses (row: whose neurons are taken out, column: the task that is tested) it is the mean on the diagonal
less the mean off it, divided by the sum of the means of their absolute values: 1 where only the own task loses, 0
where it does not matter whose neurons are taken out, and -1 where only other tasks lose.

A ratio of two losses that are nearly nothing can be anything, 1 among it. So the difference stands beside the index, in
nats, its test is that of the difference, and where the losses together are below a floor there is no index.
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
    """What tasks lose without their own neurons beyond what they lose without others', in one or several matrices.

    Args:
        index: its mean over the matrices; None where one of them cannot be measured.
        difference: mean on the diagonal less mean off it, over the matrices, in their unit.
        p: of the difference, one-sided, by the labels of the rows of each matrix; 1 at most.
        permutations: how many labellings make the null; the observed one is among them.
        reason: why there is no index; empty when there is one.
    """

    index: float | None = None
    difference: float | None = None
    p: float | None = None
    permutations: int = 0
    reason: str = ""


def difference_and_scale(
    matrix: Float[np.ndarray, "draw row column"],
) -> tuple[Float[np.ndarray, " draw"], Float[np.ndarray, " draw"]]:
    """Of each matrix the mean on the diagonal less that off it, and the sum of both means of absolute values."""
    size = matrix.shape[-1]
    own = np.diagonal(matrix, axis1=-2, axis2=-1)

    def off(entries: np.ndarray, diagonal: np.ndarray) -> np.ndarray:
        rest: np.ndarray = (entries.sum((-2, -1)) - diagonal.sum(-1)) / (size * (size - 1))
        return rest

    difference: np.ndarray = own.mean(-1) - off(matrix, own)
    scale: np.ndarray = np.abs(own).mean(-1) + off(np.abs(matrix), np.abs(own))
    return difference, scale


def specificity(
    matrices: Sequence[Float[np.ndarray, "row column"]], *, floor: float, draws: int = 2000, seed: int = 0
) -> Specificity:
    """The mean index and difference of some matrices, say one a seed, with the permutation test of the difference.

    Under the null it does not matter whose neurons were taken out, so that the rows of each matrix may be labelled
    anew. For one matrix of at most six tasks all labellings are enumerated, else `draws` are drawn and the observed
    one counts as one more.

    Args:
        matrices: what tasks lose; of one size.
        floor: what the means of the absolute losses, on and off the diagonal, must reach together for an index.
        draws, seed: of the labellings.

    Raises:
        InputError: no matrix, one that is not square or differs from the others, draws below 1, or a floor that is not
            above 0.
    """
    shapes = {one.shape for one in matrices}
    if len(shapes) != 1 or len(next(iter(shapes))) != 2 or len(set(next(iter(shapes)))) != 1:
        raise InputError(f"the index needs square matrices of one size, not {sorted(shapes)}", where="specificity")
    if draws < 1 or not floor > 0:
        raise InputError(
            f"the test needs at least 1 draw and a floor above 0, not {draws} and {floor:g}", where="specificity"
        )
    stacked = np.stack([np.asarray(one, dtype=np.float64) for one in matrices])
    tasks = stacked.shape[-1]
    if tasks < 2:
        return Specificity(reason=f"{tasks} tasks, at least 2 are needed")
    if not np.isfinite(stacked).all():
        return Specificity(reason="some entries are not finite")
    differences, scales = difference_and_scale(stacked)
    difference, few = float(differences.mean()), int((scales < floor).sum())
    if len(stacked) == 1 and tasks <= _EXACT_UP_TO:
        orders = np.array(list(permutations(range(tasks))))[:, None]
    else:
        rng = np.random.default_rng(seed)
        orders = rng.permuted(np.broadcast_to(np.arange(tasks), (draws, len(stacked), tasks)), axis=-1)
        orders = np.concatenate([np.broadcast_to(np.arange(tasks), (1, len(stacked), tasks)), orders])
    null = np.mean([difference_and_scale(one[orders[:, place]])[0] for place, one in enumerate(stacked)], axis=0)
    # Differences that are equal but for rounding count as equal.
    p = float(np.mean(null >= difference - 1e-9 * max(1.0, float(scales.max()))))
    if few:
        where = f" in {few} of {len(scales)} seeds" if len(scales) > 1 else ""
        reason = f"not measurable: the losses together are below {floor:g} nats{where}"
        return Specificity(None, difference, p, len(orders), reason)
    return Specificity(float((differences / scales).mean()), difference, p, len(orders))
