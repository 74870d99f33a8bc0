"""The tidy form of what trained models score: one measured value a row, the same columns in all such studies."""

import math
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_csv

Row = dict[str, Any]
COLUMNS = (
    "study", "model", "suite", "seed", "condition", "neurons", "train_task", "test_task", "percent", "share", "overlap",
    "estimator", "selection", "draw", "learning_rate", "metric", "value", "n",
)  # fmt: skip
"""What a row says.

- condition: one of CONDITIONS.
- neurons: the task whose set is trained; GROUPS for the union of the sets of a group's tasks.
- train_task: the task that is trained on, or a group for all of its tasks together; empty for zero_shot.
- test_task: the task whose test split gives the value.
- percent: share of the neurons that is selected for each task; empty for zero_shot, ffn and full.
- share: the true share of all neurons that is trained, in percent; more than `percent` for a union.
- overlap: where it is set, the share of the trained neurons that lie in the test task's set, in percent.
- draw: number of a random set or choice.
"""
# In the study `overlap` the rows of condition `task` are random neurons, of which `overlap` percent lie in the set of
# the test task, and `neurons` is the group that is trained on.
CONDITIONS = ("zero_shot", "random", "other_task", "task", "ffn", "full")
GROUPS = ("classification", "generation")
_WHOLE = ("seed", "draw", "n")
_NUMBERS = ("percent", "share", "overlap", "learning_rate", "value")
_MAY_BE_EMPTY = frozenset(
    {"neurons", "train_task", "percent", "share", "overlap", "estimator", "selection", "draw", "learning_rate"}
)
_KEY = tuple(column for column in COLUMNS if column not in ("share", "learning_rate", "value", "n"))


def read_tuned(path: str | Path) -> list[Row]:
    """Read rows with their types: whole numbers, numbers, text; an empty cell becomes None.

    Raises:
        InputError: other columns, or a cell that breaks what its column promises; the message names the file, the line
            and the column.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != COLUMNS:
            raise InputError(f"columns must be {', '.join(COLUMNS)}, not {', '.join(map(str, cells))}", where=where)
        rows.append({column: _typed(column, cells[column], where) for column in COLUMNS})
        if rows[-1]["condition"] not in CONDITIONS:
            raise InputError(f"condition must be one of {', '.join(CONDITIONS)}", where=where)
    return rows


def gather_tuned(files: Iterable[str | Path], study: str) -> list[Row]:
    """The rows of all files as one study, sorted by what they measure so that the order of the files does not matter.

    What the untrained model scores may stand in several files, if they agree; it is taken once.

    Raises:
        InputError: as `read_tuned`, or two rows measure the same thing.
    """
    origin: dict[tuple[Any, ...], str] = {}
    known: dict[tuple[Any, ...], Row] = {}
    rows = []
    for path in files:
        for row in read_tuned(path):
            row["study"] = study
            key = tuple(row[column] for column in _KEY)
            if known.get(key) == row and row["condition"] == "zero_shot":
                # Jobs that share a task each say what the untrained model does on it.
                continue
            if key in origin:
                named = ", ".join(f"{column} {row[column]}" for column in _KEY if row[column] is not None)
                raise InputError(f"measures again what {origin[key]} holds: {named}", where=str(path))
            origin[key], known[key] = str(path), row
            rows.append(row)
    return sorted(rows, key=_order)


def _order(row: Row) -> tuple[Any, ...]:
    def place(column: str) -> tuple[bool, Any]:
        value = row[column]
        if column == "condition":
            return False, CONDITIONS.index(value)
        return (True, 0 if column in (*_WHOLE, *_NUMBERS) else "") if value is None else (False, value)

    return tuple(place(column) for column in _KEY)


def _typed(column: str, cell: str | None, where: str) -> Any:
    if not cell:
        if column in _MAY_BE_EMPTY and cell is not None:
            return None
        raise InputError(f"`{column}` is empty", where=where)
    if column in _WHOLE:
        if not cell.isdecimal():
            raise InputError(f"`{column}` is `{cell}`, not a whole number", where=where)
        return int(cell)
    if column in _NUMBERS:
        try:
            number = float(cell)
        except ValueError:
            number = math.nan
        if not math.isfinite(number):
            raise InputError(f"`{column}` is `{cell}`, not a number", where=where)
        return number
    return cell
