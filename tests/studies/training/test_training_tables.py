"""Printed values stand beside ours, at the share that the paper trains."""

from pathlib import Path

import pytest
from made_up_curves import READINGS, reading_rows, score, speed
from made_up_tasks import make_tasks
from made_up_trained import the

from taskneurons.errors import InputError
from taskneurons.evidence.papers import SCORES, PaperScore, printed_rows
from taskneurons.studies.training.curves import curve_rows, groups
from taskneurons.studies.training.rows import PUBLISHED as PUBLISHED_TABLE
from taskneurons.studies.training.rows import READINGS as READINGS_TABLE
from taskneurons.studies.training.tables import training_published

TASKS = make_tasks()
PUBLISHED = Path(__file__).parents[3] / "published" / "leng2025"
CELLS = ((3.0, 1e-3), (10.0, 1e-3), (10.0, 3e-3), (30.0, 1e-3))
ARCHITECTURES = {"llama": "llama", "bloom": "bloom"}


def printed() -> dict[str, list[PaperScore]]:
    paths = list(PUBLISHED.glob("*.csv"))
    return {table: printed_rows(SCORES, paths, table) for table in ("T2", "T7")}


def test_published_values_stand_beside_ours(tmp_path: Path) -> None:
    rows = [row for model in ARCHITECTURES for row in reading_rows(TASKS, model=model, cells=CELLS)]
    curves = curve_rows(groups(rows, TASKS))
    compared = training_published(curves, printed(), TASKS, ARCHITECTURES, learning_rate=1e-3)
    row = the(compared, model="llama", task="sentiment_food", condition="random")
    assert (row.table, row.published_task) == ("T2", "AmazonFood")
    assert (row.published, row.published_gain) == (85.5, 0.3)
    row = the(compared, model="llama", task="mean_cls", condition="task")
    theirs = {one.condition: one.value for one in printed()["T2"] if one.task == "mean_cls"}
    assert row.published_over_random == pytest.approx(theirs["train_task"] - theirs["train_random"])
    # Of the shares up to the paper's tenth the largest, after the last reading, at the rate that was asked for.
    assert (row.percent, row.learning_rate, row.steps) == (10, 1e-3, READINGS[-1])
    own, random = (score("classification", speed(one, 10, 1e-3), READINGS[-1]) for one in ("task", "random"))
    assert (row.value, row.over_random) == pytest.approx((own, own - random))
    untrained = the(compared, model="bloom", task="summary_sport", condition="zero_shot")
    assert (untrained.published, untrained.percent, untrained.value) == (13.4, None, 20.0)
    assert {row.condition for row in compared} == {"zero_shot", "random", "task"}
    PUBLISHED_TABLE.write(tmp_path / "published.csv", compared)
    assert PUBLISHED_TABLE.read(tmp_path / "published.csv") == compared
    with pytest.raises(InputError, match="architecture of model `bloom`"):
        training_published(curves, printed(), TASKS, {"llama": "llama"}, learning_rate=1e-3)


def test_conditions_of_other_shares_and_steps_do_not_stand_side_by_side() -> None:
    """Where random neurons of the largest share diverged, those of a smaller one do not take their place."""
    rows = [row for row in reading_rows(TASKS, cells=CELLS) if not (row.condition == "random" and row.percent == 10)]
    compared = training_published(curve_rows(groups(rows, TASKS)), printed(), TASKS, ARCHITECTURES, learning_rate=1e-3)
    row = the(compared, task="sentiment_food", condition="task")
    assert (row.percent, row.steps, row.over_random) == (10, READINGS[-1], None)
    assert {row.condition for row in compared} == {"zero_shot", "task"}


def test_the_average_of_a_kind_stands_beside_the_papers_only_where_it_is_of_the_same_tasks() -> None:
    few = TASKS[:4]
    curves = curve_rows(groups(reading_rows(few, cells=CELLS), TASKS))
    compared = training_published(curves, printed(), TASKS, ARCHITECTURES, learning_rate=1e-3)
    assert {row.task for row in compared} == {task.name for task in few}


def test_values_are_gathered_from_the_files_of_all_tasks_and_none_twice(tmp_path: Path) -> None:
    rows = reading_rows(TASKS[:2])
    paths = []
    for task in TASKS[:2]:
        paths.append(tmp_path / f"{task.name}.csv")
        READINGS_TABLE.write(paths[-1], [row for row in rows if row.task == task.name])
    assert READINGS_TABLE.gather(paths) == rows
    with pytest.raises(InputError, match="measures again what"):
        READINGS_TABLE.gather([*paths, paths[0]])
