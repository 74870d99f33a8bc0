"""The tasks of a new study: a file stands for a folder, data sets are pinned, and messages name what the user gave."""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import pytest
from huggingface_hub import HfApi
from pyarrow import Table, parquet
from small_checkpoint import CONTEXT
from small_tasks import MOODS, write_tasks

from taskneurons.errors import InputError
from taskneurons.models.looking import Lengths
from taskneurons.own_study.choices import Choices
from taskneurons.own_study.model import find_model
from taskneurons.own_study.sizes import SIZES
from taskneurons.own_study.summary import described
from taskneurons.own_study.tasks import _hub_tasks, _of_file, as_folder, find_tasks
from taskneurons.tasks.file_forms import FORMS
from taskneurons.tasks.one_file import OneFile


def test_a_file_of_one_task_stands_for_a_folder_and_is_named_in_what_is_refused(small, tmp_path):
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\n" + "".join(f"review {n},{MOODS[n % 2]}\n" for n in range(60)))
    with as_folder(str(file), ("text", "label"), "Is it good?") as (folder, remarks):
        assert remarks == ()
        found = find_tasks(folder, SIZES["laptop"])
        ((task, splits),) = found.tasks
        assert (task.name, task.options) == ("reviews", ("bad", "good"))
        assert {path.name for path in found.files} == {"tasks.json", "reviews.train.jsonl", "reviews.test.jsonl"}
        assert len(splits["train"]) + len(splits["validation"]) + len(splits["test"]) == 60
        model = find_model(str(small / "small"))
        twice = {**splits, "validation": splits["test"][:1]}
        choices = Choices(SIZES["laptop"], "plain", CONTEXT, 8)
        read = {"reviews": Lengths((3,), (2,), 2, "review 1")}
        said = list(described(model, replace(found, tasks=((task, twice),)), choices, read))
        assert "  1 inputs of validation are those of held-out examples, but for their writing or answer" in said
    with (
        pytest.raises(InputError) as caught,
        as_folder(str(file), ("text", "label"), "Is it good?") as (folder, _),
    ):
        third = json.loads(Path(folder, "reviews.train.jsonl").read_text().splitlines()[2])["input"]
        raise InputError(f"2 are wrong, first {folder}/reviews.train.jsonl:3", where=f"{folder}/reviews, train")
    line = int(third.rpartition(" ")[2]) + 2
    assert str(caught.value) == f"{file}, train: 2 are wrong, first {file}:{line}"
    with as_folder("sst2, rte", ("input", "target"), None) as (text, remarks):
        assert (text, remarks) == ("sst2, rte", ())


@pytest.mark.parametrize("end", FORMS)
def test_a_column_that_a_file_of_one_task_lacks_is_asked_for_by_the_option_that_names_it(end, tmp_path):
    rows = [{"review": f"review {n}", "Label": MOODS[n % 2]} for n in range(60)]
    file = tmp_path / f"reviews{end}"
    if end == ".parquet":
        parquet.write_table(Table.from_pylist(rows), file)
    else:
        lines = [json.dumps(row) for row in rows]
        if "csv" in end:
            lines = ["review,Label", *(",".join(row.values()) for row in rows)]
        text = "".join(line + "\n" for line in lines).encode()
        file.write_bytes(gzip.compress(text) if end.endswith(".gz") else text)
    place = str(file) if end == ".parquet" else f"{file}:1"
    said = "Name input and target with --columns, or rename them in the file; there are 'review', 'Label'"
    for columns, missing in [(("input", "target"), "input"), (("review", "label"), "label")]:
        with pytest.raises(InputError) as caught, as_folder(str(file), columns, "Is it good?"):
            pass
        assert str(caught.value) == f"{place}: `{missing}` is missing. {said}"
    with as_folder(str(file), ("review", "Label"), "Is it good?") as (folder, _):
        ((task, _),) = find_tasks(folder, SIZES["laptop"]).tasks
        assert set(task.options) == set(MOODS)


def test_a_line_without_a_field_says_which_it_has(tmp_path):
    file = tmp_path / "reviews.jsonl"
    file.write_text('{"input": "one", "target": "good"}\n{"input": "two", "traget": "bad"}\n')
    said = r"jsonl:2: `target` is missing\..*; there are 'input', 'traget'$"
    with pytest.raises(InputError, match=said), as_folder(str(file), ("input", "target"), "Is it good?"):
        pass


def test_of_many_columns_those_most_like_the_missing_one_are_said(tmp_path):
    file = tmp_path / "wide.csv"
    file.write_text(",".join(["input", *(f"number {n}" for n in range(40)), "Target", "x" * 1000]) + "\n")
    with (
        pytest.raises(InputError, match=r"there are 'Target', .* and 23 more$") as caught,
        as_folder(str(file), ("input", "target"), "Is it good?"),
    ):
        pass
    assert len(str(caught.value)) < 700


def test_a_file_of_texts_to_write_says_how_many_answers_it_has(tmp_path):
    file = tmp_path / "intents.csv"
    file.write_text("input,target\n" + "".join(f"call {n},intent {n % 25}\n" for n in range(200)))
    with as_folder(str(file), ("input", "target"), "Which?") as (_, remarks):
        assert remarks == (f"{file}: read as a text to write: 25 different answers",)


@pytest.mark.parametrize("name", ["results/tasks", "logs", "tasks{v2}"])
def test_tasks_may_lie_where_no_path_of_a_study_may_lead(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = find_tasks(str(write_tasks(Path(name))), SIZES["laptop"])
    assert [task.name for task, _ in found.tasks] == ["mood", "echo"]
    assert {file.parent for file in found.files} == {Path(name)}


def test_a_known_data_set_is_pinned_where_its_tables_are(monkeypatch):
    def info(_, repository, *, repo_type, revision=None):
        script = repository.endswith("/sst2") and revision is None
        names = ["data.py"] if script else ["train.parquet"]
        return SimpleNamespace(
            sha=("b" if revision else "a") * 40, siblings=[SimpleNamespace(rfilename=one) for one in names]
        )

    monkeypatch.setattr(HfApi, "repo_info", info)
    assert _hub_tasks("sst2, rte")["revisions"] == {"sst2": "b" * 40, "rte": "a" * 40}


@pytest.mark.parametrize("name", ["tasks", "t", "reviews"])
def test_what_is_wrong_with_one_file_is_said_of_that_file(name, tmp_path):
    made = OneFile(name, (), 2, {f"{name}.train.jsonl:1": "line 4"})
    file, folder = tmp_path / f"{name}.csv", "/made"
    said = f"{folder}/tasks.json: {folder}/{name}.train.jsonl:1: {folder}/{name}.test.jsonl, {folder}/{name}: {folder}"
    assert _of_file(said, file, folder, made) == f"{file}: line 4: {file}, {file}: {file}"
