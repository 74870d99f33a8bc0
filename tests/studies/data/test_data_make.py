"""Tasks and text of a suite, from validated parameters through the one job to files, whatever the source."""

import json
import shutil
from collections.abc import Callable, Sequence
from inspect import Parameter, signature
from pathlib import Path
from pkgutil import iter_modules
from types import SimpleNamespace
from typing import Any, get_args

import pytest
import yaml
from datasets import ClassLabel, Dataset, Features, Value
from pydantic import TypeAdapter

import taskneurons
from taskneurons.errors import InputError
from taskneurons.files import read_jsonl
from taskneurons.job import Files, Job
from taskneurons.lineage.code import Code, Sources
from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.params.show import show
from taskneurons.params.suites import Suite
from taskneurons.studies.data.make import make_corpus, make_tasks, with_words
from taskneurons.tasks import sources
from taskneurons.tasks.dial.corpus import dial_corpus
from taskneurons.tasks.dial.suite import dial_suite, dial_task_names
from taskneurons.tasks.plant.corpus import plant_corpus
from taskneurons.tasks.plant.suite import plant_suite, plant_task_names
from taskneurons.tasks.prompts import make_example
from taskneurons.tasks.source import source_named
from taskneurons.tasks.storage import content_of, read_split, read_task_folder, write_task
from taskneurons.tasks.stream.corpus import stream_corpus
from taskneurons.tasks.stream.suite import stream_suite, stream_task_names
from taskneurons.tasks.synthetic.corpus import synthetic_corpus
from taskneurons.tasks.synthetic.suite import synthetic_suite, synthetic_task_names
from taskneurons.tasks.task import SPLITS, Task
from taskneurons.tasks.transfer.corpus import transfer_corpus
from taskneurons.tasks.transfer.suite import transfer_suite, transfer_task_names
from taskneurons.workflow.plan import Plan
from taskneurons.workflow.runner import settings_type
from taskneurons.workflow.sources import reads_examples, source_function, source_settings

SIZES = {"train": 12, "validation": 3, "test": 5, "seed": 3}
SYNTHETIC = {"source": "synthetic", "tasks": "twelve", **SIZES, "corpus": 7}
DIAL = {"source": "dial", "skills": 4, "asked": 2, **SIZES, "corpus": 7}
STREAM = {"source": "stream", "tasks": "all", **SIZES, "corpus": 7}
# A run of the study `validation` takes two draws of 20 training examples.
PLANT = {"source": "plant", "families": 2, **SIZES, "train": 40, "corpus": 7}
TRANSFER = {"source": "transfer", "tasks": "all", **SIZES, "corpus": 7}
SUITES = {one.model_fields["source"].annotation: one for one in get_args(get_args(Suite)[0])}
NAMES = sorted(name for literal in SUITES for name in get_args(literal))
ROOT = Path(taskneurons.__file__).parents[2]


def plan_of(suite: dict[str, Any], tmp_path: Path, root: Path) -> Plan:
    """The plan of parameters whose only suite this is."""
    params = yaml.safe_load(show(root / "params" / "ci.yaml"))
    params["suites"], params["streams"] = {"synthetic": suite}, {}
    params["runs"] = [run for run in params["runs"] if run["suite"] == "synthetic"]
    path = tmp_path / "params.yaml"
    path.write_text(yaml.safe_dump(params))
    return Plan(load_params(path))


def job(function: Callable[..., None], text: str, inputs: Sequence[Path], **outputs: Sequence[Path]) -> Job[Any]:
    """A job as the runner builds it from the JSON of a rule."""
    made = {name: tuple(paths) for name, paths in outputs.items()}
    values = TypeAdapter(settings_type(function)).validate_json(text)
    return Job(values, Files({"raw": (), "train": tuple(inputs)}), Files(made), {}, "identity")


def made(suite: dict[str, Any], tmp_path: Path, root: Path, tasks: Sequence[str]) -> list[Any]:
    """What the job writes of some tasks, read again."""
    chosen = plan_of(suite, tmp_path, root).params.suites["synthetic"]
    text = settings(tasks=tasks, **source_settings(chosen, "make"))
    files = [tmp_path / "made" / task / f"{split}.jsonl" for task in tasks for split in SPLITS]
    make_tasks(job(make_tasks, text, (), tasks=files))
    return [read_task_folder(tmp_path / "made" / task) for task in tasks]


def text_of(suite: dict[str, Any], tmp_path: Path, root: Path, folders: Sequence[Path] = ()) -> list[Any]:
    """The documents that the job writes."""
    chosen = plan_of(suite, tmp_path, root).params.suites["synthetic"]
    text = settings(documents=chosen.corpus, **source_settings(chosen, "corpus"))
    out = tmp_path / "corpus.jsonl"
    make_corpus(job(make_corpus, text, [folder / "train.jsonl" for folder in folders], corpus=[out]))
    return list(read_jsonl(out))


