"""Which learning rate each arm was given, and what the others of the grid would have given."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_csv

TRIED = ("arm", "task", "learning_rate", "loss", "chosen")
RATE_COLUMNS = ("suite", "model", "study", *TRIED, "at_edge")

Row = dict[str, Any]


def rate_table(files: Iterable[tuple[Mapping[str, str], str | Path]]) -> list[Row]:
    """Every training that was tried, with its validation loss; empty where it diverged.

    Args:
        files: for each table of tried rates, its `suite`, `model` and `study`, and its path.

    Returns:
        Rows in the order of the files. `chosen` marks the arm's rate; `at_edge` the chosen rates that are the lowest or
        the highest of the grid, so that a better one may lie beyond it.

    Raises:
        InputError: a table has other columns, or no rate of an arm is chosen.
    """
    rows: list[Row] = []
    for cells, path in files:
        tried = read_csv(path)
        if not tried or tuple(tried[0]) != TRIED:
            raise InputError(f"columns must be {', '.join(TRIED)}", where=str(path))
        grid = sorted({float(row["learning_rate"]) for row in tried})
        chosen = {(row["arm"], float(row["learning_rate"])) for row in tried if row["chosen"] == "True"}
        if without := sorted({row["arm"] for row in tried} - {arm for arm, _ in chosen}):
            raise InputError(f"no learning rate is chosen for {', '.join(without)}", where=str(path))
        for row in tried:
            speed = float(row["learning_rate"])
            mine = (row["arm"], speed) in chosen
            rows.append(
                {
                    **cells,
                    "arm": row["arm"],
                    "task": row["task"],
                    "learning_rate": speed,
                    "loss": float(row["loss"]) if row["loss"] else None,
                    "chosen": mine,
                    "at_edge": mine and len(grid) > 1 and speed in (grid[0], grid[-1]),
                }
            )
    return rows
