"""One way to ask for tasks and text: each source through the same door, from validated parameters."""

import json
from pathlib import Path

import pytest
import yaml
from datasets import ClassLabel, Dataset, Features, Value

from taskneurons.errors import InputError
from taskneurons.params.loading import load_params
from taskneurons.params.show import show
from taskneurons.tasks.jsonl import jsonl_suite
from taskneurons.tasks.sources import make_corpus, make_tasks, training_texts
from taskneurons.tasks.storage import read_split, write_task
from taskneurons.tasks.synthetic.corpus import synthetic_corpus
from taskneurons.tasks.synthetic.suite import synthetic_suite, synthetic_task_names

SIZES = {"train": 12, "validation": 3, "test": 5, "seed": 3}
SYNTHETIC = {"source": "synthetic", "tasks": "twelve", **SIZES, "corpus": 7}


def validated(suite: dict, tmp_path: Path, root: Path) -> dict:
    """The suite as a job gets it: through the parameter file, its validation and the JSON of `settings`."""
    params = yaml.safe_load(show(root / "params" / "ci.yaml"))
    params["suites"], params["streams"] = {"synthetic": suite}, {}
    params["runs"] = [run for run in params["runs"] if run["suite"] == "synthetic"]
    params["models"]["llama"]["tokenizer"] = params["models"]["bloom"]["tokenizer"] = {"kind": "word"}
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return load_params(path).suites["synthetic"].model_dump(mode="json")


def write_jsonl_folder(folder: Path) -> dict:
    folder.mkdir()
    task = {"name": "mood", "type": "classification", "instruction": "Which mood?", "options": ["good", "bad"]}
    (folder / "tasks.json").write_text(json.dumps([task]))
    for split, size in [("train", 30), ("test", 9)]:
        records = [{"input": f"{split} text {n}", "target": task["options"][n % 2]} for n in range(size)]
        (folder / f"mood.{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    suite = {"source": "jsonl", "path": str(folder), "tasks": "all", **SIZES}
    return suite | {"max_invalid_percent": 5.0, "corpus": 7}


def write_mirror(folder: Path) -> dict:
    """SST-2 as a local copy of the hub holds it."""
    features = Features(
        {"idx": Value("int64"), "sentence": Value("string"), "label": ClassLabel(names=["negative", "positive"])}
    )
    target = folder / "stanfordnlp__sst2" / "default"
    target.mkdir(parents=True)
    for split in ("train", "validation"):
        rows = [{"idx": n, "sentence": f"{split} sentence {n}", "label": n % 2} for n in range(40)]
        Dataset.from_list(rows, features=features).to_parquet(target / f"{split}-00000-of-00001.parquet")
    suite = {"source": "hub", "tasks": ["sst2"], **SIZES, "max_invalid_percent": 5.0}
    return suite | {"mirror": str(folder), "revisions": {"sst2": "a" * 40}, "corpus": 7}


def test_a_synthetic_suite_is_the_generators(tmp_path: Path, root: Path) -> None:
    suite = validated(SYNTHETIC, tmp_path, root)
    names = list(synthetic_task_names("twelve")[4:6])
    made = list(make_tasks(suite, names))
    assert made == list(synthetic_suite(12, 3, 5, 3, names))
    assert [task.name for task, *_ in made] == names
    assert list(make_corpus(suite, [])) == list(synthetic_corpus(7, 3))


def test_a_jsonl_suite_is_the_folders(tmp_path: Path, root: Path) -> None:
    suite = validated(write_jsonl_folder(tmp_path / "mine"), tmp_path, root)
    made = list(make_tasks(suite, ["mood"]))
    assert made == list(jsonl_suite(tmp_path / "mine", ["mood"], 12, 3, 5, 3, 5.0))
    ((_, splits, _),) = made
    assert [len(splits[split]) for split in ("train", "validation", "test")] == [12, 3, 5]


def test_a_hub_suite_is_read_from_its_mirror(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    suite = validated(write_mirror(tmp_path / "mirror"), tmp_path, root)
    ((task, splits, _),) = make_tasks(suite, ["sst2"])
    assert (task.name, task.options) == ("sst2", ("negative", "positive"))
    assert {one.input.split(" ")[0] for one in splits["test"]} == {"validation"}, "the hub hides the labels of the test"


def test_text_of_a_real_suite_is_that_of_its_training_splits_alone(tmp_path: Path, root: Path) -> None:
    suite = validated(write_jsonl_folder(tmp_path / "mine"), tmp_path, root)
    ((task, splits, counts),) = make_tasks(suite, ["mood"])
    folder = tmp_path / "data" / "mood"
    write_task(folder, task, splits, counts)
    documents = list(make_corpus(suite, [folder]))
    assert len(documents) == 7
    texts = {example.input for example in read_split(folder, "train")}
    assert {document["segments"][0][0] for document in documents} <= texts
    corpus = tmp_path / "corpus.jsonl"
    corpus.write_text("".join(json.dumps(document) + "\n" for document in documents))
    words = list(training_texts(corpus, [folder]))
    assert len(words) == 7 + 12 + 2
    assert words[-2:] == ["good", "bad"]
    assert not [text for text in words if "test text" in text], "a tokenizer never sees the test split"
    assert all(f"{one.prompt} {one.target}" in words for one in splits["train"])


def test_an_unknown_source_is_refused() -> None:
    with pytest.raises(InputError, match=r"no source `csv` of tasks\. Known: synthetic, jsonl, hub"):
        list(make_tasks({**SYNTHETIC, "source": "csv"}, []))
