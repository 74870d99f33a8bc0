"""What evidence must know of the data: the tasks as tables and figures take them, and what became of every record."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from taskneurons.files import read_json

DATA_COLUMNS = ("study", "suite", "task", "split", "outcome", "reason", "examples")


def data_table(counts: Mapping[tuple[str, str], Mapping[str, Mapping[str, Any]]]) -> list[dict[str, Any]]:
    """One row for each outcome of the records of a split: read, kept, unused, or dropped for a reason.

    Args:
        counts: (suite, task) -> split -> counts, the form of counts.json.
    """
    rows = []
    for (suite, task), splits in counts.items():
        for split, of_split in splits.items():
            cells = {"study": "data", "suite": suite, "task": task, "split": split}
            rows += [
                {**cells, "outcome": outcome, "examples": of_split[outcome]} for outcome in ("read", "kept", "unused")
            ]
            rows += [
                {**cells, "outcome": "dropped", "reason": reason, "examples": number}
                for reason, number in sorted(of_split["dropped"].items())
            ]
    return rows


def described_tasks(paths: Iterable[str | Path]) -> list[dict[str, Any]]:
    """The tasks whose `task.json` and `constant.json` are among the paths, as tables and figures take them.

    Each is the content of task.json with `suite` (the folder above `tasks/`) and `constant` (the score of the best
    constant answer, percent). Order: that of the paths.
    """
    folders = dict.fromkeys(Path(path).parent for path in paths)
    return [
        {
            **read_json(folder / "task.json"),
            "suite": folder.parts[-3],
            "constant": read_json(folder / "constant.json")["score"],
        }
        for folder in folders
    ]
