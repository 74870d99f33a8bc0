"""What models score of which some neurons, or more, were trained: one measured value a row."""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal, get_args

from taskneurons.errors import InputError
from taskneurons.table import Column, Table

Condition = Literal[
    "zero_shot", "random", "uniform", "keystone", "other_task", "sibling", "lower", "higher", "task", "full"
]
CONDITIONS: tuple[Condition, ...] = get_args(Condition)


@dataclass(frozen=True)
class Trained:
    """One measured value.

    Attributes:
        study: that measured it.
        model, suite, seed: the run.
        condition: zero_shot: nothing is trained; random, other_task, task: whose neurons; full: every weight;
            higher, lower: random neurons, of which `overlap` percent lie among those of the test task's set that have
            the higher, or the lower, scores of their layer.
        neurons: the task whose set is trained; a kind of tasks for the union of the sets of its tasks.
        train_task: the task that is trained on, or a kind for all of its tasks together; empty for zero_shot.
        test_task: the task whose test split gives the value.
        percent: share of the neurons that is selected for each task; empty for zero_shot and full.
        share: the true share of all neurons that is trained; more than `percent` for a union.
        overlap: where it is set, the share of the trained neurons that lie in the test task's set.
        estimator: the scores that ranked the neurons.
        selection: ranked over the whole model or in each layer.
        draw: number of a random set or choice.
        learning_rate: the highest of the schedule.
        metric: accuracy, accuracy_restricted (among the options only), rougeL or loss.
        value: percent; of the loss, nats a token.
        n: test examples.
    """

    study: str
    model: str
    suite: str
    seed: Annotated[int, Column(low=0)]
    condition: Condition
    neurons: str | None
    train_task: str | None
    test_task: str
    percent: Annotated[float | None, Column(unit="% of the neurons")]
    share: Annotated[float | None, Column(unit="% of the neurons", measured=True)]
    overlap: Annotated[float | None, Column(unit="% of the trained neurons")]
    estimator: str | None
    selection: str | None
    draw: Annotated[int | None, Column(low=0)]
    learning_rate: Annotated[float | None, Column(measured=True)]
    metric: str
    value: Annotated[float, Column(unit="%, or nats for the loss", measured=True)]
    n: Annotated[int, Column(unit="examples", low=0, measured=True)]

    def __post_init__(self) -> None:
        for name in ("study", "model", "suite", "test_task", "metric"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is empty")

    @property
    def key(self) -> tuple[Any, ...]:
        """What tells values apart, in the order in which rows are sorted."""
        return (
            self.study, self.model, self.suite, self.seed, self.condition, self.neurons, self.train_task,
            self.test_task, self.percent, self.overlap, self.estimator, self.selection, self.draw, self.metric,
        )  # fmt: skip


def order(row: Trained) -> tuple[Any, ...]:
    """By what was measured; empty cells last, conditions in their order."""

    def place(cell: Any) -> tuple[bool, Any]:
        return (cell is None, 0 if cell is None else cell)

    return tuple(
        (False, CONDITIONS.index(row.condition)) if place_of == 4 else place(cell)
        for place_of, cell in enumerate(row.key)
    )


TRAINED = Table(Trained, order)


def gather_trained(paths: Iterable[str | Path], study: str) -> list[Trained]:
    """The rows of all files as one study, sorted by what they measure.

    What the untrained model scores, or one with random neurons, may stand in several files, if they agree; it is taken
    once.

    Raises:
        InputError: as `Table.read`, or two rows measure the same thing.
    """
    origin: dict[tuple[Any, ...], tuple[str | Path, Trained]] = {}
    rows = []
    for path in paths:
        for row in (replace(row, study=study) for row in TRAINED.read(path)):
            if row.key in origin:
                first, known = origin[row.key]
                if known == row and row.condition in ("zero_shot", "random"):
                    # Jobs that share tasks each say what these models do on them.
                    continue
                named = ", ".join(str(cell) for cell in row.key if cell is not None)
                raise InputError(f"measures again what {first} holds: {named}", where=str(path))
            origin[row.key] = (path, row)
            rows.append(row)
    return TRAINED.sorted(rows)
