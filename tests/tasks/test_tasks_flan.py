"""FLAN from small local copies in the two forms in which the hub has it: a file a task and split, or Parquet tables."""

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path

import datasets
import pytest
from datasets import Dataset

from taskneurons.errors import InputError
from taskneurons.tasks.flan_clusters import FLAN_CLUSTERS, FLAN_TASKS
from taskneurons.tasks.sources import flan
from taskneurons.tasks.sources.hub import hub_tasks

SPLITS = ("train", "validation", "test")
# Of the 12 clusters of the paper, with the numbers of tasks of FLAN 2021 that the repository has; counted by hand.
CLUSTERS = {
    "closed_book_qa": 4,
    "commonsense": 4,
    "coreference": 2,
    "nli": 10,
    "paraphrase": 4,
    "reading": 6,
    "reading_with_commonsense": 2,
    "sentiment": 4,
    "struct_to_text": 4,
    "summarization": 9,
    "translation": 8,
    "miscellaneous": 9,
}
REVISION = "a" * 40


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def rows(task: str, split: str, number: int) -> list[dict[str, str]]:
    return [
        {
            "inputs": f"Template {n % 10}: is number {n} of {split} true? OPTIONS: - yes - no",
            "targets": ("yes", "no")[n % 2],
            "task": f"{task}_10templates",
        }
        for n in range(number)
    ]


def write_jsonl(mirror: Path, task: str, number: int = 30, change=None) -> Path:
    folder = mirror / "Muennighoff__flan"
    for split in SPLITS:
        made = rows(task, split, number)
        if change:
            change(split, made)
        path = folder / split / f"{task}_10templates_{split}.jsonl"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(json.dumps(row) + "\n" for row in made))
    return folder


