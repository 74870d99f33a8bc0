"""Fixtures for all tests; shapes and types in signatures are enforced here, under pytest only."""

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


@pytest.fixture(scope="session")
def root() -> Path:
    """The root of the project."""
    return Path(__file__).resolve().parents[1]
