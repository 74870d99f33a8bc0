"""The rows of the tables of the multiverse.

A specification is one choice at each open place of the paper. An effect is positive where deactivation hurts:
deactivated - original for the loss, original - deactivated for scores.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.tasks import Kind
from taskneurons.studies.multiverse.grid import LEVELS, Control, Intervention, Loss, Score, Specificity, Within
from taskneurons.table import Column, Table

Metric = Literal["score", "loss"]
METRICS: tuple[Metric, ...] = ("score", "loss")
Outcome = Literal["difference", "own", "neutral_rise"]
Seed = Annotated[int, Column(low=0)]
Percent = Annotated[int | float, Column(unit="% of the neurons", low=0, high=100)]
Value = Annotated[float, Column(unit="%, or nats a token for the loss", measured=True)]
Rise = Annotated[float, Column(unit="% of the loss", measured=True)]
Size = Annotated[int, Column(unit="neurons", low=0, measured=True)]
Effect = Annotated[float, Column(unit="points, or nats a token for the loss", measured=True)]
Limit = Annotated[float | None, Column(unit="points, or nats a token for the loss", measured=True)]
Count = Annotated[int, Column(unit="specifications", low=0, measured=True)]


@dataclass(frozen=True)
class Specification:
    """One choice at each open place.

    Attributes:
        score: what ranks the neurons.
        loss: that it is the gradient of.
        specificity: how a task's set is made of scores.
        within: over what neurons are ranked.
        percent: share of the neurons of a top.
        intervention: what neurons become.
        control: what the task's own set is held against.
    """

    score: Score
    loss: Loss
    specificity: Specificity
    within: Within
    percent: float
    intervention: Intervention
    control: Control

    @property
    def order(self) -> tuple[float, ...]:
        """Its place among specifications."""
        return tuple(LEVELS[name].index(value) if name in LEVELS else value for name, value in vars(self).items())


@dataclass(frozen=True)
class MeasuredRow:
    """One task under one specification.

    Attributes:
        model, suite, seed: the run.
        test_task: the task that is tested.
        kind: of that task.
        score: what ranks the neurons: Eq. 3 with the absolute value of each example's sum over tokens (taylor), of each
            token (taylor_token), of the sum over all examples (taylor_global), without one (signed); or the mean
            absolute activation (activation).
        loss: that the score is the gradient of: the answer's (answer), the prompt's too (all_tokens), or none.
        specificity: how a task's set is made of scores: the highest (top), without the neurons in the top of every task
            and of neutral text (top_less_keystone), without the other tasks' tops (top_less_others), or the highest
            contrast with the other tasks (contrast).
        within: neurons are ranked over the whole model or in each layer.
        percent: share of the neurons of a top.
        intervention: activations become zero, or their mean on the tested task.
        control: what the task's own set is held against: as many random neurons, of the same layers (layer), of any
            (uniform), or of the same layers with like activations (magnitude); or another task's set (other_task).
        metric: accuracy, rougeL or loss.
        original: of the untouched model; percent, of the loss nats a token.
        own: without the task's own set.
        control_value: without the set that it is held against.
        n: test examples.
        neurons: in the own set.
        control_neurons: in the other one.
        own_rise: of the loss on neutral text, without the own set.
        control_rise: the same of the other one.
    """

    model: str
    suite: str
    seed: Seed
    test_task: str
    kind: Kind
    score: Score
    loss: Loss
    specificity: Specificity
    within: Within
    percent: Percent
    intervention: Intervention
    control: Control
    metric: str
    original: Value
    own: Value
    control_value: Value
    n: Annotated[int, Column(unit="examples", low=1, measured=True)]
    neurons: Size
    control_neurons: Size
    own_rise: Rise
    control_rise: Rise

    @property
    def specification(self) -> Specification:
        """The choices behind the row."""
        return specification_of(self)


@dataclass(frozen=True)
class SpecificationRow:
    """What a specification finds: means over tasks, of means over seeds within each task.

    Attributes:
        model, suite: the run.
        metric: score, which is accuracy or ROUGE-L by the task's kind; or loss.
        rank: place by the difference among the specifications of the run and metric, from 1 for the smallest.
        score, loss, specificity, within, percent, intervention, control: the choices; see the measured values in
            `results/multiverse`.
        tasks: over which means and intervals are.
        neurons: mean size of the own sets.
        own: mean effect of the task's own set.
        control_effect: mean effect of the set that it is held against.
        difference: own less control, paired by task.
        low, high: limits of its 95 % t interval over tasks; empty for fewer than three or equal ones.
        classification, generation: the difference, over the tasks of one kind.
        neutral_rise: mean rise of the loss on neutral text without the own set.
        neutral_worst: the largest rise of one of both sets, of tasks and seeds.
        healthy: whether that is within the bound that the parameters set.
        pattern: whether this is the paper's pattern: difference and random effect round to its points, in a healthy
            model; empty where the control is not random, and for the loss.
    """

    model: str
    suite: str
    metric: Metric
    rank: Annotated[int, Column(low=1, measured=True)]
    score: Score
    loss: Loss
    specificity: Specificity
    within: Within
    percent: Percent
    intervention: Intervention
    control: Control
    tasks: Annotated[int, Column(unit="tasks", low=1, measured=True)]
    neurons: Annotated[float, Column(unit="neurons", low=0, measured=True)]
    own: Effect
    control_effect: Effect
    difference: Effect
    low: Limit
    high: Limit
    classification: Limit
    generation: Limit
    neutral_rise: Rise
    neutral_worst: Rise
    healthy: Annotated[bool, Column(measured=True)]
    pattern: Annotated[bool | None, Column(measured=True)]

    @property
    def specification(self) -> Specification:
        """The choices behind the row."""
        return specification_of(self)


@dataclass(frozen=True)
class ChoiceRow:
    """How much of the variance among specifications a choice explains.

    Attributes:
        model, suite: the run.
        metric: score or loss.
        outcome: what varies: the difference of own and control, the own effect, or the rise of the loss on neutral text
            without the own set.
        choice: one choice; `all` for the main effects of all of them together, which leaves the interactions.
        specifications: among which; those to which the choice applies.
        levels: of the choice; of all together, the dimensions of their main effects.
        sum_of_squares: between the levels.
        eta_squared: that as a share of the total sum of squares of these specifications.
    """

    model: str
    suite: str
    metric: Metric
    outcome: Outcome
    choice: str
    specifications: Count
    levels: Annotated[int, Column(unit="levels", low=1, measured=True)]
    sum_of_squares: Annotated[float, Column(low=0, measured=True)]
    eta_squared: Annotated[float | None, Column(low=0, high=1.000001, measured=True)]


@dataclass(frozen=True)
class LevelRow:
    """What specifications with one level of a choice find on average.

    Attributes:
        model, suite: the run.
        metric: score or loss.
        choice: the choice.
        level: what was chosen.
        specifications: with this level.
        own: mean of their own effects.
        control_effect: mean of their control effects.
        difference: mean of their differences.
        neutral_rise: mean rise of the loss on neutral text.
        healthy: of them, in which the model is healthy.
        above: of them, whose interval of the difference is above 0.
        pattern: of them, that give the paper's pattern.
    """

    model: str
    suite: str
    metric: Metric
    choice: str
    level: str
    specifications: Count
    own: Effect
    control_effect: Effect
    difference: Effect
    neutral_rise: Rise
    healthy: Count
    above: Count
    pattern: Count


@dataclass(frozen=True)
class CurveRow:
    """What all specifications with one kind of control say together.

    Attributes:
        model, suite: the run.
        metric: score or loss.
        control: random (all random ones) or other_task.
        healthy_only: whether only specifications with a healthy model count.
        specifications: that count.
        lowest, median, highest: of their differences.
        positive: with a difference above 0.
        above: whose interval is above 0.
        below: whose interval is below 0.
        pattern: that give the paper's pattern.
        p_value: one-sided, of the mean difference over all specifications: own and control exchanged in each task, for
            all specifications at once (Simonsohn et al. 2020).
    """

    model: str
    suite: str
    metric: Metric
    control: Literal["random", "other_task"]
    healthy_only: bool
    specifications: Count
    lowest: Limit
    median: Limit
    highest: Limit
    positive: Count
    above: Count
    below: Count
    pattern: Count
    p_value: Annotated[float | None, Column(low=0, high=1, measured=True)]


def specification_of(row: MeasuredRow | SpecificationRow) -> Specification:
    """The choices behind a row."""
    return Specification(
        row.score, row.loss, row.specificity, row.within, float(row.percent), row.intervention, row.control
    )


def share(percent: float) -> int | float:
    """A share as it stands in tables: a whole number stays one."""
    return int(percent) if float(percent).is_integer() else percent


def _place(row: MeasuredRow) -> tuple[object, ...]:
    return row.suite, row.model, row.seed, row.test_task, row.specification.order, row.metric


MEASURED = Table(MeasuredRow, order=_place)
SPECIFICATIONS = Table(SpecificationRow)
CHOICE_SHARES = Table(ChoiceRow)
LEVEL_MEANS = Table(LevelRow)
CURVES = Table(CurveRow)
TABLES: dict[str, Table[Any]] = {
    "multiverse": SPECIFICATIONS,
    "multiverse_curves": CURVES,
    "multiverse_choices": CHOICE_SHARES,
    "multiverse_levels": LEVEL_MEANS,
}
