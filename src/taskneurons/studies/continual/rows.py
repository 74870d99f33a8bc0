"""The rows of the tables of continual learning."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

SINGLE_TASK, JOINT = "pertask", "multitask"
"""The methods that learn no stream: each task alone, and all tasks at once."""
Score = Literal["accuracy", "identification"]
SCORES: tuple[Score, ...] = ("accuracy", "identification")
Scoring = Literal["free", "restricted"]
SCORINGS: tuple[Scoring, ...] = ("free", "restricted")
"""An answer is right if the model writes it, or if it is the likeliest of the task's options."""
Rate = Literal["own", "equal"]
RATES_OF: tuple[Rate, ...] = ("own", "equal")
"""The learning rate that a method has chosen, and the one that is the same for all."""
Cost = Literal["trainable", "storage", "passes", "loss"]
COSTS: tuple[Cost, ...] = ("trainable", "storage", "passes", "loss")
MEAN: Literal["mean"] = "mean"
Value = Annotated[float | None, Column(measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]
Note = Annotated[str, Column(measured=True)]
Rank = Annotated[float | None, Column(low=1, measured=True)]
Positive = Annotated[float | None, Column(low=0)]
Percent = Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]


@dataclass(frozen=True)
class StreamRow:
    """What a model scores on a task after a stage of a stream, or what the stage cost.

    Attributes:
        suite, model, seed: the run.
        method: that learned the stream.
        rate: own: the learning rate that the method has chosen on the development order; equal: the one that is the
            same for all methods.
        order: of the tasks.
        stage: number of tasks that were learned; 0 is the model before the stream.
        train_task: the task that the stage learned; empty at stage 0, and where all tasks were learned at once.
        test_task: the task that is tested; empty for a cost, which belongs to the stage.
        metric: accuracy; identification of the task of a prompt; trainable parameters; storage besides the base model;
            passes: examples that went forward and backward through the model; loss at the end of the training.
        scoring: of an accuracy. free: what the model writes must be the answer, whole; restricted: the answer must be
            the likeliest of the task's options.
        value: percent; parameters; bytes; examples; nats a token. A training that diverged has no loss.
        n: test examples of a score.
    """

    suite: str
    model: str
    seed: Annotated[int, Column(low=0)]
    method: str
    rate: Rate
    order: str
    stage: Annotated[int, Column(unit="tasks", low=0)]
    train_task: str | None
    test_task: str | None
    metric: Score | Cost
    scoring: Scoring | None
    value: Annotated[float | None, Column(unit="%, parameters, bytes, examples or nats", low=0, measured=True)]
    n: Annotated[int | None, Column(unit="examples", low=1, measured=True)]

    def __post_init__(self) -> None:
        for name in ("suite", "model", "method", "order"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is empty")
        self._check_metric()
        self._check_stage()

    def _check_metric(self) -> None:
        if (self.scoring is None) != (self.metric != "accuracy"):
            raise ValueError(f"`scoring` is {self.scoring or 'empty'} in a row of {self.metric}")
        if self.metric in SCORES:
            if self.test_task is None or self.n is None or self.value is None:
                raise ValueError(f"`test_task`, `value` or `n` is empty in a row of {self.metric}")
            if self.value > 100:
                raise ValueError(f"`value` is {self.value:g}; {self.metric} lies in [0, 100]")
        elif self.test_task is not None or self.n is not None:
            raise ValueError(f"{self.metric} is of a stage and has neither test_task nor n")
        elif self.value is None and self.metric != "loss":
            raise ValueError(f"`value` is empty in a row of {self.metric}")

    def _check_stage(self) -> None:
        if self.stage == 0 and self.train_task is not None:
            raise ValueError(f"stage 0, before anything is learned, has train_task `{self.train_task}`")
        if self.stage and self.train_task is None and self.method != JOINT:
            raise ValueError(f"`train_task` is empty at stage {self.stage}")
        if self.method == SINGLE_TASK and self.test_task not in (None, self.train_task) and self.stage:
            raise ValueError(
                f"{SINGLE_TASK} trains {self.train_task} and tests {self.test_task}; each task is trained alone"
            )

    @property
    def stream(self) -> "Stream":
        """The stream that it belongs to."""
        return Stream(self.suite, self.model, self.method, self.rate, self.order, self.seed)


@dataclass(frozen=True)
class Stream:
    """One stream of tasks, learned once.

    Attributes:
        suite, model, seed: the run.
        method: that learned it.
        rate: of its learning.
        order: of the tasks.
    """

    suite: str
    model: str
    method: str
    rate: Rate
    order: str
    seed: int


@dataclass(frozen=True)
class TrialRow:
    """One way to learn the development order that was tried.

    Attributes:
        method: that learned, or the weighting.
        learning_rate: the highest of the schedule.
        strength: of the penalty of EWC or O-LoRA.
        temperature: of a weighting.
        accuracy: mean over the tasks after the last stage, validation split; empty where the training diverged.
        restricted: the same among the options alone.
        learned: mean over the tasks of the accuracy just after each was learned.
        chosen: whether the method got these values.
    """

    method: str
    learning_rate: Annotated[float, Column(low=0)]
    strength: Positive
    temperature: Positive
    accuracy: Percent
    restricted: Percent
    learned: Percent
    chosen: Annotated[bool, Column(measured=True)]


@dataclass(frozen=True)
class RateRow:
    """A trial on the development order, with its run.

    Attributes:
        suite, model: the run, whose first seed was tried.
        group: the method whose values were chosen; a weighting is tried on what it left.
        method: that learned, or the weighting.
        learning_rate: the highest of the schedule.
        strength: of the penalty of EWC or O-LoRA.
        temperature: of a weighting.
        accuracy: mean over the tasks after the last stage, validation split; empty where the training diverged.
        restricted: the same among the options alone.
        learned: mean over the tasks of the accuracy just after each was learned.
        chosen: whether the method got these values.
        at_edge: whether it was chosen and one of its values is the lowest or the highest of several, so that a better
            one may lie beyond the grid.
    """

    suite: str
    model: str
    group: str
    method: str
    learning_rate: Annotated[float, Column(low=0)]
    strength: Positive
    temperature: Positive
    accuracy: Percent
    restricted: Percent
    learned: Percent
    chosen: Annotated[bool, Column(measured=True)]
    at_edge: Annotated[bool, Column(measured=True)]


@dataclass(frozen=True)
class MeasureRow:
    """One measure of one stream.

    Attributes:
        suite, model, seed: the run.
        benchmark: of the order.
        tasks: number of tasks of the order.
        method: that learned.
        rate: own or equal.
        order: of the tasks.
        metric: a measure of the matrix of accuracies (CL, FG, BWT, FWT, forgetting, max_forgetting, learned);
            `learned_share`: learned, as a share of that of Per-Task FT; `identification` of the tasks after the last
            stage; `trainable` parameters and `passes`, mean over stages; `storage` after the last stage.
        scoring: of the accuracies: free or restricted.
        value: percent or points; parameters; examples; bytes.
        reason: why there is no value.
    """

    suite: str
    model: str
    benchmark: str
    tasks: Annotated[int, Column(unit="tasks", measured=True)]
    method: str
    rate: Rate
    order: str
    seed: Annotated[int, Column(low=0)]
    metric: str
    scoring: Scoring | None
    value: Value
    reason: Note


@dataclass(frozen=True)
class SummaryRow:
    """One measure of a method on an order, the mean over seeds.

    Attributes:
        suite, model: the run.
        benchmark: of the order.
        tasks: number of tasks of the order.
        method: that learned.
        rate: own or equal.
        order: of the tasks.
        metric, scoring: as in the table of single streams.
        value: the mean over seeds.
        low, high: limits of the interval.
        n: seeds with a value.
        seed: mean.
        seeds: with a value, separated by spaces.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
    """

    suite: str
    model: str
    benchmark: str
    tasks: Annotated[int, Column(unit="tasks", measured=True)]
    method: str
    rate: Rate
    order: str
    metric: str
    scoring: Scoring | None
    value: Value
    low: Value
    high: Value
    n: Annotated[int, Column(unit="seeds", measured=True)]
    seed: Literal["mean"]
    seeds: Note
    interval: Note
    reason: Note


@dataclass(frozen=True)
class MethodRow:
    """One measure of a method: the mean over bases of its means over orders, and its difference from NCFT.

    Attributes:
        suite, model: the run.
        orders: a benchmark, or `all`.
        method: that learned.
        rate: own or equal.
        metric, scoring: as in the table of single streams.
        has_learned: whether, just after each stage, its task was learned to the asked share of Per-Task FT, on average;
            a method that has not learned shows nothing about forgetting.
        value: mean over bases of the mean over the orders that the method has.
        low, high: limits of the interval over bases.
        n: bases with a value on all orders.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
        less_ncft: the value less that of NCFT at the same rate, paired: the same bases and orders; bounds
            have one rate and are compared with NCFT's own.
        less_ncft_low, less_ncft_high: limits of the interval of the paired difference over bases.
    """

    suite: str
    model: str
    orders: str
    method: str
    rate: Rate
    metric: str
    scoring: Scoring | None
    has_learned: Annotated[bool | None, Column(measured=True)]
    value: Value
    low: Value
    high: Value
    n: Annotated[int, Column(unit="bases", measured=True)]
    interval: Note
    reason: Note
    less_ncft: Value = None
    less_ncft_low: Value = None
    less_ncft_high: Value = None


@dataclass(frozen=True)
class PublishedRow:
    """Our value beside the printed one (Leng & Xiong 2025, Table 5).

    Attributes:
        table: T5.
        suite, model: the run.
        benchmark: of the order; `all` for the mean over all orders.
        order: one of the paper's; or `all`, the mean over the orders that the method has in both, without an interval.
        method: ours.
        published_method: the paper's name of it.
        published: the printed mean accuracy after the last task.
        value: our mean accuracy after the last task (CL) at the method's own rate, of what it writes, mean over seeds.
        low, high: limits of the interval over seeds.
        n: seeds.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
        published_rank, rank: 1 is best, among the `ranked` methods that are in both; bounds have none.
        ranked: methods that are ranked.
        correlation: Spearman's, of the values of the ranked methods.
        p_value: its exact two-sided p over all labellings.
        correlation_reason: why there is no correlation.
    """

    table: str
    suite: str
    model: str
    benchmark: str
    order: str
    method: str
    published_method: str
    published: Annotated[float, Column(unit="%", low=0, high=100, measured=True)]
    value: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
    low: Value
    high: Value
    n: Annotated[int | None, Column(unit="seeds", measured=True)]
    interval: Note
    reason: Note
    published_rank: Rank = None
    rank: Rank = None
    ranked: Annotated[int | None, Column(unit="methods", measured=True)] = None
    correlation: Annotated[float | None, Column(low=-1, high=1, measured=True)] = None
    p_value: P = None
    correlation_reason: Note = ""


STREAMS, TRIALS, RATES = Table(StreamRow), Table(TrialRow), Table(RateRow)
MEASURES, SUMMARY, METHOD_MEANS = Table(MeasureRow), Table(SummaryRow), Table(MethodRow)
PUBLISHED = Table(PublishedRow)
TABLES: dict[str, Table[Any]] = {
    "continual": STREAMS,
    "continual_measures": MEASURES,
    "continual_summary": SUMMARY,
    "continual_methods": METHOD_MEANS,
    "continual_published": PUBLISHED,
    "continual_rates": RATES,
}
"""By the name of the file below `results/tables`."""
