"""The rows of the tables of scale."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

Measure = Literal[
    "own",
    "own_less_sibling",
    "own_less_other_family",
    "own_less_random",
    "own_share",
    "own_points",
    "own_less_sibling_points",
    "own_less_other_family_points",
    "own_less_random_points",
    "half_share",
    "gini",
    "keystone_share",
    "overlap_sibling",
    "overlap_other_family",
    "overlap_other_kind",
    "transfer_sibling",
    "transfer_other_family",
    "transfer_sibling_points",
    "transfer_other_family_points",
]
"""What is compared over models.

- own: rise of the loss of a task without its own top neurons, nats a token.
- own_less_sibling, own_less_other_family, own_less_random: what it rises by beyond the rise without the top of another
  task of its family, of another family of its kind, or without as many random neurons of the same layers.
- own_share: own_less_other_family as a part of own, %: what of the damage is the task's own.
- own_points and the three after it: the same in points of accuracy or ROUGE-L.
- half_share: smallest share of the neurons that hold half of the sum of a task's scores, %.
- gini: Gini coefficient of a task's scores.
- keystone_share: share of a task's top that is in the top of every task, %.
- overlap_sibling, overlap_other_family, overlap_other_kind: Jaccard index of the tops of two tasks less chance.
- transfer_sibling, transfer_other_family: fall of the loss of a task, nats a token, when the whole pre-trained model is
  trained on another task of its family, or of another family of its kind.
