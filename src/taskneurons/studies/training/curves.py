"""Curves of learning: which readings can tell own neurons from others, and how far apart they are.

A reading is saturated where random neurons already do as well as anything can, and unlearned where neither own neurons
nor the whole model have learned anything yet. A difference of zero is then the ceiling's or the floor's, and decides
nothing. Both marks are made from means over seeds, so that all seeds are judged by the same readings.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from statistics import fmean
from typing import Any, NamedTuple

from taskneurons.evidence.intervals import stated
from taskneurons.evidence.tasks import MEANS, DescribedTask, Kind, kind_of, task_kinds
from taskneurons.evidence.trained import Condition
from taskneurons.studies.training.rows import CurveRow, ReadingRow

SHARE_OF_RANGE = 0.1
"""A tenth of what can be gained: nearer to the best than that is saturated, nearer to the start unlearned."""
POINTS = 2.0
"""The least such distance for a score, twice the margin of the claims."""
PAIRS: tuple[tuple[Condition, Condition], ...] = (
    ("task", "zero_shot"),
    ("random", "zero_shot"),
    ("uniform", "zero_shot"),
    ("keystone", "zero_shot"),
    ("other_task", "zero_shot"),
    ("sibling", "zero_shot"),
    ("full", "zero_shot"),
    ("task", "random"),
    ("task", "uniform"),
    ("task", "keystone"),
    ("task", "other_task"),
    ("task", "sibling"),
    ("full", "random"),
)
"""What is compared; the last pair is the positive control: could this cell have shown a difference?"""

LEARNERS: tuple[Condition, ...] = ("random", "task", "full")
"""Whose gains say whether a reading can tell: the first must leave room, one of the others must have learned."""


class Arm(NamedTuple):
    """What is trained: percent and rate are None where nothing is, percent alone where everything is."""

    condition: Condition
    percent: float | None
    learning_rate: float | None


class GridCell(NamedTuple):
    """A cell of the grid: the share of the neurons that is trained, and the learning rate."""

    percent: float
    learning_rate: float


Seeds = Mapping[int, float]
"""A value of each seed."""
Curve = Mapping[int, Seeds]
"""By the steps of each reading."""


@dataclass(frozen=True)
class TaskCurves:
    """All curves of one task and metric of one run.

    Attributes:
        task, metric: of the curves.
        curves: by what is trained; random draws are averaged within a seed.
    """

    task: str
    metric: str
    curves: Mapping[Arm, Curve]

    @property
    def sign(self) -> float:
        """1 for a score, -1 for the loss."""
        return -1.0 if self.metric == "loss" else 1.0

    @cached_property
    def cells(self) -> list[GridCell]:
        """The cells of the grid in which own neurons were trained."""
        own = [arm for arm in self.curves if arm.condition == "task"]
        return sorted(GridCell(arm.percent, arm.learning_rate) for arm in own if arm.percent and arm.learning_rate)

    def curve(self, condition: Condition, cell: GridCell) -> Curve:
        """The curve of a condition in a cell, without its start; empty where it was not trained."""
        if condition == "full":
            return self.curves.get(Arm("full", None, cell.learning_rate), {})
        return self.curves.get(Arm(condition, *cell), {})

    def at(self, condition: Condition, cell: GridCell, steps: int) -> Seeds:
        """The values at one reading; those of the untrained model whatever the reading."""
        return self.start if condition == "zero_shot" else self.curve(condition, cell).get(steps, {})

    @cached_property
    def start(self) -> Seeds:
        """The values of the untrained model."""
        return self.curves[Arm("zero_shot", None, None)][0]

    @cached_property
    def best(self) -> float:
        """The best mean over seeds that anything reaches at any reading that has all of them."""
        readings = [seeds for curve in self.curves.values() for seeds in curve.values()]
        means = [fmean(seeds.values()) for seeds in readings if seeds.keys() >= self.start.keys()]
        return max(means, key=lambda mean: self.sign * mean)


@dataclass(frozen=True)
class State:
    """What a reading can tell.

    Attributes:
        room: what random neurons of the same layers leave to be gained; None where they were not trained.
        saturated: whether they leave no more than the margin.
        unlearned: whether neither own neurons nor the whole model have gained more than the margin.
    """

    room: float | None
    saturated: bool
    unlearned: bool

    @property
    def decides(self) -> bool:
        """Whether a difference says anything."""
        return not self.saturated and not self.unlearned


@dataclass(frozen=True)
class Group:
    """The tasks of a row of the table: one, or all of a kind.

    Attributes:
        suite, model, estimator, selection: of the run.
        kind: of the tasks.
        name: of the task, or of the average.
        metric: of the curves.
        members: the curves of each task.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    kind: Kind
    name: str
    metric: str
    members: tuple[TaskCurves, ...]

    @property
    def columns(self) -> dict[str, Any]:
        """What every table says of the group beside its name."""
        return {
            "suite": self.suite,
            "model": self.model,
            "estimator": self.estimator,
            "selection": self.selection,
            "kind": self.kind,
            "metric": self.metric,
        }

    @cached_property
    def cells(self) -> list[GridCell]:
        """The cells of the grid in which own neurons of every task were trained."""
        return [cell for cell in self.members[0].cells if all(cell in member.cells for member in self.members)]

    def readings(self, cell: GridCell) -> list[int]:
        """The steps at which own neurons were read with every task."""
        shared = set.intersection(*(set(member.curve("task", cell)) for member in self.members))
        return sorted(shared)

    def differences(self, condition: Condition, against: Condition, cell: GridCell, steps: int) -> list[Seeds]:
        """Of each task and seed, how far one condition is better; empty where a task lacks one of them."""
        found: list[Seeds] = []
        for member in self.members:
            one, other = (member.at(name, cell, steps) for name in (condition, against))
            found.append({seed: member.sign * (one[seed] - other[seed]) for seed in one if seed in other})
        return found if all(found) else []

    def mean(self, condition: Condition, cell: GridCell, steps: int) -> float | None:
        """The mean over tasks and seeds."""
        values = [member.at(condition, cell, steps) for member in self.members]
        return fmean(fmean(seeds.values()) for seeds in values) if all(values) else None

    @cached_property
    def range(self) -> float:
        """What can be gained: from the untrained model to the best of each task, averaged."""
        return fmean(m.sign * (m.best - fmean(m.start.values())) for m in self.members)

    @cached_property
    def margin(self) -> float:
        """How near to the best is saturated, and to the start unlearned."""
        return max(SHARE_OF_RANGE * self.range, 0.0 if self.metric == "loss" else POINTS)

    @cached_property
    def states(self) -> Mapping[tuple[GridCell, int], "State"]:
        """What every reading can tell, by cell and steps."""
        return {(cell, steps): self._state(cell, steps) for cell in self.cells for steps in self.readings(cell)}

    def decides(self, cell: GridCell, steps: int) -> bool:
        """Whether a difference at this reading says anything."""
        return self.states[cell, steps].decides

    def _state(self, cell: GridCell, steps: int) -> "State":
        random, *learned = (self._gain(condition, cell, steps) for condition in LEARNERS)
        room = None if random is None else self.range - random
        return State(
            room,
            saturated=room is not None and room <= self.margin,
            unlearned=all(gain is None or gain <= self.margin for gain in learned),
        )

    def _gain(self, condition: Condition, cell: GridCell, steps: int) -> float | None:
        found = self.differences(condition, "zero_shot", cell, steps)
        return fmean(fmean(seeds.values()) for seeds in found) if found else None


