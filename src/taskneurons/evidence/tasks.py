"""What tables and figures must know of tasks: family, kind, options, and what a constant answer scores."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.files import read_json

Kind = Literal["classification", "generation"]
KINDS: tuple[Kind, ...] = ("classification", "generation")
MEANS: dict[Kind, str] = {"classification": "mean_cls", "generation": "mean_gen"}
"""What the average over all tasks of a kind is called in tables."""
SCORE: dict[Kind, str] = {"classification": "accuracy", "generation": "rougeL"}
"""The score of each kind that the papers report, and that a table over both kinds calls `score`."""


@dataclass(frozen=True)
class DescribedTask:
    """A task as tables and figures take it.

    Attributes:
        suite: the suite that it belongs to.
        name: its name.
        family: tasks of one family differ in their domain alone.
        kind: classification or generation.
        source: what it is or mirrors, in words.
        options: the labels of a classification.
        constant: the score of the best constant answer, percent; None where it is not known.
        spread: of a generation, the standard deviation of that score over test examples, in points; None where it is
            not known.
    """

    suite: str
    name: str
    family: str
    kind: Kind
    source: str = ""
    options: tuple[str, ...] = ()
    constant: float | None = None
    spread: float | None = None

    @property
    def chance(self) -> float | None:
        """The score, in percent, that is reached without reading the input; None where it is not known."""
        levels = [100 / len(self.options)] if self.options else []
        if self.constant is not None:
            levels.append(float(self.constant))
        return max(levels, default=None)

    @property
    def score(self) -> str:
        """The metric that the papers report of its kind."""
        return SCORE[self.kind]


def described_tasks(paths: Iterable[str | Path]) -> list[DescribedTask]:
    """The tasks whose `task.json` and `constant.json` are among the paths, in the order of the paths.

    The suite is the folder above `tasks/`.
    """
    tasks = []
    for folder in dict.fromkeys(Path(path).parent for path in paths):
        content, constant = read_json(folder / "task.json"), read_json(folder / "constant.json")
        tasks.append(
            DescribedTask(
                suite=folder.parts[-3],
                name=content["name"],
                family=content["family"],
                kind=content["kind"],
                source=content.get("source") or "",
                options=tuple(content.get("options") or ()),
                constant=constant["score"],
                spread=constant["spread"],
            )
        )
    return tasks


def task_kinds(tasks: Iterable[DescribedTask]) -> dict[tuple[str, str], Kind]:
    """(suite, task) -> kind."""
    return {(task.suite, task.name): task.kind for task in tasks}


def kind_of(kinds: Mapping[tuple[str, str], Kind], suite: str, task: str) -> Kind:
    """The kind of a task.

    Raises:
        InputError: it is not described.
    """
    if (suite, task) not in kinds:
        raise InputError(f"task `{task}` of suite `{suite}` has results but no description")
    return kinds[suite, task]


def by_kind(tasks: Sequence[DescribedTask]) -> dict[Kind, list[DescribedTask]]:
    """The tasks of each kind, classification first, families together in the order in which they first appear."""
    families = list(dict.fromkeys(task.family for task in tasks))
    ordered = sorted(tasks, key=lambda task: families.index(task.family))
    groups = {kind: [task for task in ordered if task.kind == kind] for kind in KINDS}
    return {kind: group for kind, group in groups.items() if group}
