"""Printed values stand beside ours, and learning rates say which were chosen and which lie at the edge of the grid."""

from pathlib import Path

import pytest
from made_up_tasks import make_tasks
from made_up_trained import the, training_rows

from taskneurons.errors import InputError
from taskneurons.evidence.grid_search import RATE_TRIALS, RateTrial
from taskneurons.evidence.papers import SCORES, PaperScore, printed_rows
from taskneurons.studies.training.rows import PUBLISHED as PUBLISHED_TABLE
from taskneurons.studies.training.rows import RATES
from taskneurons.studies.training.summary import training_summary
from taskneurons.studies.training.tables import rate_table, training_published

TASKS = make_tasks()
PUBLISHED = Path(__file__).parents[3] / "published" / "leng2025"


def printed() -> dict[str, list[PaperScore]]:
    paths = list(PUBLISHED.glob("*.csv"))
    return {table: printed_rows(SCORES, paths, table) for table in ("T2", "T7")}


def write_trials(path: Path, losses: dict[str, dict[float, float | None]], chosen: dict[str, float]) -> Path:
    """`losses`: {arm: {rate: loss}}; `chosen`: {arm: rate}."""
    RATE_TRIALS.write(
        path,
        [
            RateTrial(arm, "t", rate, loss, chosen.get(arm) == rate)
            for arm, found in losses.items()
            for rate, loss in found.items()
        ],
    )
    return path


def test_published_values_stand_beside_ours(tmp_path: Path) -> None:
    summary = training_summary(training_rows(TASKS) + training_rows(TASKS, model="bloom"), TASKS)
    compared = training_published(summary, printed(), TASKS, {"llama": "llama", "bloom": "bloom"})
    row = the(compared, model="llama", task="sentiment_food", condition="random")
    assert (row.table, row.published_task) == ("T2", "AmazonFood")
    assert (row.published, row.published_gain) == (85.5, 0.3)
    row = the(compared, model="llama", task="mean_cls", condition="task")
    theirs = {one.condition: one.value for one in printed()["T2"] if one.task == "mean_cls"}
    assert row.published_over_random == pytest.approx(theirs["train_task"] - theirs["train_random"])
    ours = the(summary, model="llama", task="mean_cls", condition="task", metric="accuracy")
    assert (row.over_random, row.over_random_low) == (ours.over_random, ours.over_random_low)
    assert the(compared, model="bloom", task="summary_sport", condition="zero_shot").published == 13.4
    assert {row.condition for row in compared} == {"zero_shot", "random", "task"}
    PUBLISHED_TABLE.write(tmp_path / "published.csv", compared)
    assert PUBLISHED_TABLE.read(tmp_path / "published.csv") == compared
    with pytest.raises(InputError, match="architecture of model `bloom`"):
        training_published(summary, printed(), TASKS, {"llama": "llama"})


def test_a_chosen_rate_at_the_edge_of_the_grid_is_marked(tmp_path: Path) -> None:
    losses = {"task@10": {0.001: 3.0, 0.01: 2.0, 0.1: None}, "full": {0.001: 1.0, 0.01: 2.0, 0.1: 3.0}}
    path = write_trials(tmp_path / "s" / "m" / "rates" / "training.csv", losses, {"task@10": 0.01, "full": 0.001})
    rows = rate_table([path])
    assert {(row.suite, row.model, row.study) for row in rows} == {("s", "m", "training")}
    marked = {(row.arm, row.learning_rate): (row.chosen, row.at_edge) for row in rows}
    assert marked == {
        ("task@10", 0.001): (False, False),
        ("task@10", 0.01): (True, False),
        ("task@10", 0.1): (False, False),
        ("full", 0.001): (True, True),
        ("full", 0.01): (False, False),
        ("full", 0.1): (False, False),
    }
    assert next(row for row in rows if row.learning_rate == 0.1).loss is None
    RATES.write(tmp_path / "table.csv", rows)
    assert RATES.read(tmp_path / "table.csv") == rows


def test_a_grid_of_one_rate_has_no_edge(tmp_path: Path) -> None:
    path = write_trials(tmp_path / "training.csv", {"full": {0.001: 1.0}}, {"full": 0.001})
    assert [row.at_edge for row in rate_table([path])] == [False]


def test_other_columns_and_an_arm_without_a_rate_are_refused(tmp_path: Path) -> None:
    path = write_trials(tmp_path / "training.csv", {"full": {0.001: 1.0}}, {})
    with pytest.raises(InputError, match=r"training.csv: no learning rate is chosen for full"):
        rate_table([path])
    path.write_text("arm\nfull\n")
    with pytest.raises(InputError, match="columns must be arm, task"):
        rate_table([path])
