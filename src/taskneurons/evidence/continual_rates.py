"""What was tried on the development order: learning rates, strengths and temperatures of each method."""

import math
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path

from taskneurons.errors import InputError
from taskneurons.evidence.continual import METHODS, Row, by_method
from taskneurons.files import read_csv

TRIED = ("method", "learning_rate", "strength", "temperature", "accuracy", "chosen")
RATE_COLUMNS = ("suite", "model", "group", *TRIED, "at_edge")
"""What a row says.

- accuracy: mean over the tasks after the last stage, validation split, in percent; empty where training diverged.
- at_edge: whether the row was chosen and has the lowest or the highest learning rate of its method, so that a better
  one may lie beyond the grid.
"""
KNOBS = ("learning_rate", "strength", "temperature")


def rate_table(files: Iterable[str | Path]) -> list[Row]:
    """Every trial of every method, sorted.

    Args:
        files: `.../<suite>/<model>/rates/<group>.csv`.

    Raises:
        InputError: a file has other columns or a cell that is no number, a method is unknown or is in two files of a
            run, or not exactly one trial of a method is chosen.
    """
    rows: list[Row] = []
    methods: dict[tuple[str, str, str], list[Row]] = defaultdict(list)
    for path in map(Path, files):
        suite, model = path.parts[-4:-2]
        own: dict[str, list[Row]] = defaultdict(list)
        for line, cells in enumerate(read_csv(path), start=2):
            if tuple(cells) != TRIED:
                raise InputError(f"columns must be {', '.join(TRIED)}", where=f"{path}:{line}")
            row: Row = {"suite": suite, "model": model, "group": path.stem, "method": cells["method"], "at_edge": False}
            row |= {column: _number(cells[column], column, f"{path}:{line}") for column in (*KNOBS, "accuracy")}
            row["chosen"] = cells["chosen"] == "True"
            if row["method"] not in METHODS:
                raise InputError(f"there is no method `{row['method']}`", where=f"{path}:{line}")
            own[row["method"]].append(row)
        for method, tried in own.items():
            chosen = [row for row in tried if row["chosen"]]
            if len(chosen) != 1:
                raise InputError(f"{len(chosen)} trials of {method} are chosen, not one", where=str(path))
            if before := methods[suite, model, method]:
                raise InputError(f"{method} was tried in {before[0]['group']}, too", where=str(path))
            for knob in KNOBS:
                grid = sorted({row[knob] for row in tried if row[knob] is not None})
                chosen[0]["at_edge"] |= len(grid) > 1 and chosen[0][knob] in (grid[0], grid[-1])
            methods[suite, model, method] = tried
            rows += tried
    return sorted(rows, key=lambda row: (row["suite"], row["model"], by_method(row["method"]), _knobs(row)))


def read_rates(path: str | Path) -> list[Row]:
    """The rows that `rate_table` made, with their types.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != RATE_COLUMNS:
            raise InputError(f"columns must be {', '.join(RATE_COLUMNS)}", where=where)
        row: Row = dict(cells) | {column: _number(cells[column], column, where) for column in (*KNOBS, "accuracy")}
        rows.append(row | {column: cells[column] == "True" for column in ("chosen", "at_edge")})
    return rows


def _knobs(row: Row) -> list[tuple[bool, float]]:
    return [(row[column] is not None, row[column] or 0.0) for column in KNOBS]


def _number(text: str, column: str, where: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"`{column}` is `{text}`, not a number", where=where)
    return number
