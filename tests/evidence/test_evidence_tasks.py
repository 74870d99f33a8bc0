"""The tasks as tables and figures take them."""

import json
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import described_tasks


def test_tasks_are_described_once_with_their_suite_and_their_constant(tmp_path: Path) -> None:
    paths = []
    for suite, task in [("mine", "b"), ("mine", "a"), ("other", "a")]:
        folder = tmp_path / "data" / suite / "tasks" / task
        folder.mkdir(parents=True)
        (folder / "task.json").write_text(json.dumps({"name": task, "family": f"{suite} {task}", "kind": "generation"}))
        (folder / "constant.json").write_text(
            json.dumps({"score": 50.0 + len(paths), "metric": "accuracy", "spread": None})
        )
        paths += [folder / "task.json", folder / "constant.json"]
    found = described_tasks(map(str, paths))
    assert [(one.suite, one.name, one.constant) for one in found] == [
        ("mine", "b", 50.0),
        ("mine", "a", 52.0),
        ("other", "a", 54.0),
    ]
    assert found[0].family == "mine b"
    paths[1].unlink()
    with pytest.raises(InputError, match=f"{paths[1]}: no such file"):
        described_tasks(paths)
