"""Intervals and tests against scipy, brute force and simulation; what cannot be computed says why."""

from itertools import permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.measures.stats import benjamini_hochberg, diagonal_test, holm, paired_difference, t_interval

finite = st.floats(-1e3, 1e3).map(lambda x: round(x, 3))


@given(st.lists(finite, min_size=3, max_size=8).filter(lambda v: np.ptp(v) > 0), st.floats(0.5, 0.999))
def test_t_interval_equals_scipy(values: list[float], level: float) -> None:
    result = t_interval(values, level)
    low, high = stats.ttest_1samp(values, 0).confidence_interval(level)
    assert result.available
    assert (result.low, result.mean, result.high) == pytest.approx((low, np.mean(values), high), abs=1e-6)


@pytest.mark.parametrize("n", [3, 5])
def test_t_interval_covers_as_often_as_it_says(n: int) -> None:
    rng = np.random.default_rng(0)
    results = [t_interval(rng.normal(7, 2, n)) for _ in range(4000)]
    hits = sum(r.low <= 7 <= r.high for r in results)
    # Binomial standard error is 0.34 points.
    assert hits / len(results) == pytest.approx(0.95, abs=0.014)


@pytest.mark.parametrize(
    ("values", "mean", "reason"),
    [
        ([], None, "0 seeds, at least 3 are needed"),
        ([1.0], 1.0, "1 seeds, at least 3 are needed"),
        ([1.0, 2.0], 1.5, "2 seeds, at least 3 are needed"),
        ([4.0, 4.0, 4.0], 4.0, "all 3 values are equal"),
        ([91.2 - 90, 1.2, 1.2], 1.2, "all 3 values are equal"),
        ([0.0, 0.0, 0.0], 0.0, "all 3 values are equal"),
        ([1.0, float("nan"), 2.0], None, "1 of 3 values are not finite"),
        ([1.0, float("inf"), float("nan")], None, "2 of 3 values are not finite"),
    ],
)
def test_interval_that_cannot_be_computed_says_why(values: list[float], mean: float | None, reason: str) -> None:
    result = t_interval(values)
    assert not result.available
    assert (result.low, result.high, result.reason) == (None, None, reason)
    assert result.mean == (None if mean is None else pytest.approx(mean))


@pytest.mark.parametrize("level", [0, 1, 95])
def test_level_outside_its_range_is_refused(level: float) -> None:
    with pytest.raises(InputError, match="between 0 and 1"):
        t_interval([1, 2, 3], level)


def test_paired_difference_uses_the_shared_seeds_only() -> None:
    result = paired_difference({0: 90, 1: 91, 2: 95, 7: 1}, {2: 70, 1: 60, 0: 65, 9: 5})
    expected = stats.ttest_rel([90, 91, 95], [65, 60, 70]).confidence_interval()
    assert (result.n, result.low, result.high) == pytest.approx((3, expected.low, expected.high))
    assert paired_difference({0: 1.0, 1: 2.0}, {1: 1.0, 2: 0.0}).reason == "1 seeds, at least 3 are needed"


def brute_force_p(matrix: np.ndarray) -> float:
    n = len(matrix)
    off = ~np.eye(n, dtype=bool)
    observed = np.diagonal(matrix).mean() - matrix[off].mean()
    null = []
    for order in permutations(range(n)):
        shuffled = matrix[list(order)]
        null.append(np.diagonal(shuffled).mean() - shuffled[off].mean())
    return float(np.mean(np.array(null) >= observed - 1e-9))


# Small whole numbers, so that ties between permutations are common.
@given(st.integers(2, 5).flatmap(lambda n: arrays(np.int8, (n, n), elements=st.integers(0, 4))))
@settings(max_examples=60, deadline=None)
def test_exact_test_equals_a_brute_force_enumeration(matrix: np.ndarray) -> None:
    result = diagonal_test(matrix.astype(float))
    if np.ptp(matrix) == 0:
        assert result.reason == "all entries are equal"
        return
    n = len(matrix)
    assert result.exact
    assert result.p_value == pytest.approx(brute_force_p(matrix.astype(float)))
    assert result.diagonal == pytest.approx(np.trace(matrix) / n)
    assert result.off_diagonal == pytest.approx(matrix[~np.eye(n, dtype=bool)].mean())
    assert result.statistic == pytest.approx(result.diagonal - result.off_diagonal)


