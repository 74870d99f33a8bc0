"""Intervals agree with scipy, and say what they are over."""

import pytest
from scipy import stats

from taskneurons.evidence.intervals import stated


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
