"""Sets of neurons whose overlap with a task's set is chosen (Leng & Xiong 2025, Tables 9 to 11)."""

import numpy as np
from jaxtyping import Int

from taskneurons.errors import InputError
from taskneurons.neurons.sets import NeuronSet


def with_overlap(target: NeuronSet, percent: float, *, seed: int, choice: int) -> NeuronSet:
    """A random set of the size of `target`, of which `percent` lie in `target`.

    Overlap is the share of the set that lies in the target (the Jaccard index of Eq. 13 could not be set to 100 % for
    sets of different sizes). The set has as many neurons in each layer as the target as far as the layer has enough
    others, so that where neurons lie does not change with the overlap; what a layer lacks is drawn from other layers.

    Args:
        target: the test task's set.
        percent: of the set, in (0, 100].
        seed: of the run.
        choice: number of the random choice, from 0.

    Raises:
        InputError: the target is empty, the percentage is impossible, or the model has too few other neurons.
    """
    if not target:
        raise InputError("the test task's set is empty", where="overlap")
    if not 0 < percent <= 100:
        raise InputError(f"an overlap of {percent:g} %: above 0 and at most 100 was expected", where="overlap")
    size = len(target)
    inside = max(1, round(size * percent / 100))
    free = ~target
    if size - inside > len(free):
        raise InputError(
            f"{size - inside} neurons outside a set of {size} were asked, the model has {len(free)}",
            where="overlap",
            remedy="Train a smaller share of the neurons",
        )
    rng = np.random.default_rng([seed, choice, int(target.digest[:16], 16)])
    members = target.layers()
    kept = _proportional(members, inside, rng)
    others = np.minimum(members - kept, free.layers())
    lacking = (size - inside) - int(others.sum())
    chosen = np.zeros(target.shape, dtype=bool)
    for layer in range(len(members)):
        for pool, count in ((target.mask[layer], kept[layer]), (~target.mask[layer], others[layer])):
            chosen[layer, rng.choice(np.flatnonzero(pool), count, replace=False)] = True
    spare = np.flatnonzero(~target.mask.reshape(-1) & ~chosen.reshape(-1))
    chosen.reshape(-1)[rng.choice(spare, lacking, replace=False)] = True
    return NeuronSet(chosen)


def _proportional(
    members: Int[np.ndarray, " layer"], total: int, rng: np.random.Generator
) -> Int[np.ndarray, " layer"]:
    """Whole numbers that sum to `total`, in proportion to the members; the largest remainders are rounded up."""
    exact = members * (total / members.sum())
    counts: np.ndarray = np.floor(exact + 1e-9).astype(int)
    # Equal remainders are broken at random, not in favour of the first layers.
    order = np.lexsort((rng.random(len(members)), -(exact - counts)))
    counts[order[: total - int(counts.sum())]] += 1
    return counts
