"""The rows of the tables of the study that trains the neurons of a task."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.tasks import Kind
from taskneurons.evidence.trained import Condition
from taskneurons.table import Column, Table

Percent = Annotated[float | None, Column(unit="% of the neurons")]
Steps = Annotated[int, Column(unit="steps", low=0)]
Value = Annotated[float | None, Column(unit="%, or nats for the loss", measured=True)]
Difference = Annotated[float | None, Column(unit="points, or nats for the loss", measured=True)]
Points = Annotated[float | None, Column(unit="points", measured=True)]
Saved = Annotated[float | None, Column(unit="steps", measured=True)]
Note = Annotated[str, Column(measured=True)]
Mark = Annotated[bool, Column(measured=True)]
Count = Annotated[int, Column(low=0, measured=True)]


@dataclass(frozen=True)
class ReadingRow:
    """One measured value of a training, or of the untrained model.

    Attributes:
        suite, model, seed: the run.
        task: that is trained on and tested.
        condition: zero_shot: nothing is trained; random, uniform: as many random neurons as the task has in each layer,
            or in all; keystone: the neurons that stand highest in the ranking of every task; other_task, sibling: those
            of a task of another family, of the same family; task: its own; full: every weight.
        neurons: the task whose set is trained.
        estimator, selection: the scores that ranked the neurons, over the model or in each layer.
        percent: share of the neurons that is selected.
        share: the true share that is trained.
        draw: number of a random set.
        learning_rate: kept after the warm-up.
        steps: of the optimizer until this reading; 0: untrained.
        metric: accuracy, accuracy_restricted (among the options only), rougeL or loss.
        value: of the test split.
        n: test examples.
    """

    suite: str
    model: str
    seed: Annotated[int, Column(low=0)]
    task: str
    condition: Condition
    neurons: str | None
    estimator: str | None
    selection: str | None
    percent: Percent
    share: Annotated[float | None, Column(unit="% of the neurons", measured=True)]
    draw: Annotated[int | None, Column(low=0)]
    learning_rate: float | None
    steps: Steps
    metric: str
    value: Annotated[float, Column(unit="%, or nats for the loss", measured=True)]
    n: Annotated[int, Column(unit="examples", low=0, measured=True)]


@dataclass(frozen=True)
class CurveRow:
    """Two conditions at one reading of one cell of the grid, their difference paired by seed.

    Attributes:
        suite, model: the run.
        estimator, selection: how the neurons were selected.
        kind: of the tasks; classification and generation are never averaged together.
        task: a task; mean_cls, mean_gen: the average over the tasks of a kind.
        metric: accuracy, accuracy_restricted, rougeL or loss.
        percent: share of the neurons that is trained.
        learning_rate: of all that is compared, kept after the warm-up.
        steps: of the optimizer until this reading.
        condition, against: what is compared, as in the table of values; zero_shot is the untrained model.
        value, against_value: means over seeds.
        difference: positive where `condition` is better: its score is higher, its loss lower.
        low, high, interval: limits of the interval of the difference; which it is, or why there is none.
        seeds, tasks: behind the difference.
        room: how far random neurons of the same layers are from the best mean that anything reaches on these tasks.
        saturated: whether that is at most a tenth of what can be gained on these tasks, or two points of a score.
        unlearned: whether neither own neurons nor the whole model gain more than that over the untrained model.
        decides: neither; the other cells say nothing for or against a difference.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    kind: Kind
    task: str
    metric: str
    percent: Annotated[float, Column(unit="% of the neurons")]
    learning_rate: float
    steps: Steps
    condition: Condition
    against: Condition
    value: Value
    against_value: Value
    difference: Difference
    low: Difference
    high: Difference
    interval: Note
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    tasks: Annotated[int, Column(unit="tasks", low=1, measured=True)]
    room: Difference
    saturated: Mark
    unlearned: Mark
    decides: Mark


