"""A small model and small tasks of a user."""

from pathlib import Path

import pytest
from small_checkpoint import lay_checkpoint
from small_tasks import write_tasks


@pytest.fixture(scope="module")
def small(tmp_path_factory) -> Path:
    """A folder with a model and one with tasks."""
    place = tmp_path_factory.mktemp("small")
    lay_checkpoint(place / "small")
    write_tasks(place / "tasks")
    return place
