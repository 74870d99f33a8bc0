"""Clusters for tests, and the toy workflow, made on this machine."""

from collections.abc import Iterator

import pytest
from daemons import Cluster, Unavailable, cluster
from projects import Project, lay_toy


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with accounts come last, so that each kind of cluster is started once."""
    items.sort(key=lambda item: "accounted" in getattr(item, "fixturenames", ()))


@pytest.fixture(scope="module")
def plain() -> Iterator[Cluster]:
    """A cluster of one node that keeps no accounts."""
    yield from _started(accounting=False)


@pytest.fixture(scope="module")
def accounted() -> Iterator[Cluster]:
    """A cluster of one node that keeps accounts."""
    yield from _started(accounting=True)


def _started(*, accounting: bool) -> Iterator[Cluster]:
    try:
        with cluster(accounting=accounting) as one:
            yield one
    except Unavailable as reason:
        pytest.skip(str(reason))


@pytest.fixture(scope="session")
def made(tmp_path_factory: pytest.TempPathFactory) -> Project:
    """The toy workflow, everything made on this machine."""
    project = lay_toy(tmp_path_factory.mktemp("made") / "project")
    project.snakemake()
    return project


@pytest.fixture
def toy(made: Project, tmp_path) -> Project:
    """A copy of the toy workflow."""
    return made.copy(tmp_path / "project")
