"""Intervals over seeds, the permutation test of a matrix's diagonal, and adjusted p-values.

A result that cannot be computed says so: `available` is false and `reason` tells why. Nothing weaker is put in its
place.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import permutations

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError

MINIMUM_SEEDS = 3
_EXACT_UP_TO = 8


@dataclass(frozen=True)
class Interval:
    """A mean with its two-sided t interval.

    Args:
        n: number of values.
        mean: their mean; None when there is no value or one is not finite.
        low, high: limits of the interval; None when it is not available.
        reason: why it is not available; empty when it is.
    """

    n: int
    mean: float | None
    low: float | None
    high: float | None
    reason: str = ""

    @property
    def available(self) -> bool:
        """Whether the interval has limits."""
        return not self.reason


@dataclass(frozen=True)
class DiagonalTest:
    """How far the diagonal of a task x task matrix stands out.

    Args:
        tasks: number of rows, which is the number of columns.
        diagonal, off_diagonal: mean of the entries on and off the diagonal.
        statistic: diagonal - off_diagonal.
        p_value: one-sided.
        permutations: how many label permutations make the null distribution.
        exact: whether they are all there are; else they are random draws and p = (1 + hits) / (1 + draws).
        rows_largest, columns_largest: share of rows (columns), in [0, 1], whose diagonal entry is larger than every
            other.
        reason: why nothing of this is available; empty when it is.
    """

    tasks: int
    diagonal: float | None = None
    off_diagonal: float | None = None
    statistic: float | None = None
    p_value: float | None = None
    permutations: int = 0
    exact: bool = False
    rows_largest: float | None = None
    columns_largest: float | None = None
    reason: str = ""

    @property
    def available(self) -> bool:
        """Whether the test could be made."""
        return not self.reason


def t_interval(values: Sequence[float], level: float = 0.95) -> Interval:
    """Mean and two-sided Student t interval of independent values, one a seed.

    It needs three finite values that are not all equal; a bootstrap over so few would cover far less than it says.

    Raises:
        InputError: the level is not in (0, 1).
    """
    if not 0 < level < 1:
        raise InputError(f"the level of an interval is {level}; it must lie between 0 and 1")
    array = np.asarray(values, dtype=np.float64)
    n = array.size
    if n and not np.isfinite(array).all():
        return Interval(n, None, None, None, f"{int((~np.isfinite(array)).sum())} of {n} values are not finite")
    mean = float(array.mean()) if n else None
    if n < MINIMUM_SEEDS:
        return Interval(n, mean, None, None, f"{n} seeds, at least {MINIMUM_SEEDS} are needed")
    if _constant(array):
        return Interval(n, mean, None, None, f"all {n} values are equal")
    # stdtrit is the quantile function behind scipy.stats.t, whose import would triple the start-up of a table job.
    from scipy.special import stdtrit

    half = float(stdtrit(n - 1, 0.5 + level / 2)) * float(array.std(ddof=1)) / math.sqrt(n)
    centre = float(array.mean())
    return Interval(n, centre, centre - half, centre + half)


def paired_difference(first: Mapping[int, float], second: Mapping[int, float], level: float = 0.95) -> Interval:
    """The t interval of first - second over the seeds that both have.

    Args:
        first, second: a value for each seed.
    """
    shared = sorted(first.keys() & second.keys())
    return t_interval([first[seed] - second[seed] for seed in shared], level)


def diagonal_test(matrix: Float[np.ndarray, "row column"], *, draws: int = 10_000, seed: int = 0) -> DiagonalTest:
    """Permutation test of mean(diagonal) > mean(off-diagonal).

    Under the null hypothesis it does not matter which task's neurons were deactivated: the row labels are exchangeable
    against the column labels, rows kept whole. Up to 8 tasks all permutations are enumerated, so p is a multiple of
    1 / n! and never 0; above, `draws` random ones are drawn and the observed labelling is counted as one more.

    Args:
        matrix: drops, rows = whose neurons are deactivated, columns = the tested task, in the same order.
        draws: random permutations above 8 tasks.
        seed: of those draws.

    Raises:
        InputError: the matrix is not square, or draws is below 1.
    """
    matrix = np.asarray(matrix, dtype=np.float64)
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1]:
        raise InputError(f"the diagonal test needs a square matrix, not shape {matrix.shape}")
    if draws < 1:
        raise InputError(f"the diagonal test needs at least 1 draw, not {draws}")
    n = matrix.shape[0]
    if n < 2:
        return DiagonalTest(n, reason=f"{n} tasks, at least 2 are needed")
    if not np.isfinite(matrix).all():
        return DiagonalTest(n, reason=f"{int((~np.isfinite(matrix)).sum())} of {n * n} entries are not finite")
    if _constant(matrix):
        return DiagonalTest(n, reason="all entries are equal")

    exact = n <= _EXACT_UP_TO
    if exact:
        orders = np.array(list(permutations(range(n))))
    else:
        rng = np.random.default_rng(seed)
        orders = rng.permuted(np.tile(np.arange(n), (draws, 1)), axis=1)
    # The sum of all entries is fixed, so the statistic grows with the trace alone.
    traces = matrix[np.arange(n), orders].sum(axis=1)
    trace = float(np.trace(matrix))
    # Equal traces that are summed in another order must count as equal.
    tolerance = 1e-9 * float(np.abs(matrix).sum())
    hits = int((traces >= trace - tolerance).sum())
    diagonal = trace / n
    off_diagonal = (float(matrix.sum()) - trace) / (n * n - n)
    others = matrix.copy()
    np.fill_diagonal(others, -np.inf)
    own = np.diagonal(matrix)
    return DiagonalTest(
        tasks=n,
        diagonal=diagonal,
        off_diagonal=off_diagonal,
        statistic=diagonal - off_diagonal,
        p_value=hits / len(orders) if exact else (1 + hits) / (1 + len(orders)),
        permutations=len(orders),
        exact=exact,
        rows_largest=float((own > others.max(axis=1)).mean()),
        columns_largest=float((own > others.max(axis=0)).mean()),
    )


def benjamini_hochberg(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted to control the false discovery rate (Benjamini & Hochberg 1995), in the given order.

    Raises:
        InputError: a p-value lies outside [0, 1] or is NaN.
    """
    _check_p_values(p_values)
    if not p_values:
        return []
    from scipy.stats import false_discovery_control

    return [float(p) for p in false_discovery_control(p_values, method="bh")]


