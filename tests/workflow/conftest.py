"""Fixtures of the toy workflow: laid, made, and copies of both to break."""

from pathlib import Path

import pytest
from projects import Project, lay_toy


@pytest.fixture(scope="session")
def laid_toy(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, nothing made."""
    return lay_toy(tmp_path_factory.mktemp("laid") / "project")


@pytest.fixture(scope="session")
def made_toy(laid_toy: Project, tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, everything made by Snakemake alone."""
    project = laid_toy.copy(tmp_path_factory.mktemp("made") / "project")
    project.snakemake()
    return project


@pytest.fixture
def toy(made_toy: Project, tmp_path: Path) -> Project:
    """A copy of the made toy workflow."""
    return made_toy.copy(tmp_path / "project")


@pytest.fixture
def fresh_toy(laid_toy: Project, tmp_path: Path) -> Project:
    """A copy of the toy workflow, nothing made."""
    return laid_toy.copy(tmp_path / "project")
