"""Ranks, Friedman's test and Nemenyi's difference: published tables, scipy's example, brute force, simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import rankdata

from taskneurons.errors import InputError
from taskneurons.measures.ranks import critical_difference, nemenyi_quantile, rank_test

# Demšar 2006, Table 5 a, two-tailed Nemenyi test: methods -> q at 0.05 and at 0.10.
DEMSAR = {
    2: (1.960, 1.645), 3: (2.343, 2.052), 4: (2.569, 2.291), 5: (2.728, 2.459), 6: (2.850, 2.589), 7: (2.949, 2.693),
    8: (3.031, 2.780), 9: (3.102, 2.855), 10: (3.164, 2.920),
}  # fmt: skip


@pytest.mark.parametrize("methods", DEMSAR)
def test_quantiles_are_those_of_the_printed_table(methods):
    # The table was made from rounded quantiles of the range: its last digit is off by one in places.
    assert nemenyi_quantile(methods, 0.05) == pytest.approx(DEMSAR[methods][0], abs=0.0011)
    assert nemenyi_quantile(methods, 0.10) == pytest.approx(DEMSAR[methods][1], abs=0.0011)


def test_critical_difference_is_that_of_the_papers_example():
    """Demšar 2006, section 3.2.2: four classifiers on fourteen data sets, CD 1.25 at 0.05 and 1.12 at 0.10."""
    assert critical_difference(4, 14) == pytest.approx(1.25, abs=0.005)
    assert critical_difference(4, 14, alpha=0.10) == pytest.approx(1.12, abs=0.005)


def test_ranks_and_statistic_are_those_of_the_papers_example():
    """Demšar 2006, Table 6: AUC of C4.5 and three variants on fourteen data sets; chi-square 9.28."""
    scores = np.array([
        [0.763, 0.768, 0.771, 0.798], [0.599, 0.591, 0.590, 0.569], [0.954, 0.971, 0.968, 0.967],
        [0.628, 0.661, 0.654, 0.657], [0.882, 0.888, 0.886, 0.898], [0.936, 0.931, 0.916, 0.931],
        [0.661, 0.668, 0.609, 0.685], [0.583, 0.583, 0.563, 0.625], [0.775, 0.838, 0.866, 0.875],
        [1.000, 1.000, 1.000, 1.000], [0.940, 0.962, 0.965, 0.962], [0.619, 0.666, 0.614, 0.669],
        [0.972, 0.981, 0.9751, 0.975], [0.957, 0.978, 0.946, 0.970],
    ])  # fmt: skip
    test = rank_test(scores)
    assert test.ranks == pytest.approx((3.143, 2.000, 2.893, 1.964), abs=0.0005)
    # The paper's formula takes no account of ties: one row of four equal scores and three of two.
    plain = 12 * 14 / (4 * 5) * (sum(rank**2 for rank in test.ranks) - 4 * 25 / 4)
    assert plain == pytest.approx(9.28, abs=0.01)
    assert test.statistic == pytest.approx(plain / (1 - (4**3 - 4 + 3 * (2**3 - 2)) / (14 * (4**3 - 4))))
    assert test.p_value < 0.05


def test_the_test_is_that_of_scipys_example():
    """The example of scipy.stats.friedmanchisquare: three exercises, six people."""
    before, immediately, later = (
        [72, 96, 88, 92, 74, 76, 82],
        [120, 120, 132, 120, 101, 96, 112],
        [76, 95, 104, 96, 84, 72, 76],
    )
    test = rank_test(np.array([before, immediately, later], dtype=float).T)
    assert (test.statistic, test.p_value) == pytest.approx((10.571428571428577, 0.005063414171757498))


@given(st.integers(1, 6), st.integers(3, 7), st.randoms(use_true_random=False))
@settings(max_examples=50, deadline=None)
def test_ranks_are_scipys_and_move_with_their_methods(units, methods, random):
    scores = np.array([[random.randint(0, 5) for _ in range(methods)] for _ in range(units)], dtype=float)
    test = rank_test(scores)
    assert test.ranks == pytest.approx(rankdata(-scores, axis=1).mean(axis=0))
    assert sum(test.ranks) == pytest.approx(methods * (methods + 1) / 2)
    order = list(range(methods))
    random.shuffle(order)
    moved = rank_test(scores[:, order])
    assert moved.ranks == pytest.approx([test.ranks[place] for place in order])
    assert rank_test(scores[::-1]).ranks == pytest.approx(test.ranks)
    assert (moved.p_value is None) == (test.p_value is None)
    if test.p_value is not None:
        assert moved.p_value == pytest.approx(test.p_value)


def test_a_method_that_lacks_a_value_is_left_out():
    rng = np.random.default_rng(0)
    scores = rng.normal(size=(6, 5))
    holed = scores.copy()
    holed[2, 1] = np.nan
    test, without = rank_test(holed), rank_test(np.delete(scores, 1, axis=1))
    assert test.ranks[1] is None
    assert [rank for rank in test.ranks if rank is not None] == list(without.ranks)
    assert (test.methods, test.p_value, test.critical_difference) == (
        without.methods, without.p_value, without.critical_difference
    )  # fmt: skip


def test_scores_that_differ_by_rounding_alone_are_tied():
    test = rank_test(np.array([[0.1 + 0.2, 0.3, 0.0], [0.3, 0.1 + 0.2, 0.0]]))
    assert test.ranks == (1.5, 1.5, 3.0)


def test_the_level_holds_where_methods_do_not_differ():
    rng = np.random.default_rng(0)
    hits = sum(rank_test(rng.normal(size=(12, 4))).p_value <= 0.05 for _ in range(300))
    # Binomial: 15 expected, standard deviation 3.8.
    assert hits <= 27


@pytest.mark.parametrize(
    ("scores", "reason"),
    [
        (np.zeros((4, 2)), "2 methods, at least 3 are needed"),
        (np.arange(4.0)[None, :], "1 units, at least 2 are needed"),
        (np.ones((3, 4)), "all methods have equal scores in every unit"),
        (np.full((3, 4), np.nan), "0 methods, at least 3 are needed"),
        (np.zeros((0, 4)), "0 methods, at least 3 are needed"),
    ],
)
def test_what_cannot_be_tested_says_why(scores, reason):
    test = rank_test(scores)
    assert (test.available, test.p_value, test.reason) == (False, None, reason)
    assert len(test.ranks) == scores.shape[1]


def test_mistakes_are_refused():
    with pytest.raises(InputError, match="alpha is 1"):
        rank_test(np.random.default_rng(0).normal(size=(3, 3)), alpha=1)
    with pytest.raises(InputError, match="no critical difference of 1 methods"):
        critical_difference(1, 5)
