"""The new folder: the workflow runs in it, and what fails leaves nothing of it."""

import hashlib
import json
import subprocess
import sys
from pathlib import Path

import pytest
import warm
import yaml
from projects import ROOT, Project
from small_checkpoint import CONTEXT, small_model

from taskneurons.cli import main
from taskneurons.own_study.folder import _beside
from taskneurons.own_study.init import init
from taskneurons.params.loading import load_params

FIGURE = "results/figures/deactivation/mine/small/first-seed/drops-taylor-10-model.png"
LIBRARY = {"PYTHONPATH": str(ROOT / "src")}


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


def test_a_folder_that_was_there_stays_the_same_folder(tmp_path):
    """A shell that stands in it is not left in a folder that is gone."""
    before = tmp_path.stat().st_ino
    with _beside(tmp_path) as scratch:
        (scratch / "made.txt").write_text("x")
    assert tmp_path.stat().st_ino == before
    assert [path.name for path in tmp_path.iterdir()] == ["made.txt"]


def test_a_step_that_fails_leaves_nothing_of_the_folder(small, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("taskneurons.own_study.folder._SNAKEFILE", "raise ValueError('broken')\n")
    monkeypatch.setattr(sys, "executable", warm.python())
    status = main(["init", "study", "--model", str(small / "small"), "--tasks", str(small / "tasks")])
    assert status == 2 and "failed in the new folder" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
