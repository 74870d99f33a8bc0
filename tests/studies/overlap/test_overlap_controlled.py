"""Tables of the controlled overlap recover slopes of known size, agree with scipy, stand beside the printed ones."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_tasks import make_tasks
from made_up_trained import group_tasks, overlap_rows
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.studies.overlap.controlled import (
    COMBINATIONS,
    controlled_summary,
    controlled_trend,
    published_slope,
    read_printed,
)
from taskneurons.studies.overlap.controlled_figure import draw_controlled_overlap
from taskneurons.studies.overlap.rows import CONTROLLED, TREND

PUBLISHED = read_printed((Path(__file__).parents[3] / "published" / "leng2025").glob("*.csv"))
RUN = {"suite": "synthetic", "model": "llama", "dpi": 60}


@pytest.fixture
def tasks():
    return make_tasks()


def the(rows, **cells):
    found = [row for row in rows if all(getattr(row, name) == value for name, value in cells.items())]
    assert len(found) == 1, (len(found), cells)
    return found[0]


def test_cells_stand_beside_the_printed_ones(tasks) -> None:
    summary = controlled_summary(overlap_rows(tasks), tasks, PUBLISHED)
    assert {row.table for row in summary} == {"T9", "T10", "T11"}
    row = the(summary, table="T11", percent=30.0, overlap=50.0, members="lower", metric="accuracy")
    assert (row.trained, row.tested, row.published) == ("generation", "classification", 79.4)
    assert (row.choices, row.tasks, row.seeds, row.n) == (3, 3, 1, 1500)
    assert row.before == pytest.approx(40, abs=1.5)
    assert the(summary, table="T11", percent=30.0, overlap=50.0, members="lower", metric="loss").published is None
    # The paper has no such cell.
    odd = controlled_summary(overlap_rows(tasks, overlaps=(20.0, 60.0)), tasks, PUBLISHED)
    assert {row.published for row in odd} == {None}


def test_interval_over_choices_is_that_of_the_cells_of_an_analysis_of_variance(tasks) -> None:
    rows = overlap_rows(tasks, noise=1.0)
    row = the(
        controlled_summary(rows, tasks, PUBLISHED),
        table="T9",
        percent=10.0,
        overlap=50.0,
        members="higher",
        metric="accuracy",
    )
    frame = pd.DataFrame(rows)
    frame = frame[(frame.train_task == "classification") & (frame.percent == 10) & (frame.overlap == 50)]
    frame = frame[frame.condition == "higher"]
    values = frame[frame.metric == "accuracy"].pivot(index="draw", columns="test_task", values="value")
    variance = values.var(ddof=1).mean()
    half = stats.t.ppf(0.975, 6) * np.sqrt(variance / values.size)
    assert row.interval == "95 % t over choices"
    assert (row.after, row.choice_sd) == pytest.approx((values.to_numpy().mean(), np.sqrt(variance)))
    assert (row.low, row.high) == pytest.approx((row.after - half, row.after + half))


def test_three_seeds_have_intervals_over_seeds(tasks) -> None:
    rows = overlap_rows(tasks, seeds=(0, 1, 2), percents=(10.0,))
    row = the(controlled_summary(rows, tasks, PUBLISHED), table="T10", overlap=50.0, members="lower", metric="rougeL")
    frame = pd.DataFrame(rows)
    means = (
        frame[(frame.overlap == 50) & (frame.metric == "rougeL") & (frame.condition == "lower")]
        .groupby("seed")
        .value.mean()
    )
    interval = stats.ttest_1samp(means, 0).confidence_interval(0.95)
    assert (row.low, row.high) == pytest.approx((interval.low, interval.high))
    assert row.interval == "95 % t"


def test_a_planted_slope_is_found_and_none_is_not(tasks) -> None:
    planted = controlled_trend(overlap_rows(tasks, rise=0.3), tasks, PUBLISHED)
    assert len(planted) == 3 * 3 * 2 * 2
    for row in planted:
        scale = 40 if row.metric == "loss" else 1
        assert row.low * scale < 0.3 < row.high * scale or row.slope * scale == pytest.approx(0.3, abs=0.15)
        assert row.p_holm < 0.05
        assert row.tasks_rising == 3
    null = controlled_trend(overlap_rows(tasks, rise=0.0), tasks, PUBLISHED)
    assert min(row.p_holm for row in null) > 0.05
    exact = controlled_trend(overlap_rows(tasks, rise=0.3, noise=0.0), tasks, PUBLISHED)
    assert [row.slope for row in exact if row.metric == "rougeL"] == pytest.approx([0.3] * 3 * 2)


def test_halves_of_a_set_have_slopes_of_their_own(tasks) -> None:
    found = controlled_trend(overlap_rows(tasks, rise=0.1, higher=0.4, noise=0.0), tasks, PUBLISHED)
    for members, slope in (("higher", 0.5), ("lower", 0.1)):
        own = [row.slope for row in found if row.members == members and row.metric != "loss"]
        assert own == pytest.approx([slope] * 9)


def test_unseen_tasks_that_fall_below_the_untrained_model_are_forgotten(tasks) -> None:
    for rise, word in ((2.0, "generalisation"), (-4.0, "forgetting")):
        rows = overlap_rows(tasks, rise=rise, seeds=(0, 1, 2))
        summary = controlled_summary(rows, tasks, PUBLISHED)
        assert {row.called for row in summary if row.overlap == 100} == {word}


def test_slopes_over_tasks_are_scipys(tasks) -> None:
    rows = overlap_rows(tasks, rise=0.1)
    row = the(controlled_trend(rows, tasks, PUBLISHED), table="T10", percent=50.0, members="higher", metric="rougeL")
    frame = pd.DataFrame(rows)
    frame = frame[(frame.percent == 50) & (frame.metric == "rougeL") & (frame.condition == "higher")]
    slopes = [
        stats.linregress(own.overlap / 10, own.value).slope
        for name in group_tasks(tasks)["test_generation"]
        for own in [frame[frame.test_task == name]]
    ]
    interval = stats.ttest_1samp(slopes, 0).confidence_interval(0.95)
    assert row.slope == pytest.approx(np.mean(slopes))
    assert (row.tasks_low, row.tasks_high) == pytest.approx((interval.low, interval.high))
    assert row.tasks_interval == "95 % t over tasks as if independent"
    assert (row.models, row.tasks, row.exact, row.permutations) == (27, 3, False, 10_000)


def test_printed_slope_is_scipys(tasks) -> None:
    for table, percent in (("T9", 10.0), ("T11", 50.0)):
        own = [r for r in PUBLISHED[table] if float(r.trained_percent) == percent]
        expected = stats.linregress([float(r.overlap_percent) / 10 for r in own], [r.value for r in own]).slope
        assert published_slope(PUBLISHED[table], percent) == pytest.approx(expected)
    assert published_slope(PUBLISHED["T9"], 3.0) is None


def test_choices_of_equal_scores_all_count(tasks) -> None:
    """Two choices may score the same, above all with few test examples: they are two models all the same."""
    rows = overlap_rows(tasks, choices=2)
    equal = [replace(row, value=50.0) if row.overlap == 10 and row.metric != "loss" else row for row in rows]
    row = the(
        controlled_summary(equal, tasks, PUBLISHED),
        table="T9",
        percent=10.0,
        overlap=10.0,
        members="higher",
        metric="accuracy",
    )
    assert (row.choices, row.choice_sd, row.interval) == (2, 0.0, "not available: all choices are equal")
    trend = the(
        controlled_trend(equal, tasks, PUBLISHED), table="T9", percent=10.0, members="higher", metric="accuracy"
    )
    assert trend.models == 3 * (2 + 2 + 2)


def test_single_choices_and_unknown_tasks(tasks) -> None:
    rows = overlap_rows(tasks, choices=1, overlaps=(10.0, 100.0))
    row = the(
        controlled_summary(rows, tasks, PUBLISHED),
        table="T9",
        percent=10.0,
        overlap=100.0,
        members="lower",
        metric="accuracy",
    )
    assert (row.low, row.interval) == (None, "not available: one choice, at least 2 are needed")
    assert row.choices == 1
    alone = [row for row in rows if row.overlap == 10.0]
    trend = controlled_trend(alone, tasks, PUBLISHED)[0]
    assert (trend.slope, trend.reason) == (None, "one level, at least 2 are needed")
    with pytest.raises(InputError, match="has results but no description"):
        controlled_trend(rows, tasks[2:], PUBLISHED)


def test_rows_that_do_not_say_what_was_trained_are_refused(tasks) -> None:
    rows = [replace(row, share=None) for row in overlap_rows(tasks)]
    with pytest.raises(InputError, match="has an overlap, but does not say what was trained"):
        controlled_summary(rows, tasks, PUBLISHED)


def test_tables_are_read_as_they_were_written(tasks, tmp_path: Path) -> None:
    rows = overlap_rows(tasks, choices=2)
    summary, trend = controlled_summary(rows, tasks, PUBLISHED), controlled_trend(rows, tasks, PUBLISHED)
    CONTROLLED.write(tmp_path / "summary.csv", summary)
    TREND.write(tmp_path / "trend.csv", trend)
    assert CONTROLLED.read(tmp_path / "summary.csv") == summary == CONTROLLED.sorted(reversed(summary))
    assert TREND.read(tmp_path / "trend.csv") == trend == TREND.sorted(reversed(trend))


# The figure


def draw(tasks, paths, *, run=RUN, noise=1.0, **options) -> None:
    draw_controlled_overlap(overlap_rows(tasks, noise=noise, **options), tasks, PUBLISHED, paths, **run)


def drawn(tasks, **options):
    return figure_of(lambda paths: draw(tasks, paths, **options))


def draw_all(folder: Path) -> list[Path]:
    paths = [folder / "controlled.png", folder / "controlled.svg"]
    draw(make_tasks(), paths)
    return paths


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def awkward(tasks):
    """Long, unusual and formula-like names."""
    return [
        replace(task, name=f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task.name}_$x_1$<b>")
        for i, task in enumerate(tasks)
    ]


CASES = {
    "awkward names": (awkward, {}),
    "three seeds": (list, {"seeds": (0, 1, 2)}),
    "no spread": (list, {"noise": 0.0}),
}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(tasks, case: str) -> None:
    choose, options = CASES[case]
    assert_inside_the_page(drawn(choose(tasks), **options))


def test_overlaps_say_how_often_more_is_better(tasks) -> None:
    figure = drawn(tasks, rise=0.5, noise=0.2)
    rising = words_of(figure)
    assert "score better in 18 of 18 cases, loss better in 18 of 18 cases" in rising
    assert "10 %, higher-scored half" in rising
    assert "Both halves of a set lie in the same layers" in rising
    assert len(figure.axes) == 9 == 3 * len(COMBINATIONS)
    falling = words_of(drawn(tasks, rise=-0.5, noise=0.2))
    assert "score better in 0, worse in 18 of 18 cases" in falling


def test_nothing_to_draw_is_refused(tasks, tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no overlap of bloom on synthetic was set"):
        draw(tasks, [tmp_path / "x.png"], run=RUN | {"model": "bloom"})
    assert not list(tmp_path.iterdir())
