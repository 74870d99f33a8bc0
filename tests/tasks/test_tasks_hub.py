"""The hub source, on small tables with the hub's columns that each test writes to a local mirror."""

import os
import subprocess
import sys
from pathlib import Path

import datasets
import pytest
from datasets import ClassLabel, Dataset, Features, List, Value

from taskneurons.errors import InputError
from taskneurons.tasks.hub_task import HubTask, Part, read_hub_tasks
from taskneurons.tasks.sources import hub
from taskneurons.tasks.sources.hub import hub_tasks

# Columns as the data sets publish them, their classes in the order of the label numbers; typed here by hand.
TABLES = {
    "amazon_food": {"label": ["negative", "positive"], "title": str, "content": str},
    "sst2": {"idx": int, "sentence": str, "label": ["negative", "positive"]},
    "qqp": {"question1": str, "question2": str, "label": ["not_duplicate", "duplicate"], "idx": int},
    "paws": {"id": int, "sentence1": str, "sentence2": str, "label": ["0", "1"]},
    "mnli": {"premise": str, "hypothesis": str, "label": ["entailment", "neutral", "contradiction"], "genre": str},
    "gptnli": {"text_a": str, "text_b": str, "label": ["entailment", "neutral", "contradiction"], "guid": int},
    "sciq": {"question": str, "distractor1": str, "correct_answer": str, "support": str},
    "tweetqa": {"Question": str, "Answer": list, "Tweet": str, "qid": str},
    "e2e": {"meaning_representation": str, "human_reference": str},
    "common_gen": {"concept_set_idx": int, "concepts": list, "target": str},
    "cnn": {"article": str, "highlights": str, "id": str},
    "xsum": {"document": str, "summary": str, "id": str},
    "agnews": {"text": str, "label": ["World", "Sports", "Business", "Sci/Tech"]},
    "dbpedia": {"label": [f"class {n}" for n in range(14)], "title": str, "content": str},
    "yahoo": {
        "id": int,
        "topic": [f"topic {n}" for n in range(10)],
        "question_title": str,
        "question_content": str,
        "best_answer": str,
    },
    "amazon": {"id": str, "text": str, "label": int, "label_text": str},
    "rte": {"sentence1": str, "sentence2": str, "label": ["entailment", "not_entailment"], "idx": int},
    "flan": {"inputs": str, "targets": str, "task": str},
}
CLASSES = {"amazon": 5}
HUB_SPLITS = {"mnli": ("train", "validation_matched", "validation_mismatched"), "gptnli": ("train",)}
NO_VALIDATION = ("amazon_food", "agnews", "dbpedia", "yahoo")


@pytest.fixture(autouse=True)
def _own_cache(tmp_path, monkeypatch):
    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")
    datasets.disable_progress_bars()


def feature(kind):
    if isinstance(kind, list):
        return ClassLabel(names=kind)
    return {str: Value("string"), int: Value("int64"), list: List(Value("string"))}[kind]


def cell(name: str, column: str, kind, split: str, row: int):
    if isinstance(kind, list):
        return row % len(kind)
    if kind is int:
        return row % CLASSES.get(name, 10**9)
    return [f"{column} {split} {row}", "second"] if kind is list else f"{column} {split} {row}"


def write_mirror(mirror: Path, name: str, rows: int = 12, change=None, columns=None) -> Path:
    adapter, columns = hub_tasks()[name], columns or TABLES[name]
    folder = mirror / adapter.repository.replace("/", "__")
    splits = HUB_SPLITS.get(name, ("train", "test") if name in NO_VALIDATION else ("train", "validation", "test"))
    config = adapter.config or "default"
    features = Features({column: feature(kind) for column, kind in columns.items()})
    listing = [f"configs:\n- config_name: {config}\n  data_files:"]
    for split in splits:
        table = {column: [cell(name, column, kind, split, n) for n in range(rows)] for column, kind in columns.items()}
        if change:
            change(split, table)
        path = folder / config / f"{split}-00000-of-00001.parquet"
        path.parent.mkdir(parents=True, exist_ok=True)
        Dataset.from_dict(table, features=features).to_parquet(path)
        listing.append(f"  - split: {split}\n    path: {config}/{path.name}")
    (folder / "README.md").write_text("---\n" + "\n".join(listing) + "\n---\n")
    return folder


def read(mirror: Path | None, *names: str, train=8, validation=2, test="all", limit=5.0, revisions=None):
    sizes = {"train": train, "validation": validation, "test": test, "seed": 0}
    return list(hub.make(names, **sizes, max_invalid_percent=limit, revisions=revisions or {}, mirror=mirror))


def test_there_is_an_adapter_for_each_data_set():
    assert set(hub_tasks()) == set(TABLES)


