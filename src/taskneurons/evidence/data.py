"""What evidence must know of the data: the tasks as tables and figures take them."""

from collections.abc import Iterable
from pathlib import Path
from typing import Any

from taskneurons.files import read_json


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
