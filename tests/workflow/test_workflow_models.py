"""The real workflow at the smallest size on a user's own model, and parameter files of other scales as dry runs."""

import json
import re
import shutil
from collections import Counter
from pathlib import Path

import pytest
import warm
import yaml
from projects import ROOT, Project, lay, most_mb

from taskneurons.files import sha256
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import train_bpe_tokenizer
from taskneurons.params.show import show

TOKENIZER = train_bpe_tokenizer(["red sun blue ice orange fire white snow warm cold one two three four"], 300)
SECRET = "hf_a_secret_that_no_file_may_hold"
RESULT = "results/deactivation/mine/own/seed0/taylor-10-layer/colour.csv"
# One of each end of the graph, so that all rules between them run.
TARGETS = [RESULT, "results/deactivation/mine/own/seed0/taylor-10-layer/echo.csv"]


def write_model(folder: Path, seed: int = 0) -> int:
    """Write a model as transformers does, beside a pickle that nobody may read; returns its parameters."""
    shape = Shape(hidden_size=16, layers=2, heads=2, ffn_size=64, context=64)
    model = new_model("bloom", shape, Vocabulary.of(TOKENIZER), seed=seed)
    model.save_pretrained(folder)
    TOKENIZER.save_pretrained(folder)
    (folder / "pytorch_model.bin").write_bytes(b"a pickle")
    return model.num_parameters()


def edit_params(project: Project, change) -> None:
    path = project.path("params.yaml")
    params = yaml.safe_load(path.read_text())
    change(params)
    path.write_text(yaml.safe_dump(params, sort_keys=False))


def jobs(text: str) -> dict[str, dict[str, str]]:
    """Rule, and the wildcards but the seed -> resources of the jobs that Snakemake prints.

    What is done on the spot wherever Snakemake runs, tables and figures, names no resources and is left out.
    """
    found = {}
    for name, body in re.findall(r"^(?:local)?rule (\w+):\n(.*?)(?=^\[|\Z)", text, flags=re.S | re.M):
        (resources,) = re.findall(r"resources: (.*)", body)
        named = re.findall(r"(\w+)=([^,\n]+)", "".join(re.findall("wildcards: .*", body)))
        wildcards = [value for key, value in named if key != "seed"]
        if "=" in resources.partition(", ")[2]:
            found[" ".join([name, *wildcards])] = dict(item.split("=", 1) for item in resources.split(", "))
    return found


@pytest.fixture(scope="module")
def laid(tmp_path_factory) -> Project:
    """A project whose run is of a model that lies in a folder as transformers writes it; nothing is made.

    The model is said to have a billion parameters, so that its jobs ask for a GPU.
    """
    project = lay(tmp_path_factory.mktemp("laid") / "project", seeds=[0], tasks_per_job="all")
    write_model(project.path("raw/model"))
    model = {
        "source": "folder", "path": "raw/model", "parameters": 1e9, "context": 64, "dtype": "float32",
        "prompts": "plain",
    }  # fmt: skip

    def change(params):
        params["models"] = {"own": model}
        params["runs"][0]["model"] = "own"
        params["deactivation"]["interventions"] = ["zero", "mean"]

    edit_params(project, change)
    return project


@pytest.fixture(scope="module")
def own(laid, tmp_path_factory) -> tuple[Project, str]:
    """The same project after its run on a machine that shows no GPU, and what Snakemake printed."""
    project = laid.copy(tmp_path_factory.mktemp("own") / "project")
    # What asks for a GPU is done by no fork that the library makes.
    environment = {"CUDA_VISIBLE_DEVICES": "", "HF_TOKEN": SECRET, warm.JOBS: warm.python_of_models()}
    return project, project.snakemake("--", *TARGETS, **environment)


