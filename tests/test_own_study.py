"""`taskneurons init`: a folder of one's own in which the workflow runs, or one sentence and nothing left."""

import hashlib
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace

import huggingface_hub
import pytest
import warm
import yaml
from gguf_files import write_gguf
from huggingface_hub import HfApi
from huggingface_hub.errors import (
    GatedRepoError,
    HTTPError,
    NotASafetensorsRepoError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    SafetensorsParsingError,
)
from projects import ROOT, Project
from safetensors.torch import load_file, save_file
from small_checkpoint import CONTEXT, lay_checkpoint, small_model, texts
from transformers import AutoModelForCausalLM, AutoTokenizer

from taskneurons import own_study
from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.models.looking import Lengths, lengths, look_at_folder, look_at_gguf
from taskneurons.own_study import SIZES, find_model, find_tasks, init
from taskneurons.params.loading import load_params
from taskneurons.tasks.one_file import OneFile

FIGURE = "results/figures/deactivation/mine/small/first-seed/drops-taylor-10-model.png"
LIBRARY = {"PYTHONPATH": str(ROOT / "src")}
MOODS = ["good", "bad"]
DESCRIPTIONS = [
    {"name": "mood", "type": "classification", "instruction": "mood of {input} :", "options": MOODS},
    {"name": "echo", "type": "generation", "instruction": "say {input} again :"},
]