def test_p_values_are_uniform_under_the_null() -> None:
    rng = np.random.default_rng(0)
    # Columns may differ in level and spread: only the row labels are exchangeable.
    level, spread = rng.normal(20, 10, 5), rng.uniform(0.5, 4, 5)
    p_values = np.array([diagonal_test(level + spread * rng.standard_t(3, (5, 5))).p_value for _ in range(1500)])
    assert stats.kstest(p_values, "uniform").pvalue > 1e-3
    for alpha in (0.05, 0.2):
        assert (p_values <= alpha).mean() == pytest.approx(alpha, abs=4 * np.sqrt(alpha / 1500))


def test_random_draws_agree_with_the_enumeration_and_never_give_zero() -> None:
    matrix = np.random.default_rng(1).normal(size=(9, 9)) + 0.3 * np.eye(9)
    sampled = diagonal_test(matrix)
    assert (sampled.exact, sampled.permutations) == (False, 10_000)
    orders = np.array(list(permutations(range(9))))
    exact = (matrix[orders, np.arange(9)].sum(axis=1) >= np.trace(matrix)).mean()
    assert sampled.p_value == pytest.approx(exact, abs=4 * np.sqrt(exact * (1 - exact) / 10_000))
    assert diagonal_test(matrix) == sampled
    assert diagonal_test(100 * np.eye(12)).p_value == pytest.approx(1 / 10_001)
    assert diagonal_test(np.eye(8)).permutations == 40_320


def test_clear_diagonal_has_the_smallest_p_and_all_maxima() -> None:
    result = diagonal_test(np.full((6, 6), 3.0) + 40 * np.eye(6))
    assert result.p_value == pytest.approx(1 / 720)
    assert (result.rows_largest, result.columns_largest) == (1, 1)


def test_maxima_count_rows_and_columns_apart_and_ties_do_not_count() -> None:
    matrix = np.array([[5.0, 1, 0], [7, 6, 0], [0, 2, 2]])
    result = diagonal_test(matrix)
    # Row 0 only (row 1 has 7 off the diagonal, row 2 a tie); columns 1 and 2 (column 0 has 7 below the diagonal).
    assert (result.rows_largest, result.columns_largest) == pytest.approx((1 / 3, 2 / 3))


@pytest.mark.parametrize(
    ("matrix", "reason"),
    [
        (np.zeros((0, 0)), "0 tasks, at least 2 are needed"),
        (np.ones((1, 1)), "1 tasks, at least 2 are needed"),
        (np.full((4, 4), 2.5), "all entries are equal"),
        (np.array([[1.0, np.nan], [np.inf, 2]]), "2 of 4 entries are not finite"),
    ],
)
def test_matrix_without_a_test_says_why(matrix: np.ndarray, reason: str) -> None:
    result = diagonal_test(matrix)
    assert not result.available
    assert (result.p_value, result.statistic, result.reason) == (None, None, reason)


def test_bad_arguments_of_the_diagonal_test_are_refused() -> None:
    with pytest.raises(InputError, match="square"):
        diagonal_test(np.ones((2, 3)))
    with pytest.raises(InputError, match="at least 1 draw"):
        diagonal_test(np.eye(9), draws=0)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=8))
def test_adjusted_p_values_follow_their_definitions(p: list[float]) -> None:
    m = len(p)
    # Closed form: Holm's p_i is the largest (m - #smaller ranks) * p_j over the ranks up to i's.
    ranked = sorted(range(m), key=lambda i: p[i])
    for place, i in enumerate(ranked):
        assert holm(p)[i] == pytest.approx(min(1, max((m - k) * p[ranked[k]] for k in range(place + 1))))
        assert benjamini_hochberg(p)[i] == pytest.approx(
            min(1, min(m / (k + 1) * p[ranked[k]] for k in range(place, m)))
        )
    # Bonferroni is never more liberal than Holm, Holm never more liberal than BH.
    assert all(a <= b + 1e-12 for a, b in zip(holm(p), [min(1, m * x) for x in p], strict=True))
    assert all(a <= b + 1e-12 for a, b in zip(benjamini_hochberg(p), holm(p), strict=True))


def test_holm_by_hand() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([]) == benjamini_hochberg([]) == []


@pytest.mark.parametrize("adjust", [holm, benjamini_hochberg])
@pytest.mark.parametrize("p", [-0.1, 1.1, float("nan")])
def test_impossible_p_values_are_refused(adjust, p: float) -> None:
    with pytest.raises(InputError, match="p-value 1"):
        adjust([0.5, p])
