"""Fixtures of the toy workflow: laid, made, certified, and copies of them to break."""

import fcntl
import os
from collections.abc import Callable
from pathlib import Path

import pytest
from projects import Project, commit, lay_toy


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], Project]) -> Project:
    """A project that is made by the first process of the tests that asks for it, and copied by the others.

    Args:
        factory: of temporary folders.
        name: of the project.
        make: makes it in a folder that does not exist.
    """
    own = factory.getbasetemp()
    # With pytest-xdist each worker has its folder in that of the whole run.
    shared = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / f"once-{name}"
    shared.mkdir(exist_ok=True)
    with (shared / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if not (shared / "done").exists():
            make(shared / "project")
            (shared / "done").touch()
        return Project(shared / "project").copy(factory.mktemp(name) / "project")


@pytest.fixture(scope="session")
def laid_toy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, nothing made."""
    return lay_toy(tmp_path_factory.mktemp("laid") / "project")


@pytest.fixture(scope="session")
def made_toy(laid_toy: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, everything made by Snakemake alone."""

    def make(folder: Path) -> Project:
        project = laid_toy.copy(folder)
        project.snakemake()
        return project

    return made_once(tmp_path_factory, "made", make)


@pytest.fixture(scope="session")
def certified(made_toy: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, everything made, certified by DVC and committed."""

    def make(folder: Path) -> Project:
        project = made_toy.copy(folder)
        project.git("init", "-q")
        project.taskneurons("stages")
        project.dvc("repro", "-q")
        commit(project, "Make everything")
        return project

    return made_once(tmp_path_factory, "certified", make)


@pytest.fixture
def broken(certified: Project, tmp_path: Path) -> Project:
    """A copy of the certified toy workflow to break."""
    return certified.copy(tmp_path / "project")


@pytest.fixture
def toy(made_toy: Project, tmp_path: Path) -> Project:
    """A copy of the made toy workflow."""
    return made_toy.copy(tmp_path / "project")


@pytest.fixture
def fresh_toy(laid_toy: Project, tmp_path: Path) -> Project:
    """A copy of the toy workflow, nothing made."""
    return laid_toy.copy(tmp_path / "project")
