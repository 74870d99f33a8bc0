"""The table of learning rates says which were chosen and which lie at the edge of the grid."""

import pytest

from taskneurons.errors import InputError
from taskneurons.evidence.rates import RATE_COLUMNS, TRIED, rate_table
from taskneurons.files import read_csv, write_csv

CELLS = {"suite": "s", "model": "m", "study": "training"}


def write_tried(path, losses, chosen):
    """`losses`: {arm: {rate: loss}}; `chosen`: {arm: rate}."""
    rows = [
        {"arm": arm, "task": "t", "learning_rate": rate, "loss": loss, "chosen": chosen.get(arm) == rate}
        for arm, found in losses.items()
        for rate, loss in found.items()
    ]
    write_csv(path, rows, TRIED)
    return path


def test_a_chosen_rate_at_the_edge_of_the_grid_is_marked(tmp_path):
    losses = {"task@10": {0.001: 3.0, 0.01: 2.0, 0.1: None}, "full": {0.001: 1.0, 0.01: 2.0, 0.1: 3.0}}
    path = write_tried(tmp_path / "rates.csv", losses, {"task@10": 0.01, "full": 0.001})
    rows = rate_table([(CELLS, path)])
    marked = {(row["arm"], row["learning_rate"]): (row["chosen"], row["at_edge"]) for row in rows}
    assert marked == {
        ("task@10", 0.001): (False, False),
        ("task@10", 0.01): (True, False),
        ("task@10", 0.1): (False, False),
        ("full", 0.001): (True, True),
        ("full", 0.01): (False, False),
        ("full", 0.1): (False, False),
    }
    assert next(row for row in rows if row["learning_rate"] == 0.1)["loss"] is None
    write_csv(tmp_path / "table.csv", rows, RATE_COLUMNS)
    assert len(read_csv(tmp_path / "table.csv")) == 6


def test_a_grid_of_one_rate_has_no_edge(tmp_path):
    path = write_tried(tmp_path / "rates.csv", {"full": {0.001: 1.0}}, {"full": 0.001})
    assert [row["at_edge"] for row in rate_table([(CELLS, path)])] == [False]


def test_other_columns_and_an_arm_without_a_rate_are_refused(tmp_path):
    path = write_tried(tmp_path / "rates.csv", {"full": {0.001: 1.0}}, {})
    with pytest.raises(InputError, match=r"rates.csv: no learning rate is chosen for full"):
        rate_table([(CELLS, path)])
    write_csv(tmp_path / "other.csv", [{"arm": "full"}], ("arm",))
    with pytest.raises(InputError, match="columns must be arm, task"):
        rate_table([(CELLS, tmp_path / "other.csv")])
