"""Do a matrix of similarity and a matrix of transfer agree, training tasks x test tasks, or a handful of points?

The cells of a matrix share tasks, so they carry no more information than the tasks. Under the null hypothesis the
labels of the training tasks of one matrix may as well be permuted, and those of its test tasks: the Mantel test
(Mantel 1967) for two sets of tasks. With a nuisance it is a partial one (see `covariates`).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import permutations, product
from math import atanh, factorial, sqrt, tanh
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from taskneurons.errors import InputError
from taskneurons.measures.covariates import Covariates
from taskneurons.measures.ranking import mean_ranks

Coefficient = Literal["pearson", "spearman"]
MINIMUM_POINTS = 4
"""The standard error of Fisher's z is 1 / sqrt(n - 3)."""
_EXACT_UP_TO = 7
_CHUNK = 1 << 21
# Variance of Fisher's z times n - 3: 1 for Pearson's r; for Spearman's 1.06 (Fieller, Hartley & Pearson 1957).
_VARIANCE = {"pearson": 1.0, "spearman": 1.06}
_TWO_SIDED_95 = 1.959963984540054


@dataclass(frozen=True)
class Correlation:
    """The correlation of a few points.

    Attributes:
        n: points.
        value: of the coefficient.
        low, high: 95 % interval by Fisher's z; None for |r| = 1, where it has no width.
        p_value: two-sided, by permutation.
        permutations: orders that make the null distribution.
        exact: whether they are all there are; else random draws, p = (1 + hits) / (1 + draws).
        reason: why nothing of this is available; empty when it is.
    """

    n: int
    value: float | None = None
    low: float | None = None
    high: float | None = None
    p_value: float | None = None
    permutations: int = 0
    exact: bool = False
    reason: str = ""


def correlation(
    x: Sequence[float], y: Sequence[float], coefficient: Coefficient, *, draws: int = 10_000, seed: int = 0
) -> Correlation:
    """Correlate a few points, with an exact p-value up to 7 points and a 95 % interval.

    Args:
        x, y: the points.
        coefficient: Pearson's r, or Spearman's rank correlation (ranks of equal values averaged).
        draws: random orders above 7 points.
        seed: of those draws.

    Raises:
        InputError: lengths differ, or draws is below 1.
    """
    if len(x) != len(y) or draws < 1:
        raise InputError(f"a correlation of {len(x)} and {len(y)} values with {draws} draws")
    n = len(x)
    if n < MINIMUM_POINTS:
        return Correlation(n, reason=f"{n} points, at least {MINIMUM_POINTS} are needed")
    columns = [np.asarray(column, dtype=np.float64) for column in (x, y)]
    if not all(np.isfinite(column).all() for column in columns):
        return Correlation(n, reason="a value is not finite")
    one, other = (_unit(_form(column, coefficient)) for column in columns)
    if one is None or other is None:
        return Correlation(n, reason="all values of one side are equal")
    value = float(np.clip(one @ other, -1.0, 1.0))
    exact = n <= _EXACT_UP_TO
    orders = _orders(n, draws, seed)
    p_value = _p_value(np.abs(one[orders] @ other), abs(value), exact)
    low, high = fisher_interval(value, n, coefficient)
    return Correlation(n, value, low, high, p_value, len(orders), exact)


