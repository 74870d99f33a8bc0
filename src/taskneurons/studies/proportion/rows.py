"""The rows of the tables of the study that trains growing shares of the neurons."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.changes import Called
from taskneurons.evidence.could_show import SETTINGS
from taskneurons.evidence.tasks import Kind
from taskneurons.evidence.trained import TRAINED
from taskneurons.table import Column, Table

How = Literal["joint", "single"]
Scope = Literal["ID-CLS", "ID-GEN", "OOD-CLS", "OOD-GEN"]
SCOPES: tuple[Scope, ...] = ("ID-CLS", "ID-GEN", "OOD-CLS", "OOD-GEN")
Condition = Literal["random", "task"]
CONDITIONS: tuple[Condition, ...] = ("random", "task")
Percent = Annotated[float, Column(unit="% of the neurons", low=0, high=100)]
Value = Annotated[float | None, Column(unit="%, or nats for the loss", measured=True)]
Change = Annotated[float | None, Column(unit="points, or nats for the loss", measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class SummaryRow:
    """The mean score of a scope at one share, over seeds and tasks.

    An interval is a t interval over seeds; below three seeds one over tasks: over the tested ones where training was
    joint, over the trained ones where it was single. Differences are paired by task and seed and positive where it is
    better.

    Random neurons lie outside the set as long as enough of a layer do. A set of more than half of a layer overlaps its
    random ones, so that `over_random` shrinks by construction; sets of more than half of all neurons have none.

    Attributes:
        suite, model: the run.
        estimator, selection: how the sets were selected.
        trained: the kind of the tasks that were trained on.
        how: joint: the tasks of the kind together, with the union of their neurons (Figure 2); single: each by itself
            (Figure 6).
        scope: kind of the tested tasks; ID: those that were trained on, OOD: those that only test.
        condition: random or task: whose neurons are trained.
        percent: share of each task's neurons that is selected.
        share: the true share of the neurons that is trained; of a union more than `percent`.
        learning_rate: the highest of the schedule.
        metric: accuracy, accuracy_restricted, rougeL or loss.
        before: mean of the untrained model.
        after, low, high: mean of the trained models and limits of its interval.
        interval: which interval it is, or why there is none.
        change, change_low, change_high, change_interval: as after, of the difference to the untrained model.
        called: what this change is called where its whole interval lies on one side of 0: a gain is learning on the
            tasks that were trained on (ID) and generalisation on the others (OOD), a loss is forgetting.
        over_random, over_random_low, over_random_high, over_random_interval: as after, of the difference to as many
            random neurons.
        seeds: with a value.
        tasks: over which the mean is taken.
        draws: random sets.
        n: test examples.
    """

    suite: str
    model: str
    estimator: str | None
    selection: str | None
    trained: Kind
    how: How
    scope: Scope
    condition: Condition
    percent: Percent
    share: Annotated[float, Column(unit="% of the neurons", measured=True)]
    learning_rate: Note
    metric: str
    before: Value
    after: Value
    low: Value
    high: Value
    interval: Note
    change: Change
    change_low: Change
    change_high: Change
    change_interval: Note
    called: Annotated[Called, Column(measured=True)]
    over_random: Change = None
    over_random_low: Change = None
    over_random_high: Change = None
    over_random_interval: Note = ""
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)] = 1
    tasks: Annotated[int, Column(unit="tasks", low=1, measured=True)] = 1
    draws: Annotated[int, Column(unit="draws", low=1, measured=True)] = 1
    n: Annotated[int, Column(unit="examples", low=0, measured=True)] = 0


@dataclass(frozen=True)
class TrendRow:
    """Whether the score of a scope goes with the share of the trained neurons.

    A series are the models of one seed that were trained on the same data with growing shares.

    Attributes:
        suite, model, estimator, selection, trained, how, scope, condition, metric: as in the table of means.
        correlation: Spearman's between score and share, of each tested task of each series, averaged. The loss is
            turned round, so that a positive value is an improvement.
        p_value: two-sided; the null hypothesis permutes the shares of a series for all its tasks together.
        p_holm: adjusted over all trends of one model with the same metric, accuracy and ROUGE-L together.
        permutations: labellings that make the null.
        exact: whether they are all there are.
        models: trained models.
        series: of models.
        first_percent, last_percent: lowest and highest share.
        change: the score at the highest share less that at the lowest; the loss is turned round.
        best_percent: the share with the best mean score.
        learning_rates: of the models; there is one for all shares.
        published: what Figure 2 or 6 is said to show; no numbers are printed there.
        reason: why there is no test.
    """

    suite: str
    model: str
    estimator: str | None
    selection: str | None
    trained: Kind
    how: How
    scope: Scope
    condition: Condition
    metric: str
    # A mean of correlations of 1 may pass it by rounding.
    correlation: Annotated[float | None, Column(measured=True)]
    p_value: P
    p_holm: P
    permutations: Annotated[int | None, Column(unit="labellings", measured=True)]
    exact: Annotated[bool | None, Column(measured=True)]
    models: Annotated[int, Column(unit="models", measured=True)]
    series: Annotated[int, Column(unit="series", measured=True)]
    first_percent: Annotated[float, Column(unit="% of the neurons", measured=True)]
    last_percent: Annotated[float, Column(unit="% of the neurons", measured=True)]
    change: Annotated[float, Column(unit="points, or nats for the loss", measured=True)]
    best_percent: Annotated[float, Column(unit="% of the neurons", measured=True)]
    learning_rates: Note
    published: Note
    reason: Note


SUMMARY, TREND = Table(SummaryRow), Table(TrendRow)
TABLES: dict[str, Table[Any]] = {
    "proportion": TRAINED,
    "proportion_summary": SUMMARY,
    "proportion_trend": TREND,
    "proportion_setting": SETTINGS,
}