def test_a_users_model_goes_from_its_folder_to_the_deactivation(own, tmp_path):
    project, _ = own
    made = {re.sub("_mine.*|_own.*", "", line["rule"]) for line in project.lines().values()}
    steps = ["make_tasks", "import_model", "tune_multitask", "attribute_scores", "select_neurons", "deactivate_neurons"]
    assert made == set(steps), "nothing is trained from scratch"
    base, tuned = (
        json.loads(project.path(f"results/models/{folder}/checkpoint.json").read_text())
        for folder in ("imported/own", "mine/own/seed0/multitask")
    )
    assert tuned["parent"] == base["digest"]
    assert base["parameters"] == write_model(tmp_path / "model")
    rows = project.path(RESULT).read_text()
    assert {"task", "random", "bottom", "other_task"} <= set(rows.replace("\n", ",").split(","))


def test_a_users_model_enters_the_lineage_by_its_content(own, tmp_path):
    project, _ = own
    weights = "raw/model/model.safetensors"
    line = project.lines()["results/models/imported/own/model.safetensors"]
    assert [weights, sha256(project.path(weights))] in line["inputs"]
    assert not [name for name, _ in line["inputs"] if name.endswith(".bin")]
    other = project.copy(tmp_path / "project")
    shutil.rmtree(other.path("raw/model"))
    write_model(other.path("raw/model"), seed=1)
    planned = other.planned(*TARGETS)
    assert planned == other.after(weights)
    assert {re.sub("_mine.*|_own.*", "", rule) for rule in planned} == {
        "import_model", "tune_multitask", "attribute_scores", "select_neurons", "deactivate_neurons",
    }  # fmt: skip


def test_a_granted_gpu_that_is_not_there_becomes_the_cpu_and_every_record_says_so(own):
    project, text = own
    assert jobs(text)["tune_multitask mine/own"]["gpu"] == "1"
    assert text.count("this job asks for a GPU and the machine has none that torch can use: it runs on the CPU") == 3
    devices = {line["rule"]: line["device"] for line in project.lines().values()}
    assert devices["tune_multitask"] == devices["deactivate_neurons_mine_all"] == "cpu"


def test_a_token_in_the_environment_is_in_no_file_and_no_output(own):
    """The whole folder: logs, records, Snakemake's own files, results."""
    project, text = own
    assert "import_model" in text
    assert SECRET not in text
    files = [path for path in project.folder.rglob("*") if path.is_file()]
    folders = {path.relative_to(project.folder).parts[0] for path in files}
    assert {".snakemake", "logs", "lineage", ".taskneurons", "results"} <= folders
    assert [path for path in files if SECRET.encode() in path.read_bytes()] == []


def test_a_token_on_the_command_line_is_refused_and_kept_nowhere(own, tmp_path):
    project = own[0].copy(tmp_path / "project")
    text = project.snakemake("-n", "--config", f"token={SECRET}", ok=False)
    assert "parameters are not given on the command line: token" in text
    assert SECRET not in text
    assert [p for p in project.folder.rglob("*") if p.is_file() and SECRET.encode() in p.read_bytes()] == []


