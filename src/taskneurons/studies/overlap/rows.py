"""The rows of the tables of the overlap study."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.changes import Called
from taskneurons.evidence.could_show import SETTINGS
from taskneurons.evidence.tasks import KINDS, Kind
from taskneurons.evidence.trained import TRAINED
from taskneurons.table import Column, Table

MEAN: Literal["mean"] = "mean"
Relation = Literal["same_family", "same_kind", "other_kind"]
Members = Literal["higher", "lower"]
MEMBERS: tuple[Members, ...] = ("higher", "lower")
"""Which neurons of the test task's set are trained: those with the higher scores of their layer, or with the lower."""
RELATIONS: tuple[Relation, ...] = ("same_family", "same_kind", "other_kind")
"""Of two tasks: of one family; of one kind but two families; of two kinds."""
_SHORT: dict[Kind, str] = {"classification": "CLS", "generation": "GEN"}
GROUPS: dict[str, tuple[Kind, Kind]] = {
    f"{trained}-{tested}": (one, other) for one, trained in _SHORT.items() for other, tested in _SHORT.items()
}
"""Rows of Table 8: the kind that is trained on, the kind that is tested."""
Scope = Literal["unions", "pairs", "halves"]
Share = Annotated[float, Column(unit="% of the neurons", low=0, high=100)]
Overlap = Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]
Points = Annotated[float | None, Column(unit="points", measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]
Count = Annotated[int | None, Column(unit="neurons", low=0, measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class PairRow:
    """The overlap of the neurons of two tasks beside chance.

    Attributes:
        study: overlap.
        model, suite, seed: the run.
        estimator: the scores that ranked the neurons, on the pre-trained model.
        selection: ranked over the whole model or in each layer.
        percent: share of the neurons that is a task's.
        first_task, second_task: the two tasks.
        relation: same_family, same_kind (of two families) or other_kind.
        first_size, second_size: neurons of the two sets.
        shared: neurons that both have.
        value: the Jaccard index of the two sets.
        null_model: its mean where both sets lie anywhere in the model, exactly.
        excess_model: value less null_model.
        p_model: two-sided, hypergeometric.
        p_model_fdr: adjusted over the pairs of a run and share (Benjamini & Hochberg).
        null_layer: the mean where both sets keep their numbers of neurons in each layer, exactly.
        null_layer_low, null_layer_high: its 2.5 % and 97.5 % quantiles.
        excess_layer: value less null_layer.
        p_layer, p_layer_fdr: as p_model, within layers.
        value_halves: overlap of one half of the one task with the other half of the other, mean of both ways.
        ceiling: geometric mean of the overlaps of the two halves of each task.
        reason: why there are no numbers.
    """

    study: str
    model: str
    suite: str
    seed: int
    estimator: str
    selection: str
    percent: Share
    first_task: str
    second_task: str
    relation: Relation
    first_size: Count = None
    second_size: Count = None
    shared: Count = None
    value: Overlap = None
    null_model: Overlap = None
    excess_model: Points = None
    p_model: P = None
    p_model_fdr: P = None
    null_layer: Overlap = None
    null_layer_low: Overlap = None
    null_layer_high: Overlap = None
    excess_layer: Points = None
    p_layer: P = None
    p_layer_fdr: P = None
    value_halves: Overlap = None
    ceiling: Overlap = None
    reason: Note = ""


@dataclass(frozen=True)
class SummaryRow:
    """The overlap of groups of tasks (Table 8), its mean over pairs of tasks, or that of the halves of a task.

    Attributes:
        study: overlap.
        model, suite: the run.
        seed: a seed, or `mean` for the mean over the seeds.
        estimator: the scores that ranked the neurons, on the pre-trained model.
        selection: ranked over the whole model or in each layer.
        percent: share of the neurons that is a task's.
        scope: unions: of the sets of a group's training tasks and of a group's test tasks; pairs: mean over the pairs
            of tasks of one relation; halves: a task's set from half of its examples with that from the others.
        group: of unions the kinds, `CLS-GEN` for training on classification and testing generation; of pairs the
            relation; of halves the task.
        layer: the layer, from 0; empty for the whole model.
        value: the Jaccard index, or its mean.
        low, high: limits of its interval.
        expected_model: chance over the model in closed form, a ratio of expected numbers.
        null_model: mean of chance over the model: by permutation for unions, exactly for pairs.
        null_model_low, null_model_high: its 2.5 % and 97.5 % quantiles.
        excess_model: value less null_model.
        excess_model_low, excess_model_high: limits of its interval.
        p_model: two-sided, by permutation; of the mean over seeds, permuted in each.
        null_layer: as null_model, every set with its number of neurons in each layer.
        null_layer_low, null_layer_high: its quantiles.
        excess_layer: value less null_layer.
        excess_layer_low, excess_layer_high: limits of its interval.
        p_layer: as p_model, within layers.
        null_unions: as null_layer, where the union of a group is moved as one.
        excess_unions: value less null_unions.
        p_unions: as p_model, for null_unions.
        p_tasks: Mantel test of the excess within layers against the relation, over task labels: same_family among
            pairs of one kind, same_kind among pairs of two families.
        value_halves: overlap of one half of the one side with the other half of the other, mean of both ways.
        ceiling: geometric mean of the overlaps of the two halves of each side.
        interval: which interval it is: t over seeds; of pairs in one seed t of the pseudo-values of leaving out one
            task, or one family for same_family; or why there is none.
        published: the value of Table 8 at this share.
        published_excess: the same less expected_model, rounded to one decimal as the table is.
        reason: why there are no numbers.
    """

    study: str
    model: str
    suite: str
    seed: int | Literal["mean"]
    estimator: str
    selection: str
    percent: Share
    scope: Scope
    group: str
    layer: Annotated[int | None, Column(low=0)] = None
    value: Overlap = None
    low: Points = None
    high: Points = None
    expected_model: Overlap = None
    null_model: Overlap = None
    null_model_low: Overlap = None
    null_model_high: Overlap = None
    excess_model: Points = None
    excess_model_low: Points = None
    excess_model_high: Points = None
    p_model: P = None
    null_layer: Overlap = None
    null_layer_low: Overlap = None
    null_layer_high: Overlap = None
    excess_layer: Points = None
    excess_layer_low: Points = None
    excess_layer_high: Points = None
    p_layer: P = None
    null_unions: Overlap = None
    excess_unions: Points = None
    p_unions: P = None
    p_tasks: P = None
    value_halves: Overlap = None
    ceiling: Overlap = None
    interval: Note = ""
    published: Overlap = None
    published_excess: Points = None
    reason: Note = ""


Value = Annotated[float | None, Column(unit="%, or nats for the loss", measured=True)]
Slope = Annotated[float | None, Column(unit="points, or nats for the loss, for ten points of overlap", measured=True)]


@dataclass(frozen=True)
class ControlledRow:
    """The mean score at one overlap that was set, beside the printed one (Tables 9 to 11).

    Attributes:
        suite, model: the run.
        estimator: the scores that ranked the neurons, on the pre-trained model.
        selection: ranked over the whole model or in each layer.
        table: of the paper: T9, T10 or T11; empty where it has none.
        trained: the kind of tasks that are trained on together.
        tested: the kind of the test tasks.
        percent: share of the neurons that is trained.
        members: whether the trained neurons inside the test task's set are those of its higher or of its lower scores.
        share: the true share of all neurons that is trained.
        overlap: share of the trained neurons that lie in the test task's set.
        learning_rate: the highest of the schedule; several are separated by commas.
        metric: accuracy, accuracy_restricted (among the options only), rougeL or loss.
        before: mean score of the untrained model.
        after: mean over test tasks, seeds and random choices of neurons.
        low, high: limits of its interval.
        interval: which one it is: over seeds, or below three seeds over the choices, which takes in the scatter of the
            choices about the mean of their test task and holds for these test tasks; or why there is none.
        choice_sd: that scatter, a standard deviation.
        change: after less before, paired by test task and seed; the loss is turned round, so that a positive value is
            an improvement.
        change_low, change_high: limits of its interval over seeds or, below three of them, over the test tasks.
        called: what this change of tasks that were not trained on is called: generalisation where the whole interval
            lies above 0, forgetting where it lies below.
        choices: random choices of neurons of each test task and seed, at least.
        tasks: test tasks.
        seeds: of the run.
        n: test examples of all test tasks.
        published: the printed value at the same trained share and overlap.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    table: str
    trained: Kind
    tested: Kind
    percent: Share
    members: Members
    share: Annotated[float, Column(unit="% of the neurons", low=0, high=100, measured=True)]
    overlap: Annotated[float, Column(unit="% of the trained neurons", low=0, high=100)]
    learning_rate: Note
    metric: str
    before: Value
    after: Value
    low: Value
    high: Value
    interval: Note
    choice_sd: Value
    change: Points
    change_low: Points
    change_high: Points
    called: Annotated[Called, Column(measured=True)]
    choices: Annotated[int, Column(unit="choices", low=1, measured=True)]
    tasks: Annotated[int, Column(unit="tasks", low=1, measured=True)]
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    n: Annotated[int, Column(unit="examples", low=0, measured=True)]
    published: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)]

    @property
    def order(self) -> tuple[Any, ...]:
        """What rows are sorted by."""
        kinds = KINDS.index(self.trained), KINDS.index(self.tested)
        setting = self.suite, self.model, self.estimator, self.selection
        return *setting, *kinds, self.metric, self.percent, self.members, self.overlap


@dataclass(frozen=True)
class TrendRow:
    """Whether the score goes with the overlap that was set.

    Attributes:
        suite, model, estimator, selection, table, trained, tested, percent, members, metric: as in the table of scores.
        slope: least-squares slope, every test task and seed with an intercept of its own. Every overlap has as many
            choices, so that all weigh the same. The loss is turned round, so that a positive slope is always an
            improvement.
        low, high: its limits over the random choices of neurons, for these test tasks.
        interval: which interval it is, or why there is none.
        tasks_low, tasks_high: its limits over seeds or, below three of them, over the test tasks, whose slopes are
            taken one by one, as if independent.
        tasks_interval: which of them it is, or why there is none.
        tasks_rising: test tasks with a positive slope.
        p_value: two-sided, by dealing the overlaps out anew among the models of a test task and seed.
        p_holm: adjusted over all kinds and trained shares of one model with the same metric, accuracy and ROUGE-L
            together.
        permutations: orders that make the null.
        exact: whether they are all there are.
        models: trained models.
        tasks: test tasks.
        seeds: of the run.
        published_slope: of the printed values at the same trained share.
        reason: why there is no slope or no interval.
    """

    suite: str
    model: str
    estimator: str
    selection: str
    table: str
    trained: Kind
    tested: Kind
    percent: Share
    members: Members
    metric: str
    slope: Slope
    low: Slope
    high: Slope
    interval: Note
    tasks_low: Slope
    tasks_high: Slope
    tasks_interval: Note
    tasks_rising: Annotated[int | None, Column(unit="tasks", low=0, measured=True)]
    p_value: P
    p_holm: P
    permutations: Annotated[int | None, Column(unit="orders", measured=True)]
    exact: Annotated[bool | None, Column(measured=True)]
    models: Annotated[int, Column(unit="models", low=0, measured=True)]
    tasks: Annotated[int, Column(unit="tasks", low=0, measured=True)]
    seeds: Annotated[int, Column(unit="seeds", low=0, measured=True)]
    published_slope: Slope
    reason: Note

    @property
    def order(self) -> tuple[Any, ...]:
        """What rows are sorted by."""
        kinds = KINDS.index(self.trained), KINDS.index(self.tested)
        return self.suite, self.model, self.estimator, self.selection, *kinds, self.metric, self.percent, self.members


PAIRS = Table(PairRow)
SUMMARY = Table(SummaryRow)
CONTROLLED = Table(ControlledRow, lambda row: row.order)
TREND = Table(TrendRow, lambda row: row.order)
TABLES: dict[str, Table[Any]] = {
    "overlap": PAIRS,
    "overlap_summary": SUMMARY,
    "overlap_controlled": TRAINED,
    "overlap_controlled_summary": CONTROLLED,
    "overlap_controlled_trend": TREND,
    "overlap_controlled_setting": SETTINGS,
}