def selected_correlation(
    curves: Float[np.ndarray, "layer point"], y: Sequence[float], coefficient: Coefficient
) -> tuple[int, Correlation]:
    """The layer whose values correlate most with y, and its correlation with a p-value that pays for the choice.

    The p-value is that of the largest |correlation| of any layer: in each order of y the best layer is chosen again.
    There is no interval, since that of a chosen coefficient would be too narrow.

    Args:
        curves: one row a layer; rows that are not finite or constant cannot be chosen.
        y: one value a point, at most 7 points.

    Raises:
        InputError: other shapes, or too many points to enumerate.
    """
    curves, values = np.asarray(curves, dtype=np.float64), np.asarray(y, dtype=np.float64)
    n = len(values)
    if curves.ndim != 2 or curves.shape[1] != n or n > _EXACT_UP_TO:
        raise InputError(f"layers x points of shape {curves.shape} with {n} values, at most {_EXACT_UP_TO}")
    if n < MINIMUM_POINTS:
        return 0, Correlation(n, reason=f"{n} points, at least {MINIMUM_POINTS} are needed")
    target = _unit(_form(values, coefficient)) if np.isfinite(values).all() else None
    units = {
        layer: unit
        for layer, row in enumerate(curves)
        if np.isfinite(row).all() and (unit := _unit(_form(row, coefficient))) is not None
    }
    if target is None or not units:
        return 0, Correlation(n, reason="all values of one side are equal or missing")
    found = {layer: float(np.clip(unit @ target, -1.0, 1.0)) for layer, unit in units.items()}
    best = max(found, key=lambda layer: abs(found[layer]))
    orders = _all_orders(n)
    strongest = np.abs(np.stack(list(units.values())) @ target[orders].T).max(axis=0)
    p_value = _p_value(strongest, abs(found[best]), exact=True)
    return best, Correlation(n, found[best], None, None, p_value, len(orders), True)


def fisher_interval(value: float, n: int, coefficient: Coefficient) -> tuple[float | None, float | None]:
    """The 95 % interval of a correlation of n points by Fisher's z; (None, None) where it has none."""
    if n < MINIMUM_POINTS or abs(value) > 1 - 1e-12:
        return None, None
    half = _TWO_SIDED_95 * sqrt(_VARIANCE[coefficient] / (n - 3))
    return tanh(atanh(value) - half), tanh(atanh(value) + half)


@dataclass(frozen=True)
class CrossedTest:
    """The correlation of the cells of two training x test matrices.

    Attributes:
        rows, columns: training and test tasks.
        value: correlation of what the nuisance leaves of the cells.
        p_value: two-sided, by relabelling training and test tasks.
        permutations: labellings that make the null distribution.
        exact: whether they are all there are; else random draws, p = (1 + hits) / (1 + draws).
        reason: why nothing of this is available; empty when it is.
    """

    rows: int
    columns: int
    value: float | None = None
    p_value: float | None = None
    permutations: int = 0
    exact: bool = False
    reason: str = ""