def test_a_hub_model_that_cannot_be_fetched_fails_its_job_with_the_command(laid, tmp_path):
    """`taskneurons results` without a network: the prefetch command and the variable, and no token."""
    project = laid.copy(tmp_path / "project")
    model = {"source": "hub", "repository": "maker/tiny", "revision": "abcdef0123" * 4}

    def change(params):
        params["models"]["own"] = model | {"parameters": 1000, "context": 16, "dtype": "float32", "prompts": "plain"}

    edit_params(project, change)
    environment = {"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path / "none"), "HF_TOKEN": SECRET}
    text = project.taskneurons("results", "results/models/imported/own/checkpoint.json", ok=False, **environment)
    assert "Failed: import_model_own" in text
    assert f"hf download maker/tiny --revision {model['revision']}" in text
    assert "HF_HUB_OFFLINE=1" in text
    assert SECRET not in text
    logs = [path for path in project.path("logs").rglob("*") if path.is_file()]
    assert [path for path in logs if SECRET.encode() in path.read_bytes()] == []


def test_a_model_without_a_commit_is_planned_and_refused_before_the_first_job(laid, tmp_path):
    project = laid.copy(tmp_path / "project")
    model = {"source": "hub", "repository": "maker/tiny", "revision": "pin-me", "parameters": 1000, "context": 16}

    def change(params):
        params["models"]["own"] = model | {"dtype": "float32", "prompts": "plain"}

    edit_params(project, change)
    target = "results/models/imported/own/checkpoint.json"
    assert project.planned(target) == {"import_model_own": 1}
    text = project.taskneurons("results", target, ok=False)
    assert "no commit is pinned of maker/tiny. Run `taskneurons pin params.yaml`" in text
    assert "Traceback" not in text
    # What needs no model is made all the same.
    project.taskneurons("results", "results/data/mine/tasks/echo/task.json")


def test_the_example_for_ones_own_tasks_plans_from_the_folder_to_the_figures(laid, tmp_path):
    text = show(ROOT / "params/jsonl.yaml")
    project = laid.copy(tmp_path / "project")
    assert text.count("path/to/tasks") == 1
    project.path("params.yaml").write_text(text)
    assert "path/to/tasks" in project.snakemake("-n", ok=False), "the folder that is to be named"
    project.path("params.yaml").write_text(text.replace("path/to/tasks", "raw/tasks"))
    planned = Counter(re.sub("_mine.*", "", rule) for rule in project.planned())
    assert planned["make_tasks"] == planned["pretrain_model"] == planned["tune_multitask"] == 1
    selections = len(yaml.safe_load(text)["neurons"]["selections"])
    assert planned["plot_drops"] == planned["plot_matrix"] == planned["deactivate_neurons"] == selections
    assert planned["summarise_deactivation"] == 1


def test_the_papers_scale_asks_for_gpus_that_hold_its_models(laid, tmp_path):
    """Llama-2-7b and Bloom-7b1 in bfloat16 take 14 GB, their training 18 bytes for each parameter, or more."""
    text = (ROOT / "params/paper.yaml").read_text()
    project = laid.copy(tmp_path / "project")
    # As a file that builds on another, which Snakemake is given by its name.
    shutil.copy2(ROOT / "params.yaml", project.path("params.yaml"))
    project.path("params").mkdir()
    project.path("params/paper.yaml").write_text(text)
    room = ("--resources", "gpu=1", "mem_mb=1000000")
    found = jobs(project.snakemake("-n", *room, "--configfile", "params/paper.yaml"))
    of_streams = {name for name in found if re.search("[_ ]large[_/]", name)}
    streams = {name: values for name, values in found.items() if name in of_streams and values["gpu"] != "0"}
    found = {name: values for name, values in found.items() if name not in of_streams}
    large = {name: values for name, values in found.items() if values["gpu"] != "0"}
    kinds = Counter(re.match("[a-z]+_[a-z]+", name)[0] for name in large)
    # With one task a job; the model is tuned once, a set of each of two selections is deactivated by a job of its own.
    assert kinds == {
        "tune_multitask": 2, "evaluate_multitask": 24, "attribute_scores": 24, "deactivate_neurons": 48,
        "attribute_base": 24, "train_neurons": 12, "train_proportions": 4, "train_overlaps": 6,
        "compare_parameters": 2, "find_examples": 2,
    }  # fmt: skip
    # Streams hold float32 weights; EWC besides gradients and moments what was worn, the Fisher information, its anchor.
    held = {}
    for method, bytes_each in (("ncft", 8), ("seqft", 20), ("ewc", 28)):
        own = [values for name, values in streams.items() if name.startswith(f"learn_streams_{method}_large")]
        (taken,) = {int(values["gpu_mem_mb"]) for values in own}
        assert bytes_each * 6738 < taken < most_mb(6.739e9, bytes_each, 57, 32)
        held[method] = taken
    assert held["ncft"] < held["seqft"] < held["ewc"]
    whole = ("tune", "train_neurons", "compare_parameters")
    # What a kind of job holds for each parameter, keeps of each token, and how many examples it takes at once. Trained
    # neurons own two thirds of the weights up to all of them. A checkpointed layer keeps its input alone, so that where
    # a tenth is trained, answering the tests takes more.
    most = {
        "tune_multitask": (18, 6, 4), "train_neurons": (18, 6, 4), "compare_parameters": (18, 6, 4),
        "train_proportions": (2 + 16 * 2 / 3, 6, 4), "train_overlaps": (2, 4, 16),
        "attribute_scores": (2, 41, 8), "attribute_base": (2, 41, 8),
        "evaluate_multitask": (2, 4, 16), "deactivate_neurons": (2, 4, 16), "find_examples": (2, 4, 16),
    }  # fmt: skip
    for name, values in large.items():
        bytes_each = 18 if name.startswith(whole) else 2
        assert int(values["gpu"]) >= 1
        limit = most_mb(7.07e9, *most[re.match("[a-z]+_[a-z]+", name)[0]])
        assert bytes_each * 6738 < int(values["gpu_mem_mb"]) < limit, name
        assert int(values["runtime"]) > (120 if name.startswith(whole) else 30), "minutes"
        assert int(values["mem_mb"]) > 2 * 6738, "the host reads the weights"
        assert 60 * int(values["runtime"]) > 2 * int(values["seconds"]), "a limit is no estimate"
    assert all(
        {"gpu", "gpu_mem_mb", "mem_mb", "disk_mb", "seconds", "runtime"} <= set(values)
        for name, values in found.items()
    )
    assert not [name for name in found if name not in large and name.startswith(tuple(kinds))]


def test_suites_models_and_seeds_stand_side_by_side(laid, tmp_path):
    """Two suites of the same folder, two models, two seeds: no two jobs make the same file."""
    project = laid.copy(tmp_path / "project")
    default = yaml.safe_load((ROOT / "params.yaml").read_text())["models"]["bloom"]

    def change(params):
        (run,) = params["runs"]
        params["suites"]["other"] = params["suites"]["mine"] | {"seed": 1}
        params["models"]["scratch"] = default
        params["runs"] = [
            run | {"suite": suite, "model": model, "seeds": [0, 1]}
            for suite in ("mine", "other")
            for model in params["models"]
        ]

    edit_params(project, change)
    text = project.snakemake("-n", "--forceall")
    made = [path for line in re.findall(r"^    output: (.*)", text, flags=re.M) for path in line.split(", ")]
    assert len(made) == len(set(made)) > 200
    for suite in ("mine", "other"):
        for model in ("own", "scratch"):
            for seed in (0, 1):
                for part in ("multitask/model.safetensors", "evaluation/colour.csv"):
                    assert f"results/models/{suite}/{model}/seed{seed}/{part}" in made
                assert f"results/deactivation/{suite}/{model}/seed{seed}/taylor-10-layer/echo.csv" in made
    # A model from a folder is imported once for all of them.
    assert len([path for path in made if path.endswith("imported/own/model.safetensors")]) == 1


def test_a_model_of_a_file_is_studied_as_it_is(laid, tmp_path):
    """Without `multitask` nothing is tuned, and every job reads the model as it was imported."""
    project = laid.copy(tmp_path / "project")
    project.path("raw/tiny.gguf").write_bytes(b"GGUF")
    model = {
        "source": "gguf", "package": None, "path": "raw/tiny.gguf", "sha256": "0" * 64, "parameters": 1000,
        "context": 64, "dtype": "float32", "prompts": "plain",
    }  # fmt: skip

    def change(params):
        params["models"]["own"] = model
        params["multitask"] = None

    edit_params(project, change)
    planned = {re.sub("_mine.*|_own.*", "", rule) for rule in project.planned(*TARGETS)}
    assert planned == {"make_tasks", "import_model", "attribute_scores", "select_neurons", "deactivate_neurons"}
    text = project.snakemake("-n", "-p", "--", RESULT)
    inputs = dict(re.findall(r"^(?:local)?rule (\w+):\n    input: (.*)$", text, flags=re.M))
    assert inputs["import_model_own"] == "raw/tiny.gguf"
    for rule in ("attribute_scores_mine_all", "deactivate_neurons_mine_all"):
        assert "results/models/imported/own/model.safetensors" in inputs[rule].split(", ")
