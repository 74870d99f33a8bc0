"""What the source of a suite's tasks asks of the suite's parameters, and what the jobs run that use it."""

from collections.abc import Callable
from inspect import Parameter, signature
from typing import Any, Literal

from taskneurons.params.suites import Suite
from taskneurons.tasks.source import SOURCES, source_named


def suite_arguments(suite: Suite, function: Callable[..., Any]) -> dict[str, Any]:
    """The parameters of a suite that a function of its source takes by name, and no others.

    So a job that calls the function reads what decides its result, and runs again for nothing else.
    """
    asked = signature(function).parameters.values()
    return {one.name: getattr(suite, one.name) for one in asked if one.kind is Parameter.KEYWORD_ONLY}


def source_settings(suite: Suite, function: Literal["make", "corpus"]) -> dict[str, Any]:
    """The settings by which a job calls a function of the suite's source."""
    return {
        "source": suite.source,
        "arguments": suite_arguments(suite, getattr(source_named(suite.source), function)),
    }


def source_function(suite: Suite, function: Literal["make", "corpus"]) -> str:
    """The function that a job calls of the suite's source: its code is that of this source and of no other."""
    return f"{SOURCES.partition('.')[2]}.{suite.source}:{function}"


def reads_examples(suite: Suite) -> bool:
    """Whether the pre-training text of a suite is made of its training examples."""
    return "examples" in signature(source_named(suite.source).corpus).parameters
