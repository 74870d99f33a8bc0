"""Tidy rows keep their values through a file; rows that contradict themselves are refused with file and line."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.evidence.tidy import COLUMNS, gather, read_tidy
from taskneurons.files import write_csv

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
    write_csv(path, [GOOD | change for change in changes], COLUMNS)
    return path


def test_cells_get_their_types(tmp_path: Path) -> None:
    path = written(
        tmp_path / "a.csv", {}, {"condition": "random", "train_task": "", "draw": "3", "percent": "0.5"}, ORIGINAL
    )
    task, random, original = read_tidy(path)
    assert (task["seed"], task["percent"], task["draw"], task["value"], task["n"]) == (0, 10, None, 41.5, 500)
    assert isinstance(task["percent"], int)
    assert (random["train_task"], random["draw"], random["percent"]) == (None, 3, 0.5)
    assert original["selection"] is None
    assert tuple(task) == COLUMNS


@given(st.floats(0, 100))
def test_table_written_again_is_the_same_file(tmp_path_factory: pytest.TempPathFactory, value: float) -> None:
    folder = tmp_path_factory.mktemp("rows")
    path = written(folder / "a.csv", {"value": repr(value)}, ORIGINAL)
    write_csv(folder / "b.csv", read_tidy(path), COLUMNS)
    write_csv(folder / "c.csv", read_tidy(folder / "b.csv"), COLUMNS)
    assert (folder / "b.csv").read_bytes() == (folder / "c.csv").read_bytes()
    assert read_tidy(path) == read_tidy(folder / "b.csv")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"seed": "-1"}, "`seed` is `-1`"),
        ({"seed": "1.0"}, "`seed`"),
        ({"n": "0"}, "`n` is `0`, not a whole number of at least 1"),
        ({"value": "nan"}, "`value` is `nan`, not a finite number"),
        ({"value": "inf"}, "not a finite number"),
        ({"value": ""}, "not a finite number"),
        ({"value": "101"}, r"`value` is 101; accuracy lies in \[0, 100\]"),
        ({"metric": "loss", "value": "-0.1"}, "loss lies in"),
        ({"percent": "0"}, "`percent` is 0"),
        ({"percent": "abc"}, "`percent` is `abc`"),
        ({"metric": "f1"}, "`metric` is `f1`, not one of accuracy"),
        ({"condition": "ablated"}, "`condition` is `ablated`"),
        ({"test_task": ""}, "`test_task` is empty"),
        ({"selection": ""}, "`selection` is empty under condition task"),
        ({"train_task": "mnli"}, "condition task with train_task `mnli`"),
        ({"condition": "bottom", "train_task": "mnli"}, "condition bottom"),
        ({"condition": "other_task"}, "condition other_task"),
        ({"condition": "other_task", "train_task": ""}, "condition other_task"),
        ({"condition": "random", "draw": "0"}, "condition random"),
        ({"condition": "random", "train_task": ""}, "draw `None`"),
        ({"condition": "original"}, "condition original"),
        ({"draw": "x"}, "`draw` is `x`"),
    ],
)
def test_bad_cells_are_refused_with_file_and_line(tmp_path: Path, change: dict[str, str], message: str) -> None:
    path = written(tmp_path / "rows.csv", {}, change)
    with pytest.raises(InputError, match=rf"rows\.csv:3: .*{message}"):
        read_tidy(path)


def test_other_columns_and_torn_lines_are_refused(tmp_path: Path) -> None:
    path = tmp_path / "rows.csv"
    write_csv(path, [GOOD], tuple(reversed(COLUMNS)))
    with pytest.raises(InputError, match=r"rows\.csv:2: columns must be study, model"):
        read_tidy(path)
    text = written(path, {}, {}).read_text()
    path.write_text(text[: text.rindex(",zero")])
    with pytest.raises(InputError, match=r"rows\.csv:3: .*fewer cells"):
        read_tidy(path)


def test_value_measured_twice_is_refused_with_both_files(tmp_path: Path) -> None:
    first, second = written(tmp_path / "first.csv", {}), written(tmp_path / "second.csv", {"value": "41.5"})
    with pytest.raises(InputError, match=r"second\.csv: measures again what .*first\.csv holds: .*test_task qqp"):
        gather([first, second], "deactivation")
