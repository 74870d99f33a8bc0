"""The rows of the tables of the similarity study."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.tasks import KINDS, Kind
from taskneurons.evidence.trained import TRAINED
from taskneurons.measures.crossed import Coefficient
from taskneurons.table import Column, Table

MEAN: Literal["mean"] = "mean"
State = Literal["tuned", "base"]
STATES: tuple[State, ...] = ("tuned", "base")
MEASURES = (
    "masked_cosine", "masked_cosine_residual", "mean_cosine", "mean_cosine_outside", "best_match", "best_match_outside",
    "best_match_excess", "jaccard",
)  # fmt: skip
"""Columns of `SimilarityRow` that are similarities."""
BESIDE = ("ochiai", "ochiai_chance")
"""The overlap that the masked cosine would be if all neurons had one norm, and what chance gives of it."""
Group = Kind | Literal["all"]
GROUPS: tuple[Group, ...] = ("all", *KINDS)
Part = Literal["mean", "middle - first", "last - middle"]
RISE: Part = "middle - first"
DROP: Part = "last - middle"
"""The claim of Figure 3 as two differences; the middle are all layers between the first and the last."""
Outcome = Literal["gain", "loss_gain"]
OUTCOMES: tuple[Outcome, ...] = ("gain", "loss_gain")
Percent = Annotated[float, Column(unit="% of the neurons", low=0, high=100)]
Similarity = Annotated[float | None, Column(measured=True)]
Neurons = Annotated[int, Column(unit="neurons", low=0, measured=True)]
Share = Annotated[float | None, Column(low=0, high=1, measured=True)]
# The value of a pooled test may pass 1 by rounding, so it has no limits.
R = Annotated[float | None, Column(low=-1, high=1, measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class Compared:
    """The neurons of two tasks in one layer of one model, their overlap and how alike their parameters are.

    Attributes:
        study: similarity.
        model, suite, seed: the run.
        estimator: the scores that ranked the neurons, on the pre-trained model.
        selection: ranked over the whole model or in each layer.
        percent: share of the neurons that is a task's.
        state: tuned: the model that was tuned as a whole on the training task; base: the pre-trained model, which says
            how much of a similarity tuning made.
        train_task: the task that the model was tuned on.
        test_task: the other task.
        layer: from 0.
        first, second: neurons of the training task and of the test task in this layer.
        shared: neurons that both have.
        jaccard: the Jaccard index of the two sets.
        ochiai: shared / sqrt(first second), the masked cosine of neurons of equal norm.
        ochiai_chance: its mean over random sets of these sizes in the layer.
        masked_cosine: cosine of the parameters of the layer, zero outside the one and the other set; the paper's.
        mean_cosine: cosine of the mean vectors of the two sets.
        mean_cosine_outside: the same without the shared neurons.
        best_match: for every neuron of one set the largest cosine to a neuron of the other, mean of both ways.
        best_match_outside: the same without the shared neurons.
        best_match_chance: its mean over random partners.
    """

    study: str
    model: str
    suite: str
    seed: int
    estimator: str
    selection: str
    percent: Percent
    state: State
    train_task: str
    test_task: str
    layer: Annotated[int, Column(low=0)]
    first: Neurons
    second: Neurons
    shared: Neurons
    jaccard: Share
    ochiai: Similarity
    ochiai_chance: Similarity
    masked_cosine: Similarity
    mean_cosine: Similarity
    mean_cosine_outside: Similarity
    best_match: Similarity
    best_match_outside: Similarity
    best_match_chance: Similarity

    @property
    def order(self) -> tuple[Any, ...]:
        """What rows are sorted by."""
        return self.suite, self.model, self.seed, self.state, self.train_task, self.test_task, self.layer


@dataclass(frozen=True)
class CellRow(Compared):
    """A comparison as it is measured.

    Attributes:
        reason: why a similarity has no value.
    """

    reason: Note


@dataclass(frozen=True)
class SimilarityRow(Compared):
    """A comparison beside what its overlap and chance explain.

    Attributes:
        masked_cosine_residual: what a straight line over the Ochiai coefficient leaves of the masked cosine, over all
            comparisons and layers of one run and state.
        best_match_excess: best_match_outside less its chance.
        reason: why a similarity has no value.
    """

    masked_cosine_residual: Similarity
    best_match_excess: Similarity
    reason: Note


@dataclass(frozen=True)
class LayerRow:
    """A mean similarity in one layer, or a difference between layers (Figure 3).

    Means are over the pairs of tasks that have a value, first within each model, then over models, then over seeds.

    Attributes:
        study: similarity.
        model, suite: the run.
        seeds: of the run.
        estimator, selection, percent, state: as in the table of comparisons.
        trained: the kind of the training tasks whose models are averaged, or all.
        tested: the kind of the test tasks, or all.
        layer: a layer from 0; `mean` over all layers; `middle - first` and `last - middle`, the differences that the
            paper's Figure 3 claims to be positive and negative.
        measure: the column of the table of comparisons.
        models: models with a value.
        pairs: pairs of tasks with a value, one in each layer and seed.
        value: the mean, or the difference of two means.
        low, high: limits of its t interval.
        interval: over seeds or, with fewer than three, over models; or why there is none.
        lowest, highest: of the models.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    estimator: str
    selection: str
    percent: Percent
    state: State
    trained: Group
    tested: Group
    layer: int | Part
    measure: str
    models: Annotated[int, Column(unit="models", low=0, measured=True)]
    pairs: Annotated[int, Column(unit="pairs", low=0, measured=True)]
    value: Similarity = None
    low: Similarity = None
    high: Similarity = None
    interval: Note = ""
    lowest: Similarity = None
    highest: Similarity = None
    reason: Note = ""