def groups(rows: Iterable[ReadingRow], tasks: Sequence[DescribedTask]) -> list[Group]:
    """The rows by task, and by kind of task, of each run and metric.

    Args:
        rows: of the study.
        tasks: of every suite in the rows.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    values: dict[tuple[str, str, Kind, str], dict[str, dict[Arm, dict[int, dict[int, list[float]]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(lambda: defaultdict(list))))
    )
    settings: dict[tuple[str, str], tuple[str, str]] = {}
    for row in rows:
        kind = kind_of(kinds, row.suite, row.task)
        if row.estimator and row.selection:
            settings[row.suite, row.model] = row.estimator, row.selection
        arm = Arm(row.condition, row.percent, row.learning_rate)
        values[row.suite, row.model, kind, row.metric][row.task][arm][row.steps][row.seed].append(row.value)
    found = []
    for (suite, model, kind, metric), by_task in values.items():
        members = [TaskCurves(task, metric, _averaged(curves)) for task, curves in by_task.items()]
        named = [(member.task, (member,)) for member in members] + [(MEANS[kind], tuple(members))]
        for name, some in named:
            found.append(Group(suite, model, *settings[suite, model], kind, name, metric, some))
    return found


def curve_rows(found: Iterable[Group]) -> list[CurveRow]:
    """Every pair of conditions at every reading of every cell; see `CurveRow`."""
    return [
        row
        for group in found
        for cell in group.cells
        for steps in group.readings(cell)
        for pair in PAIRS
        if (row := _row(group, cell, steps, *pair)) is not None
    ]


def _row(group: Group, cell: GridCell, steps: int, condition: Condition, against: Condition) -> CurveRow | None:
    differences = group.differences(condition, against, cell, steps)
    if not differences or not (seeds := set.intersection(*map(set, differences))):
        return None
    said, state = stated(differences), group.states[cell, steps]
    return CurveRow(
        **group.columns,
        task=group.name,
        percent=cell.percent,
        learning_rate=cell.learning_rate,
        steps=steps,
        condition=condition,
        against=against,
        value=group.mean(condition, cell, steps),
        against_value=group.mean(against, cell, steps),
        difference=said.mean,
        low=said.low,
        high=said.high,
        interval=said.interval,
        seeds=len(seeds),
        tasks=len(differences),
        room=state.room,
        saturated=state.saturated,
        unlearned=state.unlearned,
        decides=state.decides,
    )


def _averaged(curves: Mapping[Arm, Mapping[int, Mapping[int, Sequence[float]]]]) -> dict[Arm, Curve]:
    """The curves with the draws of each seed averaged."""
    return {
        arm: {steps: {seed: fmean(draws) for seed, draws in seeds.items()} for steps, seeds in curve.items()}
        for arm, curve in curves.items()
    }
