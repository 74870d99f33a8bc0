"""What specifications find, from numbers that were made by hand; shares of variance against scipy and by algebra."""

from dataclasses import replace
from itertools import product

import numpy as np
import pytest
from made_up_multiverse import PATTERN, rows
from scipy import stats

from taskneurons.studies.multiverse.rows import MEASURED
from taskneurons.studies.multiverse.tables import (
    explain_choices,
    level_means,
    sum_of_squares,
    summarise_multiverse,
)


def test_a_difference_is_own_less_control_paired_by_task_with_its_t_interval():
    found, _ = summarise_multiverse(rows(), health=10, pattern=PATTERN)
    assert [(one.rank, one.percent) for one in found] == [(1, 1), (2, 1), (3, 10), (4, 10)]
    one = found[-1]
    differences = [9.3, 9.5, 9.7]
    half = stats.t.ppf(0.975, 2) * stats.sem(differences)
    assert (one.difference, one.low, one.high) == pytest.approx((9.5, 9.5 - half, 9.5 + half))
    assert (one.classification, one.generation) == pytest.approx((9.4, 9.7))
    assert one.own == pytest.approx(one.control_effect + 9.5) and one.metric == "score"


def test_seeds_are_averaged_within_tasks():
    found, _ = summarise_multiverse([*rows(), *rows(seed=1)], health=10, pattern=PATTERN)
    assert {one.tasks for one in found} == {3}
    assert found[-1].difference == pytest.approx(9.55)


def test_the_pattern_needs_both_numbers_a_random_control_and_a_healthy_model():
    def patterns(given):
        found, curves = summarise_multiverse(given, health=10, pattern=PATTERN)
        of = {(one.percent, one.control): one.pattern for one in found}
        counted = {(one.control, one.healthy_only): one.pattern for one in curves}
        return of, counted

    of, counted = patterns(rows())
    assert of == {(10, "layer"): True, (1, "layer"): False, (10, "other_task"): None, (1, "other_task"): None}
    assert counted == {
        ("random", False): 1, ("random", True): 1, ("other_task", False): 0, ("other_task", True): 0,
    }  # fmt: skip
    # One task whose control breaks the model is enough.
    broken = [replace(one, control_rise=11.0) if one.test_task == "echo" else one for one in rows()]
    assert not any(patterns(broken)[0].values())
    # A random set that costs 4 points is not the paper's.
    costly = [replace(one, own=one.own - 2, control_value=one.control_value - 2) for one in rows()]
    assert not any(patterns(costly)[0].values())
    # A loss has no points.
    loss = [replace(one, metric="loss") for one in rows()]
    assert set(patterns(loss)[0].values()) == {None}


def test_the_joint_p_is_that_of_all_changes_of_sign_over_tasks():
    _, curves = summarise_multiverse(rows(), health=10, pattern=PATTERN)
    # All three tasks lose more without their own: one of 2^3 assignments is as large.
    assert {one.p_value for one in curves} == {1 / 8}
    harmed = [replace(one, own=99.0) if one.test_task == "mood" else one for one in rows()]
    _, curves = summarise_multiverse(harmed, health=10, pattern=PATTERN)
    assert min(one.p_value for one in curves) > 1 / 8


def test_shares_of_variance_are_those_of_an_analysis_of_variance():
    rng = np.random.default_rng(0)
    levels = list(product("abc", "xy", range(4)))
    values = rng.normal(size=len(levels)) + [2.0 * (one == "a") + (two == "x") for one, two, _ in levels]
    first, second = [one for one, _, _ in levels], [two for _, two, _ in levels]
    between, dimensions = sum_of_squares(values, [first])
    total = float(((values - values.mean()) ** 2).sum())
    groups = [values[[one == level for one in first]] for level in "abc"]
    f = stats.f_oneway(*groups).statistic
    assert dimensions == 2
    assert between / total == pytest.approx(f * 2 / (f * 2 + len(values) - 3))
    # In a crossed grid the choices together explain the sum of what each explains.
    both, dimensions = sum_of_squares(values, [first, second])
    assert (both, dimensions) == (pytest.approx(between + sum_of_squares(values, [second])[0]), 3)


def test_a_choice_that_decides_everything_explains_everything():
    found, _ = summarise_multiverse(rows(), health=10, pattern=PATTERN)
    shares = {(one.outcome, one.choice): one.eta_squared for one in explain_choices(found)}
    assert shares["difference", "percent"] == pytest.approx(1) and shares["difference", "control"] == pytest.approx(0)
    assert shares["difference", "all"] == pytest.approx(1)
    # What is the same for every control is counted once, and has no share.
    assert ("own", "control") not in shares and shares["neutral_rise", "all"] is None
    means = {(one.choice, one.level): one for one in level_means(found)}
    assert means["percent", "10"].difference == pytest.approx(9.5) and means["percent", "10"].specifications == 2
    assert [level for choice, level in means if choice == "percent"] == ["1", "10"]
    assert (means["control", "layer"].pattern, means["control", "other_task"].pattern) == (1, 0)


def test_rows_are_a_table(tmp_path):
    MEASURED.write(tmp_path / "rows.csv", rows())
    assert MEASURED.gather([tmp_path / "rows.csv"]) == MEASURED.sorted(rows())
