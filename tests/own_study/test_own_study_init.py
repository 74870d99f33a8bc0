"""`taskneurons init`: one sentence and nothing left, whatever the user gives."""

import json
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from safetensors.torch import load_file, save_file
from small_checkpoint import CONTEXT
from small_tasks import DESCRIPTIONS, write_tasks

from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.own_study.init import init


def with_config(**changes) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        config = json.loads((place / "small/config.json").read_text()) | changes
        (place / "small/config.json").write_text(
            json.dumps({key: value for key, value in config.items() if value is not None})
        )

    return change


def with_a_list_for_config(place: Path) -> None:
    (place / "small/config.json").write_text("[1]")


def with_long_inputs(place: Path) -> None:
    shutil.rmtree(place / "tasks")
    write_tasks(place / "tasks", suffix=" red" * CONTEXT)


def without_labels(place: Path) -> None:
    tasks = [{key: value for key, value in one.items() if key != "options"} for one in DESCRIPTIONS]
    (place / "tasks/tasks.json").write_text(json.dumps(tasks))


def with_another_label(place: Path) -> None:
    file = place / "tasks/mood.train.jsonl"
    file.write_text(file.read_text().replace('"good"', '"Good"'))


def with_tokenizer(**changes) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        file = place / "small/tokenizer_config.json"
        file.write_text(json.dumps(json.loads(file.read_text()) | changes))

    return change


def with_tensors(changed: Callable[[dict], dict]) -> Callable[[Path], None]:
    def change(place: Path) -> None:
        file = place / "small/model.safetensors"
        tensors = changed(load_file(file))
        save_file(tensors, file, {"format": "pt"})

    return change


def with_a_pointer(place: Path) -> None:
    (place / "small/model.safetensors").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\n")


def with_weights_elsewhere(place: Path) -> None:
    weights = (place / "small/model.safetensors").rename(place / "weights.safetensors")
    (place / "small/model.safetensors").symlink_to(weights)


def with_an_adapter_alone(place: Path) -> None:
    shutil.rmtree(place / "small")
    (place / "small").mkdir()
    (place / "small/adapter_config.json").write_text("{}")


def in_use(place: Path) -> None:
    (place / "study").mkdir()
    (place / "study/notes.txt").write_text("mine")


@pytest.mark.parametrize(
    ("change", "options", "said"),
    [
        (with_config(model_type="mamba"), [], "architecture 'mamba' are not known. Supported: llama"),
        (with_config(model_type=None, architectures=None), [], "small: the model cannot be read (Unrecognized model"),
        (with_config(auto_map={"AutoModel": "code.Mine"}), [], "the model needs code of its own (auto_map)"),
        (with_a_list_for_config, [], "config.json: an object was expected, not [1]"),
        (lambda place: (place / "small/config.json").unlink(), [], "small: the folder has no config.json"),
        (with_long_inputs, [], f"prompts of task mood need more than {CONTEXT} tokens"),
        (without_labels, [], "classification"),
        (with_another_label, [], "label"),
        (in_use, [], "study: the folder is not empty. Name a new or an empty folder"),
        (lambda place: None, ["--prompts", "chat"], "the tokenizer has no chat template. Add --prompts plain"),
        (
            with_tokenizer(chat_template="{{ messages[0].content + 1 }}"),
            [],
            "small: the chat template cannot be used (can",
        ),
        (with_tokenizer(eos_token="</nope>"), [], "the model's embedding has"),
        (with_config(hidden_act="nope"), [], "small: config.json describes no model (KeyError: 'nope')"),
        (with_config(num_hidden_layers=3), [], "small: tensors are not those that config.json says: model.layers.2."),
        (with_config(intermediate_size=64), [], ".mlp.down_proj.weight is (16, 32), not (16, 64) and 5 more"),
        (with_tensors(lambda found: dict(list(found.items())[1:])), [], "small: tensors are not those that"),
        (with_config(hidden_size="16"), [], "hidden_size"),
        (with_config(num_attention_heads=0), [], "small: config.json describes no model ("),
        (with_config(num_attention_heads=3), [], "small: config.json describes no model ("),
        (with_config(rope_scaling=5), [], "small: config.json describes no model ("),
        (with_config(dtype="float7"), [], "float7"),
        (with_config(model_type=["llama"]), [], "small: config.json describes no model ("),
        (with_a_pointer, [], "model.safetensors: a pointer of git-lfs and not the file itself. Run `git lfs pull`"),
        (with_weights_elsewhere, [], "small/model.safetensors: "),
        (with_an_adapter_alone, [], "small: the folder holds an adapter (adapter_config.json) and no model"),
        *(
            (
                lambda place: None,
                ["--columns", names],
                "--columns: two different names with a comma were expected. Such",
            )
            for names in ("text", "text, text")
        ),
        (lambda place: None, ["--model", "https://host.example/some/tiny/tree/main"], "the hub is named some/tiny"),
        (lambda place: None, ["--model", "s3://bucket/tiny.gguf"], "no such folder or file, and no repository"),
        (lambda place: None, ["--model", "C:\\models\\tiny.gguf"], "no such folder or file, and no repository"),
        (lambda place: None, ["--model", "__main__:tiny.gguf"], "tiny.gguf: '__main__' is no package"),
        (lambda place: None, ["--model", ""], "--model: no model is named"),
        (lambda place: None, ["--tasks", ""], "--tasks: no tasks are named"),
        (lambda place: None, ["--tasks", "reviews.csv"], "reviews.csv: no such file"),
        (
            lambda place: (place / "reviews.csv").write_text("review,label\nfine,good\n"),
            ["--tasks", "reviews.csv", "--instruction", "Is it good?"],
            "reviews.csv:1: `input` is missing. Name input and target with --columns",
        ),
        (lambda place: (place / "tasks/tasks.json").unlink(), [], "tasks: the folder has no tasks.json. Name a folder"),
        (lambda place: None, ["--instruction", "Say it."], "--columns and --instruction are for a task of one file"),
        (lambda place: shutil.rmtree(place / "small"), [], "no such folder or file"),
        (lambda place: shutil.rmtree(place / "tasks"), [], "neither a folder nor a known data set of the hub"),
    ],
)
def test_bad_input_is_one_sentence_and_leaves_nothing(change, options, said, small, tmp_path, capsys, monkeypatch):
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    monkeypatch.chdir(tmp_path)
    change(tmp_path)
    before = sorted(tmp_path.rglob("*"))
    assert main(["init", "study", "--model", "small", "--tasks", "tasks", *options]) == 2
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("error: ") and said in line
    assert sorted(tmp_path.rglob("*")) == before


def test_what_to_type_next_is_quoted_for_the_shell(small, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taskneurons.own_study.init.write_study", lambda *_: "the plan")
    said = []
    init(Path("my study; x"), str(small / "small"), str(small / "tasks"), say=said.append)
    assert said[-1].splitlines()[-2:] == ["  cd 'my study; x'", "  taskneurons results"]


def test_a_folder_inside_that_of_the_model_is_refused(small, tmp_path):
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    with pytest.raises(InputError, match="the folder lies in that of the model"):
        init(tmp_path / "small/study", str(tmp_path / "small"), str(tmp_path / "tasks"))
    assert not (tmp_path / "small/study").exists()


def test_an_interrupted_command_ends_without_a_traceback(small, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr("taskneurons.own_study.folder._run", interrupted)
    arguments = ["init", str(tmp_path / "study"), "--model", str(small / "small"), "--tasks", str(small / "tasks")]
    assert main(arguments) == 130
    assert capsys.readouterr().err == "error: interrupted\n" and list(tmp_path.iterdir()) == []