@dataclass(frozen=True)
class CorrelationRow:
    """Correlation of a similarity with what a model gains on the test task (Table 4).

    Attributes:
        study: similarity.
        model, suite: the run.
        seed: a seed, or `mean`: the mean similarities over seeds with the mean gains.
        estimator, selection, percent, state: as in the table of comparisons.
        scope: test_task: points are the models, for one test task; pooled: points are all pairs of a training and a
            test task, similarities and gains ranked within each test task.
        group: the test task, or all.
        measure: the column of the table of comparisons.
        outcome: gain: accuracy or ROUGE-L above the untuned model; loss_gain: the loss of the untuned model less that
            of the tuned one.
        layers: mean over layers; or the layer that correlates most, which is chosen by the result: its p-value counts
            the choice, and it has no interval.
        coefficient: pearson, spearman, or spearman within test tasks.
        given: what is taken out of both first: whether the two tasks are of one kind, of one family; each task's mean.
        n: points.
        value: the coefficient.
        low, high: limits of its 95 % interval by Fisher's z.
        p_value: two-sided, by permutation; exact up to seven models. Pooled: the labels of training and of test tasks
            are permuted, and each p-value stands by itself: it is not adjusted for the other rows.
        p_holm: adjusted over the test tasks of one measure, outcome and coefficient.
        permutations: orders that make the null.
        exact: whether they are all there are.
        published_task: the paper's task that the test task mirrors.
        published: its printed coefficient.
        published_p: its printed p-value.
        published_low, published_high: the interval that the paper's six points give.
        published_p_exact: the p-value that six points give.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int | Literal["mean"]
    estimator: str
    selection: str
    percent: Percent
    state: State
    scope: Literal["test_task", "pooled"]
    group: str
    measure: str
    outcome: Outcome
    layers: str
    coefficient: Coefficient | Literal["spearman within test tasks"]
    given: str
    n: Annotated[int, Column(unit="points", low=0, measured=True)]
    value: Similarity = None
    low: R = None
    high: R = None
    p_value: Share = None
    p_holm: Share = None
    permutations: Annotated[int | None, Column(unit="orders", measured=True)] = None
    exact: Annotated[bool, Column(measured=True)] = False
    published_task: Note = ""
    published: R = None
    published_p: Share = None
    published_low: R = None
    published_high: R = None
    published_p_exact: Share = None
    reason: Note = ""


CELLS = Table(CellRow, lambda row: row.order)
SIMILARITIES = Table(SimilarityRow, lambda row: row.order)
LAYERS = Table(LayerRow)
CORRELATIONS = Table(CorrelationRow)
TABLES: dict[str, Table[Any]] = {
    "similarity": SIMILARITIES,
    "similarity_transfer": TRAINED,
    "similarity_layers": LAYERS,
    "similarity_correlation": CORRELATIONS,
}
