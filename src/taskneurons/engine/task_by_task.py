"""Going through many tasks: their examples, how far it is, and which task a message is about."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from taskneurons.engine.counting import counted
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.load import Checkpoint
from taskneurons.tasks.storage import read_split


@contextmanager
def naming(folder: str | Path) -> Iterator[None]:
    """Name the task's folder in what is said of its examples."""
    try:
        yield
    except InputError as error:
        error.where = f"{folder}: {error.where}" if error.where else str(folder)
        raise


def encoded_split(loaded: Checkpoint, folder: str | Path, split: str, limit: int | None = None) -> list[Encoded]:
    """A split of a task, or its first examples, as a model reads them."""
    examples = read_split(folder, split, limit=limit)
    with naming(folder):
        return encode(examples, loaded.tokenizer, loaded.context)


def progress(items: Any, what: str) -> Any:
    """How far the tasks are; see `counted`."""
    return counted(items, name=what, unit="task")
