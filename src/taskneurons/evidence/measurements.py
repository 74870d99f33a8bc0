"""What an untouched or a deactivated model scores: one measured value a row."""

from collections.abc import Iterable
from dataclasses import astuple, dataclass, replace
from pathlib import Path
from typing import Annotated, Any, Literal

from taskneurons.errors import InputError
from taskneurons.table import Column, Table

Condition = Literal["original", "bottom", "random", "other_task", "task", "all_tasks"]
CONDITIONS: tuple[Condition, ...] = ("original", "bottom", "random", "other_task", "task", "all_tasks")
"""From the untouched model to the one that should suffer most; also the order of rows and of legends."""
Metric = Literal["accuracy", "accuracy_restricted", "rougeL", "exact_match", "token_f1", "loss"]


@dataclass(frozen=True)
class Setting:
    """What a set of neurons was selected by and what was done to it; all None for the untouched model.

    Attributes:
        estimator: the scores that ranked the neurons.
        percent: share of the neurons that was selected; a whole number stays one.
        selection: ranked over the whole model or in each layer.
        intervention: zero, parameters or mean.
    """

    estimator: str | None
    percent: Annotated[int | float | None, Column(unit="% of the neurons", low=0, high=100)]
    selection: str | None
    intervention: str | None

    def __str__(self) -> str:
        return ", ".join(map(str, astuple(self)))


NO_SETTING = Setting(None, None, None, None)


@dataclass(frozen=True)
class Measurement:
    """One measured value.

    Attributes:
        study: that measured it.
        model, suite, seed: the run.
        condition: original; or whose neurons are deactivated: the tested task's own (task), another task's
            (other_task), those of all tasks together (all_tasks), random ones, or the tested task's lowest-scored ones
            (bottom).
        train_task: the task whose set is deactivated; empty for original, random and all_tasks.
        test_task: the task that is tested.
        percent: share of the neurons that was selected.
        estimator: the scores that ranked the neurons.
        selection: ranked over the whole model or in each layer.
        intervention: zero, parameters or mean.
        draw: number of a random set.
        metric: accuracy, accuracy_restricted (among the options only), rougeL, loss; of untouched models also
            exact_match (outputs that are a right answer) and token_f1 (F1 of shared words). `answers.csv` says what a
            word is.
        value: percent; of the loss, nats a token.
        n: test examples.
    """

    study: str
    model: str
    suite: str
    seed: Annotated[int, Column(low=0)]
    condition: Condition
    train_task: str | None
    test_task: str
    percent: Annotated[int | float | None, Column(unit="% of the neurons", low=0, high=100)]
    estimator: str | None
    selection: str | None
    intervention: str | None
    draw: Annotated[int | None, Column(low=0)]
    metric: Metric
    value: Annotated[float, Column(unit="%, or nats for the loss", low=0, measured=True)]
    n: Annotated[int, Column(unit="examples", low=1, measured=True)]

    def __post_init__(self) -> None:
        for name in ("model", "suite", "test_task"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is empty")
        if self.percent == 0:
            raise ValueError("`percent` is 0; it must be above 0 and at most 100")
        if self.metric != "loss" and self.value > 100:
            raise ValueError(f"`value` is {self.value:g}; {self.metric} lies in [0, 100]")
        if self.condition != "original" and None in (
            self.estimator,
            self.percent,
            self.selection,
            self.intervention,
        ):
            raise ValueError(f"estimator, percent, selection or intervention is empty under condition {self.condition}")
        expected = {
            "original": self.train_task is None,
            "all_tasks": self.train_task is None,
            "random": self.train_task is None and self.draw is not None,
            "bottom": self.train_task == self.test_task,
            "task": self.train_task == self.test_task,
            "other_task": self.train_task is not None and self.train_task != self.test_task,
        }
        if not expected[self.condition]:
            raise ValueError(
                f"condition {self.condition} with train_task `{self.train_task or ''}`, test_task `{self.test_task}`, "
                f"draw `{self.draw}`. original, random and all_tasks have no train_task, random has a draw, bottom and "
                "task test their own task, other_task tests another one"
            )

    @property
    def setting(self) -> Setting:
        """What was selected and what was done to it."""
        return Setting(self.estimator, self.percent, self.selection, self.intervention)


def order(row: Measurement) -> tuple[Any, ...]:
    """Run, setting, condition, tasks, draw, metric; empty cells first."""
    cells = (
        row.suite, row.model, row.seed, row.estimator, row.percent, row.selection, row.intervention,
        CONDITIONS.index(row.condition), row.train_task, row.test_task, row.draw, row.metric,
    )  # fmt: skip
    return tuple((cell is not None, 0 if cell is None else cell) for cell in cells)


MEASUREMENTS = Table(Measurement, order)


def gather_measurements(paths: Iterable[str | Path], study: str) -> list[Measurement]:
    """The rows of all files as one study, sorted by what they measure.

    Whole percentages become whole numbers, in which tables write them.

    Raises:
        InputError: as `Table.read`, or two rows measure the same thing.
    """
    return [replace(row, study=study, percent=_whole(row.percent)) for row in MEASUREMENTS.gather(paths)]


def _whole(percent: float | None) -> float | None:
    return int(percent) if percent is not None and float(percent).is_integer() else percent


def of_setting(rows: Iterable[Measurement], *, suite: str, model: str, setting: Setting) -> list[Measurement]:
    """The rows of one model under one setting, with those of the original model.

    Raises:
        InputError: the original model, or the setting, has no rows.
    """
    rows = [row for row in rows if (row.suite, row.model) == (suite, model)]
    original = [row for row in rows if row.condition == "original"]
    deactivated = [row for row in rows if row.condition != "original" and row.setting == setting]
    for found, what in ((original, "the original model"), (deactivated, str(setting))):
        if not found:
            raise InputError(f"there are no results of {model} on {suite} for {what}")
    return original + deactivated
