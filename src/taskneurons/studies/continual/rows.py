"""The rows of the tables of continual learning."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

SINGLE_TASK, JOINT = "pertask", "multitask"
"""The methods that learn no stream: each task alone, and all tasks at once."""
Score = Literal["accuracy", "identification"]
SCORES: tuple[Score, ...] = ("accuracy", "identification")
Cost = Literal["trainable", "storage", "loss"]
COSTS: tuple[Cost, ...] = ("trainable", "storage", "loss")
MEAN: Literal["mean"] = "mean"
Value = Annotated[float | None, Column(measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]
Note = Annotated[str, Column(measured=True)]
Rank = Annotated[float | None, Column(low=1, measured=True)]
Positive = Annotated[float | None, Column(low=0)]


@dataclass(frozen=True)
class StreamRow:
    """What a model scores on a task after a stage of a stream, or what the stage cost.

    Attributes:
        suite, model, seed: the run.
        method: that learned the stream.
        order: of the tasks.
        stage: number of tasks that were learned; 0 is the model before the stream.
        train_task: the task that the stage learned; empty at stage 0, and where all tasks were learned at once.
        test_task: the task that is tested; empty for a cost, which belongs to the stage.
        metric: accuracy; identification of the task of a prompt; trainable parameters; storage besides the base model;
            loss at the end of the training.
        value: percent; parameters; bytes; nats a token. A training that diverged has no loss.
        n: test examples of a score.
    """

    suite: str
    model: str
    seed: Annotated[int, Column(low=0)]
    method: str
    order: str
    stage: Annotated[int, Column(unit="tasks", low=0)]
    train_task: str | None
    test_task: str | None
    metric: Score | Cost
    value: Annotated[float | None, Column(unit="%, parameters, bytes or nats", low=0, measured=True)]
    n: Annotated[int | None, Column(unit="examples", low=1, measured=True)]

    def __post_init__(self) -> None:
        for name in ("suite", "model", "method", "order"):
            if not getattr(self, name):
                raise ValueError(f"`{name}` is empty")
        self._check_metric()
        self._check_stage()

    def _check_metric(self) -> None:
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
        return Stream(self.suite, self.model, self.method, self.order, self.seed)


@dataclass(frozen=True)
class CostRow:
    """The time that a stage of a stream took, which differs from run to run.

    Attributes:
        suite, model, seed: the run.
        method: that learned the stream.
        order: of the tasks.
        stage: number of tasks that were learned.
        train_task: the task that the stage learned; empty where all tasks were learned at once.
        seconds: wall time of the training, with what is scored or estimated for it, and with whatever else the machine
            did.
    """

    suite: str
    model: str
    seed: Annotated[int, Column(low=0)]
    method: str
    order: str
    stage: Annotated[int, Column(unit="tasks", low=1)]
    train_task: str | None
    seconds: Annotated[float, Column(unit="s", low=0, measured=True)]


@dataclass(frozen=True)
class CostSummaryRow:
    """The training time of a stage, a mean.

    Attributes:
        suite, model: the run.
        benchmark: of the order; `all` for the mean over all orders.
        method: that learned.
        order: of the tasks, where it is the mean over seeds; `all` for the mean over the orders of the benchmark.
        seconds: of all stages over the number of tasks. Joint training has one stage for all tasks.
        seconds_low, seconds_high: limits of the interval.
        n: seeds, or orders.
        interval: which interval stands beside the mean.
        reason: why there is no interval.
    """

    suite: str
    model: str
    benchmark: str
    method: str
    order: str
    seconds: Annotated[float | None, Column(unit="s", measured=True)]
    seconds_low: Annotated[float | None, Column(unit="s", measured=True)]
    seconds_high: Annotated[float | None, Column(unit="s", measured=True)]
    n: Annotated[int, Column(unit="seeds or orders", measured=True)]
    interval: Note
    reason: Note


@dataclass(frozen=True)
class Stream:
    """One stream of tasks, learned once.

    Attributes:
        suite, model, seed: the run.
        method: that learned it.
        order: of the tasks.
    """

    suite: str
    model: str
    method: str
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
        chosen: whether the method got these values.
    """

    method: str
    learning_rate: Annotated[float, Column(low=0)]
    strength: Positive
    temperature: Positive
    accuracy: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
    chosen: Annotated[bool, Column(measured=True)]