def holm(p_values: Sequence[float]) -> list[float]:
    """p-values adjusted to control the family-wise error rate (Holm 1979), in the given order.

    Raises:
        InputError: as `benjamini_hochberg`.
    """
    _check_p_values(p_values)
    array = np.asarray(p_values, dtype=np.float64)
    order = np.argsort(array, kind="stable")
    steps = array[order] * np.arange(array.size, 0, -1)
    adjusted = np.empty_like(array)
    adjusted[order] = np.minimum(np.maximum.accumulate(steps), 1.0)
    return [float(p) for p in adjusted]


def _constant(values: np.ndarray) -> bool:
    """Whether the values are equal but for the rounding of differences."""
    return float(np.ptp(values)) <= 1e-12 * float(np.abs(values).max())


def _check_p_values(p_values: Sequence[float]) -> None:
    for number, p in enumerate(p_values):
        if not 0 <= p <= 1:
            raise InputError(f"p-value {number} is {p}; it must lie between 0 and 1")


def sign_flip_p(differences: Float[np.ndarray, " pair"], *, most: int = 4096) -> float | None:
    """One-sided p that differences of exchangeable pairs are as large as these, from all changes of their signs.

    If the two members of each pair are exchangeable, each difference is as likely to have the other sign. p is the
    share of the assignments of signs whose sum is at least the observed one; the observed assignment is among them.

    Args:
        differences: one a pair.
        most: assignments; where there are more, as many are drawn, always the same ones.

    Returns:
        None without pairs.
    """
    pairs = len(differences)
    if pairs == 0:
        return None
    if 2**pairs <= most:
        signs = 1 - 2 * ((np.arange(2**pairs)[:, None] >> np.arange(pairs)) & 1)
    else:
        drawn = np.random.default_rng(0).integers(0, 2, (most - 1, pairs))
        signs = np.concatenate([np.ones((1, pairs), int), 1 - 2 * drawn])
    sums = signs @ differences
    # Sums that are equal but for rounding count as equal.
    return float(np.mean(sums >= sums[0] - 1e-9 * max(1.0, float(np.abs(differences).sum()))))
