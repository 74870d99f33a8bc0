"""The user's own files become inputs of jobs: every one that may be read, and none that never is."""

from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.params.models import FolderModel
from taskneurons.params.suites import JsonlSuite, StreamSuite
from taskneurons.workflow.raw import model_inputs, task_inputs

SIZES = {"train": 3, "validation": 2, "test": 2, "seed": 0, "corpus": 5}
READ = [
    "added_tokens.json", "chat_template.jinja", "config.json", "merges.txt", "model-00001-of-00002.safetensors",
    "sentencepiece.bpe.model", "spiece.model", "templates/other.jinja", "tokenizer.tiktoken", "vocab.json", "vocab.txt",
]  # fmt: skip
NEVER = [
    ".cache/huggingface/x.json", ".gitattributes", "README.md", "modeling_mine.py", "model.gguf", "model.onnx",
    "pytorch_model.bin", "training_args.pt",
]  # fmt: skip


def model(path: Path | str) -> FolderModel:
    return FolderModel(source="folder", path=str(path), parameters=1e6, context=64, dtype="float32", prompts="plain")


def jsonl(path: Path | str) -> JsonlSuite:
    settings = {"max_invalid_percent": 5.0, "list_options": "sometimes", **SIZES}
    return JsonlSuite(source="jsonl", path=str(path), tasks="all", **settings)


def test_every_file_that_an_import_may_read_is_an_input_and_no_other(tmp_path: Path, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in READ + NEVER:
        path = Path("raw/model", name)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("")
    assert model_inputs(model("raw/model")) == sorted(f"raw/model/{name}" for name in READ)


def test_a_task_is_read_from_its_own_files_and_the_list_of_tasks(tmp_path: Path) -> None:
    names = ["tasks.json", "a.train.jsonl", "a.test.jsonl", "b.train.jsonl", "b.validation.jsonl", "b.test.jsonl"]
    for name in [*names, "notes.txt", "c.train.jsonl"]:
        (tmp_path / name).write_text("")
    assert task_inputs(jsonl(tmp_path), ["a"]) == [f"{tmp_path}/{name}" for name in names[:3]]
    assert task_inputs(jsonl(tmp_path), ["a", "b"]) == [f"{tmp_path}/{name}" for name in names]
    (tmp_path / "b.test.jsonl").unlink()
    assert f"{tmp_path}/b.test.jsonl" in task_inputs(jsonl(tmp_path), ["b"]), "an absent file is asked for by its name"


def test_what_lies_in_no_folder_of_the_user_has_no_files() -> None:
    assert task_inputs(StreamSuite(source="stream", tasks="all", **SIZES), ["topic_news"]) == []


def test_a_link_to_elsewhere_in_a_folder_of_the_user_is_refused_by_name(tmp_path: Path) -> None:
    folder, other = tmp_path / "folder", tmp_path / "other.jsonl"
    folder.mkdir()
    other.write_text("")
    (folder / "a.train.jsonl").symlink_to(other)
    for read in (lambda: task_inputs(jsonl(folder), ["a"]), lambda: model_inputs(model(folder))):
        with pytest.raises(InputError, match=f"{folder}/a.train.jsonl: this link leads out of the folder"):
            read()
