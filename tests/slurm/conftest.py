"""Clusters for tests, and the toy workflow, made on this machine."""

from collections.abc import Iterator

import pytest
from daemons import Cluster, Unavailable, cluster
from projects import Project, lay_toy
from runs import end_runs


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


@pytest.fixture(autouse=True)
def nothing_left(request: pytest.FixtureRequest) -> Iterator[None]:
    """No run and no job of one test meets the next."""
    yield
    end_runs()
    for name in ("plain", "accounted"):
        if name in request.fixturenames:
            request.getfixturevalue(name).clear()