@dataclass(frozen=True)
class AreaRow:
    """Two whole curves of one cell of the grid: the area under each, and when each reaches a fixed loss.

    Attributes:
        suite, model: the run.
        estimator, selection: how the neurons were selected.
        kind, task, metric, percent, learning_rate, condition, against: as in the table of curves.
        area, against_area: mean height of the curve from the untrained model to the last reading, by trapezia.
        difference, low, high, interval: as in the table of curves, of the areas.
        decided, readings: readings of this cell that decide, and all.
        target: of the loss alone, the mean over tasks of the loss half-way from the untrained model to the least that
            anything reaches.
        steps, against_steps: until each task's target is reached, linear between readings; a curve that does not reach
            it counts as the last reading.
        saved, saved_low, saved_high: steps that `condition` needs less, paired by seed.
        reached, against_reached: share of the curves (tasks and seeds) that reach it.
        seeds, tasks: behind the difference.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    kind: Kind
    task: str
    metric: str
    percent: Annotated[float, Column(unit="% of the neurons")]
    learning_rate: float
    condition: Condition
    against: Condition
    area: Value
    against_area: Value
    difference: Difference
    low: Difference
    high: Difference
    interval: Note
    decided: Count
    readings: Count
    target: Annotated[float | None, Column(unit="nats", measured=True)]
    steps: Saved
    against_steps: Saved
    saved: Saved
    saved_low: Saved
    saved_high: Saved
    reached: Annotated[float | None, Column(unit="%", measured=True)]
    against_reached: Annotated[float | None, Column(unit="%", measured=True)]
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    tasks: Annotated[int, Column(unit="tasks", low=1, measured=True)]


@dataclass(frozen=True)
class AdvantageRow:
    """How far one condition is ahead of another over all readings that can decide: what claims are decided from.

    Attributes:
        suite, model: the run.
        estimator, selection: how the neurons were selected.
        kind, metric: of the tasks of a kind, averaged.
        scope: all: every cell in which both were trained; centre: those of the rate of which all controls were trained;
            `share 3`, `rate 0.001`: those of one share or one rate.
        condition, against: as in the table of curves.
        seed: of the run, or `mean` for the mean over seeds.
        value: mean difference over the readings that decide, each counted once; readings whose steps double are evenly
            spaced in the logarithm of steps, so that it is the area between the two curves over that.
        low, high, interval: of the mean over seeds.
        decided, readings: readings that decide, and all; the same for every seed.
        tasks: in the average.
        reason: why there is no value.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    kind: Kind
    metric: str
    scope: str
    condition: Condition
    against: Condition
    seed: int | Literal["mean"]
    value: Difference
    low: Difference
    high: Difference
    interval: Note
    decided: Count
    readings: Count
    tasks: Annotated[int, Column(unit="tasks", low=0, measured=True)]
    reason: Note


@dataclass(frozen=True)
class PublishedRow:
    """Our value of a task beside the one that Leng & Xiong 2025 print in Table 2 or 7.

    Attributes:
        table: T2 (Llama-2-7b), or T7 (Bloom-7b1) beside models of the Bloom architecture.
        suite, model: the run.
        estimator, percent, selection: how the trained neurons were selected; the largest share up to the paper's 10 %.
        learning_rate, steps: that of the centre, and the last reading.
        condition: zero_shot, random or task.
        task: ours.
        published_task: the paper's task that it is or mirrors, or the average over a kind.
        metric: accuracy or rougeL.
        published: the printed score.
        value: ours, mean over seeds.
        published_gain, published_over_random: differences of printed scores.
        gain, gain_low, gain_high: ours, over the untrained model, as in the table of curves.
        over_random, over_random_low, over_random_high: ours, over random neurons of the same layers.
        decides: whether this reading is neither saturated nor unlearned.
        seeds: behind our value.
    """

    table: Literal["T2", "T7"]
    suite: str
    model: str
    estimator: str | None
    percent: Percent
    selection: str | None
    learning_rate: float | None
    steps: Annotated[int | None, Column(unit="steps")]
    condition: Condition
    task: str
    published_task: str
    metric: str
    published: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
    value: Value
    published_gain: Points = None
    gain: Points = None
    gain_low: Points = None
    gain_high: Points = None
    published_over_random: Points = None
    over_random: Points = None
    over_random_low: Points = None
    over_random_high: Points = None
    decides: Annotated[bool | None, Column(measured=True)] = None
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)] = 1


READINGS, CURVES, AREAS = Table(ReadingRow), Table(CurveRow), Table(AreaRow)
ADVANTAGE, PUBLISHED = Table(AdvantageRow), Table(PublishedRow)
TABLES: dict[str, Table[Any]] = {
    "training": READINGS,
    "training_curves": CURVES,
    "training_areas": AREAS,
    "training_advantage": ADVANTAGE,
    "training_published": PUBLISHED,
}
