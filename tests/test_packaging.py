"""What a newcomer meets first: lock files, commands, licence, floors."""

import re
import subprocess
import sys
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

PIN = re.compile(r"([A-Za-z0-9._-]+)==([A-Za-z0-9.!]+)")


def pins(path: Path) -> dict[str, str]:
    lines = [line for line in path.read_text().splitlines() if line and not line.startswith(("#", "-r "))]
    found = [PIN.fullmatch(line) for line in lines]
    assert all(found), [line for line, match in zip(lines, found, strict=True) if not match]
    names = {canonicalize_name(match[1]): match[2] for match in found if match}
    assert len(names) == len(lines), "a package is pinned twice"
    return names


def test_locks_pin_what_the_project_declares(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())
    lock, dev = pins(root / "requirements.lock"), pins(root / "requirements-dev.lock")
    assert not lock.keys() & dev.keys()
    build = [*project["build-system"]["requires"], "editables"]
    for declared, pinned in (
        ([*project["project"]["dependencies"], *build], lock),
        (project["dependency-groups"]["dev"], dev),
    ):
        for requirement in map(Requirement, declared):
            name = canonicalize_name(requirement.name)
            assert name in pinned, f"{name} is not pinned"
            assert requirement.specifier.contains(pinned[name]), f"{name} is pinned outside {requirement.specifier}"


def test_locks_are_complete_and_are_what_runs_here(root: Path) -> None:
    from importlib.metadata import requires

    pinned = {**pins(root / "requirements.lock"), **pins(root / "requirements-dev.lock")}
    for name, wanted in pinned.items():
        try:
            installed = version(name)
        except PackageNotFoundError:
            pytest.skip(f"{name} is not installed: this environment was not made from the lock files")
        if installed.split("+")[0] != wanted:
            pytest.skip(f"{name} {installed} is installed: this environment was not made from the lock files")
        for text in requires(name) or []:
            requirement = Requirement(text)
            if requirement.marker is None or requirement.marker.evaluate({"extra": ""}):
                assert canonicalize_name(requirement.name) in pinned, f"{name} needs {requirement.name}"


def test_floors_of_fixed_flaws_hold(root: Path) -> None:
    # Older versions run code from model files.
    floors = {"torch": (2, 10), "transformers": (5, 5)}
    lock = pins(root / "requirements.lock")
    for name, floor in floors.items():
        assert tuple(map(int, lock[name].split(".")[:2])) >= floor


def test_make_help_names_the_two_commands(root: Path) -> None:
    done = subprocess.run(["make", "help"], cwd=root, capture_output=True, text=True, check=True)
    assert "make results" in done.stdout and "make test" in done.stdout


def test_make_says_that_python_is_missing(root: Path, tmp_path: Path) -> None:
    command = ["make", "results", "PYTHON=", f"VENV={tmp_path / 'venv'}"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode != 0
    assert "error: Python 3.11 or newer with venv was not found" in done.stderr
    assert not (tmp_path / "venv").exists()


def test_make_builds_the_environment_only_when_a_lock_changes(root: Path, tmp_path: Path) -> None:
    venv = tmp_path / "venv"
    venv.mkdir()

    def planned(*extra: str) -> str:
        command = ["make", "--dry-run", "test", f"VENV={venv}", "PYTHON=python3", *extra]
        return subprocess.run(command, cwd=root, capture_output=True, text=True, check=True).stdout

    assert "-m venv --clear" in planned()
    (venv / "ready").touch()
    (venv / "ready-dev").touch()
    assert "pip install" not in planned()
    assert "-m venv --clear" in planned("--what-if=requirements.lock")
    only_tests = planned("--what-if=requirements-dev.lock")
    assert "-m venv" not in only_tests and "requirements-dev.lock" in only_tests


def test_citation_agrees_with_the_project(root: Path) -> None:
    project = tomllib.loads((root / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((root / "CITATION.cff").read_text())
    assert (citation["version"], citation["license"]) == (project["version"], project["license"])
    assert "Apache License" in (root / "LICENSE").read_text()


def test_imports_stay_on_their_floors(root: Path) -> None:
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_shapes_are_checked_under_pytest() -> None:
    import numpy as np
    from jaxtyping import TypeCheckError

    from taskneurons.measures.stats import diagonal_test

    with pytest.raises(TypeCheckError):
        diagonal_test(np.zeros(3))
