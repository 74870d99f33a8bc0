"""The recipes of images against the lock files, and the workflow in what stands in for Apptainer."""

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name
from projects import lay_toy

from taskneurons.errors import InputError
from taskneurons.workflow import containers

LOCKS = ("requirements.lock", "requirements-gpu.lock")
MODEL = "results/models/mine/small/seed1/model.txt"
# Does what it is given, here: `apptainer exec --home FOLDER [--bind A:B]... IMAGE bash -c COMMAND`.
APPTAINER = """#!{python}
import os, sys
if sys.argv[1:] == ["--version"]:
    sys.exit(print("apptainer version 1.3.0"))
*given, image, shell, _, command = sys.argv[1:]
with open("calls", "a") as calls:
    print(image, "--nv" in given, os.environ["PYTHONPATH"], os.environ["APPTAINER_BIND"], file=calls)
os.execvp(shell, [shell, "-c", command])
"""


def pinned(path: Path) -> dict[str, str]:
    """The specifier of each package of a lock file."""
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    return {canonicalize_name(one.name): str(one.specifier) for one in map(Requirement, lines)}


def test_the_lock_for_gpus_adds_exact_versions_and_changes_none(root: Path) -> None:
    common, more = (pinned(root / name) for name in LOCKS)
    assert "-r requirements.lock" in (root / "requirements-gpu.lock").read_text().splitlines()
    # Of torch it asks for the same version, and no build of it that has a name of its own.
    assert more.pop("torch") == f"={common['torch']}"
    assert not more.keys() & common.keys()
    assert all(re.fullmatch(r"==[\d.]+", specifier) for specifier in more.values())
    assert {"triton", "cuda-toolkit", "nvidia-cudnn-cu13", "nvidia-nccl-cu13"} <= more.keys()
    said = (root / "docs" / "containers.md").read_text()
    assert f"the {len(more)} packages" in said


def test_recipes_make_the_environment_of_the_locks_with_the_python_that_is_tested(root: Path) -> None:
    (tested,) = (
        step["with"]["python-version"]
        for step in yaml.safe_load((root / ".github/workflows/ci.yaml").read_text())["jobs"]["ci"]["steps"]
        if "python-version" in step.get("with", {})
    )
    recipes = {name: (root / "containers" / name).read_text() for name in ("Dockerfile", "taskneurons.def")}
    command = tomllib.loads((root / "pyproject.toml").read_text())["project"]["scripts"]["taskneurons"]
    for name, text in recipes.items():
        assert re.search(r"(?i)^from:? python:([\d.]+)-slim", text, re.M)[1] == tested, name
        assert re.search(r"^\s*(?:ARG )?LOCK=requirements\.lock$", text, re.M), name
        assert re.search(r"pip install --no-cache-dir -r \"/build/(?:\$LOCK|\{\{ LOCK \}\})\"", text), name
        # What is copied is there, both locks and the command among it, and nothing of the code.
        copied = re.findall(r"^(?:COPY (.+) \S+|    (\S+) /\S+)$", text, re.M)
        files = {file for pair in copied for file in " ".join(pair).split() if (root / file).exists()}
        assert files == {*LOCKS, "containers/taskneurons"}, name
    # In the image torch and the others are what the lock says; beside git, which records need, no tool is asked for.
    assert all("install --yes --no-install-recommends git make" in text for text in recipes.values())
    module, _, function = command.partition(":")
    assert f"from {module} import {function}" in (root / "containers" / "taskneurons").read_text()


def test_the_command_of_the_image_finds_the_mounted_code_or_says_what_is_missing(root: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-S", str(root / "containers" / "taskneurons"), "--help"]
    none = subprocess.run(command, env={"PYTHONPATH": str(tmp_path)}, capture_output=True, text=True)
    assert none.returncode == 1 and "mount its folder" in none.stderr and "Traceback" not in none.stderr
    there = subprocess.run(command, env={"PYTHONPATH": str(root / "src")}, capture_output=True, text=True)
    assert there.returncode == 0 and "usage: taskneurons" in there.stdout


def test_a_run_in_containers_is_refused_where_there_is_no_apptainer(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(InputError, match=r"--sdm apptainer: this machine has no program `apptainer`\. Install"):
        containers.image()


def test_each_job_of_a_run_in_containers_is_done_in_the_image(tmp_path: Path) -> None:
    project = lay_toy(tmp_path / "project")
    program = tmp_path / "bin" / "apptainer"
    program.parent.mkdir()
    program.write_text(APPTAINER.format(python=sys.executable))
    program.chmod(0o755)
    given = {"PATH": f"{program.parent}{os.pathsep}{project.environment['PATH']}"}
    asked = ("snakemake", "--cores", "1", "--sdm", "apptainer", "--apptainer-args=--nv", MODEL)
    image = project.path("build/taskneurons.sif")
    said = project.warm(*asked, ok=False, **given)
    assert f"{image}: there is no image" in said and "apptainer build" in said
    image.parent.mkdir()
    image.touch()
    project.warm(*asked, **given)
    calls = project.path("calls").read_text().splitlines()
    made = {line["rule"] for line in project.lines().values()}
    assert len(calls) == len(made) >= 2
    assert set(calls) == {f"{image} True {project.path('src')} {project.folder}"}
