"""Curves say where own neurons are ahead, and leave aside every reading at the ceiling or at the floor."""

import math
from dataclasses import replace

import numpy as np
import pytest
from made_up_curves import BEST, CELLS, READINGS, SPEEDS, START, reading_rows, score, speed
from made_up_tasks import make_tasks
from made_up_trained import the

from taskneurons.errors import InputError
from taskneurons.studies.training.areas import advantage_rows, area_rows, steps_until
from taskneurons.studies.training.curves import curve_rows, groups
from taskneurons.studies.training.rows import ADVANTAGE, AREAS, CURVES

# Two classification tasks and one of generation.
TASKS = [make_tasks()[0], make_tasks()[2], make_tasks()[6]]
OWN = {"task": "mean_cls", "metric": "accuracy", "condition": "task"}


def made(**changes):
    return groups(reading_rows(TASKS, **changes), TASKS)


def test_a_difference_is_that_of_the_two_curves_at_this_reading() -> None:
    rows = curve_rows(made())
    for percent, rate in CELLS:
        for steps in READINGS:
            for against in ("random", "other_task", "sibling"):
                row = the(rows, **OWN, against=against, percent=percent, learning_rate=rate, steps=steps)
                of = [score("classification", speed(one, percent, rate), steps) for one in ("task", against)]
                assert (row.value, row.against_value) == pytest.approx(of)
                assert row.difference == pytest.approx(of[0] - of[1])
                assert (row.seeds, row.tasks) == (3, 2)
    lower = the(rows, **OWN | {"metric": "loss"}, against="random", percent=1, learning_rate=1e-3, steps=5)
    higher = the(rows, **OWN, against="random", percent=1, learning_rate=1e-3, steps=5)
    # Less loss is better: 40 points of score are one nat.
    assert lower.difference == pytest.approx(higher.difference / 40)


def test_intervals_are_over_seeds_and_pair_them() -> None:
    row = the(curve_rows(made(wobble=2.0)), **OWN, against="random", percent=1, learning_rate=1e-3, steps=40)
    # Differences of 0, 2 and 4 points beside the plain one: sd 2, t(0.975, 2) = 4.302653.
    assert row.high - row.difference == pytest.approx(4.302653 * 2 / math.sqrt(3), rel=1e-5)
    assert row.interval == "95 % t"


def test_a_reading_is_saturated_where_random_neurons_leave_nothing_and_unlearned_where_nothing_is_learned() -> None:
    found = curve_rows(made())
    best = max(score("classification", speed("full", 0, 1e-3), 40), score("classification", 0.4, 40))
    whole = best - START["classification"]
    for row in found:
        if row.task != "mean_cls" or row.metric != "accuracy":
            continue
        gained = {
            one: score("classification", speed(one, row.percent, row.learning_rate), row.steps) - 40
            for one in ("task", "random", "full")
        }
        assert row.room == pytest.approx(whole - gained["random"])
        assert row.saturated == (row.room <= whole / 10)
        assert row.unlearned == (max(gained["task"], gained["full"]) <= whole / 10)
        assert row.decides == (not row.saturated and not row.unlearned)
    states = {(row.saturated, row.unlearned) for row in found}
    # With three hundred-thousandths of the speed nothing has moved after five steps.
    slow = curve_rows(made(cells=((1.0, 1e-3), (1.0, 3e-8))))
    assert (False, True) in {(row.saturated, row.unlearned) for row in slow if row.learning_rate == 3e-8}
    assert {(True, False), (False, False)} <= states


def test_two_points_of_a_score_are_no_room() -> None:
    """Where a task starts three points below its best, a tenth of the range would be 0.3 points."""
    high = [replace(row, value=97 + row.value / 30) for row in reading_rows(TASKS[2:]) if row.metric == "rougeL"]
    rows = curve_rows(groups(high, TASKS))
    assert rows
    # 70 points of range became 2.3: nothing can gain more than two points before random neurons have.
    assert not any(row.decides and row.room <= 2 for row in rows)


def test_kinds_are_never_averaged_together() -> None:
    rows = curve_rows(made())
    assert {(row.kind, row.task) for row in rows if row.tasks > 1} == {("classification", "mean_cls")}
    with pytest.raises(InputError, match="has results but no description"):
        groups(reading_rows(TASKS), TASKS[1:])


def test_the_area_is_the_mean_height_by_trapezia() -> None:
    row = the(area_rows(made()), **OWN, against="random", percent=3, learning_rate=1e-3)
    x = [0, *READINGS]
    for name, area in (("task", row.area), ("random", row.against_area)):
        y = [score("classification", speed(name, 3, 1e-3), steps) for steps in x]
        assert area == pytest.approx(np.trapezoid(y, x) / 40)
    assert row.difference == pytest.approx(row.area - row.against_area)
    assert row.readings == 4
    assert row.target is None and row.saved is None