def jsonl_suite(folder: Path) -> dict[str, Any]:
    folder.mkdir()
    task = {"name": "mood", "type": "classification", "instruction": "Which mood?", "options": ["good", "bad"]}
    (folder / "tasks.json").write_text(json.dumps([task]))
    for split, size in [("train", 30), ("test", 9)]:
        records = [{"input": f"{split} text {n}", "target": task["options"][n % 2]} for n in range(size)]
        (folder / f"mood.{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in records))
    suite = {"source": "jsonl", "path": str(folder), "tasks": "all", **SIZES}
    return suite | {"max_invalid_percent": 5.0, "list_options": "always", "corpus": 7}


def hub_suite(folder: Path) -> dict[str, Any]:
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


@pytest.mark.parametrize(
    ("suite", "tasks", "generated", "text"),
    [
        (SYNTHETIC, synthetic_task_names("twelve")[4:6], synthetic_suite, synthetic_corpus(7, 3)),
        (DIAL, dial_task_names(4, 2)[1:3], lambda *a, **k: dial_suite(4, 2, *a, **k), dial_corpus(7, 4, 2, 3)),
        (STREAM, stream_task_names("all")[2:4], stream_suite, stream_corpus(7, 3)),
        (TRANSFER, transfer_task_names("all")[2:4], transfer_suite, transfer_corpus(7, 3)),
        (PLANT, plant_task_names(2)[1:3], lambda *a, **k: plant_suite(2, *a, **k), plant_corpus(7, 2, 3)),
    ],
    ids=["synthetic", "dial", "stream", "transfer", "plant"],
)
def test_a_generated_suite_is_the_generators(tmp_path, root, suite, tasks, generated, text) -> None:
    found = made(suite, tmp_path, root, tasks)
    assert [task.name for task, *_ in found] == list(tasks)
    assert found == list(generated(suite["train"], 3, 5, 3, tasks=tasks))
    assert text_of(suite, tmp_path, root) == list(text)
    assert set(tasks) < set(plan_of(suite, tmp_path, root).tasks("synthetic"))


def test_a_jsonl_suite_is_the_folders(tmp_path: Path, root: Path) -> None:
    suite = jsonl_suite(tmp_path / "mine")
    ((task, splits, counts),) = made(suite, tmp_path, root, ["mood"])
    assert task.options == ("good", "bad")
    assert [len(splits[split]) for split in SPLITS] == [12, 3, 5]
    for split, origin in [("train", "train"), ("validation", "train"), ("test", "test")]:
        assert all(example.input.startswith(f"{origin} text ") for example in splits[split])
    assert counts.splits["train"].read + counts.splits["validation"].read == 30
    assert plan_of(suite, tmp_path, root).tasks("synthetic") == ("mood",)


def test_a_hub_suite_is_read_from_its_mirror(tmp_path: Path, root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    suite = hub_suite(tmp_path / "mirror")
    ((task, splits, _),) = made(suite, tmp_path, root, ["sst2"])
    assert (task.name, task.options) == ("sst2", ("negative", "positive"))
    assert {one.input.split(" ")[0] for one in splits["test"]} == {"validation"}, "the hub hides the labels of the test"
    assert plan_of(suite, tmp_path, root).tasks("synthetic") == ("sst2",)


def test_text_of_a_real_suite_is_that_of_its_training_splits_alone(tmp_path: Path, root: Path) -> None:
    suite = jsonl_suite(tmp_path / "mine")
    ((task, splits, counts),) = made(suite, tmp_path, root, ["mood"])
    folder = tmp_path / "data" / "mood"
    write_task(folder, task, splits, counts)
    documents = text_of(suite, tmp_path, root, [folder])
    assert len(documents) == 7
    texts = {example.input for example in read_split(folder, "train")}
    assert {document["segments"][0][0] for document in documents} <= texts
    assert not [one for one in documents if "test text" in json.dumps(one)]


def test_an_unknown_source_is_refused() -> None:
    for name in ("csv", "../jsonl", ""):
        with pytest.raises(InputError, match=rf"no source '{name}' of tasks\. A source is a module of taskneurons"):
            source_named(name)


# What every source promises


def test_each_source_is_a_module_and_a_model_of_its_parameters() -> None:
    assert sorted(one.name for one in iter_modules(sources.__path__)) == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_a_source_takes_by_name_the_parameters_of_its_suite_and_no_others(name: str) -> None:
    source = source_named(name)
    (model,) = (one for literal, one in SUITES.items() if name in get_args(literal))
    taken: set[str] = set()
    for function, given in [(source.names, []), (source.make, ["chosen"]), (source.corpus, ["documents", "examples"])]:
        parameters = signature(function).parameters.values()
        by_name = {one.name for one in parameters if one.kind is Parameter.KEYWORD_ONLY}
        assert by_name <= set(model.model_fields)
        first = [one.name for one in parameters if one.kind is not Parameter.KEYWORD_ONLY]
        assert first == given[: len(first)] and (first or not given)
        taken |= by_name
    # What no source takes is what the workflow reads: the source itself, and the size of the text.
    assert set(model.model_fields) - taken == {"source", "corpus"}


def test_a_job_reads_no_parameter_that_does_not_decide_its_files(tmp_path: Path, root: Path) -> None:
    """Another size of the text makes no task again, another number of examples no text."""
    kept = {}
    for changes in ({}, {"corpus": 8}, {"train": 13}, {"seed": 4}):
        suite = plan_of(DIAL | changes, tmp_path, root).params.suites["synthetic"]
        kept[json.dumps(changes)] = [source_settings(suite, "make"), source_settings(suite, "corpus")]
    before = kept.pop("{}")
    same = {name: [one == other for one, other in zip(before, after, strict=True)] for name, after in kept.items()}
    assert same == {'{"corpus": 8}': [True, True], '{"train": 13}': [False, True], '{"seed": 4}': [False, False]}


def codes(package: Path) -> dict[tuple[str, str], str]:
    """The code of both jobs for a suite of each source."""
    code = Code(Sources(package))
    return {
        (name, function): code(f"data.make:{job}", source_function(SimpleNamespace(source=name), function))  # type: ignore[arg-type]
        for name in NAMES
        for job, function in (("make_tasks", "make"), ("make_corpus", "corpus"))
    }


MAKE, CORPUS = [(name, "make") for name in NAMES], [(name, "corpus") for name in NAMES]
FROM_FILES = ("flan", "hub", "jsonl")


@pytest.mark.parametrize(
    ("file", "old", "new", "made_again"),
    [
        ("tasks/dial/suite.py", "LENGTH = 3", "LENGTH = 4", {("dial", "make"), ("dial", "corpus")}),
        ("tasks/dial/corpus.py", "COPIED_SHARE = 0.5", "COPIED_SHARE = 0.6", {("dial", "corpus")}),
        ("tasks/sources/jsonl.py", "MAX_LINE_BYTES = 1_000_000", "MAX_LINE_BYTES = 2_000_000", {("jsonl", "make")}),
        ("tasks/sources/hub.toml", '"What is the sentiment of the review?"', '"Which sentiment?"', {("hub", "make")}),
        ("tasks/flan_clusters.py", "TEMPLATES = 10", "TEMPLATES = 9", {("flan", "make")}),
        (
            "tasks/curation.py",
            'EMPTY_INPUT = "empty input"',
            'EMPTY_INPUT = "no input"',
            {(name, "make") for name in FROM_FILES},
        ),
        ("tasks/corpus.py", "ANSWERED_SHARE = 0.5", "ANSWERED_SHARE = 0.6", {(name, "corpus") for name in FROM_FILES}),
        ("tasks/storage.py", 'write_json(folder / "counts.json"', 'write_json(folder / "numbers.json"', set(MAKE)),
        ("studies/data/make.py", "write_jsonl(job.outputs", "write_jsonl( job.outputs", set()),
        ("tasks/sources/stream.py", "Generated classification tasks", "Classification tasks", set()),
    ],
)
def test_an_edit_of_a_source_makes_the_suites_of_no_other_source_again(tmp_path, file, old, new, made_again) -> None:
    shutil.copytree(ROOT / "src", tmp_path / "src", ignore=shutil.ignore_patterns("__pycache__"))
    package = tmp_path / "src" / "taskneurons"
    before = codes(package)
    assert len(set(before.values())) == len(before)
    path = package / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))
    after = codes(package)
    assert {key for key, code in after.items() if before[key] != code} == made_again


