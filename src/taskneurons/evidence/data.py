"""The table of what was read, kept and dropped of every task."""

from collections.abc import Mapping
from typing import Any

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
