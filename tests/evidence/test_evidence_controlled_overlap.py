"""Tables of the controlled overlap recover slopes of known size, agree with scipy, stand beside the printed ones."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_tuned import group_tasks, overlap_rows
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.evidence.controlled_overlap import (
    SUMMARY_COLUMNS,
    TABLES,
    TREND_COLUMNS,
    controlled_summary,
    controlled_trend,
    published_slope,
)
from taskneurons.evidence.published import read_published

PUBLISHED = {
    table: read_published(Path(__file__).parents[2] / "published" / "leng2025", table) for table in TABLES.values()
}


def the(rows: list[dict], **cells) -> dict:
    found = [row for row in rows if all(row[name] == value for name, value in cells.items())]
    assert len(found) == 1, (len(found), cells)
    return found[0]


def test_cells_stand_beside_the_printed_ones(tasks) -> None:
    summary = controlled_summary(overlap_rows(tasks), tasks, PUBLISHED)
    assert all(tuple(row) == SUMMARY_COLUMNS for row in summary)
    assert {row["table"] for row in summary} == {"T9", "T10", "T11"}
    row = the(summary, table="T11", percent=30.0, overlap=50.0, metric="accuracy")
    assert (row["trained"], row["tested"], row["published"]) == ("generation", "classification", 79.4)
    assert (row["choices"], row["tasks"], row["seeds"], row["n"]) == (3, 3, 1, 1500)
    assert row["zero_shot"] == pytest.approx(40, abs=1.5)
    assert the(summary, table="T11", percent=30.0, overlap=50.0, metric="loss")["published"] is None
    # The paper has no such cell.
    odd = controlled_summary(overlap_rows(tasks, overlaps=(20.0, 60.0)), tasks, PUBLISHED)
    assert {row["published"] for row in odd} == {None}


def test_interval_over_choices_is_that_of_the_cells_of_an_analysis_of_variance(tasks) -> None:
    rows = overlap_rows(tasks, noise=1.0)
    row = the(controlled_summary(rows, tasks, PUBLISHED), table="T9", percent=10.0, overlap=50.0, metric="accuracy")
    frame = pd.DataFrame(rows)
    frame = frame[(frame.train_task == "classification") & (frame.percent == 10) & (frame.overlap == 50)]
    values = frame[frame.metric == "accuracy"].pivot(index="draw", columns="test_task", values="value")
    variance = values.var(ddof=1).mean()
    half = stats.t.ppf(0.975, 6) * np.sqrt(variance / values.size)
    assert row["interval"] == "95 % t over choices"
    assert (row["value"], row["choice_sd"]) == pytest.approx((values.to_numpy().mean(), np.sqrt(variance)))
    assert (row["low"], row["high"]) == pytest.approx((row["value"] - half, row["value"] + half))


def test_three_seeds_have_intervals_over_seeds(tasks) -> None:
    rows = overlap_rows(tasks, seeds=(0, 1, 2), percents=(10.0,))
    row = the(controlled_summary(rows, tasks, PUBLISHED), table="T10", overlap=50.0, metric="rougeL")
    frame = pd.DataFrame(rows)
    means = frame[(frame.overlap == 50) & (frame.metric == "rougeL")].groupby("seed").value.mean()
    interval = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (row["low"], row["high"]) == pytest.approx((interval.low, interval.high))
    assert row["interval"] == "95 % t"


def test_a_planted_slope_is_found_and_none_is_not(tasks) -> None:
    planted = controlled_trend(overlap_rows(tasks, rise=0.3), tasks, PUBLISHED)
    assert all(tuple(row) == TREND_COLUMNS for row in planted)
    assert len(planted) == 3 * 3 * 2
    for row in planted:
        scale = 40 if row["metric"] == "loss" else 1
        assert row["low"] * scale < 0.3 < row["high"] * scale or row["slope"] * scale == pytest.approx(0.3, abs=0.15)
        assert row["p_holm"] < 0.05
        assert row["tasks_rising"] == 3
    null = controlled_trend(overlap_rows(tasks, rise=0.0), tasks, PUBLISHED)
    assert min(row["p_holm"] for row in null) > 0.05
    exact = controlled_trend(overlap_rows(tasks, rise=0.3, noise=0.0), tasks, PUBLISHED)
    assert [row["slope"] for row in exact if row["metric"] == "rougeL"] == pytest.approx([0.3] * 3)


def test_slopes_over_tasks_are_scipys(tasks) -> None:
    rows = overlap_rows(tasks, rise=0.1)
    row = the(controlled_trend(rows, tasks, PUBLISHED), table="T10", percent=50.0, metric="rougeL")
    frame = pd.DataFrame(rows)
    frame = frame[(frame.percent == 50) & (frame.metric == "rougeL") & frame.overlap.notna()]
    slopes = [
        stats.linregress(own.overlap / 10, own.value).slope
        for name in group_tasks(tasks)["test_generation"]
        for own in [frame[frame.test_task == name]]
    ]
    interval = stats.ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert row["slope"] == pytest.approx(np.mean(slopes))
    assert (row["tasks_low"], row["tasks_high"]) == pytest.approx((interval.low, interval.high))
    assert row["tasks_interval"] == "95 % t over tasks as if independent"
    assert (row["models"], row["tasks"], row["exact"], row["permutations"]) == (21, 3, False, 10_000)


def test_printed_slope_is_scipys(tasks) -> None:
    for table, percent in (("T9", 10.0), ("T11", 50.0)):
        own = [r for r in PUBLISHED[table] if float(r["trained_percent"]) == percent]
        expected = stats.linregress([float(r["overlap_percent"]) / 10 for r in own], [r["value"] for r in own]).slope
        assert published_slope(PUBLISHED[table], percent) == pytest.approx(expected)
    assert published_slope(PUBLISHED["T9"], 3.0) is None


def test_choices_of_equal_scores_all_count(tasks) -> None:
    """Two choices may score the same, above all with few test examples: they are two models all the same."""
    rows = overlap_rows(tasks, choices=2)
    equal = [row | {"value": 50.0} if row["overlap"] == 10 and row["metric"] != "loss" else row for row in rows]
    row = the(controlled_summary(equal, tasks, PUBLISHED), table="T9", percent=10.0, overlap=10.0, metric="accuracy")
    assert (row["choices"], row["choice_sd"], row["interval"]) == (2, 0.0, "not available: all choices are equal")
    trend = the(controlled_trend(equal, tasks, PUBLISHED), table="T9", percent=10.0, metric="accuracy")
    assert trend["models"] == 3 * (2 + 2 + 1)


def test_single_choices_and_unknown_tasks(tasks) -> None:
    rows = overlap_rows(tasks, choices=1, overlaps=(10.0, 100.0))
    row = the(controlled_summary(rows, tasks, PUBLISHED), table="T9", percent=10.0, overlap=100.0, metric="accuracy")
    assert (row["low"], row["interval"]) == (None, "not available: one choice, at least 2 are needed")
    assert row["choices"] == 1
    alone = [row for row in rows if row["overlap"] == 10.0]
    trend = controlled_trend(alone, tasks, PUBLISHED)[0]
    assert (trend["slope"], trend["reason"]) == (None, "one level, at least 2 are needed")
    with pytest.raises(InputError, match="has results but no description"):
        controlled_trend(rows, tasks[2:], PUBLISHED)
