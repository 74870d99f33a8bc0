"""Summaries agree with scipy and pandas, recover effects of known size, and say what is missing."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_measurements import make_rows
from made_up_tasks import make_tasks
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.studies.deactivation.rows import SUMMARY, SummaryRow
from taskneurons.studies.deactivation.summary import summarise_deactivation

TASKS = make_tasks()


def the(rows: list[SummaryRow], **cells) -> SummaryRow:
    (found,) = [row for row in rows if all(getattr(row, name) == value for name, value in cells.items())]
    return found


def test_summary_equals_pandas_and_scipy() -> None:
    rows = make_rows(TASKS)
    summary = summarise_deactivation(rows, TASKS)
    frame = pd.DataFrame(rows)
    for condition in ("bottom", "random", "other_task", "task"):
        for task, metric in (("sentiment_food", "accuracy"), ("summary_news", "rougeL"), ("nli_place", "loss")):
            of_task = frame[(frame.test_task == task) & (frame.metric == metric)]
            values = of_task[of_task.condition == condition].groupby("seed").value.mean()
            original = of_task[of_task.condition == "original"].set_index("seed").value
            drops = (values - original) if metric == "loss" else (original - values)
            row = the(summary, condition=condition, task=task, metric=metric)
            for limits, numbers in (((row.low, row.high), values), ((row.drop_low, row.drop_high), drops)):
                interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
                assert limits == pytest.approx((interval.low, interval.high))
            assert (row.value, row.drop) == pytest.approx((values.mean(), drops.mean()))
            assert (row.seeds, row.interval, row.drop_interval, row.n) == (3, "95 % t", "95 % t", 500)
    random = the(summary, condition="random", task="nli_place", metric="accuracy")
    draws = frame[(frame.test_task == "nli_place") & (frame.metric == "accuracy") & (frame.condition == "random")]
    assert random.draws == 5
    assert random.draw_sd == pytest.approx(draws.groupby("seed").value.std().mean())


def test_averages_are_made_within_seeds() -> None:
    rows = make_rows(TASKS)
    summary = summarise_deactivation(rows, TASKS)
    frame = pd.DataFrame(rows)
    chosen = frame[(frame.metric == "accuracy") & (frame.condition == "task")]
    row = the(summary, task="mean_cls", condition="task", metric="accuracy")
    per_seed = chosen.groupby("seed").value.mean()
    assert row.value == pytest.approx(per_seed.mean())
    assert row.low == pytest.approx(stats.ttest_1samp(per_seed, 0).confidence_interval(0.95).low)
    assert row.drop == pytest.approx(45, abs=1)
    assert row.n == 3000
    random = the(summary, task="mean_gen", condition="random", metric="rougeL")
    assert random.drop == pytest.approx(1, abs=1)
    draws = frame[(frame.metric == "rougeL") & (frame.condition == "random")].groupby(["seed", "draw"]).value.mean()
    assert random.draw_sd == pytest.approx(draws.groupby("seed").std().mean())
    assert {row.metric for row in summary if row.task == "mean_cls"} == {"accuracy", "loss"}


def test_one_missing_task_leaves_no_average_for_that_seed() -> None:
    rows = [
        row
        for row in make_rows(TASKS)
        if not (row.condition == "task" and row.seed == 2 and row.test_task == "nli_person")
        and not (row.condition == "bottom" and row.test_task == "nli_person")
    ]
    summary = summarise_deactivation(rows, TASKS)
    assert the(summary, task="mean_cls", condition="task", metric="accuracy").seeds == 2
    assert not [row for row in summary if (row.task, row.condition) == ("mean_cls", "bottom")]


def test_too_few_seeds_have_no_interval_and_say_so() -> None:
    summary = summarise_deactivation(make_rows(TASKS, seeds=(4, 7)), TASKS)
    for row in summary:
        assert (row.low, row.high, row.drop_low, row.drop_high) == (None,) * 4
        assert row.interval == "not available: 2 seeds, at least 3 are needed"
    assert the(summary, task="nli_place", condition="original", metric="loss").drop is None


def test_equal_values_have_no_interval_and_say_so() -> None:
    summary = summarise_deactivation(make_rows(TASKS, noise=0.0), TASKS)
    row = the(summary, task="nli_place", condition="task", metric="accuracy")
    assert (row.value, row.drop) == (47.0, 45.0)
    assert row.interval == row.drop_interval == "not available: all 3 values are equal"


def test_drops_without_an_original_are_not_available() -> None:
    rows = [row for row in make_rows(TASKS) if not (row.condition == "original" and row.seed == 1)]
    row = the(summarise_deactivation(rows, TASKS), task="nli_place", condition="task", metric="accuracy")
    assert row.interval == "95 % t"
    assert row.drop_interval == "not available: 2 seeds, at least 3 are needed"
    bare = summarise_deactivation(make_rows(TASKS, conditions=("task",)), TASKS)
    row = the(bare, task="nli_place", condition="task", metric="accuracy")
    assert (row.drop, row.drop_interval) == (None, "not available: 0 seeds, at least 3 are needed")


def test_models_and_selections_do_not_mix() -> None:
    parts = [make_rows(TASKS, model=m, within=s) for m in ("llama", "bloom") for s in ("layer", "model")]
    # The original model belongs to both selections.
    together = dict.fromkeys(row for part in parts for row in part)
    summary = summarise_deactivation(together, TASKS)
    alone = summarise_deactivation(parts[0], TASKS)
    assert [row for row in summary if row.model == "llama" and row.selection in (None, "layer")] == alone


def test_a_summary_is_read_as_it_was_written(tmp_path: Path) -> None:
    described = [replace(task, constant=20.0) for task in TASKS]
    summary = summarise_deactivation(make_rows(TASKS), described)
    SUMMARY.write(tmp_path / "summary.csv", summary)
    assert SUMMARY.read(tmp_path / "summary.csv") == summary


def test_summary_does_not_depend_on_the_order_of_rows() -> None:
    rows = make_rows(TASKS, draws=2)
    assert summarise_deactivation(reversed(rows), TASKS) == summarise_deactivation(rows, TASKS)


def test_an_undescribed_task_is_refused() -> None:
    with pytest.raises(InputError, match="task `sentiment_food` of suite `synthetic` has results but no description"):
        summarise_deactivation(make_rows(TASKS), TASKS[1:])


def test_summary_marks_accuracies_at_chance() -> None:
    summary = summarise_deactivation(make_rows(TASKS), TASKS)
    original = the(summary, task="sentiment_food", condition="original", metric="accuracy")
    assert (original.chance, original.at_chance) == (50, False)
    # 92 - 45 points are below the 50 of guessing between two options, and above the 33 of three.
    assert the(summary, task="sentiment_food", condition="task", metric="accuracy").at_chance is True
    assert the(summary, task="nli_place", condition="task", metric="accuracy").at_chance is False
    for task, metric in (("sentiment_food", "loss"), ("summary_news", "rougeL"), ("mean_cls", "accuracy")):
        assert the(summary, task=task, condition="task", metric=metric).chance is None


def test_averages_leave_out_tasks_that_the_original_model_only_guesses() -> None:
    rows = make_rows(TASKS)
    whole = the(summarise_deactivation(rows, TASKS), task="mean_cls", condition="task", metric="accuracy")
    # A constant answer as good as the model: what happens to this task tells nothing.
    guessed = [replace(task, constant=99.0) if task.name == "nli_place" else task for task in TASKS]
    summary = summarise_deactivation(rows, guessed)
    mean = the(summary, task="mean_cls", condition="task", metric="accuracy")
    kept = [
        the(summary, task=task.name, condition="task", metric="accuracy").value
        for task in guessed
        if task.kind == "classification" and task.name != "nli_place"
    ]
    assert mean.value == pytest.approx(np.mean(kept))
    assert mean.value != pytest.approx(whole.value)
