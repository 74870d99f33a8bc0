"""The table of gains agrees with pandas and scipy, recovers effects of known size, and says what is missing."""

from dataclasses import replace
from pathlib import Path

import pandas as pd
import pytest
from made_up_tasks import make_tasks
from made_up_trained import the, training_rows
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.studies.training.rows import SUMMARY, SummaryRow
from taskneurons.studies.training.summary import arms, training_summary

TASKS = make_tasks()


def limits(row: SummaryRow, start: str) -> tuple[float, float]:
    return getattr(row, f"{start}low"), getattr(row, f"{start}high")


def test_summary_equals_pandas_and_scipy() -> None:
    rows = training_rows(TASKS)
    summary = training_summary(rows, TASKS)
    frame = pd.DataFrame(map(vars, arms(rows)))
    for task, metric in (("sentiment_food", "accuracy"), ("summary_news", "rougeL"), ("nli_place", "loss")):
        of_task = frame[(frame.test_task == task) & (frame.metric == metric)]
        means = of_task.groupby(["condition", "seed"]).value.mean().unstack()
        sign = -1 if metric == "loss" else 1
        for condition in ("random", "other_task", "task", "ffn", "full"):
            row = the(summary, condition=condition, task=task, metric=metric)
            own = means.loc[condition]
            for name, numbers in (
                ("value", own),
                ("gain", sign * (own - means.loc["zero_shot"])),
                ("over_random", sign * (own - means.loc["random"])),
            ):
                if name == "over_random" and condition not in ("task", "other_task"):
                    assert row.over_random is None
                    continue
                interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
                start = "" if name == "value" else f"{name}_"
                assert getattr(row, name) == pytest.approx(numbers.mean())
                assert (getattr(row, f"{start}low"), getattr(row, f"{start}high")) == pytest.approx(
                    (interval.low, interval.high)
                )
                assert getattr(row, f"{start}interval") == "95 % t"
    random = the(summary, condition="random", task="nli_place", metric="accuracy")
    draws = frame[(frame.test_task == "nli_place") & (frame.metric == "accuracy") & (frame.condition == "random")]
    assert (random.draws, random.share, random.learning_rate) == (3, 10, "0.003")
    assert random.draw_sd == pytest.approx(draws.groupby("seed").value.std().mean())


def test_gains_of_known_size_are_recovered() -> None:
    summary = training_summary(training_rows(TASKS, noise=1e-4), TASKS)
    for mean, metric, zero in (("mean_cls", "accuracy", 40), ("mean_gen", "rougeL", 20)):
        assert the(summary, task=mean, condition="zero_shot", metric=metric).value == pytest.approx(zero, abs=1e-3)
        own = the(summary, task=mean, condition="task", metric=metric)
        assert (own.value, own.gain, own.over_random) == pytest.approx((zero + 15, 15, 13), abs=1e-3)
        assert (own.tasks, own.gain_tasks, own.over_random_tasks) == (6, 6, 6)
        # Six signs: two of 64 arrangements are as extreme.
        assert own.over_random_p == pytest.approx(2 / 64)
        # Equally small in all conditions: five differ from the untrained model, two have random neurons beside them.
        assert (own.gain_p_holm, own.over_random_p_holm) == pytest.approx((5 * 2 / 64, 2 * 2 / 64))
    loss = the(summary, task="mean_all", condition="task", metric="loss")
    assert (loss.kind, loss.tasks, loss.gain) == ("all", 12, pytest.approx(15 / 40, abs=1e-3))
    assert loss.over_random_p == pytest.approx(2 / 4096)
    # Only the arm of the table, not the pairs of the matrix, whose gains differ.
    assert the(summary, task="nli_place", condition="other_task", metric="accuracy").gain == pytest.approx(5, abs=1e-3)


def test_one_seed_has_intervals_over_tasks() -> None:
    rows = training_rows(TASKS, seeds=(4,))
    summary = training_summary(rows, TASKS)
    row = the(summary, task="mean_gen", condition="task", metric="rougeL")
    frame = pd.DataFrame(map(vars, arms(rows)))
    own = frame[frame.metric == "rougeL"].groupby(["condition", "test_task"]).value.mean().unstack()
    for start, numbers in (
        ("", own.loc["task"]),
        ("gain_", own.loc["task"] - own.loc["zero_shot"]),
        ("over_random_", own.loc["task"] - own.loc["random"]),
    ):
        interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
        assert (getattr(row, f"{start}low"), getattr(row, f"{start}high")) == pytest.approx(
            (interval.low, interval.high)
        )
        assert getattr(row, f"{start}interval") == "95 % t over tasks as if independent"
    assert row.over_random_p == stats.wilcoxon(own.loc["task"] - own.loc["random"]).pvalue
    assert row.over_random_p <= row.over_random_p_holm <= 1
    alone = the(summary, task="summary_news", condition="task", metric="rougeL")
    assert (alone.gain_p, alone.gain_p_holm) == (None, None)
    assert (alone.low, alone.interval) == (None, "not available: 1 seeds, at least 3 are needed")


def test_settings_of_one_seed_stand_beside_those_of_three() -> None:
    small = [
        replace(row, percent=3.0, share=3.0)
        for row in training_rows(TASKS, pairs=False)
        if row.percent and row.seed == 0 and row.train_task == row.test_task
    ]
    summary = training_summary(training_rows(TASKS) + small, TASKS)
    row = the(summary, task="mean_cls", condition="task", metric="accuracy", percent=3.0)
    assert (row.seeds, row.gain_interval) == (1, "95 % t over tasks as if independent")
    assert the(summary, task="mean_cls", condition="task", metric="accuracy", percent=10.0).seeds == 3


def test_a_missing_task_leaves_no_average() -> None:
    rows = [row for row in training_rows(TASKS) if (row.condition, row.test_task) != ("full", "nli_place")]
    summary = training_summary(rows, TASKS)
    assert not [row for row in summary if (row.condition, row.task) == ("full", "mean_cls")]
    assert the(summary, condition="full", task="mean_gen", metric="rougeL").tasks == 6
    with pytest.raises(InputError, match="task `sentiment_food` of suite `synthetic` has results but no description"):
        training_summary(rows, TASKS[1:])


def test_chance_is_marked() -> None:
    summary = training_summary(training_rows(TASKS, noise=0.01), TASKS)
    untrained = the(summary, task="sentiment_food", condition="zero_shot", metric="accuracy")
    assert (untrained.chance, untrained.at_chance) == (50, True)
    assert the(summary, task="sentiment_food", condition="full", metric="accuracy").at_chance is False
    assert the(summary, task="sentiment_food", condition="full", metric="loss").chance is None


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    summary = training_summary(training_rows(TASKS), TASKS)
    SUMMARY.write(tmp_path / "summary.csv", summary)
    assert SUMMARY.read(tmp_path / "summary.csv") == summary
