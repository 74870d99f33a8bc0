"""Generated tasks that a small base learns in part, for what training on some tasks does to others."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from taskneurons.tasks.source import Made
from taskneurons.tasks.transfer.corpus import transfer_corpus
from taskneurons.tasks.transfer.suite import transfer_suite, transfer_task_names


def names(*, tasks: Iterable[str] | Literal["all"]) -> tuple[str, ...]:
    """The chosen tasks in the wanted order; see `transfer_task_names`."""
    return transfer_task_names(tasks)


def make(chosen: Iterable[str], *, train: int, validation: int, test: int, seed: int) -> Iterator[Made]:
    """Generate tasks; see `transfer_suite`."""
    return transfer_suite(train, validation, test, seed, chosen)


def corpus(documents: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training text; see `transfer_corpus`."""
    return transfer_corpus(documents, seed)