def test_steps_to_a_fixed_loss_are_those_of_the_curve_between_its_readings() -> None:
    row = the(area_rows(made()), **OWN | {"metric": "loss"}, against="random", percent=20, learning_rate=1e-3)
    half = BEST - (BEST - START["classification"]) / 2
    assert row.target == pytest.approx((100 - half) / 40, abs=1e-3)
    points = {
        name: [(steps, (100 - score("classification", speed(name, 20, 1e-3), steps)) / 40) for steps in (0, *READINGS)]
        for name in ("task", "random")
    }
    for name, steps in (("task", row.steps), ("random", row.against_steps)):
        falling = points[name][::-1]
        between = np.interp(row.target, [y for _, y in falling], [x for x, _ in falling])
        assert steps == pytest.approx(between)
    assert row.saved == pytest.approx(row.against_steps - row.steps)
    assert (row.reached, row.against_reached) == (100, 100)
    slow = the(area_rows(made()), **OWN | {"metric": "loss"}, against="random", percent=1, learning_rate=1e-3)
    # Random neurons of one percent are not half-way after forty steps.
    assert (slow.against_steps, slow.against_reached) == (40, 0)
    assert steps_until([(0, 3.0), (5, 1.0)], 2.0) == 2.5
    assert steps_until([(0, 1.0), (5, 2.0)], 1.5) == 0
    assert steps_until([(0, 3.0), (5, 2.5)], 2.0) is None


def test_the_advantage_is_the_mean_over_the_readings_that_decide() -> None:
    found = made(wobble=1.0)
    rows = curve_rows(found)
    for scope, chosen in (
        ("all", lambda row: True),
        ("share 3", lambda row: row.percent == 3),
        ("rate 0.001", lambda row: row.learning_rate == 1e-3),
        ("centre", lambda row: row.learning_rate == 1e-3),
    ):
        pairs = [row for row in rows if (row.task, row.metric) == ("mean_cls", "accuracy") and chosen(row)]
        deciding = [
            row.difference for row in pairs if row.against == "random" and row.condition == "task" and row.decides
        ]
        mine = {
            "kind": "classification",
            "metric": "accuracy",
            "scope": scope,
            "condition": "task",
            "against": "random",
        }
        advantages = advantage_rows(found, centre=1e-3)
        mean = the(advantages, **mine, seed="mean")
        assert 0 < len(deciding) <= mean.readings
        assert scope == "share 3" or len(deciding) < mean.readings
        assert mean.decided == len(deciding)
        assert mean.value == pytest.approx(np.mean(deciding))
        # Own neurons are one point better for each number of the seed.
        assert [the(advantages, **mine, seed=seed).value - mean.value for seed in (0, 1, 2)] == pytest.approx(
            [-1, 0, 1]
        )
        assert mean.high - mean.value == pytest.approx(4.302653 / math.sqrt(3), rel=1e-5)


def test_where_no_reading_decides_there_is_no_value_and_the_reason_is_given() -> None:
    fast = dict.fromkeys(SPEEDS, 5.0)
    rows = [row for row in advantage_rows(made(speeds=fast), centre=1e-3) if row.kind == "classification"]
    assert rows
    assert {(row.seed, row.value, row.reason) for row in rows} == {
        ("mean", None, "every reading is saturated or unlearned")
    }


def test_what_one_seed_alone_reaches_is_not_the_best() -> None:
    """A training that diverged in two seeds of three, and was best in the third, sets no ceiling for all."""
    rows = reading_rows(TASKS)
    lucky = [
        replace(row, value=99.0) if row.condition == "full" and row.seed == 0 and row.metric != "loss" else row
        for row in rows
        if not (row.condition == "full" and row.seed != 0)
    ]
    without = [row for row in rows if row.condition != "full"]
    best = {(one.name, one.metric): [member.best for member in one.members] for one in groups(lucky, TASKS)}
    assert best == {(one.name, one.metric): [m.best for m in one.members] for one in groups(without, TASKS)}


def test_a_training_that_diverged_is_left_out(tmp_path) -> None:
    rows = reading_rows(TASKS)
    some = [row for row in rows if not (row.condition == "sibling" and row.seed == 1)]
    some = [row for row in some if not (row.condition == "full" and row.learning_rate == 3e-4)]
    found = groups(some, TASKS)
    curves = curve_rows(found)
    assert the(curves, **OWN, against="sibling", percent=3, learning_rate=1e-3, steps=5).seeds == 2
    assert not [row for row in curves if row.condition == "full" and row.learning_rate == 3e-4]
    for table, made_of in (
        (CURVES, curves),
        (AREAS, area_rows(found)),
        (ADVANTAGE, advantage_rows(found, centre=1e-3)),
    ):
        table.write(tmp_path / "table.csv", made_of)
        assert table.read(tmp_path / "table.csv") == made_of
