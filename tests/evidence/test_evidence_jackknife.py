"""Intervals of means over pairs of tasks cover what they say, where intervals of the tasks' means do not."""

from itertools import combinations, product
from statistics import fmean

import numpy as np
import pytest
from scipy import stats

from taskneurons.evidence.intervals import jackknife_interval
from taskneurons.measures.stats import t_interval

TASKS = [f"task{number:02}" for number in range(12)]
DESIGNS = {
    "all": list(combinations(TASKS, 2)),
    "other_kind": list(product(TASKS[:6], TASKS[6:])),
    # Six families of two, three in a kind: pairs of one kind that are of two families.
    "same_kind": [(a, b) for a, b in combinations(TASKS, 2) for i, j in [(TASKS.index(a), TASKS.index(b))]
                  if i // 6 == j // 6 and i // 2 != j // 2],
}  # fmt: skip


def draw(pairs, rng, noise):
    """Y_ij = a_i + a_j + e_ij, whose mean is 0."""
    part = dict(zip(TASKS, rng.normal(size=len(TASKS)), strict=True))
    return {(a, b): part[a] + part[b] + noise * rng.normal() for a, b in pairs}


@pytest.mark.parametrize("noise", [0.3, 1.0])
@pytest.mark.parametrize("design", DESIGNS)
def test_the_interval_covers_what_it_says_and_means_of_tasks_do_not(design, noise):
    rng = np.random.default_rng(7)
    covered, narrow = [], []
    for _ in range(600):
        pairs = draw(DESIGNS[design], rng, noise)
        interval = jackknife_interval(pairs, {task: task for task in TASKS})
        assert interval.mean == pytest.approx(fmean(pairs.values()))
        covered.append(interval.low < 0 < interval.high)
        plain = t_interval([fmean(value for pair, value in pairs.items() if task in pair) for task in TASKS])
        narrow.append(plain.low < 0 < plain.high)
    # Two standard errors of 600 draws at 95 % are 1.8 points.
    assert 0.93 <= fmean(covered) <= 0.99
    assert fmean(narrow) < 0.85


def test_families_of_equally_many_pairs_are_one_value_each():
    rng = np.random.default_rng(1)
    units = {task: str(number // 3) for number, task in enumerate(TASKS)}
    pairs = {pair: rng.normal() for pair in combinations(TASKS, 2) if units[pair[0]] == units[pair[1]]}
    interval = jackknife_interval(pairs, units)
    means = [fmean(value for pair, value in pairs.items() if units[pair[0]] == unit) for unit in "0123"]
    expected = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (interval.n, interval.low, interval.high) == pytest.approx((4, expected.low, expected.high))


def test_too_few_units_say_so():
    units = {task: task for task in TASKS}
    alone = jackknife_interval({("task00", "task01"): 3.0}, units)
    assert (alone.mean, alone.low, alone.reason) == (3.0, None, "without one of 2 units no pair is left")
    two = {("task00", "task01"): 3.0, ("task02", "task03"): 4.0}
    families = dict(zip(TASKS[:4], "aabb", strict=True))
    assert jackknife_interval(two, families).reason == "2 seeds, at least 3 are needed"
    assert jackknife_interval({}, units).mean is None
