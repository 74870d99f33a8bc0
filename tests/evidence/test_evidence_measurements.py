"""Measurements keep their values through a file; rows that contradict themselves are refused with file and line."""

from dataclasses import replace
from pathlib import Path

import pytest
from csv_files import write_csv
from hypothesis import given
from hypothesis import strategies as st
from made_up_measurements import ZEROED, make_rows
from made_up_tasks import make_tasks

from taskneurons.errors import InputError
from taskneurons.evidence.measurements import MEASUREMENTS, gather_measurements, of_setting

GOOD = {
    "study": "deactivation", "model": "llama", "suite": "synthetic", "seed": "0", "condition": "task",
    "train_task": "qqp", "test_task": "qqp", "percent": "10", "estimator": "taylor", "selection": "layer",
    "intervention": "zero", "draw": "", "metric": "accuracy", "value": "41.5", "n": "500",
}  # fmt: skip
ORIGINAL = {
    "condition": "original",
    "train_task": "",
    "percent": "",
    "estimator": "",
    "selection": "",
    "intervention": "",
}


def written(path: Path, *changes: dict[str, str]) -> Path:
    write_csv(path, [GOOD | change for change in changes], MEASUREMENTS.columns)
    return path


def test_cells_get_their_types(tmp_path: Path) -> None:
    random = {"condition": "random", "train_task": "", "draw": "3", "percent": "0.5"}
    task, drawn, original = MEASUREMENTS.read(written(tmp_path / "a.csv", {}, random, ORIGINAL))
    assert (task.seed, task.percent, task.draw, task.value, task.n) == (0, 10, None, 41.5, 500)
    assert isinstance(task.percent, int)
    assert (drawn.train_task, drawn.draw, drawn.percent) == (None, 3, 0.5)
    assert original.selection is None


@given(st.floats(0, 100))
def test_a_table_written_again_is_the_same_file(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    folder = tmp_path_factory.mktemp("rows")
    path = written(folder / "a.csv", {"value": repr(value)}, ORIGINAL)
    MEASUREMENTS.write(folder / "b.csv", MEASUREMENTS.read(path))
    MEASUREMENTS.write(folder / "c.csv", MEASUREMENTS.read(folder / "b.csv"))
    assert (folder / "b.csv").read_bytes() == (folder / "c.csv").read_bytes()
    assert MEASUREMENTS.read(path) == MEASUREMENTS.read(folder / "b.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "-1"}, "`seed`: is `-1`"),
        ({"seed": "1.0"}, "`seed`"),
        ({"n": "0"}, "`n`: is `0`; expected a whole number or in \\[1, inf\\]"),
        ({"value": "nan"}, "`value`: is `nan`; expected a number"),
        ({"value": "inf"}, "expected a number"),
        ({"value": ""}, "`value`: is empty; expected a number"),
        ({"value": "101"}, r"`value` is 101; accuracy lies in \[0, 100\]"),
        ({"metric": "loss", "value": "-0.1"}, "`value`: is `-0.1`"),
        ({"percent": "0"}, "`percent` is 0"),
        ({"percent": "101"}, "`percent`: is `101`"),
        ({"percent": "abc"}, "`percent`: is `abc`"),
        ({"metric": "f1"}, "`metric`: is `f1`; expected one of accuracy"),
        ({"condition": "ablated"}, "`condition`: is `ablated`"),
        ({"test_task": ""}, "`test_task` is empty"),
        ({"model": ""}, "`model` is empty"),
        ({"selection": ""}, "selection or intervention is empty under condition task"),
        ({"train_task": "mnli"}, "condition task with train_task `mnli`"),
        ({"condition": "bottom", "train_task": "mnli"}, "condition bottom"),
        ({"condition": "other_task"}, "condition other_task"),
        ({"condition": "other_task", "train_task": ""}, "condition other_task"),
        ({"condition": "random", "draw": "0"}, "condition random"),
        ({"condition": "random", "train_task": ""}, "draw `None`"),
        ({"condition": "original"}, "condition original"),
        ({"draw": "x"}, "`draw`: is `x`"),
    ],
)
def test_bad_cells_are_refused_with_file_and_line(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = written(tmp_path / "rows.csv", {}, change)
    with pytest.raises(InputError, match=rf"rows\.csv:3: .*{message}"):
        MEASUREMENTS.read(path)


def test_other_columns_and_torn_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(path, [GOOD], tuple(reversed(MEASUREMENTS.columns)))
    with pytest.raises(InputError, match=r"rows\.csv:1: columns must be study, model"):
        MEASUREMENTS.read(path)
    text = written(path, {}, {}).read_text()
    path.write_text(text[: text.rindex(",zero")])
    with pytest.raises(InputError, match=r"rows\.csv:3: has 10 cells, the header 15"):
        MEASUREMENTS.read(path)


def test_a_table_does_not_depend_on_the_order_of_files(tmp_path: Path) -> None:
    rows = make_rows(make_tasks(), seeds=(0, 1), draws=2)
    paths = [tmp_path / f"{place}.csv" for place in range(4)]
    for place, path in enumerate(paths):
        MEASUREMENTS.write(path, [replace(row, study="models") for row in rows[place::4]])
    assert gather_measurements(paths, "deactivation") == gather_measurements(reversed(paths), "deactivation") == rows


def test_whole_percentages_are_gathered_as_whole_numbers(tmp_path: Path) -> None:
    paths = [written(tmp_path / "a.csv", {"percent": "10.0"}), written(tmp_path / "b.csv", {"percent": "2.5"})]
    found = [row.percent for row in gather_measurements(paths, "deactivation")]
    assert [str(percent) for percent in found] == ["2.5", "10"]


def test_a_value_measured_twice_is_refused_with_both_files(tmp_path: Path) -> None:
    first, second = written(tmp_path / "first.csv", {}), written(tmp_path / "second.csv", {"value": "41.5"})
    with pytest.raises(InputError, match=r"second\.csv: measures again what .*first\.csv holds: .*test_task qqp"):
        gather_measurements([first, second], "deactivation")


def test_a_setting_without_results_is_refused() -> None:
    rows = make_rows(make_tasks())
    chosen = of_setting(rows, suite="synthetic", model="llama", setting=ZEROED["layer"])
    assert sorted(map(str, chosen)) == sorted(map(str, rows))
    with pytest.raises(InputError, match="no results of bloom on synthetic for the original model"):
        of_setting(rows, suite="synthetic", model="bloom", setting=ZEROED["layer"])
    with pytest.raises(InputError, match="for taylor, 10, model, zero"):
        of_setting(rows, suite="synthetic", model="llama", setting=ZEROED["model"])
