"""Intervals and the signed-rank test agree with scipy, and say what they are over."""

import numpy as np
import pytest
from scipy import stats

from taskneurons.evidence.intervals import signed_rank, stated


def test_signed_rank_is_exact_with_ties_and_zeros() -> None:
    rng = np.random.default_rng(0)
    for size in (5, 6, 12):
        values = rng.normal(0.4, 1, size).tolist()
        assert signed_rank(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)
    # Ranks 1.5, 1.5, 3, 4: every one of 16 signs by hand.
    ranks, values = np.array([1.5, 1.5, 3, 4]), [1.0, 1.0, 2.0, -3.0]
    signs = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, -1)
    sums = ranks @ signs
    observed = 6.0
    assert signed_rank(values) == pytest.approx(min(1, 2 * min(np.mean(sums >= observed), np.mean(sums <= observed))))
    with_zero = stats.wilcoxon([0.0, *values], method=stats.PermutationMethod(rng=0))
    assert signed_rank([0.0, *values]) == with_zero.pvalue
    assert signed_rank([0.0, 0.0, 1e-12]) is None
    many = rng.normal(0.3, 1, 20)
    assert signed_rank(many.tolist()) == pytest.approx(stats.wilcoxon(many).pvalue)


def test_intervals_say_what_they_are_over() -> None:
    three = stated([{0: 1.0, 1: 2.0, 2: 4.0}, {0: 3.0, 1: 5.0, 2: 6.0}])
    low, high = stats.ttest_1samp([2.0, 3.5, 5.0], 0).confidence_interval(0.95)
    assert (three.mean, three.low, three.high) == pytest.approx((3.5, low, high))
    assert three.interval == "95 % t"
    # Only seeds that every task has.
    partly = stated([{0: 1.0, 1: 2.0, 2: 4.0}, {0: 3.0, 1: 5.0}, {0: 2.0, 1: 2.0}])
    low, high = stats.ttest_1samp([1.5, 4.0, 2.0], 0).confidence_interval(0.95)
    assert (partly.mean, partly.low, partly.high) == pytest.approx((2.5, low, high))
    assert partly.interval == "95 % t over tasks as if independent"
    assert stated([{0: 1.0}, {0: 2.0}]).interval == "not available: 2 tasks, at least 3 are needed"
    assert stated([]).mean is None
    assert stated([{0: 1.0}, {1: 2.0}]).interval == "not available: 0 seeds, at least 3 are needed"
