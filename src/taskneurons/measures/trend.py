"""Do responses rise with a level that was set? Permutation tests of a trend whose labels move inside blocks only.

A block holds units whose levels might as well have been permuted: the fine-tunings of one task with one
seed, each at its own share or overlap. A unit may be measured several times (once a test task); these stay together,
because one fine-tuning is behind them.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.measures.ranking import mean_ranks

Block = tuple[np.ndarray, np.ndarray]
"""Levels of the units (unit), and their responses (unit x measurement)."""
_EXACT_UP_TO = 50_000


@dataclass(frozen=True)
class Trend:
    """How responses go with the level.

    Attributes:
        units: of all blocks.
        value: the slope, or the mean rank correlation.
        low, high: limits of the slope's interval; None for a correlation, or where too few units are left.
        p_value: two-sided.
        permutations: labellings that make the null distribution.
        exact: whether they are all there are; else they are random draws and p = (1 + hits) / (1 + draws).
        reason: why nothing of this is available; empty when it is.
    """

    units: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    permutations: int = 0
    exact: bool = False
    reason: str = ""


def slope(blocks: Sequence[Block], *, level: float = 0.95, draws: int = 10_000, seed: int = 0) -> Trend:
    """Least-squares slope of the units' mean responses, every block with an intercept of its own.

    The interval is Student's, with one degree of freedom less for each block and the slope: it takes in the scatter of
    units about their block's line, and holds for these blocks.

    Args:
        blocks: levels and responses.
        level: of the interval.
        draws: random labellings, where all together are more than 50,000.
        seed: of those draws.

    Raises:
        InputError: arrays do not fit, or draws is below 1.
    """
    units = _checked(blocks, draws)
    if reason := _missing(blocks):
        return Trend(units, reason=reason)
    means = [responses.mean(axis=1) for _, responses in blocks]
    centred = [levels - levels.mean() for levels, _ in blocks]
    spread = sum(float((x**2).sum()) for x in centred)
    weights = [x / spread for x in centred]
    value = sum(float(w @ y) for w, y in zip(weights, means, strict=True))
    left = [y - y.mean() - value * x for x, y in zip(centred, means, strict=True)]
    freedom = units - len(blocks) - 1
    low = high = None
    if freedom > 0:
        # stdtrit is the quantile function behind scipy.stats.t, whose import would triple the start-up of a table job.
        from scipy.special import stdtrit

        error = math.sqrt(sum(float((r**2).sum()) for r in left) / freedom / spread)
        half = float(stdtrit(freedom, 0.5 + level / 2)) * error
        low, high = value - half, value + half
    return Trend(units, value, low, high, *_permuted(weights, means, value, draws, seed))


def rank_correlation(blocks: Sequence[Block], *, draws: int = 10_000, seed: int = 0) -> Trend:
    """Spearman's correlation of each measurement with the level inside its block, averaged over all of them.

    A measurement that is the same at every level counts as 0.

    Args, Raises: as `slope`; no interval.
    """
    units = _checked(blocks, draws)
    if reason := _missing(blocks):
        return Trend(units, reason=reason)
    series = sum(responses.shape[1] for _, responses in blocks)
    weights = [_standardised_ranks(levels) for levels, _ in blocks]
    ranks = [
        np.sum([_standardised_ranks(column) for column in responses.T], axis=0) / series for _, responses in blocks
    ]
    value = sum(float(w @ y) for w, y in zip(weights, ranks, strict=True))
    return Trend(units, value, None, None, *_permuted(weights, ranks, value, draws, seed))


def _permuted(
    weights: Sequence[np.ndarray], responses: Sequence[np.ndarray], observed: float, draws: int, seed: int
) -> tuple[float, int, bool]:
    """p-value, number of labellings, whether they are all."""
    exact = math.prod(map(_labellings, weights)) <= _EXACT_UP_TO
    if exact:
        null = np.zeros(1)
        for w, y in zip(weights, responses, strict=True):
            own = np.array([labels @ y for labels in _distinct(w)])
            null = (null[:, None] + own[None, :]).reshape(-1)
    else:
        rng = np.random.default_rng(seed)
        null = np.zeros(draws)
        for w, y in zip(weights, responses, strict=True):
            null += rng.permuted(np.tile(w, (draws, 1)), axis=1) @ y
    # Equal sums that are added in another order must count as equal.
    scale = sum(float(np.abs(w) @ np.abs(y)) for w, y in zip(weights, responses, strict=True))
    hits = int((np.abs(null) >= abs(observed) - 1e-9 * scale).sum())
    return (hits / len(null) if exact else (1 + hits) / (1 + len(null))), len(null), exact


def _labellings(values: Float[np.ndarray, " unit"]) -> int:
    _, counts = np.unique(values, return_counts=True)
    return math.factorial(len(values)) // math.prod(math.factorial(int(count)) for count in counts)


def _distinct(values: Float[np.ndarray, " unit"]) -> Iterator[np.ndarray]:
    """Every distinct order of the values."""
    levels, counts = np.unique(values, return_counts=True)

    def fill(order: np.ndarray, free: tuple[int, ...], place: int) -> Iterator[np.ndarray]:
        if place == len(levels):
            yield order.copy()
            return
        for chosen in combinations(free, int(counts[place])):
            order[list(chosen)] = levels[place]
            yield from fill(order, tuple(spot for spot in free if spot not in chosen), place + 1)

    yield from fill(np.empty(len(values)), tuple(range(len(values))), 0)


def _standardised_ranks(values: Float[np.ndarray, " unit"]) -> Float[np.ndarray, " unit"]:
    """Ranks, those of equal values averaged, with mean 0 and length 1; all 0 where the values are equal."""
    ranks = mean_ranks(values)
    centred = ranks - ranks.mean()
    length = float(np.linalg.norm(centred))
    scaled: np.ndarray = centred / length if length else centred
    return scaled


def _checked(blocks: Sequence[Block], draws: int) -> int:
    if draws < 1:
        raise InputError(f"a permutation test needs at least 1 draw, not {draws}")
    for levels, responses in blocks:
        if levels.ndim != 1 or responses.ndim != 2 or len(levels) != len(responses):
            raise InputError(f"levels of shape {levels.shape} do not fit responses of shape {responses.shape}")
    return sum(len(levels) for levels, _ in blocks)


def _missing(blocks: Sequence[Block]) -> str:
    if not blocks:
        return "nothing was measured"
    if any(len(np.unique(levels)) < 2 for levels, _ in blocks):
        return "one level, at least 2 are needed"
    missing = sum(int((~np.isfinite(responses)).sum()) for _, responses in blocks)
    return f"{missing} values are not available" if missing else ""
