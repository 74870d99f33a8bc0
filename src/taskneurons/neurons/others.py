"""Another task, whose neurons a task's own are compared with."""

from collections.abc import Mapping
from random import Random

from taskneurons.errors import InputError


def other_task(task: str, tasks: Mapping[str, tuple[str, str]], *, seed: int) -> str:
    """A random other task of the same kind and another family; of another family; else any other.

    Args:
        task: whose own neurons are compared.
        tasks: (kind, family) of every task.
        seed: of the choice.

    Raises:
        InputError: there is no other task.
    """
    kind, family = tasks[task]
    others = [name for name in sorted(tasks) if name != task]
    if not others:
        raise InputError("there is no other task to compare it with", where=f"task {task}")
    strange = [name for name in others if tasks[name][1] != family]
    alike = [name for name in strange if tasks[name][0] == kind]
    return Random(f"{task}/{seed}").choice(alike or strange or others)


def sibling_task(task: str, tasks: Mapping[str, tuple[str, str]], *, seed: int) -> str | None:
    """A random other task of the same family; None where there is none.

    Args:
        task: whose own neurons are compared.
        tasks: (kind, family) of every task.
        seed: of the choice.
    """
    family = [name for name in sorted(tasks) if name != task and tasks[name] == tasks[task]]
    return Random(f"{task}/{seed}").choice(family) if family else None