def crossed_test(
    x: Float[np.ndarray, "row column"],
    y: Float[np.ndarray, "row column"],
    *,
    nuisance: Sequence[np.ndarray] = (),
    centred: bool = True,
    draws: int = 10_000,
    seed: int = 0,
) -> CrossedTest:
    """Permutation test of the correlation of two matrices, training tasks x test tasks.

    Each column is ranked by itself, so that scores of different metrics and difficulties can stand side by side.

    Args:
        x, y: the matrices, tasks in the same order.
        nuisance: matrices whose linear effect is taken out of both, and again of each relabelled one, say which tasks
            are of one kind.
        centred: take out the mean of each row and column as well: a training task that helps everywhere, or a test
            task that is like everything, then counts for nothing.
        draws: random labellings where all would be more.
        seed: of those draws.

    Raises:
        InputError: shapes differ, or draws is below 1.
    """
    x, y = (np.asarray(matrix, dtype=np.float64) for matrix in (x, y))
    if x.ndim != 2 or any(np.shape(one) != x.shape for one in (y, *nuisance)) or draws < 1:
        shapes = [np.shape(one) for one in (x, y, *nuisance)]
        raise InputError(f"the crossed test needs matrices of one shape and draws, not {shapes} and {draws}")
    rows, columns = x.shape
    if min(rows, columns) < 3:
        return CrossedTest(rows, columns, reason=f"{rows} x {columns} tasks, at least 3 x 3 are needed")
    missing = int((~np.isfinite(x) | ~np.isfinite(y)).sum())
    if missing:
        return CrossedTest(rows, columns, reason=f"{missing} of {x.size} pairs of tasks are not available")
    covariates = _covariates(rows, columns, nuisance, centred)
    sides = []
    for matrix in (x, y):
        ranked = np.stack([mean_ranks(column) for column in matrix.T], axis=1).ravel()
        left = covariates.without(ranked)
        length = float(np.linalg.norm(left))
        if length <= 1e-9 * x.size:
            within = "given the nuisance and the means of tasks" if nuisance or centred else "in each column"
            return CrossedTest(rows, columns, reason=f"all pairs of tasks are equal, {within}")
        sides.append(left / length)
    first, second = sides
    observed = float(first @ second)
    labels = _labellings(rows, columns, draws, seed)
    hits, count, exact = 0, len(labels.rows), labels.exact
    step = max(1, _CHUNK // x.size)
    for begin in range(0, count, step):
        part = slice(begin, begin + step)
        # Equal correlations that are summed in another order must count as equal.
        places = labels.rows[part][:, :, None] * columns + labels.columns[part][:, None, :]
        null = np.abs(covariates.correlations(first[places.reshape(-1, x.size)], second))
        hits += int((null >= abs(observed) - 1e-12).sum())
    p_value = hits / count if exact else (1 + hits) / (1 + count)
    return CrossedTest(rows, columns, observed, p_value, count, exact)


@dataclass(frozen=True)
class _Labellings:
    rows: Int[np.ndarray, "labelling row"]
    columns: Int[np.ndarray, "labelling column"]
    exact: bool


def _labellings(rows: int, columns: int, draws: int, seed: int) -> _Labellings:
    if factorial(rows) * factorial(columns) <= draws:
        both = list(product(permutations(range(rows)), permutations(range(columns))))
        return _Labellings(np.array([one for one, _ in both]), np.array([other for _, other in both]), True)
    rng = np.random.default_rng(seed)
    one, other = (rng.permuted(np.tile(np.arange(count), (draws, 1)), axis=1) for count in (rows, columns))
    return _Labellings(one, other, False)


def _covariates(rows: int, columns: int, nuisance: Sequence[np.ndarray], centred: bool) -> Covariates:
    parts = [np.ones(rows * columns), *map(np.ravel, nuisance)]
    if centred:
        parts += [np.repeat(row, columns) for row in np.eye(rows)] + [
            np.tile(column, rows) for column in np.eye(columns)
        ]
    return Covariates(parts)


@cache
def _all_orders(n: int) -> Int[np.ndarray, "order point"]:
    return np.array(list(permutations(range(n))))


def _orders(n: int, draws: int, seed: int) -> Int[np.ndarray, "order point"]:
    if n <= _EXACT_UP_TO:
        return _all_orders(n)
    return np.random.default_rng(seed).permuted(np.tile(np.arange(n), (draws, 1)), axis=1)


def _p_value(null: Float[np.ndarray, " order"], observed: float, exact: bool) -> float:
    # Equal correlations that are summed in another order must count as equal.
    hits = int((null >= observed - 1e-12).sum())
    return hits / len(null) if exact else (1 + hits) / (1 + len(null))


def _form(values: Float[np.ndarray, " point"], coefficient: Coefficient) -> Float[np.ndarray, " point"]:
    forms: dict[str, Callable[[np.ndarray], np.ndarray]] = {"pearson": np.asarray, "spearman": mean_ranks}
    if coefficient not in forms:
        raise InputError(f"coefficients are {', '.join(forms)}, not {coefficient!r}")
    return forms[coefficient](values)


def _unit(values: Float[np.ndarray, " point"]) -> Float[np.ndarray, " point"] | None:
    """The values less their mean, at length 1; None where they are equal but for rounding."""
    left = values - values.mean()
    length = float(np.linalg.norm(left))
    return left / length if length > 1e-12 * float(np.abs(values).max()) * sqrt(len(values)) else None
