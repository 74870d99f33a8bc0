"""Going through many tasks: how far it is, and which task a message is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from tqdm import tqdm

from taskneurons.errors import InputError


@contextmanager
def naming(folder: str | Path) -> Iterator[None]:
    """Name the task's folder in what is said of its examples."""
    try:
        yield
    except InputError as error:
        error.where = f"{folder}: {error.where}" if error.where else str(folder)
        raise


def progress(items: Any, what: str) -> Any:
    """A progress bar on a terminal; jobs of a workflow write to files and get none."""
    return tqdm(items, desc=what, unit="task", disable=None)
