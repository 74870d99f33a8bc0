"""The rows of the tables of the dial."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

Value = Annotated[float | None, Column(measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class MeasuredRow:
    """What a model does on one task, and how alike the parameters of its neurons and of its own task's neurons are.

    Attributes:
        study: dial.
        model, suite, seed: the run.
        train_task: the task that the model was tuned on; empty for the base.
        test_task: the task that it is tested on, or whose neurons are compared.
        shared: skills that the two tasks share.
        sets: the model whose scores made the sets that are compared: base, or source for the tuned model.
        selection: of the sets.
        metric: of the score or the comparison.
        value: in the metric's unit; of a comparison the mean over the layers that have a value.
        n: test examples, or layers with a value.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int
    train_task: str
    test_task: str
    shared: int | None
    sets: str = ""
    selection: str = ""
    metric: str = ""
    value: Value = None
    n: Annotated[int | None, Column(unit="examples or layers", measured=True)] = None
    reason: Note = ""


@dataclass(frozen=True)
class PairRow:
    """One measure of an ordered pair of tasks.

    Attributes:
        study: dial.
        model, suite, seed: the run.
        train_task: the task that the model was tuned on.
        test_task: the other task.
        shared: skills that the two tasks share.
        measure: `transfer_<metric>`, what the tuned model gains on the other task over the base; overlap; or a
            similarity of parameters.
        sets: the model whose scores made the sets: base, shuffled (the base, with shuffled answers), source (the model
            tuned on the first task) or multitask; empty where there are none.
        selection: of the sets; empty where there are none.
        value: transfer in the metric's unit; the Jaccard index less chance; a cosine.
        jaccard: the Jaccard index of the two sets.
        chance: what sets with these numbers of neurons in each layer share by chance.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int
    train_task: str
    test_task: str
    shared: int
    measure: str
    sets: str
    selection: str
    value: Value = None
    jaccard: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    chance: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    reason: Note = ""

    @property
    def kind(self) -> tuple[str, str, str]:
        """Measure, sets and selection."""
        return self.measure, self.sets, self.selection


@dataclass(frozen=True)
class SummaryRow:
    """A mean over pairs of tasks, or a rank correlation over them.

    Attributes:
        study: dial.
        model, suite: the run.
        seed: a seed, or `all` for the mean over the seeds with its t interval; of correlations, the mean and the limits
            of Fisher's z, transformed back, so that no limit lies beyond 1.
        measure, sets, selection: as in the table of pairs.
        against: empty for a mean over the pairs that share `shared` skills; else `shared` or a measure of transfer:
            `value` is Spearman's correlation with it over the ordered pairs.
        given: `shared` where the means at each number of shared skills are taken out of both first.
        shared: skills that the pairs of a mean share.
        value: the mean or the correlation.
        low, high: limits of the interval.
        p: two-sided, of the Mantel test, whose null moves whole tasks. Each p stands by itself: it is not adjusted for
            the other rows.
        tasks: number of tasks.
        pairs: ordered pairs of tasks with a value.
        permutations: labellings of the tasks that make the null of the Mantel test.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
    """

    study: str
    model: str
    suite: str
    seed: int | Literal["all"]
    measure: str
    sets: str
    selection: str
    against: str = ""
    given: str = ""
    shared: int | None = None
    value: Value = None
    low: Value = None
    high: Value = None
    p: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    tasks: Annotated[int | None, Column(unit="tasks", measured=True)] = None
    pairs: Annotated[int | None, Column(unit="pairs", measured=True)] = None
    permutations: Annotated[int | None, Column(unit="labellings", measured=True)] = None
    interval: Note = ""
    reason: Note = ""


MEASURED = Table(MeasuredRow)
PAIRS = Table(PairRow)
SUMMARY = Table(SummaryRow)
TABLES: dict[str, Table[Any]] = {"dial": PAIRS, "dial_summary": SUMMARY}
