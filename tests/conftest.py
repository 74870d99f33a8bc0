"""Fixtures for all tests; shapes and types in signatures are enforced here, under pytest only."""

import gc
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# A derandomised profile keeps a failing example reproducible on every machine; time limits would fail on a busy one.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("project")

# Before any of these is imported. Rooms without arrays (params, lineage, cli) have nothing to check.
for room in ("neurons", "measures", "models", "engine", "continual", "studies"):
    install_import_hook(f"taskneurons.{room}", "shapes.arrays_only")


# Folders of files that take long.
LONG = ("workflow", "tests")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of the workflow take minutes, and benchmarks nearly one: they begin first, the long before the short.

    Else a process is left alone with one at the end.
    """
    items.sort(key=lambda item: LONG.index(name) if (name := item.path.parent.name) in LONG else 2)


def pytest_collection_finish() -> None:
    """What the tests imported stays to their end, so that no collection of garbage need walk through it.

    accelerate collects after each training; to walk through torch costs more than a tiny training.
    """
    gc.collect()
    gc.freeze()


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the project."""
    return Path(__file__).resolve().parents[1]
