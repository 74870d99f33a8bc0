"""Sets of neurons whose overlap with a task's set is chosen (Leng & Xiong 2025, Tables 9 to 11)."""

import numpy as np
from jaxtyping import Int

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet


def halves_by_score(target: NeuronSet, scores: NeuronScores) -> tuple[NeuronSet, NeuronSet]:
    """The members of a set with the higher scores of their layer, and those with the lower ones.

    Both halves have as many neurons in each layer, so that they differ in their scores and not in where they lie; an
    odd one is of the higher half. Equal scores are ranked by their index.

    Args:
        target: the set.
        scores: of the task that the set is of.
    """
    higher = np.zeros(target.shape, dtype=bool)
    for layer, members in enumerate(target.mask):
        own = np.flatnonzero(members)
        ranked = own[np.argsort(-scores.scores[layer, own], kind="stable")]
        higher[layer, ranked[: (len(own) + 1) // 2]] = True
    return NeuronSet(higher), target - NeuronSet(higher)


def with_overlap(
    target: NeuronSet, members: NeuronSet, percent: float, *, size: int, seed: int, choice: int
) -> NeuronSet:
    """A random set of which `percent` lie among some members of a task's set, and the others outside of that set.

    Overlap is the share of the set that lies in the target (the Jaccard index of Eq. 13 could not be set to 100 % for
    sets of different sizes). Its neurons are spread over the layers as those of the target are, as far as layers have
    enough of them, so that where neurons lie does not change with the overlap; what a layer lacks is drawn from others.
    Sets of one choice that differ in their members alone have the same neurons outside.

    Args:
        target: the test task's set.
        members: the part of it that neurons inside are drawn from. It is larger than `size`, so that there are several
            choices even at 100 %.
        percent: of the set, in (0, 100].
        size: of the set.
        seed: of the run.
        choice: number of the random choice, from 0.

    Raises:
        InputError: the target is empty, the percentage is impossible, or there are too few neurons of one kind.
    """
    if not target:
        raise InputError("the test task's set is empty", where="overlap")
    if not 0 < percent <= 100:
        raise InputError(f"an overlap of {percent:g} %: above 0 and at most 100 was expected", where="overlap")
    inside = max(1, round(size * percent / 100))
    for asked, pool, place in ((inside, members, "inside"), (size - inside, ~target, "outside")):
        if asked > len(pool):
            raise InputError(
                f"{asked} neurons {place} the test task's set were asked, there are {len(pool)}",
                where="overlap",
                remedy="Train a smaller share of the neurons",
            )
    key = [seed, choice, int(target.digest[:16], 16)]
    one, other = np.random.default_rng([*key, 0]), np.random.default_rng([*key, 1])
    spread = _proportional(target.layers(), size, one)
    kept = _proportional(spread, inside, one)
    return _drawn(members, kept, one) | _drawn(~target, spread - kept, other)


def _drawn(pool: NeuronSet, counts: Int[np.ndarray, " layer"], rng: np.random.Generator) -> NeuronSet:
    """As many neurons of each layer of a pool; what a layer lacks is drawn from all layers."""
    chosen = np.zeros(pool.shape, dtype=bool)
    for layer, count in enumerate(np.minimum(counts, pool.layers())):
        chosen[layer, rng.choice(np.flatnonzero(pool.mask[layer]), count, replace=False)] = True
    lacking = int(counts.sum() - chosen.sum())
    chosen.reshape(-1)[rng.choice(np.flatnonzero(pool.mask & ~chosen), lacking, replace=False)] = True
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
