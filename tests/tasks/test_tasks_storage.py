"""The files of a task: what is written is read back, and what is broken is named with file and line."""

import json
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.storage import (
    Counts,
    SplitCounts,
    read_counts,
    read_split,
    read_task,
    read_task_folder,
    write_task,
)
from taskneurons.tasks.task import SPLITS, Task

TASK = Task("echo", "copy", "generation", ("a {input} b", "{input}"), domain="x", license="CC0", source="here")
TEXT = st.text(st.characters(exclude_categories=("Cs",)))


def counts_of(splits) -> Counts:
    return Counts({split: SplitCounts(None, len(splits[split]), len(splits[split]), 0, {}) for split in SPLITS})


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(TEXT, TEXT.map(str.strip).filter(bool)), unique=True, max_size=6))
def test_what_is_written_is_read_back(tmp_path_factory, pairs):
    folder = tmp_path_factory.mktemp("task")
    splits = {split: [make_example(TASK, *pair) for pair in pairs] for split in SPLITS}
    write_task(folder, TASK, splits, counts_of(splits))
    assert read_task(folder) == TASK
    assert read_counts(folder) == counts_of(splits)
    for split in SPLITS:
        assert read_split(folder, split) == splits[split]
        assert read_split(folder, split, limit=2) == splits[split][:2]
    assert read_task_folder(folder) == (TASK, splits, counts_of(splits))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    splits = {split: [make_example(TASK, f"{split} {n}", "y") for n in range(3)] for split in SPLITS}
    write_task(tmp_path, TASK, splits, counts_of(splits))
    return tmp_path


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("{", r"test.jsonl:2: not JSON"),
        ("[1]", r"test.jsonl:2: expected an object"),
        ('{"id": "1"}', r"test.jsonl:2: expected an object with exactly the keys"),
        ('{"id": "1", "instruction": "{input}", "input": "x", "target": ""}', r"test.jsonl:2: the answer is empty"),
        ('{"id": "1", "instruction": "{input}", "input": "x", "target": NaN}', r"test.jsonl:2: `target`.*float"),
    ],
)
def test_a_broken_line_is_named(folder, line, words):
    lines = (folder / "test.jsonl").read_text().splitlines()
    (folder / "test.jsonl").write_text("\n".join([lines[0], line, lines[2]]) + "\n")
    with pytest.raises(InputError, match=words):
        read_split(folder, "test")
    assert len(read_split(folder, "test", limit=1)) == 1


def test_a_broken_task_file_is_named(folder):
    content = json.loads((folder / "task.json").read_text())
    (folder / "task.json").write_text(json.dumps({**content, "name": "../x"}))
    with pytest.raises(InputError, match=r"task.json: task name '../x' is not a usable name"):
        read_task(folder)
    (folder / "task.json").write_text(json.dumps({**content, "more": 1}))
    with pytest.raises(InputError, match="exactly the keys"):
        read_task(folder)
    (folder / "counts.json").write_text("{}")
    with pytest.raises(InputError, match=r"counts\.json"):
        read_counts(folder)
    with pytest.raises(InputError, match="no split 'tests'"):
        read_split(folder, "tests")
    (folder / "train.jsonl").unlink()
    with pytest.raises(InputError, match=r"train.jsonl: no such file"):
        read_split(folder, "train")


def test_nothing_inconsistent_is_written(tmp_path):
    one = make_example(TASK, "x", "y")
    splits = {split: [one] for split in SPLITS}
    foreign = Task("echo", "copy", "generation", ("other {input}",))
    labelled = Task("echo", "copy", "classification", TASK.templates, ("p", "q"))
    for task, contents, words in (
        (TASK, {**splits, "test": [one, one]}, "counted 1"),
        (foreign, splits, "foreign instruction"),
        (labelled, splits, "outside the options"),
        (TASK, {"train": [one]}, "has the splits"),
    ):
        with pytest.raises(InputError, match=words):
            write_task(tmp_path, task, contents, counts_of(splits))
    doubled = {split: [one, one] for split in SPLITS}
    with pytest.raises(InputError, match="repeats an example id"):
        write_task(tmp_path, TASK, doubled, counts_of(doubled))
    assert not list(tmp_path.iterdir())


def test_counts_must_add_up():
    SplitCounts(5, 10, 5, 2, {"empty answer": 3})
    with pytest.raises(InputError, match="do not sum"):
        SplitCounts(5, 10, 5, 2, {"empty answer": 2})
    with pytest.raises(InputError, match="negative"):
        SplitCounts(5, 4, 5, -1, {})
    with pytest.raises(InputError, match="train, validation, test"):
        Counts({"train": SplitCounts(1, 1, 1, 0, {})})
    assert SplitCounts(5, 3, 3, 0, {}).missing == 2
    assert SplitCounts(None, 3, 3, 0, {}).missing == 0