@dataclass(frozen=True)
class RateRow:
    """A trial on the development order, with its run.

    Attributes:
        suite, model: the run, whose first seed was tried.
        group: methods that are tried together are called after the first one.
        method: that learned, or the weighting.
        learning_rate: the highest of the schedule.
        strength: of the penalty of EWC or O-LoRA.
        temperature: of a weighting.
        accuracy: mean over the tasks after the last stage, validation split; empty where the training diverged.
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
    accuracy: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
    chosen: Annotated[bool, Column(measured=True)]
    at_edge: Annotated[bool, Column(measured=True)]


@dataclass(frozen=True)
class SummaryRow:
    """One measure of a method on an order, the mean over seeds.

    Attributes:
        suite, model: the run.
        benchmark: of the order.
        tasks: number of tasks of the order.
        method: that learned.
        order: of the tasks.
        metric: a measure of the matrix of accuracies (CL, FG, BWT, FWT, forgetting, max_forgetting, learned);
            `identification` of the tasks after the last stage; `trainable` parameters, mean over stages; `storage`
            after the last stage.
        value: percent or points; parameters; bytes. The mean over seeds.
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
    order: str
    metric: str
    value: Value
    low: Value
    high: Value
    n: Annotated[int, Column(unit="seeds", measured=True)]
    seed: Literal["mean"]
    seeds: Note
    interval: Note
    reason: Note


@dataclass(frozen=True)
class RankRow:
    """One measure of a method, the mean over orders, and its rank among the methods.

    Attributes:
        suite, model: the run.
        orders: a benchmark; `all`; or `common`, those that every method has which is no bound, where these are fewer.
        method: that learned.
        metric: as in the summary.
        value: mean over the orders that the method has.
        low, high: limits of the interval across orders, which share their tasks.
        n: orders with a value.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
        mean_rank: 1 is best; bounds and methods without all of the ranked orders have none.
        ranked: methods that are ranked.
        ranked_orders: orders that they are ranked over.
        statistic, p_value: Friedman's test over the ranked methods.
        critical_difference: Nemenyi's, of mean ranks.
        best: the method of the lowest mean rank.
        told_from_best: whether this method is further from the best than the critical difference.
        rank_reason: why there is no rank or no test.
    """

    suite: str
    model: str
    orders: str
    method: str
    metric: str
    value: Value
    low: Value
    high: Value
    n: Annotated[int, Column(unit="orders", measured=True)]
    interval: Note
    reason: Note
    mean_rank: Rank = None
    ranked: Annotated[int | None, Column(unit="methods", measured=True)] = None
    ranked_orders: Annotated[int | None, Column(unit="orders", measured=True)] = None
    statistic: Value = None
    p_value: P = None
    critical_difference: Annotated[float | None, Column(unit="ranks", measured=True)] = None
    best: Note = ""
    told_from_best: Annotated[bool | None, Column(measured=True)] = None
    rank_reason: Note = ""


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
        value: our mean accuracy after the last task (CL), mean over seeds.
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
SUMMARY, RANKS, PUBLISHED = Table(SummaryRow), Table(RankRow), Table(PublishedRow)
COST_ROWS, COST_SUMMARY = Table(CostRow), Table(CostSummaryRow)
TABLES: dict[str, Table[Any]] = {
    "continual": STREAMS,
    "continual_summary": SUMMARY,
    "continual_methods": RANKS,
    "continual_published": PUBLISHED,
    "continual_rates": RATES,
    "continual_costs": COST_ROWS,
    "continual_costs_summary": COST_SUMMARY,
}
"""By the name of the file below `results/tables`."""
