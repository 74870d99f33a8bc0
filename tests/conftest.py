"""Fixtures for all tests; shapes and types in signatures are enforced here, under pytest only."""

import gc
import sys
from collections.abc import Generator
from pathlib import Path

import pytest
from hypothesis import settings
from jaxtyping import install_import_hook

# A derandomised profile keeps a failing example reproducible on every machine; time limits would fail on a busy one.
settings.register_profile("project", deadline=None, derandomize=True, max_examples=60)
settings.load_profile("project")

# Before any of these is imported. The hook wraps each function of a module, which costs more than a short function
# itself, so that only those modules have it that give shapes (measures.continual has names for some).
SOURCE = Path(__file__).resolve().parents[1] / "src"
install_import_hook(
    [
        ".".join(path.relative_to(SOURCE).with_suffix("").parts)
        for path in sorted(SOURCE.rglob("*.py"))
        if any(word in path.read_text() for word in ("jaxtyping import", "measures.continual import"))
    ],
    "shapes.arrays_only",
)


imported = 0
# What was imported stays frozen from test to test: after each block of trainings the library would let go of it, and
# the next collection of garbage would walk through torch, for half a second.
freeze = gc.freeze
gc.freeze = gc.unfreeze = lambda: None
# Modules that are worth a collection of garbage.
MANY = 20
# Folders of files that take long.
LONG = ("workflow", "tests", "own_study")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files of the workflow take minutes, benchmarks and the start of a study nearly one: these begin first, the long
    before the short.

    Else a process is left alone with one at the end.
    """
    items.sort(key=lambda item: LONG.index(name) if (name := item.path.parent.name) in LONG else len(LONG))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """What is imported, and the thousands of tests, are no garbage."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_finish() -> None:
    """What the tests imported stays to their end, so that no collection of garbage need walk through it."""
    keep_imported()


def pytest_runtest_teardown() -> None:
    """Nor through what a test imported that it needs alone, such as the compiler of torch for the first optimizer."""
    if len(sys.modules) > imported + MANY:
        keep_imported()


def keep_imported() -> None:
    """Let later collections of garbage leave alone what is there.

    accelerate collects after each training; to walk through torch costs more than a tiny training.
    """
    global imported
    gc.collect()
    freeze()
    imported = len(sys.modules)


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the project."""
    return Path(__file__).resolve().parents[1]
