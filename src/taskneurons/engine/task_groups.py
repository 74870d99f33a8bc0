"""Groups of tasks that are trained on together, beside tasks that only test."""

from dataclasses import dataclass


@dataclass(frozen=True)
class TaskGroup:
    """Tasks that are trained on together, and others that test what came of it.

    Attributes:
        group: classification or generation.
        tasks: trained on.
        unseen: only test.
    """

    group: str
    tasks: tuple[str, ...]
    unseen: tuple[str, ...]
