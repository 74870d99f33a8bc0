"""The tidy form of results: one measured value a row, the same columns in the same order in every study."""

import math
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_csv

Row = dict[str, Any]
COLUMNS = (
    "study", "model", "suite", "seed", "condition", "train_task", "test_task", "percent", "estimator", "selection",
    "intervention", "draw", "metric", "value", "n",
)  # fmt: skip
# From the untouched model to the one that should suffer most; also the order of rows and of legends.
CONDITIONS = ("original", "bottom", "random", "other_task", "task")
METRICS = ("accuracy", "accuracy_restricted", "rougeL", "loss")
# What a set of neurons was selected by and what was done to it; empty for the untouched model.
SETTING = ("estimator", "percent", "selection", "intervention")
_KEY = tuple(column for column in COLUMNS if column not in ("value", "n"))
_TEXT = ("study", "model", "suite", "condition", "train_task", "test_task", "estimator", "selection", "intervention")


def read_tidy(path: str | Path) -> list[Row]:
    """Read tidy rows with their types: seed, draw and n whole numbers, percent and value numbers.

    An empty cell becomes None. `percent` is an int where it is whole, so that it is written as it was read.

    Raises:
        InputError: a column is missing or unknown, or a cell breaks what its column promises; the message names the
            file, the line and the column.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != COLUMNS:
            raise InputError(f"columns must be {', '.join(COLUMNS)}, not {', '.join(map(str, cells))}", where=where)
        if None in cells.values():
            raise InputError("has fewer cells than the header", where=where)
        row: Row = {column: cells[column] or None for column in _TEXT}
        row["seed"], row["n"] = _whole(cells, "seed", where, least=0), _whole(cells, "n", where, least=1)
        row["draw"] = _whole(cells, "draw", where, least=0) if cells["draw"] else None
        row["percent"] = _percent(cells, where) if cells["percent"] else None
        row["metric"], row["value"] = cells["metric"], _number(cells, "value", where)
        _check(row, where)
        rows.append({column: row[column] for column in COLUMNS})
    return rows


def gather(files: Iterable[str | Path], study: str) -> list[Row]:
    """The rows of all files as one study, sorted by what they measure so that the order of the files does not matter.

    Raises:
        InputError: as `read_tidy`, or two rows measure the same thing.
    """
    origin: dict[tuple[Any, ...], str] = {}
    rows = []
    for path in files:
        for row in read_tidy(path):
            row["study"] = study
            key = tuple(row[column] for column in _KEY)
            if key in origin:
                named = ", ".join(f"{c} {row[c]}" for c in _KEY if row[c] is not None)
                raise InputError(f"measures again what {origin[key]} holds: {named}", where=str(path))
            origin[key] = str(path)
            rows.append(row)
    return sorted(rows, key=order)


def order(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Sort key of rows: run, setting, condition, tasks, draw, metric; empty cells first."""
    names = ("suite", "model", "seed", *SETTING, "condition", "train_task", "test_task", "draw", "layer", "metric")
    return tuple(_rank(name, row.get(name)) for name in names)


def _rank(name: str, value: Any) -> tuple[bool, Any]:
    if value is None:
        return False, 0
    return True, CONDITIONS.index(value) if name == "condition" else value


def _whole(cells: Mapping[str, str], column: str, where: str, *, least: int) -> int:
    text = cells[column]
    if not (text.isascii() and text.isdecimal() and int(text) >= least):
        raise InputError(f"`{column}` is `{text}`, not a whole number of at least {least}", where=where)
    return int(text)


def _number(cells: Mapping[str, str], column: str, where: str) -> float:
    try:
        number = float(cells[column])
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"`{column}` is `{cells[column]}`, not a finite number", where=where)
    return number


def _percent(cells: Mapping[str, str], where: str) -> float | int:
    percent = _number(cells, "percent", where)
    if not 0 < percent <= 100:
        raise InputError(f"`percent` is {percent:g}; it must be above 0 and at most 100", where=where)
    return int(percent) if percent.is_integer() else percent


def _check(row: Row, where: str) -> None:
    if row["condition"] not in CONDITIONS:
        raise InputError(f"`condition` is `{row['condition']}`, not one of {', '.join(CONDITIONS)}", where=where)
    if row["metric"] not in METRICS:
        raise InputError(f"`metric` is `{row['metric']}`, not one of {', '.join(METRICS)}", where=where)
    highest = math.inf if row["metric"] == "loss" else 100
    if not 0 <= row["value"] <= highest:
        raise InputError(f"`value` is {row['value']:g}; {row['metric']} lies in [0, {highest}]", where=where)
    needed = ["model", "suite", "test_task"]
    if row["condition"] != "original":
        needed += SETTING
    for column in needed:
        if row[column] is None:
            raise InputError(f"`{column}` is empty under condition {row['condition']}", where=where)
    train, test = row["train_task"], row["test_task"]
    expected = {
        "original": train is None,
        "random": train is None and row["draw"] is not None,
        "bottom": train == test,
        "task": train == test,
        "other_task": train is not None and train != test,
    }
    if not expected[row["condition"]]:
        raise InputError(
            f"condition {row['condition']} with train_task `{train or ''}`, test_task `{test}`, draw `{row['draw']}`",
            where=where,
            remedy="original and random have no train_task, random has a draw, bottom and task test their own task, "
            "other_task tests another one",
        )