def write_tasks(folder: Path, descriptions: list[dict] = DESCRIPTIONS, suffix: str = "") -> Path:
    """Two tasks of 16 examples for training and 8 for the test; each input ends with `suffix`."""
    folder.mkdir(parents=True)
    for task in descriptions:
        for split, size, start in [("train", 16, 0), ("test", 8, 16)]:
            lines = [
                {
                    "input": text + suffix,
                    "target": ["good", "bad"][n % 2] if task["name"] == "mood" else text.split()[0],
                }
                for n, text in enumerate(texts(size, start))
            ]
            (folder / f"{task['name']}.{split}.jsonl").write_text("".join(json.dumps(one) + "\n" for one in lines))
    (folder / "tasks.json").write_text(json.dumps(descriptions))
    return folder


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A folder with a model and one with tasks."""
    place = tmp_path_factory.mktemp("small")
    lay_checkpoint(place / "small")
    write_tasks(place / "tasks")
    return place


@pytest.fixture(scope="module")
def laid(small, tmp_path_factory) -> tuple[Project, str]:
    """A study that was just begun, and what was said."""
    folder, said = tmp_path_factory.mktemp("own") / "study", []
    with pytest.MonkeyPatch.context() as patched:
        # As a hook of a repository around it would set them.
        outer = {"GIT_DIR": ".git", "GIT_INDEX_FILE": ".git/index", "GIT_WORK_TREE": ".", "GIT_PREFIX": ""}
        for name, place in outer.items():
            patched.setenv(name, str(folder.parent / "outer" / place))
        # As `taskneurons init .` in a new folder.
        folder.mkdir()
        patched.chdir(folder)
        patched.setattr(sys, "executable", warm.python())
        init(Path(), str(small / "small"), str(small / "tasks"), say=said.append)
    return Project(folder), "\n".join(said)


def digest(folder: Path) -> str:
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return hashlib.sha256(
        b"".join(str(path.relative_to(folder)).encode() + path.read_bytes() for path in files)
    ).hexdigest()


def test_a_new_folder_holds_what_differs_and_says_what_the_model_will_see(laid, small):
    project, said = laid
    params = load_params(project.path("params.yaml"))
    model = small_model()
    assert params.models["small"].parameters == model.num_parameters()
    assert params.models["small"].context == CONTEXT == model.config.max_position_embeddings
    assert params.multitask is None
    assert project.path("base.yaml").read_bytes() == (ROOT / "params.yaml").read_bytes()
    assert project.path("README.md").read_text().startswith("# study\n")
    assert digest(project.path("tasks")) == digest(small / "tasks")
    assert not project.path("lineage").exists()
    assert "  | <bos> mood of " in said
    assert "labels of the test examples: good 4, bad 4" in said


def test_a_study_that_a_hook_of_git_begins_is_a_repository_of_its_own(laid):
    folder = laid[0].folder
    listed = subprocess.run(["git", "ls-files"], cwd=folder, capture_output=True, text=True, check=True).stdout
    assert {"params.yaml", "Snakefile", "tasks.dvc"} <= set(listed.splitlines())
    assert not (folder.parent / "outer").exists()


def test_snakemake_plans_jobs_in_the_new_folder_and_from_outside_of_it(laid):
    project, said = laid
    inside = project.snakemake("-n", "--quiet", "rules", **LIBRARY)
    place = ["-s", str(ROOT / "Snakefile"), "--directory", str(project.folder)]
    outside = Project(ROOT).snakemake("-n", "--quiet", "rules", *place)
    for text in (inside, outside):
        for rule in ("import_model_small", "attribute_scores_mine_all", "deactivate_neurons_mine_all", "write_report"):
            assert rule in text
    assert "pretrain_model" not in inside
    plan = said.partition("Plan of params.yaml: ")[2]
    rows = {cells[0]: cells[1:] for line in plan.splitlines() if len(cells := line.split()) == 7}
    assert rows["deactivation"][0] == "12" and plan.startswith(f"{rows['all'][0]} jobs")
    assert float(rows["all"][4]) > 0, "GB of memory"
    stages = yaml.safe_load(project.path("dvc.yaml").read_text())["stages"]
    assert {"tasks", "results/data"} <= {*stages["data"]["deps"], *stages["deactivation"]["deps"]}
    assert "results/neurons" in stages["deactivation"]["deps"]


def test_a_study_runs_to_its_first_figure_and_touches_nothing_of_the_checkout(laid, tmp_path):
    project = laid[0].copy(tmp_path / "study")
    before = digest(ROOT / "lineage")
    project.snakemake("--", FIGURE, **LIBRARY)
    assert project.path(FIGURE).stat().st_size > 0
    assert {line["rule"] for line in project.lines().values()} >= {"import_model_small", "preview_deactivation"}
    assert digest(ROOT / "lineage") == before
    found = json.loads(project.taskneurons("audit", "--json", ok=None, **LIBRARY))
    assert [one for one in found["findings"] if one["severity"] == "error"] == []


def test_parameters_and_positions_of_a_gguf_file_are_those_of_its_model(tmp_path):
    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    look = look_at_gguf(file)
    model = AutoModelForCausalLM.from_pretrained(tmp_path, gguf_file=file.name)
    assert look.parameters == model.num_parameters()
    assert look.positions == model.config.max_position_embeddings


def test_a_chat_is_shown_as_the_template_of_the_model_writes_it(tmp_path):
    file = tmp_path / "tiny.gguf"
    write_gguf(file)
    look = look_at_gguf(file)
    assert look.prepared(None) == "chat"
    (task, splits), _ = find_tasks(str(write_tasks(tmp_path / "tasks")), SIZES["laptop"]).tasks
    first = splits["train"][0]
    turns = [{"role": "user", "content": first.prompt.rstrip()}, {"role": "assistant", "content": first.target}]
    template = AutoTokenizer.from_pretrained(tmp_path, gguf_file=file.name)
    assert lengths(task, splits, look.tokenizer).shown == template.apply_chat_template(turns, tokenize=False).rstrip()


def test_the_context_has_room_for_every_prompt_and_its_longest_answer(small):
    look = look_at_folder(small / "small")
    look.prepared(None)
    for task, splits in find_tasks(str(small / "tasks"), SIZES["laptop"]).tasks:
        examples = [example for split in splits.values() for example in split]
        texts = [len(look.tokenizer(one.prompt)["input_ids"]) for one in examples]
        longest = max(len(option.split()) + 1 for option in task.options) if task.options else 8
        assert lengths(task, splits, look.tokenizer).needed(8) == [length + longest for length in texts]


def test_a_model_of_the_hub_is_pinned_to_its_commit_and_its_weights_are_not_fetched(small, monkeypatch):
    asked = {}

    def fetched(repository, **options):
        asked.update(options)
        return str(small / "small")

    monkeypatch.setattr(HfApi, "model_info", lambda *_, revision: SimpleNamespace(sha="a" * 40))
    monkeypatch.setattr(
        HfApi, "get_safetensors_metadata", lambda *_, **__: SimpleNamespace(parameter_count={"F32": 7, "BF16": 2})
    )
    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetched)
    found = find_model("someone/Tiny-1.5b")
    assert dict(found.entry) == {"source": "hub", "repository": "someone/Tiny-1.5b", "revision": "a" * 40}
    assert (found.name, found.look.parameters, found.link) == ("tiny_1_5b", 9, None)
    assert asked["revision"] == "a" * 40 and "*.safetensors" in asked["ignore_patterns"]


def test_a_file_of_one_task_stands_for_a_folder_and_is_named_in_what_is_refused(small, tmp_path):
    file = tmp_path / "reviews.csv"
    file.write_text("text,label\n" + "".join(f"review {n},{MOODS[n % 2]}\n" for n in range(60)))
    with own_study._as_folder(str(file), ("text", "label"), "Is it good?") as (folder, remarks):
        assert remarks == ()
        found = find_tasks(folder, SIZES["laptop"])
        ((task, splits),) = found.tasks
        assert (task.name, task.options) == ("reviews", ("bad", "good"))
        assert {path.name for path in found.files} == {"tasks.json", "reviews.train.jsonl", "reviews.test.jsonl"}
        assert len(splits["train"]) + len(splits["validation"]) + len(splits["test"]) == 60
        model = find_model(str(small / "small"))
        twice = {**splits, "validation": splits["test"][:1]}
        choices = own_study.Choices(SIZES["laptop"], "plain", CONTEXT, 8)
        read = {"reviews": Lengths((3,), (2,), 2, "review 1")}
        said = list(own_study.described(model, replace(found, tasks=((task, twice),)), choices, read))
        assert "  1 inputs of validation are those of held-out examples, but for their writing or answer" in said
    with (
        pytest.raises(InputError) as caught,
        own_study._as_folder(str(file), ("text", "label"), "Is it good?") as (folder, _),
    ):
        third = json.loads(Path(folder, "reviews.train.jsonl").read_text().splitlines()[2])["input"]
        raise InputError(f"2 are wrong, first {folder}/reviews.train.jsonl:3", where=f"{folder}/reviews, train")
    line = int(third.rpartition(" ")[2]) + 2
    assert str(caught.value) == f"{file}, train: 2 are wrong, first {file}:{line}"
    with own_study._as_folder("sst2, rte", ("input", "target"), None) as (text, remarks):
        assert (text, remarks) == ("sst2, rte", ())


def test_a_file_of_texts_to_write_says_how_many_answers_it_has(tmp_path):
    file = tmp_path / "intents.csv"
    file.write_text("input,target\n" + "".join(f"call {n},intent {n % 25}\n" for n in range(200)))
    with own_study._as_folder(str(file), ("input", "target"), "Which?") as (_, remarks):
        assert remarks == (f"{file}: read as a text to write: 25 different answers",)


def test_what_is_dropped_is_said_of_each_split(small, tmp_path):
    folder = write_tasks(tmp_path / "tasks")
    train, test = folder / "echo.train.jsonl", folder / "echo.test.jsonl"
    train.write_text(train.read_text() + test.read_text())
    found = find_tasks(str(folder), SIZES["laptop"])
    model = find_model(str(small / "small"))
    model.look.prepared(None)
    read = {task.name: lengths(task, splits, model.look.tokenizer) for task, splits in found.tasks}
    said = list(own_study.described(model, found, own_study.Choices(SIZES["laptop"], "plain", CONTEXT, 8), read))
    assert "  dropped from train: 8 x also in a held-out split" in said


@pytest.mark.parametrize("name", ["results/tasks", "logs", "tasks{v2}"])
def test_tasks_may_lie_where_no_path_of_a_study_may_lead(name, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = find_tasks(str(write_tasks(Path(name))), SIZES["laptop"])
    assert [task.name for task, _ in found.tasks] == ["mood", "echo"]
    assert {file.parent for file in found.files} == {Path(name)}


# What is refused


def test_a_hub_that_cannot_be_asked_is_one_sentence(monkeypatch):
    def offline(*_, **__):
        raise OfflineModeIsEnabled("no network")

    monkeypatch.setattr(HfApi, "model_info", offline)
    with pytest.raises(InputError) as caught:
        find_model("someone/tiny")
    said = "the hub cannot be reached (OfflineModeIsEnabled). Run this where there is a network, or fetch the model"
    assert str(caught.value) == f"someone/tiny, which is no folder here: {said} and name its folder"


def test_an_unreachable_hub_and_a_private_model_are_one_sentence(monkeypatch):
    def refused(error):
        def ask(*_, **__):
            raise error

        monkeypatch.setattr(HfApi, "model_info", ask)
        with pytest.raises(InputError) as caught:
            find_model("someone/tiny")
        assert "\n" not in str(caught.value)
        return str(caught.value)

    answer = SimpleNamespace(headers={}, request=None)
    assert "no such repository" in refused(RepositoryNotFoundError("x\ny", response=answer))
    assert "put your token in the environment variable HF_TOKEN" in refused(GatedRepoError("x\ny", response=answer))
    assert "cannot be reached (HTTPError)" in refused(HTTPError("x\ny"))


@pytest.mark.parametrize(
    ("files", "said"),
    [
        (["config.json", "pytorch_model.bin"], "the weights are pickles (pytorch_model.bin), which are never read"),
        (["adapter_config.json", "adapter_model.safetensors"], "holds an adapter (adapter_config.json) and no model"),
        (["config.json"], "the folder has no model.safetensors"),
    ],
)
def test_a_repository_without_safetensors_is_refused_as_a_folder_is(files, said, small, monkeypatch):
    def not_there(*_, **__):
        raise NotASafetensorsRepoError("none")

    siblings = [SimpleNamespace(rfilename=name) for name in files]
    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="a" * 40, siblings=siblings))
    monkeypatch.setattr(HfApi, "get_safetensors_metadata", not_there)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(small / "small"))
    with pytest.raises(InputError, match=re.escape(said)) as caught:
        find_model("someone/tiny")
    assert str(caught.value).startswith("someone/tiny, which is no folder here: ")


def test_a_damaged_file_of_a_repository_is_one_sentence(small, monkeypatch):
    def damaged(*_, **__):
        raise SafetensorsParsingError("bad\nheader")

    monkeypatch.setattr(HfApi, "model_info", lambda *_, **__: SimpleNamespace(sha="a" * 40))
    monkeypatch.setattr(HfApi, "get_safetensors_metadata", damaged)
    monkeypatch.setattr(huggingface_hub, "snapshot_download", lambda *_, **__: str(small / "small"))
    with pytest.raises(
        InputError, match=r"^someone/tiny, which is no folder here: its safetensors files cannot be read$"
    ):
        find_model("someone/tiny")


def test_a_known_data_set_is_pinned_where_its_tables_are(monkeypatch):
    def info(_, repository, *, repo_type, revision=None):
        script = repository.endswith("/sst2") and revision is None
        names = ["data.py"] if script else ["train.parquet"]
        return SimpleNamespace(
            sha=("b" if revision else "a") * 40, siblings=[SimpleNamespace(rfilename=one) for one in names]
        )

    monkeypatch.setattr(HfApi, "repo_info", info)
    assert own_study._hub_tasks("sst2, rte")["revisions"] == {"sst2": "b" * 40, "rte": "a" * 40}


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


def test_a_pointer_that_nobody_reads_is_left_alone(small, tmp_path):
    shutil.copytree(small / "small", tmp_path / "small")
    (tmp_path / "small/pytorch_model.bin").write_text("version https://git-lfs.github.com/spec/v1\noid sha256:aa\n")
    assert find_model(str(tmp_path / "small")).look.parameters > 0


@pytest.mark.parametrize("name", ["tasks", "t", "reviews"])
def test_what_is_wrong_with_one_file_is_said_of_that_file(name, tmp_path):
    made = OneFile(name, (), 2, {f"{name}.train.jsonl:1": "line 4"})
    file, folder = tmp_path / f"{name}.csv", "/made"
    said = f"{folder}/tasks.json: {folder}/{name}.train.jsonl:1: {folder}/{name}.test.jsonl, {folder}/{name}: {folder}"
    assert own_study._of_file(said, file, folder, made) == f"{file}: line 4: {file}, {file}: {file}"


def test_an_example_that_can_never_fit_is_refused_with_its_beginning(small, tmp_path):
    folder = write_tasks(tmp_path / "tasks")
    file = folder / "echo.train.jsonl"
    file.write_text(file.read_text() + json.dumps({"input": "red sun", "target": "red " * CONTEXT}) + "\n")
    sizes = replace(SIZES["laptop"], generated=8)
    model, found = find_model(str(small / "small")), find_tasks(str(folder), sizes)
    read = {task.name: lengths(task, splits, model.look.tokenizer) for task, splits in found.tasks}
    said = "task echo, the example that begins 'red sun': the instruction and the answer alone need 29 tokens"
    with pytest.raises(InputError, match=said):
        own_study.choose(sizes, "plain", model, found, read)


def test_a_folder_inside_that_of_the_model_is_refused(small, tmp_path):
    shutil.copytree(small, tmp_path, dirs_exist_ok=True)
    with pytest.raises(InputError, match="the folder lies in that of the model"):
        init(tmp_path / "small/study", str(tmp_path / "small"), str(tmp_path / "tasks"))
    assert not (tmp_path / "small/study").exists()


def test_an_interrupted_command_ends_without_a_traceback(small, tmp_path, capsys, monkeypatch):
    def interrupted(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(own_study, "_run", interrupted)
    arguments = ["init", str(tmp_path / "study"), "--model", str(small / "small"), "--tasks", str(small / "tasks")]
    assert main(arguments) == 130
    assert capsys.readouterr().err == "error: interrupted\n" and list(tmp_path.iterdir()) == []


def test_a_folder_that_was_there_stays_the_same_folder(tmp_path):
    """A shell that stands in it is not left in a folder that is gone."""
    before = tmp_path.stat().st_ino
    with own_study._beside(tmp_path) as scratch:
        (scratch / "made.txt").write_text("x")
    assert tmp_path.stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["made.txt"]


def test_a_step_that_fails_leaves_nothing_of_the_folder(small, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(own_study, "_SNAKEFILE", "raise ValueError('broken')\n")
    monkeypatch.setattr(sys, "executable", warm.python())
    status = main(["init", "study", "--model", str(small / "small"), "--tasks", str(small / "tasks")])
    assert status == 2 and "failed in the new folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
