"""The rows of the tables of the study that trains the neurons of a task."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.errors import InputError
from taskneurons.evidence.diagonal import Diagonal
from taskneurons.evidence.tasks import Kind
from taskneurons.evidence.trained import TRAINED, UNSELECTED, Condition, Trained
from taskneurons.table import Column, Table

Matrix = Literal["pairs", "transfer"]
MATRICES: tuple[Matrix, ...] = ("pairs", "transfer")
Limit = Annotated[float | None, Column(unit="%, or nats for the loss", measured=True)]
Gain = Annotated[float | None, Column(unit="points, or nats for the loss", measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]
Note = Annotated[str | None, Column(measured=True)]
Percent = Annotated[float | None, Column(unit="% of the neurons")]
Points = Annotated[float | None, Column(unit="points", measured=True)]
Tasks = Annotated[int | None, Column(unit="tasks", low=0, measured=True)]


@dataclass(frozen=True)
class Setting:
    """How the neurons were selected that are trained; all None where none were.

    Attributes:
        estimator: the scores that ranked them.
        percent: the share that was selected.
        selection: ranked over the whole model or in each layer.
    """

    estimator: str | None
    percent: Percent
    selection: str | None

    def __str__(self) -> str:
        percent = None if self.percent is None else f"{self.percent:g}"
        return f"{self.estimator}, {percent}, {self.selection}"


NO_SETTING = Setting(None, None, None)


def setting_of(row: Trained) -> Setting:
    """How the neurons were selected; `NO_SETTING` where none are trained, or all."""
    return NO_SETTING if row.condition in UNSELECTED else Setting(row.estimator, row.percent, row.selection)


def of_setting(rows: Iterable[Trained], *, suite: str, model: str, setting: Setting) -> list[Trained]:
    """The rows of one model under one setting, with those that have none, of the same seeds.

    Raises:
        InputError: the untrained model, or the setting, has no rows.
    """
    own = [row for row in rows if (row.suite, row.model) == (suite, model)]
    trained = [row for row in own if setting_of(row) == setting]
    seeds = {row.seed for row in trained}
    beside = [row for row in own if row.condition in UNSELECTED and row.seed in seeds]
    untrained = [row for row in beside if row.condition == "zero_shot"]
    for found, what in ((trained, str(setting)), (untrained, "the untrained model")):
        if not found:
            raise InputError(f"there are no results of {model} on {suite} for {what}")
    return beside + trained


@dataclass(frozen=True)
class RateRow:
    """A training with one learning rate of the grid, of every study that trains neurons.

    Attributes:
        suite, model: the run.
        study: whose arm it is; each study chooses its own rates.
        arm: what is trained: ffn, full, or a set of neurons with its percent, such as `task@10`.
        task: the pilot task that is trained on and tested.
        learning_rate: the highest of the schedule.
        loss: of the validation split, nats a token; empty where the training diverged.
        chosen: whether the arm is given this learning rate, by the mean loss over the pilot tasks.
        at_edge: whether it is chosen and is the lowest or the highest of the grid, so that a better one may lie beyond.
    """

    suite: str
    model: str
    study: str
    arm: str
    task: str
    learning_rate: float
    loss: Annotated[float | None, Column(unit="nats", measured=True)]
    chosen: Annotated[bool, Column(measured=True)]
    at_edge: Annotated[bool, Column(measured=True)] = False


@dataclass(frozen=True)
class SummaryRow:
    """What one task, or the average over tasks, scores under one condition: the mean over seeds.

    A difference is positive where training helps: trained - untrained for scores, untrained - trained for the loss. It
    is paired by seed; random draws are averaged within a seed first.

    Attributes:
        suite, model: the run.
        estimator, percent, selection: how the trained neurons were selected; empty where none are, or all.
        condition: zero_shot: nothing is trained; random, other_task, task: whose neurons; ffn: all of them; full: every
            weight.
        task: the task that is trained on and tested; mean_cls, mean_gen: the average over all tasks of a kind, made
            within each seed that has them all; mean_all, of the loss alone: over both kinds.
        kind: classification, generation or all.
        metric: accuracy, accuracy_restricted (among the options only), rougeL or loss.
        share: the true share of all neurons that is trained.
        learning_rate: the highest of the schedule; several rates are separated by commas.
        seeds: with a value.
        value, low, high: mean and limits of its interval.
        interval: which interval stands beside the value: `95 % t` over seeds; below three seeds, for averages, `95 % t
            over tasks as if independent`; or why there is none.
        gain, gain_low, gain_high, gain_interval: as value, of the difference to the untrained model.
        gain_p: of averages, two-sided, of Wilcoxon's signed-rank test over tasks, each task's mean over seeds.
        gain_p_holm: adjusted over all conditions and settings of one model, kind and metric.
        over_random, over_random_low, over_random_high, over_random_interval: as value, of the difference to as many
            random neurons.
        over_random_p, over_random_p_holm: as gain_p and gain_p_holm.
        tasks: in an average.
        gain_tasks, over_random_tasks: tasks of an average with a positive difference.
        draws: random sets or choices in each seed.
        draw_sd: their standard deviation, averaged over seeds.
        n: test examples.
        chance: the score that is reached without reading the input.
        at_chance: whether the value is no better.
    """

    suite: str
    model: str
    estimator: str | None
    percent: Percent
    selection: str | None
    condition: Condition
    task: str
    kind: Kind | Literal["all"]
    metric: str
    share: Annotated[float | None, Column(unit="% of the neurons", measured=True)]
    learning_rate: Note
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    value: Limit
    low: Limit
    high: Limit
    interval: Annotated[str, Column(measured=True)]
    gain: Gain = None
    gain_low: Gain = None
    gain_high: Gain = None
    gain_interval: Note = None
    gain_p: P = None
    gain_p_holm: P = None
    over_random: Gain = None
    over_random_low: Gain = None
    over_random_high: Gain = None
    over_random_interval: Note = None
    over_random_p: P = None
    over_random_p_holm: P = None
    tasks: Tasks = None
    gain_tasks: Tasks = None
    over_random_tasks: Tasks = None
    draws: Annotated[int, Column(unit="draws", low=1, measured=True)] = 1
    draw_sd: Limit = None
    n: Annotated[int, Column(unit="examples", low=0, measured=True)] = 0
    chance: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)] = None
    at_chance: Annotated[bool | None, Column(measured=True)] = None

    @property
    def setting(self) -> Setting:
        """How the trained neurons were selected."""
        return Setting(self.estimator, self.percent, self.selection)


@dataclass(frozen=True)
class _Matrix:
    """The first columns of the table of diagonals."""

    suite: str
    model: str
    estimator: str | None
    percent: Percent
    selection: str | None
    matrix: Matrix


@dataclass(frozen=True)
class DiagonalRow(Diagonal, _Matrix):
    """Whether a task gains most where its own neurons are trained.

    Attributes:
        suite, model: the run.
        estimator, percent, selection: how the trained neurons were selected.
        matrix: what the entry of row i and column j is a gain of. pairs: task i's neurons, trained on task j's data and
            tested on j; transfer: task i's neurons, trained on task i's data and tested on j.
        scope: classification, generation or all tasks.
        metric: of the entries; `score` is the accuracy of classification and the ROUGE-L of generation columns.
        seed: of the run, or `mean` for the mean over seeds.
        tasks: rows, which is the number of columns.
        diagonal, off_diagonal: mean entries.
        sibling: mean entry of columns of another task of the same family.
        same_kind: mean entry of columns of another family of the same kind.
        other_kind: mean entry of columns of the other kind.
        statistic: of the permutation test.
        p_value: one-sided, of the permutation test.
        p_holm: adjusted over all tests of one model and seed, those of both matrices.
        permutations: orders that make the null.
        exact: whether they are all there are.
        rows_largest: share of the rows whose largest entry lies on the diagonal.
        columns_largest: share of the columns whose largest entry lies on the diagonal.
        reason: why the test could not be made; and the learning rates, where those of the diagonal and of the other
            entries of pairs differ, so that neurons and rates are compared together.
    """


@dataclass(frozen=True)
class PublishedRow:
    """Our value of a task beside the one that Leng & Xiong 2025 print in Table 2 or 7.

    Attributes:
        table: T2 (Llama-2-7b), or T7 (Bloom-7b1) beside models of the Bloom architecture.
        suite, model: the run.
        estimator, percent, selection: how the trained neurons were selected.
        condition: zero_shot, random or task.
        task: ours.
        published_task: the paper's task that it is or mirrors, or the average over a kind.
        metric: accuracy or rougeL.
        published: the printed score.
        value, low, high, interval: ours, as in the table of means.
        published_gain, published_over_random: differences of printed scores.
        gain, gain_low, gain_high, gain_interval, over_random, over_random_low, over_random_high, over_random_interval:
            ours, as in the table of means.
        seeds: behind our value.
    """

    table: Literal["T2", "T7"]
    suite: str
    model: str
    estimator: str | None
    percent: Percent
    selection: str | None
    condition: Condition
    task: str
    published_task: str
    metric: str
    published: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
    value: Limit
    low: Limit
    high: Limit
    interval: Note
    published_gain: Points
    gain: Gain
    gain_low: Gain
    gain_high: Gain
    gain_interval: Note
    published_over_random: Points
    over_random: Gain
    over_random_low: Gain
    over_random_high: Gain
    over_random_interval: Note
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]


RATES, SUMMARY = Table(RateRow), Table(SummaryRow)
DIAGONAL, PUBLISHED = Table(DiagonalRow), Table(PublishedRow)
TABLES: dict[str, Table[Any]] = {
    "training": TRAINED,
    "training_rates": RATES,
    "training_summary": SUMMARY,
    "training_diagonal": DIAGONAL,
    "training_published": PUBLISHED,
}
