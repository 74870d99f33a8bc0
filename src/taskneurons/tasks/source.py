"""Where the tasks of a suite come from: each module of `taskneurons.tasks.sources` is one source.

The parameter `source` of a suite is the name of the module. The arguments of its functions that are given by name are
parameters of the suite, so that a new source is its module and the model of its parameters.
"""

from collections.abc import Callable, Iterator
from importlib import import_module
from importlib.util import find_spec
from typing import Any, Protocol, cast

from taskneurons.errors import InputError
from taskneurons.tasks.storage import Counts
from taskneurons.tasks.task import Example, Task

SOURCES = "taskneurons.tasks.sources"
Made = tuple[Task, dict[str, list[Example]], Counts]
"""A task, its splits, and the counts of what was dropped."""


class Source(Protocol):
    """A module that makes the tasks of a suite.

    Attributes:
        names: gives the names of a suite's tasks in their order, and reads no examples.
        make: yields the tasks of the names that are its first argument.
        corpus: yields the documents of the pre-training text, {"segments": [[text, focus], ...]}. Its first argument
            is their number. Where it takes a second one, `examples`, that is the training examples of each task by the
            task's name.
    """

    names: Callable[..., tuple[str, ...]]
    make: Callable[..., Iterator[Made]]
    corpus: Callable[..., Iterator[dict[str, Any]]]


def source_named(name: str) -> Source:
    """The source of this name.

    Raises:
        InputError: there is none.
    """
    if not name.isidentifier() or find_spec(f"{SOURCES}.{name}") is None:
        raise InputError(f"no source {name[:60]!r} of tasks", remedy=f"A source is a module of {SOURCES}")
    return cast(Source, import_module(f"{SOURCES}.{name}"))
