"""Generated tasks of several families, of which each has two or three tasks that differ in their domain alone.

The parameter `tasks` of such a suite names the collection that its tasks are from.
"""

from collections.abc import Iterable, Iterator
from typing import Any

from taskneurons.tasks.source import Made
from taskneurons.tasks.synthetic.corpus import synthetic_corpus
from taskneurons.tasks.synthetic.suite import Collection, synthetic_suite, synthetic_task_names


def names(*, tasks: Collection) -> tuple[str, ...]:
    """The tasks of a collection in their order; see `synthetic_task_names`."""
    return synthetic_task_names(tasks)


def make(
    chosen: Iterable[str], *, tasks: Collection, train: int, validation: int, test: int, seed: int
) -> Iterator[Made]:
    """Generate tasks; see `synthetic_suite`."""
    return synthetic_suite(train, validation, test, seed, chosen, tasks)


def corpus(documents: int, *, tasks: Collection, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training text; see `synthetic_corpus`."""
    return synthetic_corpus(documents, seed, tasks)