DESCRIBED = """[mood]
family = "sentiment"
instructions = ["What is the mood?"]
options = ["good", "bad"]
domain = "letters"
license = "CC0"
source = "maker/mood"
repository = "maker/mood"
columns = {text = "text", label = "label"}
inputs = [{column = "text", heading = "Text", needed = false}]
target = "label"
splits = {train = "train"}
"""


def test_a_described_data_set_becomes_its_adapter(tmp_path):
    path = tmp_path / "hub.toml"
    path.write_text(DESCRIBED)
    (found,) = read_hub_tasks(path).values()
    columns = {"text": "text", "label": "label"}
    parts = (Part("text", "Text", needed=False),)
    assert found == HubTask(found.task, "maker/mood", None, columns, parts, "label", {"train": "train"})
    assert (found.task.name, found.task.kind, found.task.options) == ("mood", "classification", ("good", "bad"))
    assert len(found.task.templates) == 4 and all("What is the mood?" in one for one in found.task.templates)


@pytest.mark.parametrize(
    ("old", "new", "words"),
    [
        ('label = "label"', 'label = "number"', "hub.toml, mood.columns.label: .*'label'"),
        ('heading = "Text"', 'heding = "Text"', r"hub.toml, mood.inputs.0.heding: "),
        ('target = "label"\n', "", "hub.toml, mood.target: .*required"),
        ("needed = false", "needed = 3", "hub.toml, mood.inputs.0.needed: .*boolean"),
        ('target = "label"', 'target = "mood"', "hub task mood: a part or the answer names no column"),
        ('family = "sentiment"', "family = sentiment", "hub.toml: not TOML"),
    ],
)
def test_a_data_set_that_is_described_wrongly_is_refused_by_name(tmp_path, old, new, words):
    path = tmp_path / "hub.toml"
    assert old in DESCRIBED
    path.write_text(DESCRIBED.replace(old, new))
    with pytest.raises(InputError, match=words):
        read_hub_tasks(path)


@pytest.mark.parametrize("name", TABLES)
def test_each_adapter_reads_the_columns_of_its_data_set(tmp_path, name):
    write_mirror(tmp_path, name, rows=70)
    ((task, splits, counts),) = read(tmp_path, name, train=30, validation=10, test=10)
    assert task.name == name
    assert len(splits["train"]) == 30 and len(splits["validation"]) == 10 and len(splits["test"]) == 10
    adapter = hub_tasks()[name]
    for split, examples in splits.items():
        origin = adapter.splits.get(split, "train")
        for example in examples:
            lines = example.input.split("\n")
            row = lines[0].split()[-1].rstrip(",")
            row = row if row.isdigit() else example.input.split(", second")[0].split()[-1]
            for part, line in zip(adapter.inputs, lines, strict=True):
                expected = f"{part.column} {origin} {row}" + (", second" if part.joiner else "")
                assert line == (f"{part.heading}: {expected}" if part.heading else expected)
            if task.options:
                assert example.target == task.options[int(row) % len(task.options)]
            else:
                assert example.target == f"{adapter.target} {origin} {row}"
    assert all(sum(one.dropped.values()) == 0 for one in counts.splits.values())


def test_options_are_in_the_order_of_the_published_labels():
    assert hub_tasks()["sst2"].task.options == ("negative", "positive")
    assert hub_tasks()["qqp"].task.options == ("no", "yes")
    assert hub_tasks()["rte"].task.options == ("entailment", "not entailment")
    assert hub_tasks()["mnli"].task.options == hub_tasks()["gptnli"].task.options
    assert hub_tasks()["agnews"].task.options[1:3] == ("Sports", "Business")


def test_hidden_labels_and_missing_texts_are_dropped_and_counted(tmp_path):
    def change(split, table):
        if split == "train":
            table["label"][:3] = [-1, -1, None]
            table["premise"][3] = None
            table["hypothesis"][4] = " "

    write_mirror(tmp_path, "mnli", rows=100, change=change)
    ((_, _, counts),) = read(tmp_path, "mnli", train=200, validation=10)
    assert dict(counts.splits["train"].dropped) == {
        "label outside the options": 2,
        "empty answer": 1,
        "empty input": 2,
    }
    assert counts.splits["train"].kept + counts.splits["validation"].kept == 95
    with pytest.raises(
        InputError, match="5 of 100 examples are invalid, more than 4 %; first nyu-mll/multi_nli, train, row"
    ):
        read(tmp_path, "mnli", limit=4.0)


def test_an_optional_line_may_be_empty(tmp_path):
    def change(split, table):
        table["question_content"] = [""] * len(table["question_content"])

    write_mirror(tmp_path, "yahoo", rows=40, change=change)
    ((_, splits, _),) = read(tmp_path, "yahoo")
    assert all(example.input.count("\n") == 1 and "Details" not in example.input for example in splits["test"])


