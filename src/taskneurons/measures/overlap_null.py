"""What overlap chance gives: to two sets of known sizes, and to unions of several independent sets.

Sizes are counted by stratum. With one stratum, the whole model, neurons may be exchanged anywhere; with one stratum a
layer, a set keeps its number of neurons in every layer, so that sets which all crowd into one layer are expected to
meet there.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int

from taskneurons.errors import InputError
from taskneurons.measures.overlap import log_factorials

LEAST_P = 1e-20
"""Smaller p-values are given as this one."""
_NEGLIGIBLE = 1e-30  # a probability; a million of them would not reach LEAST_P


@dataclass(frozen=True)
class OverlapChance:
    """What two random sets of given sizes share.

    Attributes:
        expected: mean of the Jaccard index |A & B| / |A | B|.
        low, high: its 2.5 % and 97.5 % quantiles.
        p_value: two-sided, twice the smaller tail (the observed overlap included), from `LEAST_P` to 1; None where no
            overlap was given.
    """

    expected: float
    low: float
    high: float
    p_value: float | None = None


def overlap_chance(
    first: Int[np.ndarray, " stratum"],
    second: Int[np.ndarray, " stratum"],
    size: int,
    shared: int | None = None,
) -> OverlapChance | None:
    """The overlap of two sets that are drawn at random inside each stratum, exactly.

    The number of shared things of a stratum is hypergeometric, that of all strata the sum of independent ones, and the
    Jaccard index a function of it, since the sizes are fixed. With one stratum the p-value is the hypergeometric one.

    Args:
        first, second: members of the two sets in each stratum.
        size: things of a stratum.
        shared: the observed number of shared members, for the p-value.

    Returns:
        None where both sets are empty, so that the index has no value.

    Raises:
        InputError: a number of members is negative or above the size, or `shared` is impossible.
    """
    first, second = np.asarray(first), np.asarray(second)
    _check(np.stack([first, second]), size)
    total = int(first.sum() + second.sum())
    if total == 0:
        return None
    least, chance = _shared_distribution(first, second, size)
    lowest = int(np.maximum(0, first + second - size).sum())
    if shared is not None and not lowest <= shared <= int(np.minimum(first, second).sum()):
        raise InputError(f"{shared} shared members of sets of {first.tolist()} and {second.tolist()} among {size}")
    numbers = least + np.arange(len(chance))
    jaccard = numbers / (total - numbers)
    below = np.cumsum(chance)
    low, high = (float(jaccard[min(int(np.searchsorted(below, q)), len(jaccard) - 1)]) for q in (0.025, 0.975))
    p_value = None
    if shared is not None:
        tails = chance[numbers >= shared].sum(), chance[numbers <= shared].sum()
        p_value = float(np.clip(2 * min(tails), LEAST_P, 1.0))
    return OverlapChance(float(chance @ jaccard), low, high, p_value)


def independent_jaccard(
    first: Float[np.ndarray, "set_a stratum"], second: Float[np.ndarray, "set_b stratum"]
) -> float | None:
    """Jaccard index of two unions of independent random sets, in closed form.

    A thing is in the union of sets that hold the shares s_1, s_2, ... of its stratum with probability
    u = 1 - (1 - s_1)(1 - s_2)..., in both unions with u_a u_b, in any with u_a + u_b - u_a u_b. The index is the ratio
    of the sums of these over strata of equal size. It is a ratio of expected numbers; the expected ratio differs from
    it by the order of one over the number of things.

    Args:
        first, second: shares, in [0, 1], one row a set of the union.

    Returns:
        None where all sets are empty.

    Raises:
        InputError: a share lies outside [0, 1].
    """
    shares = np.concatenate([np.ravel(first), np.ravel(second)])
    if not ((shares >= 0) & (shares <= 1)).all():
        raise InputError(f"shares must lie between 0 and 1, not {shares.min():g} to {shares.max():g}")
    a, b = (1 - np.prod(1 - np.asarray(shares), axis=0) for shares in (first, second))
    either = float((a + b - a * b).sum())
    return float((a * b).sum()) / either if either else None


def union_draws(
    first: Int[np.ndarray, "set_a stratum"],
    second: Int[np.ndarray, "set_b stratum"],
    size: int,
    *,
    draws: int,
    seed: int,
) -> Float[np.ndarray, " draw"]:
    """Jaccard indices of two unions whose sets are each permuted inside their strata, independently of each other.

    Masks are not needed: the size of the intersection of a random set with another one is hypergeometric, and given
    its size the union of random sets is again a random set. So sizes are drawn in turn, which is the distribution that
    permuting every set gives.

    Args:
        first, second: members in each stratum, one row a set of the union.
        size: things of a stratum.
        draws: how many.
        seed: of the draws.

    Raises:
        InputError: no set, a number of members that is negative or above the size, empty unions, or draws below 1.
    """
    first, second = np.asarray(first), np.asarray(second)
    for members in (first, second):
        _check(members, size)
    if draws < 1 or not first.sum() + second.sum():
        raise InputError(f"{draws} draws of unions of {int(first.sum())} and {int(second.sum())} members")
    rng = np.random.default_rng(seed)
    one, other = (_union_sizes(members, size, draws, rng) for members in (first, second))
    shared = rng.hypergeometric(one, size - one, other).sum(axis=1)
    values: np.ndarray = shared / ((one + other).sum(axis=1) - shared)
    return values


def _union_sizes(
    members: Int[np.ndarray, "set stratum"], size: int, draws: int, rng: np.random.Generator
) -> Int[np.ndarray, "draw stratum"]:
    union = np.tile(members[0].astype(np.int64), (draws, 1))
    for further in members[1:]:
        union += further - rng.hypergeometric(union, size - union, np.broadcast_to(further, union.shape))
    return union


def _shared_distribution(
    first: Int[np.ndarray, " stratum"], second: Int[np.ndarray, " stratum"], size: int
) -> tuple[int, Float[np.ndarray, " number"]]:
    """Probabilities of `least`, `least` + 1, ... shared members over all strata, and `least`."""
    ln = log_factorials(size)
    least, chance = 0, np.ones(1)
    for a, b in zip(first.tolist(), second.tolist(), strict=True):
        low = max(0, a + b - size)
        k = np.arange(low, min(a, b) + 1)
        # ln of C(a, k) C(size - a, b - k) / C(size, b)
        inside = ln[a] - ln[k] - ln[a - k] + ln[size - a] - ln[b - k] - ln[size - a - b + k]
        start, own = _trimmed(np.exp(inside - (ln[size] - ln[b] - ln[size - b])))
        begin, chance = _trimmed(np.convolve(chance, own))
        least += low + start + begin
    return least, chance / chance.sum()


def _trimmed(chance: Float[np.ndarray, " number"]) -> tuple[int, Float[np.ndarray, " kept"]]:
    """The probabilities without those at both ends that are too small to count, and how many were cut in front."""
    kept = np.flatnonzero(chance >= _NEGLIGIBLE)
    return int(kept[0]), chance[kept[0] : kept[-1] + 1]


def _check(members: Int[np.ndarray, "set stratum"], size: int) -> None:
    if not members.size or members.min() < 0 or members.max() > size:
        raise InputError(f"sets of {members.tolist()} members in strata of {size}")
