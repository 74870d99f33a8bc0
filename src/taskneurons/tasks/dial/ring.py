"""Which task asks which skills: windows on a ring, two tasks a window, so that pairs share none to all of them.

With S skills on a ring and K of them asked, the window at place p holds the skills p to p + K - 1. Windows that lie d
places apart share K - d skills, or none. Two tasks have the same window and other words, so that a pair which shares
everything is not one task twice. Every skill is asked by the same number of tasks, and every task has as many partners
at each number of shared skills as any other.
"""

from dataclasses import dataclass
from functools import cached_property

from taskneurons.errors import InputError
from taskneurons.tasks.dial.skills import SKILLS

SIDES = ("a", "b")


@dataclass(frozen=True)
class Ring:
    """The tasks of a dial suite and the skills that they ask.

    Args:
        skills: how many there are, S.
        asked: how many of them a task asks, K: the highest setting of the dial.

    Raises:
        InputError: a task asks no skill, there are more skills than tables, or too few for two tasks to share none.
    """

    skills: int
    asked: int

    def __post_init__(self) -> None:
        if self.asked < 1:
            raise InputError(f"a task asks at least 1 skill, not {self.asked}", where="dial suite")
        if not 2 * self.asked <= self.skills <= len(SKILLS):
            raise InputError(
                f"tasks of {self.asked} of {self.skills} skills; {2 * self.asked} to {len(SKILLS)} skills were "
                "expected, so that some tasks share none",
                where="dial suite",
            )

    @cached_property
    def windows(self) -> dict[str, tuple[int, ...]]:
        """The skills of each task, by its name, in the order of the ring."""
        return {
            f"ring{place}_{side}": tuple((place + step) % self.skills for step in range(self.asked))
            for place in range(self.skills)
            for side in SIDES
        }

    def shared(self, first: str, second: str) -> int:
        """How many skills two tasks share: the setting of the dial.

        Raises:
            InputError: there is no such task.
        """
        for name in (first, second):
            if name not in self.windows:
                raise InputError(f"there is no task {name[:60]!r} on the ring", where="dial suite")
        return len(set(self.windows[first]) & set(self.windows[second]))

    def partners(self, task: str, shared: int) -> tuple[str, ...]:
        """The other tasks that share just so many skills with a task.

        Raises:
            InputError: the dial has no such setting, or there is no such task.
        """
        if not 0 <= shared <= self.asked:
            raise InputError(f"the dial goes from 0 to {self.asked}, not to {shared}", where="dial suite")
        return tuple(other for other in self.windows if other != task and self.shared(task, other) == shared)