def test_a_large_table_is_sampled_by_seed_and_counted(tmp_path):
    write_mirror(tmp_path, "e2e", rows=3000)
    ((_, splits, counts),) = read(tmp_path, "e2e", train=50, test=20)
    assert [one.read for one in counts.splits.values()] == [1100, 1004, 1040]
    assert counts.splits["train"].unused == 1050
    assert read(tmp_path, "e2e", train=50, test=20)[0][1] == splits


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        (
            {"idx": int, "text": str, "label": ["a", "b"]},
            "there is no column 'sentence'; the columns are idx, label, text",
        ),
        ({"sentences": str, "label": ["a", "b"]}, "Is it 'sentences' now"),
        ({"sentence": int, "label": ["a", "b"]}, "column 'sentence' is .*expected string"),
        ({"sentence": str, "label": str}, "column 'label' is .*expected integer or class label"),
        ({"sentence": str, "label": ["a", "b", "c"]}, "column 'label' has 3 classes, expected 2"),
        ({"sentence": list, "label": ["a", "b"]}, "column 'sentence' is .*expected string"),
    ],
)
def test_other_columns_are_named_at_first_contact(tmp_path, columns, words):
    write_mirror(tmp_path, "sst2", columns=columns)
    with pytest.raises(InputError, match=words) as refusal:
        read(tmp_path, "sst2")
    assert str(refusal.value).startswith("stanfordnlp/sst2, ")


def test_a_mirror_without_the_data_set_says_how_to_fetch_it(tmp_path):
    local = tmp_path / "stanfordnlp__sst2"
    fetch = f"hf download stanfordnlp/sst2 --repo-type dataset --revision {'a' * 40} --local-dir {local}"
    with pytest.raises(InputError, match=f"no such folder. Fetch it with `{fetch}`"):
        read(tmp_path, "sst2", revisions={"sst2": "a" * 40})
    folder = write_mirror(tmp_path, "sst2")
    (folder / "default" / "train-00000-of-00001.parquet").write_bytes(b"no parquet")
    with pytest.raises(InputError, match="split 'train' of the data set could not be read") as refusal:
        read(tmp_path, "sst2")
    assert "\n" not in str(refusal.value)


def test_no_code_of_a_data_set_is_run(tmp_path):
    folder = write_mirror(tmp_path, "sst2")
    (folder / "stanfordnlp__sst2.py").write_text(f"open({str(tmp_path / 'ran')!r}, 'w')\n")
    with pytest.raises(InputError, match="no code of a data set is run"):
        read(tmp_path, "sst2")
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("revisions", [{}, {"sst2": "main"}, {"sst2": "A" * 40}, {"sst2": "a" * 39}])
def test_only_pinned_revisions_are_fetched(revisions):
    with pytest.raises(InputError, match=r"task sst2 has no pinned revision\. Give the commit of stanfordnlp/sst2"):
        read(None, "sst2", revisions=revisions)


def test_an_unknown_task_is_answered_with_the_nearest_one(tmp_path):
    with pytest.raises(InputError, match="Did you mean 'sst2'"):
        read(tmp_path, "sst-2")


def test_an_offline_machine_gets_one_line_with_the_command():
    code = (
        "from taskneurons.errors import InputError\n"
        "from taskneurons.tasks.sources import hub\n"
        "sizes = {'train': 1, 'validation': 1, 'test': 1, 'seed': 0, 'max_invalid_percent': 5.0}\n"
        "try:\n    list(hub.make(['sst2'], **sizes, revisions={'sst2': 'a' * 40}))\n"
        "except InputError as error:\n    print(error)\n"
    )
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "HF_TOKEN": "hf_secret"}
    done = subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=True)
    (line,) = done.stdout.splitlines()
    assert line.startswith(f"stanfordnlp/sst2 at {'a' * 40}: split 'train' of the data set could not be read")
    assert "hf download stanfordnlp/sst2 --repo-type dataset" in line and "HF_TOKEN" in line and "`mirror`" in line
    assert "hf_secret" not in done.stdout + done.stderr


def test_a_gated_data_set_is_called_so(monkeypatch):
    def gated(*_, **__):
        raise datasets.exceptions.DatasetNotFoundError("Dataset 'x' is a gated dataset on the Hub.\nVisit the page.")

    monkeypatch.setattr(datasets, "load_dataset", gated)
    with pytest.raises(InputError, match=r"could not be read \(it is gated or private\)"):
        read(None, "sst2", revisions={"sst2": "a" * 40})


def test_names_are_known_without_the_hub_library():
    code = (
        "import sys\nfrom taskneurons.tasks.sources import hub, jsonl, synthetic\n"
        "hub.names(tasks=['sst2']), synthetic.names(tasks='twelve')\n"
        "print({'datasets', 'numpy', 'torch', 'transformers', 'pandas'} & set(sys.modules))\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"