def write_parquet(mirror: Path, tasks: list[str], number: int = 30, *, converted: bool = True, drop: str = "") -> Path:
    """As on the branch refs/convert/parquet (default/train/0000.parquet), or as people publish tables."""
    folder = mirror / "Muennighoff__flan"
    for split in SPLITS:
        # The tasks of the real tables lie one after another; here they take turns, which is harder.
        made = [row for several in zip(*(rows(task, split, number) for task in tasks), strict=True) for row in several]
        table = Dataset.from_list(made).remove_columns([drop] if drop else [])
        for part, index in enumerate((range(len(made) // 2), range(len(made) // 2, len(made)))):
            long = "partial-" if split == "train" else ""
            place = f"default/{long}{split}/{part:04}" if converted else f"data/{split}-{part:05}-of-00002"
            path = folder / f"{place}.parquet"
            path.parent.mkdir(parents=True, exist_ok=True)
            table.select(index).to_parquet(path)
    return folder


def read(mirror: Path | None, *names: str, train=8, validation=2, test="all", limit=5.0, revision=REVISION):
    sizes = {"train": train, "validation": validation, "test": test, "seed": 0}
    return list(flan.make(names, **sizes, max_invalid_percent=limit, revision=revision, mirror=mirror))


def test_the_clusters_are_those_of_the_paper():
    assert {cluster: len(names) for cluster, names in FLAN_CLUSTERS.items()} == CLUSTERS
    names = flan.names(tasks="all")
    assert len(names) == len(set(names)) == 66
    assert Counter(FLAN_TASKS[name].task.family for name in names) == CLUSTERS
    assert flan.names(tasks=["rte", "copa"]) == ("rte", "copa")


@pytest.mark.parametrize("form", ["jsonl", "converted", "published"])
def test_each_form_gives_the_rows_of_the_task_alone(tmp_path, form):
    if form == "jsonl":
        write_jsonl(tmp_path, "rte")
    else:
        write_parquet(tmp_path, ["snli", "rte", "wnli"], converted=form == "converted")
    ((task, splits, counts),) = read(tmp_path, "rte", train=20)
    assert (task.name, task.family, task.kind, task.options) == ("rte", "nli", "generation", ())
    expected = {split: {(row["inputs"], row["targets"]) for row in rows("rte", split, 30)} for split in SPLITS}
    for split, size in (("train", 20), ("validation", 2), ("test", 30)):
        found = {(example.input, example.target) for example in splits[split]}
        assert len(splits[split]) == size
        assert found <= expected[split]
        # The template stands in the published text already, and the prompt is that text.
        assert all(example.prompt == example.input for example in splits[split])
    assert [one.read for one in counts.splits.values()] == [30, 30, 30]
    assert len({example.input.split(":")[0] for example in splits["test"]}) == 10


def test_both_forms_give_the_same_examples(tmp_path):
    write_jsonl(tmp_path / "one", "rte")
    write_parquet(tmp_path / "other", ["rte", "snli"])
    assert read(tmp_path / "one", "rte") == read(tmp_path / "other", "rte")


def test_empty_and_repeated_rows_are_dropped_and_counted(tmp_path):
    def change(split, made):
        if split == "train":
            made[0]["targets"], made[1]["inputs"] = " ", ""
            made[2] = dict(made[3])

    write_jsonl(tmp_path, "trivia_qa", number=60, change=change)
    ((_, _, counts),) = read(tmp_path, "trivia_qa", train=100)
    assert dict(counts.splits["train"].dropped) == {
        "empty answer": 1,
        "empty input": 1,
        "repeats another example of the split": 1,
    }
    assert counts.splits["train"].kept == 57
    with pytest.raises(InputError, match="2 of 60 examples are invalid, more than 1 %"):
        read(tmp_path, "trivia_qa", limit=1.0)


def test_other_columns_are_named_at_first_contact(tmp_path):
    def renamed(split, made):
        for row in made:
            row["input"] = row.pop("inputs")

    write_jsonl(tmp_path / "one", "rte", change=renamed)
    with pytest.raises(InputError, match=r"train of rte: there is no column 'inputs'.*Is it 'input' now"):
        read(tmp_path / "one", "rte")

    def numbers(split, made):
        for n, row in enumerate(made):
            row["targets"] = n

    write_jsonl(tmp_path / "two", "rte", change=numbers)
    with pytest.raises(InputError, match=r"column 'targets' is .*expected string"):
        read(tmp_path / "two", "rte")
    write_parquet(tmp_path / "three", ["rte"], drop="task")
    with pytest.raises(InputError, match="no column 'task' to tell the tasks apart"):
        read(tmp_path / "three", "rte")


def test_a_task_that_is_not_in_the_tables_is_named(tmp_path):
    write_parquet(tmp_path, ["snli"])
    with pytest.raises(InputError, match="no row has the task 'rte_10templates'"):
        read(tmp_path, "rte")


def test_an_absent_or_broken_file_says_how_to_fetch_it(tmp_path):
    folder = write_jsonl(tmp_path, "rte")
    with pytest.raises(InputError, match=r"neither train/copa_10templates_train\.jsonl nor Parquet tables") as refusal:
        read(tmp_path, "copa")
    fetch = f"hf download Muennighoff/flan --repo-type dataset --revision {REVISION} --include '*/copa_10templates_*'"
    assert f"`{fetch} --local-dir {folder}`" in str(refusal.value)
    (folder / "test" / "rte_10templates_test.jsonl").write_text('{"inputs": "half of a li')
    with pytest.raises(InputError, match=r"test/rte_10templates_test\.jsonl could not be read") as refusal:
        read(tmp_path, "rte")
    assert "\n" not in str(refusal.value)


@pytest.mark.parametrize("revision", ["", "main", "A" * 40, "a" * 39])
def test_only_a_pinned_revision_is_fetched(revision):
    with pytest.raises(InputError, match="Muennighoff/flan has no pinned revision"):
        read(None, "rte", revision=revision)


def test_an_unknown_task_is_answered_with_the_nearest_one(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'snli'"):
        read(tmp_path, "snil")


def test_an_offline_machine_gets_one_line_with_the_command():
    code = (
        "from taskneurons.errors import InputError\n"
        "from taskneurons.tasks.sources import flan\n"
        "sizes = {'train': 1, 'validation': 1, 'test': 1, 'seed': 0, 'max_invalid_percent': 5.0}\n"
        f"try:\n    list(flan.make(['rte'], **sizes, revision='{REVISION}'))\n"
        "except InputError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_secret"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"Muennighoff/flan at {REVISION}: train/rte_10templates_train.jsonl could not be read")
    assert "hf download Muennighoff/flan" in line and "`mirror`" in line
    assert "hf_secret" not in done.stdout + done.stderr


def test_the_single_task_flan_of_the_hub_suite_is_another_thing():
    """It mixes all tasks into one; the layers study needs them apart."""
    assert "flan" in hub_tasks() and "flan" not in FLAN_TASKS
