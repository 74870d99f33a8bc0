"""Generated classification tasks for learning one after another."""

from collections.abc import Iterable, Iterator
from typing import Any, Literal

from taskneurons.tasks.source import Made
from taskneurons.tasks.stream.corpus import stream_corpus
from taskneurons.tasks.stream.suite import stream_suite, stream_task_names


def names(*, tasks: Iterable[str] | Literal["all"]) -> tuple[str, ...]:
    """The chosen tasks in the wanted order; see `stream_task_names`."""
    return stream_task_names(tasks)


def make(chosen: Iterable[str], *, train: int, validation: int, test: int, seed: int) -> Iterator[Made]:
    """Generate tasks; see `stream_suite`."""
    return stream_suite(train, validation, test, seed, chosen)


def corpus(documents: int, *, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training text; see `stream_corpus`."""
    return stream_corpus(documents, seed)