- transfer_sibling_points, transfer_other_family_points: the rise of its accuracy or ROUGE-L, points.
"""
MEASURES: tuple[Measure, ...] = (
    "own", "own_less_sibling", "own_less_other_family", "own_less_random", "own_share", "own_points",
    "own_less_sibling_points", "own_less_other_family_points", "own_less_random_points", "half_share", "gini",
    "keystone_share", "overlap_sibling", "overlap_other_family", "overlap_other_kind", "transfer_sibling",
    "transfer_other_family", "transfer_sibling_points", "transfer_other_family_points",
)  # fmt: skip
RANGES: dict[Measure, tuple[float, float]] = {
    "own_share": (-float("inf"), 100),
    "own_points": (-100, 100),
    "own_less_sibling_points": (-100, 100),
    "own_less_other_family_points": (-100, 100),
    "own_less_random_points": (-100, 100),
    "half_share": (0, 50),
    "gini": (0, 1),
    "keystone_share": (0, 100),
    "overlap_sibling": (-1, 1),
    "overlap_other_family": (-1, 1),
    "overlap_other_kind": (-1, 1),
    "transfer_sibling_points": (-100, 100),
    "transfer_other_family_points": (-100, 100),
}
"""The possible values of a measure, where there are limits."""
Percent = Annotated[int | float | None, Column(unit="% of the neurons", low=0, high=100)]
Seed = Annotated[int, Column(low=0)]
Value = Annotated[float | None, Column(unit="as the measure", measured=True)]
Parameters = Annotated[float, Column(unit="parameters", low=0, measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class ModelRow:
    """A model of a run, and whether it has learned its tasks.

    Attributes:
        suite, model, seed: the run.
        architecture: as its configuration names it.
        parameters: their number, embeddings included.
        layers: transformer layers.
        neurons: FFN neurons of all layers.
        score: mean over tasks of accuracy or ROUGE-L, by the kind of the task.
        lowest: the lowest score of a task.
        learned: whether the mean is at least what the parameters ask; else the model decides nothing.
    """

    suite: str
    model: str
    seed: Seed
    architecture: Annotated[str, Column(measured=True)]
    parameters: Annotated[int, Column(unit="parameters", low=1, measured=True)]
    layers: Annotated[int, Column(unit="layers", low=1, measured=True)]
    neurons: Annotated[int, Column(unit="neurons", low=1, measured=True)]
    score: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)] = None
    lowest: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)] = None
    learned: Annotated[bool, Column(measured=True)] = False


@dataclass(frozen=True)
class MeasureRow:
    """One measure of one model, mean over its tasks or pairs of tasks.

    Attributes:
        suite, model, seed: the run.
        measure: what was measured.
        percent: share of the neurons in a top; empty where there is none.
        value: of the measure; empty where it has none.
    """

    suite: str
    model: str
    seed: Seed
    measure: Measure
    percent: Percent
    value: Value


@dataclass(frozen=True)
class SummaryRow:
    """One measure of one model, mean over the seeds in which it has learned its tasks.

    Attributes:
        suite, model: the run.
        architecture: as its configuration names it.
        parameters: mean number over seeds.
        measure: what was measured.
        percent: share of the neurons in a top; empty where there is none.
        seeds: in which the model has learned its tasks, and the measure has a value.
        of: all seeds of the run.
        value: mean over these seeds.
        low, high: limits of its interval.
        interval: `95 % t`, or why there is none.
    """

    suite: str
    model: str
    architecture: Annotated[str, Column(measured=True)]
    parameters: Parameters
    measure: Measure
    percent: Percent
    seeds: Annotated[int, Column(unit="seeds", low=0, measured=True)]
    of: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    value: Value
    low: Value
    high: Value
    interval: Note


@dataclass(frozen=True)
class TrendRow:
    """How a measure goes with the decimal logarithm of the number of parameters, over models of one architecture.

    A point is the mean of a model over its seeds; models that have not learned their tasks are left out.

    Attributes:
        suite: of the runs.
        measure: what was measured.
        percent: share of the neurons in a top; empty where there is none.
        models: through which the line goes.
        smallest, largest: numbers of parameters of the smallest and the largest one.
        slope: of the line.
        low, high: limits of its 95 % interval (Student's, two degrees of freedom less than models).
        curvature_p: two-sided p of a bend, Student's test of a square beside the line; where it is small, the line is
            not what the measure follows, and its prediction is worth nothing.
        fitted: value of the line at the largest model.
        predicted_parameters: the size that is predicted for.
        decades: from the largest model to that size, in factors of ten.
        predicted: value of the line there.
        predicted_low, predicted_high: limits of the 95 % prediction interval for one more model, if the line goes on.
        possible: whether the prediction lies within the possible values of the measure.
        note: why there is no trend; empty where there is one.
    """

    suite: str
    measure: Measure
    percent: Percent
    models: Annotated[int, Column(unit="models", low=0, measured=True)]
    smallest: Annotated[float | None, Column(unit="parameters", low=0, measured=True)] = None
    largest: Annotated[float | None, Column(unit="parameters", low=0, measured=True)] = None
    slope: Annotated[float | None, Column(unit="as the measure, a decade of parameters", measured=True)] = None
    low: Annotated[float | None, Column(unit="as the measure, a decade of parameters", measured=True)] = None
    high: Annotated[float | None, Column(unit="as the measure, a decade of parameters", measured=True)] = None
    curvature_p: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    fitted: Value = None
    predicted_parameters: Annotated[float | None, Column(unit="parameters", low=0, measured=True)] = None
    decades: Annotated[float | None, Column(unit="decades", measured=True)] = None
    predicted: Value = None
    predicted_low: Value = None
    predicted_high: Value = None
    possible: Annotated[bool | None, Column(measured=True)] = None
    note: Note = ""


def _place(row: MeasureRow | SummaryRow) -> tuple[object, ...]:
    return row.suite, row.model, getattr(row, "seed", 0), MEASURES.index(row.measure), row.percent or 0


MODELS = Table(ModelRow, order=lambda row: (row.suite, row.parameters, row.model, row.seed))
MEASURED = Table(MeasureRow, order=_place)
SUMMARY = Table(SummaryRow, order=_place)
TREND = Table(TrendRow, order=lambda row: (row.suite, MEASURES.index(row.measure), row.percent or 0))
TABLES: dict[str, Table[Any]] = {
    "scaling_summary": SUMMARY,
    "scaling_trend": TREND,
    "scaling_models": MODELS,
    "scaling": MEASURED,
}
