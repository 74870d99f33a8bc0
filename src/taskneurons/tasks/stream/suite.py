"""The tasks of a stream suite and their splits.

The order is that of the benchmark: the first four tasks are its Standard benchmark, all eight its Large one.
"""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from typing import Literal

from taskneurons.tasks.storage import Counts
from taskneurons.tasks.stream import entailment, rating, topic
from taskneurons.tasks.stream.prompts import stream_template
from taskneurons.tasks.synthetic import nli, paraphrase, sentiment
from taskneurons.tasks.synthetic.grammar import Grammar
from taskneurons.tasks.synthetic.suite import generate_tasks
from taskneurons.tasks.task import SPLITS, Example, Task, choose_tasks


def _prompted(task: Task) -> Task:
    """A task of the synthetic suite with the prompts of this one."""
    return replace(task, templates=(stream_template(task.family, task.options),))


EIGHT: tuple[Grammar, ...] = (
    topic.ENCYCLOPEDIA,
    rating.PRODUCT,
    topic.QUESTION,
    topic.NEWS,
    replace(nli.PERSON, task=_prompted(nli.PERSON.task)),
    replace(paraphrase.QUESTION, task=_prompted(paraphrase.QUESTION.task)),
    entailment.ROOM,
    replace(sentiment.FILM, task=_prompted(sentiment.FILM.task)),
)
_BY_NAME = {grammar.task.name: grammar for grammar in EIGHT}


def stream_task_names(tasks: Iterable[str] | Literal["all"] = "all") -> tuple[str, ...]:
    """The names of the chosen tasks in the wanted order.

    Raises:
        InputError: a task is unknown or named twice, or none is named.
    """
    return choose_tasks(tasks, _BY_NAME, where="stream suite")


def stream_suite(
    train: int, validation: int, test: int, seed: int, tasks: Iterable[str] | Literal["all"] = "all"
) -> Iterator[tuple[Task, dict[str, list[Example]], Counts]]:
    """Generate tasks; the laws of `synthetic_suite` hold: disjoint combinations, no copies, balanced prefixes.

    Args:
        train, validation, test: examples of each task's splits.
        seed: of the draw of examples; the combinations' splits do not depend on it.
        tasks: names of the tasks to generate, in the wanted order; a task does not depend on the others.

    Yields:
        Task, its splits, and the counts (drawn repeats are counted as dropped).

    Raises:
        InputError: a size is not positive, a task is unknown, or more distinct examples are asked than a task has.
    """
    chosen = [_BY_NAME[one] for one in stream_task_names(tasks)]
    return generate_tasks(chosen, dict(zip(SPLITS, (train, validation, test), strict=True)), seed, "stream suite")
