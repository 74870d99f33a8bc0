"""The rows of the tables of deactivation.

A drop is positive where deactivation hurts: original - deactivated for scores, deactivated - original for the loss.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.measurements import MEASUREMENTS, Condition, Metric, Setting
from taskneurons.evidence.tasks import Kind
from taskneurons.studies.deactivation.diagonal import Diagonal
from taskneurons.table import Column, Table

Percent = Annotated[int | float | None, Column(unit="% of the neurons", low=0, high=100)]
Mean = Annotated[float, Column(unit="%, or nats for the loss", measured=True)]
Limit = Annotated[float | None, Column(unit="%, or nats for the loss", measured=True)]
Drop = Annotated[float | None, Column(unit="points, or nats for the loss", measured=True)]
Score = Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
Seeds = Annotated[int, Column(unit="seeds", low=1, measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class Group:
    """What the rows of a summary or a test share: a model on a suite, under one setting.

    Attributes:
        suite, model: the run, over its seeds.
        estimator: the scores that ranked the neurons; this and the next three are empty for the untouched model.
        percent: share of the neurons that was selected; a whole number stays one.
        selection: ranked over the whole model or in each layer.
        intervention: zero, parameters or mean.
    """

    suite: str
    model: str
    estimator: str | None
    percent: Percent
    selection: str | None
    intervention: str | None

    @property
    def setting(self) -> Setting:
        """What was selected and what was done to it."""
        return Setting(self.estimator, self.percent, self.selection, self.intervention)


@dataclass(frozen=True)
class SummaryRow(Group):
    """The mean of a condition over seeds, and its drop against the original model, paired by seed.

    Attributes:
        condition: original; or whose neurons are deactivated.
        task: the tested task; mean_cls or mean_gen for the average over the tasks of a kind that the original model
            does better than by chance.
        kind: of the task.
        metric: accuracy, accuracy_restricted, rougeL or loss.
        seeds: that have a value.
        value: the mean.
        low, high: limits of its interval.
        interval: `95 % t`, or why there is none.
        drop: mean drop; empty for the original model.
        drop_low, drop_high: limits of its interval.
        drop_interval: `95 % t`, or why there is none.
        draws: of random sets, or sets of other tasks, that were averaged in each seed.
        draw_sd: their standard deviation, averaged over seeds.
        n: test examples.
        chance: the score that is reached without reading the input.
        at_chance: whether the score is no better than chance.
    """

    condition: Condition
    task: str
    kind: Kind
    metric: Metric
    seeds: Seeds
    value: Mean
    low: Limit
    high: Limit
    interval: Note
    drop: Drop
    drop_low: Drop
    drop_high: Drop
    drop_interval: Note
    draws: Annotated[int, Column(unit="draws or sets", low=1, measured=True)]
    draw_sd: Drop
    n: Annotated[int, Column(unit="examples", low=1, measured=True)]
    chance: Score
    at_chance: Annotated[bool | None, Column(measured=True)]


@dataclass(frozen=True)
class DiagonalRow(Diagonal, Group):
    """Is the drop largest on the task whose neurons are deactivated? One matrix of a run and a setting, as a test."""


Against = Literal["sibling", "other_family", "other_kind", "random"]


@dataclass(frozen=True)
class SpecificityRow(Group):
    """What a task loses without its own neurons, less what it loses without those of others: is it the task's identity?

    Attributes:
        seed: of the run.
        task: the tested task.
        kind: of the task.
        family: of the task.
        at_chance: whether the untouched model is no better than chance on it, over seeds; then it tells nothing.
        metric: accuracy, accuracy_restricted, rougeL or loss.
        against: whose neurons are deactivated instead: those of another task of its family (sibling), of other families
            of its kind (other_family), of the other kind (other_kind), or random ones.
        sets: of these, over which `other` is the mean.
        own: drop without the task's own neurons.
        other: mean drop without the others.
        difference: own less other, within the seed and the tested task.
    """

    seed: Annotated[int, Column(low=0)]
    task: str
    kind: Kind
    family: str
    at_chance: Annotated[bool, Column(measured=True)]
    metric: Metric
    against: Against
    sets: Annotated[int, Column(unit="sets", low=1, measured=True)]
    own: Drop
    other: Drop
    difference: Drop


@dataclass(frozen=True)
class PublishedRow:
    """A value of ours beside the printed one.

    Attributes:
        table: of the paper.
        suite, model: the run, over its seeds.
        estimator: the scores that ranked the neurons; this and the next three are empty for the untouched model.
        percent: share of the neurons that was selected; a whole number stays one.
        selection: ranked over the whole model or in each layer.
        intervention: zero, parameters or mean.
        condition: original; or whose neurons are deactivated.
        task: ours, or the average over a kind.
        published_task: the paper's task that it is or mirrors.
        metric: accuracy or rougeL.
        published: the printed score.
        value: our mean over seeds.
        low, high: limits of its interval.
        interval: `95 % t`, or why there is none.
        published_drop: the printed score of the untouched model less this one.
        drop: our mean drop.
        drop_low, drop_high: limits of its interval.
        drop_interval: `95 % t`, or why there is none.
        seeds: that have a value.
    """

    table: str
    suite: str
    model: str
    estimator: str | None
    percent: Percent
    selection: str | None
    intervention: str | None
    condition: Condition
    task: str
    published_task: str
    metric: Metric
    published: Score
    value: Mean
    low: Limit
    high: Limit
    interval: Note
    published_drop: Drop
    drop: Drop
    drop_low: Drop
    drop_high: Drop
    drop_interval: Note
    seeds: Seeds


SUMMARY = Table(SummaryRow)
DIAGONAL = Table(DiagonalRow)
SPECIFICITY = Table(SpecificityRow)
PUBLISHED = Table(PublishedRow)
TABLES: dict[str, Table[Any]] = {
    "deactivation": MEASUREMENTS,
    "deactivation_summary": SUMMARY,
    "deactivation_diagonal": DIAGONAL,
    "deactivation_specificity": SPECIFICITY,
    "deactivation_published": PUBLISHED,
}