def test_only_text_that_is_made_of_examples_waits_for_them(tmp_path: Path, root: Path) -> None:
    assert {name for name in NAMES if reads_examples(SimpleNamespace(source=name))} == {"jsonl", "hub", "flan"}  # type: ignore[arg-type]


def test_a_written_task_is_the_made_one(tmp_path: Path, root: Path) -> None:
    """Against the JSON on disk, read by the standard library."""
    ((task, splits, _),) = made(SYNTHETIC, tmp_path, root, ["nli_room"])
    folder = tmp_path / "made" / "nli_room"
    assert json.loads((folder / "task.json").read_text())["name"] == task.name == "nli_room"
    lines = (folder / "test.jsonl").read_text().splitlines()
    assert [json.loads(line) for line in lines] == [content_of(example) for example in splits["test"]]


@pytest.mark.parametrize("suite", [{**SYNTHETIC, "tasks": "wide"}, TRANSFER], ids=lambda suite: suite["source"])
def test_generated_english_keeps_the_words_and_so_the_numbers_of_rouge_score(suite) -> None:
    source = source_named(suite["source"])
    arguments = {name: suite[name] for name in signature(source.make).parameters if name in suite}
    names = source.names(tasks=suite["tasks"])
    written = [(task, splits) for task, splits, _ in source.make(names, **arguments) if task.kind == "generation"]
    assert written and all(with_words(task, splits) == task for task, splits in written)


def test_tasks_in_another_language_are_scored_by_its_words() -> None:
    task = Task("echo", "copy", "generation", ("{input}",))
    splits = {split: [make_example(task, f"{split} {n}", "красное солнце") for n in range(2)] for split in SPLITS}
    assert with_words(task, splits).words == "unicode"
