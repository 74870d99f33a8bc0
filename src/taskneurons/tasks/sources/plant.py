"""A suite for models into which neurons are planted: it is known by construction which tasks ask which skill."""

from collections.abc import Iterable, Iterator
from typing import Any

from taskneurons.tasks.plant.corpus import plant_corpus
from taskneurons.tasks.plant.suite import plant_suite, plant_task_names
from taskneurons.tasks.source import Made


def names(*, families: int) -> tuple[str, ...]:
    """The tasks, two of each family; see `plant_task_names`."""
    return plant_task_names(families)


def make(chosen: Iterable[str], *, families: int, train: int, validation: int, test: int, seed: int) -> Iterator[Made]:
    """Generate tasks; see `plant_suite`."""
    return plant_suite(families, train, validation, test, seed, chosen)


def corpus(documents: int, *, families: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training text; see `plant_corpus`."""
    return plant_corpus(documents, families, seed)
