"""What became of every record, as a table; and the tasks as tables and figures take them."""

import json
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.evidence.data import DATA_COLUMNS, data_table, described_tasks
from taskneurons.tasks.storage import Counts, SplitCounts

NONE = SplitCounts(None, 0, 0, 0, {})


def counts(read: int, kept: int, **dropped: int) -> SplitCounts:
    return SplitCounts(kept, read, kept, read - kept - sum(dropped.values()), dropped)


def test_every_record_is_in_one_row_of_the_table() -> None:
    of = {
        ("mine", "mood"): Counts({"train": counts(9, 5, empty=1, copy=2), "validation": NONE, "test": counts(3, 3)}),
        ("other", "mood"): Counts({"train": counts(2, 1), "validation": NONE, "test": NONE}),
    }
    rows = data_table({key: value.as_json() for key, value in of.items()})
    assert all(set(row) <= set(DATA_COLUMNS) and row["study"] == "data" for row in rows)
    for (suite, task), value in of.items():
        for split, one in value.splits.items():
            here = [row for row in rows if (row["suite"], row["task"], row["split"]) == (suite, task, split)]
            numbers = {(row["outcome"], row.get("reason")): row["examples"] for row in here}
            assert len(numbers) == len(here)
            read = numbers.pop(("read", None))
            assert read == one.read == sum(numbers.values())
    reasons = {(row["reason"], row["examples"]) for row in rows if row["outcome"] == "dropped"}
    assert reasons == {("empty", 1), ("copy", 2)}


def test_tasks_are_described_once_with_their_suite_and_their_constant(tmp_path: Path) -> None:
    paths = []
    for suite, task in [("mine", "b"), ("mine", "a"), ("other", "a")]:
        folder = tmp_path / "data" / suite / "tasks" / task
        folder.mkdir(parents=True)
        (folder / "task.json").write_text(json.dumps({"name": task, "family": f"{suite} {task}"}))
        (folder / "constant.json").write_text(json.dumps({"score": 50.0 + len(paths), "metric": "accuracy"}))
        paths += [folder / "task.json", folder / "constant.json"]
    found = described_tasks(map(str, paths))
    assert [(one["suite"], one["name"], one["constant"]) for one in found] == [
        ("mine", "b", 50.0),
        ("mine", "a", 52.0),
        ("other", "a", 54.0),
    ]
    assert found[0]["family"] == "mine b"
    paths[1].unlink()
    with pytest.raises(InputError, match=f"{paths[1]}: no such file"):
        described_tasks(paths)
