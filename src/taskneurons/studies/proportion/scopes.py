"""On which tasks a trained model is tested: those that it was trained on, or those of a kind that only test."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import KINDS, Kind
from taskneurons.evidence.trained import Trained
from taskneurons.studies.proportion.rows import Condition, How, Scope

_INSIDE: Mapping[Kind, Scope] = {"classification": "ID-CLS", "generation": "ID-GEN"}
_OUTSIDE: Mapping[Kind, Scope] = {"classification": "OOD-CLS", "generation": "OOD-GEN"}


@dataclass(frozen=True)
class TaskGroups:
    """The tasks of a suite that are trained on, and those that only test."""

    train_classification: tuple[str, ...]
    train_generation: tuple[str, ...]
    test_classification: tuple[str, ...]
    test_generation: tuple[str, ...]

    def trained(self, kind: Kind) -> tuple[str, ...]:
        """The tasks of a kind that are trained on."""
        return self.train_classification if kind == "classification" else self.train_generation

    def unseen(self, kind: Kind) -> tuple[str, ...]:
        """The tasks of a kind that only test."""
        return self.test_classification if kind == "classification" else self.test_generation


Groups = Mapping[str, TaskGroups]
"""The groups of each suite."""


@dataclass(frozen=True)
class Scoped:
    """A measured value of a trained model.

    Attributes:
        row: the value.
        condition: random or task: whose neurons were trained.
        percent: share of each task's neurons that was selected.
        trained: the kind of the tasks that were trained on.
        how: together, or one by one.
        scope: of the tested task.
    """

    row: Trained
    condition: Condition
    percent: float
    trained: Kind
    how: How
    scope: Scope


def scoped(rows: Iterable[Trained], groups: Groups) -> list[Scoped]:
    """The values of trained models, each with its scope; those of the untrained model and of other tasks are left out.

    Where `train_task` is a kind, its tasks were trained jointly; where it is a task, singly.

    Raises:
        InputError: a suite has no groups, or a trained task is in none of them.
    """
    found = []
    for row in rows:
        if row.condition not in ("random", "task") or row.percent is None:
            continue
        if row.suite not in groups:
            raise InputError(f"the groups of the tasks of suite `{row.suite}` are not given")
        own = groups[row.suite]
        joint = next((kind for kind in KINDS if row.train_task == kind), None)
        trained = joint or next((kind for kind in KINDS if row.train_task in own.trained(kind)), None)
        if trained is None:
            raise InputError(f"task `{row.train_task}` is trained on, but is in no group of suite `{row.suite}`")
        unseen = next((kind for kind in KINDS if row.test_task in own.unseen(kind)), None)
        if row.test_task in (own.trained(trained) if joint else (row.train_task,)):
            scope = _INSIDE[trained]
        elif unseen:
            scope = _OUTSIDE[unseen]
        else:
            continue
        found.append(Scoped(row, row.condition, row.percent, trained, "joint" if joint else "single", scope))
    return found
