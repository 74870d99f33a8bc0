"""A suite in which the answer is known: how many latent skills two tasks share is set by construction."""

from collections.abc import Iterable, Iterator
from typing import Any

from taskneurons.tasks.dial.corpus import dial_corpus
from taskneurons.tasks.dial.suite import dial_suite, dial_task_names
from taskneurons.tasks.source import Made


def names(*, skills: int, asked: int) -> tuple[str, ...]:
    """The tasks in the order of the ring; see `dial_task_names`."""
    return dial_task_names(skills, asked)


def make(
    chosen: Iterable[str], *, skills: int, asked: int, train: int, validation: int, test: int, seed: int
) -> Iterator[Made]:
    """Generate tasks; see `dial_suite`."""
    return dial_suite(skills, asked, train, validation, test, seed, chosen)


def corpus(documents: int, *, skills: int, asked: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training text; see `dial_corpus`."""
    return dial_corpus(documents, skills, asked, seed)
