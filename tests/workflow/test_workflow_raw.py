"""The user's own files become inputs of jobs: every one that may be read, and none that never is."""

import json
import re
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.params.models import FolderModel, GgufModel
from taskneurons.params.suites import JsonlSuite, StreamSuite
from taskneurons.workflow.raw import model_inputs, require_models, task_inputs

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
        path.write_text("{}")
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


def with_config(**changes: object) -> dict[str, str]:
    return {"config.json": json.dumps({"model_type": "llama"} | changes), "model.safetensors": ""}


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (with_config(model_type="olmo2"), "'olmo2' are not known. Supported: llama, mistral"),
        (with_config(model_type="mamba"), "mixtral, qwen2_moe, qwen3_moe, gemma3"),
        (with_config(quantization_config={"quant_method": "awq"}), "the model is quantised (awq), and its neurons"),
        (with_config(quantization_config={"quant_method": "fp8"}), "Take the model as it was before it was quantised"),
        ({"adapter_config.json": "{}", "adapter_model.safetensors": ""}, "holds an adapter (adapter_config.json) and"),
        (
            with_config() | {"adapter_config.json": "{}"},
            "holds a model and an adapter (adapter_config.json), and which",
        ),
        ({"config.json": "{}", "pytorch_model.bin": ""}, "the weights are pickles (pytorch_model.bin)"),
        ({"config.json": "{}"}, "the folder has no model.safetensors"),
        ({"config.json": "{"}, "config.json"),
    ],
)
def test_a_folder_that_no_study_can_read_is_refused_when_parameters_are_read(
    files: dict[str, str], said: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    for read in (lambda: model_inputs(model(tmp_path)), lambda: require_models([model(tmp_path)])):
        with pytest.raises(InputError, match=re.escape(said)) as caught:
            read()
        assert "\n" not in str(caught.value) and str(caught.value).startswith(str(tmp_path))


def test_a_file_or_nothing_under_the_name_of_a_folder_is_refused_with_what_to_write(tmp_path: Path) -> None:
    file = tmp_path / "tiny.gguf"
    file.write_bytes(b"GGUF")
    with pytest.raises(InputError, match=r"tiny\.gguf: a GGUF file is no folder\. Write `source: gguf`"):
        require_models([model(file)])
    with pytest.raises(InputError, match="absent: no such folder"):
        require_models([model(tmp_path / "absent")])
    gguf = {"source": "gguf", "package": None, "sha256": "0" * 64, "parameters": 1e6, "context": 64}
    gguf |= {"dtype": "float32", "prompts": "plain"}
    with pytest.raises(InputError, match=r"absent\.gguf: no such file"):
        require_models([GgufModel(path=str(tmp_path / "absent.gguf"), **gguf)])
    require_models([GgufModel(path=str(file), **gguf)])
