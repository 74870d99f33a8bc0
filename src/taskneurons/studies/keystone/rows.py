"""The rows of the tables of keystone neurons.

An effect is positive where deactivation hurts: deactivated - original for the loss, original - deactivated for scores.
"""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.evidence.tasks import Kind
from taskneurons.table import Column, Table

Condition = Literal[
    "original", "random", "keystone", "top", "top_less_keystone", "top_less_others", "contrast", "signed"
]
CONDITIONS: tuple[Condition, ...] = (
    "original", "random", "keystone", "top", "top_less_keystone", "top_less_others", "contrast", "signed",
)  # fmt: skip
"""The order of rows and of legends."""
OF_NO_TASK: tuple[Condition, ...] = ("original", "random", "keystone")
Seed = Annotated[int, Column(low=0)]
Percent = Annotated[int | float, Column(unit="% of the neurons", low=0, high=100)]
Effect = Annotated[float | None, Column(unit="points, or nats a token for the loss", measured=True)]
Rise = Annotated[float | None, Column(unit="% of the loss", measured=True)]
Mean = Annotated[float | None, Column(unit="neurons", measured=True)]
Ratio = Annotated[float | None, Column(measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class MeasuredRow:
    """One task under one set of deactivated neurons.

    Attributes:
        study: keystone.
        model, suite, seed: the run.
        test_task: the task that is tested.
        kind: of that task.
        condition: original; or the set: random, keystone, or how the set of a task is made (top, top_less_keystone,
            top_less_others, contrast, signed).
        train_task: the task whose set it is: the tested one, or another one; empty for original, random and keystone.
        percent: share of a top of which the set is made; empty for original.
        draw: number of a random set.
        metric: accuracy, accuracy_restricted, rougeL or loss.
        value: percent; of the loss, nats a token.
        n: test examples.
        neurons: in the set.
        neutral: loss on neutral text, nats a token.
        neutral_rise: of that loss over the untouched model.
    """

    study: str
    model: str
    suite: str
    seed: Seed
    test_task: str
    kind: Kind
    condition: Condition
    train_task: str | None
    percent: Annotated[int | float | None, Column(unit="% of the neurons", low=0, high=100)]
    draw: Annotated[int | None, Column(low=0)]
    metric: str
    value: Annotated[float, Column(unit="%, or nats a token for the loss", measured=True)]
    n: Annotated[int, Column(unit="examples", low=1, measured=True)]
    neurons: Annotated[int, Column(unit="neurons", low=0, measured=True)]
    neutral: Annotated[float, Column(unit="nats a token", measured=True)]
    neutral_rise: Annotated[float, Column(unit="% of the loss", measured=True)]


@dataclass(frozen=True)
class SummaryRow:
    """The mean effect of a kind of set over tasks and seeds, and what of it is the task's own.

    Attributes:
        model, suite: the run.
        condition: the set; see the table of measured values.
        percent: share of a top of which the set is made.
        metric: loss; accuracy_restricted of classifications; score, which is accuracy or ROUGE-L by the task's kind.
        tasks: over which means and intervals are.
        neurons: mean size of the sets.
        value: mean effect; of the sets of tasks, that of the tested task's own set.
        low, high: limits of its interval.
        other: mean effect of another task's set of the same making; empty for random and keystone.
        difference: value less other, paired by task and seed.
        difference_low, difference_high: limits of its interval.
        neutral_rise: mean rise of the loss on neutral text without these sets.
        neutral_worst: the largest rise of one of these sets, of tasks and seeds.
        healthy: whether that is within the bound that the parameters set.
        headline: whether the difference is the largest of this metric among the healthy rows of the run.
        interval: `95 % t` over seeds; below three seeds over tasks, as if they were independent; or why there is none.
    """

    model: str
    suite: str
    condition: Condition
    percent: Percent
    metric: str
    tasks: Annotated[int, Column(unit="tasks", low=1, measured=True)]
    neurons: Mean
    value: Effect
    low: Effect
    high: Effect
    other: Effect
    difference: Effect
    difference_low: Effect
    difference_high: Effect
    neutral_rise: Rise
    neutral_worst: Rise
    healthy: Annotated[bool, Column(measured=True)]
    headline: Annotated[bool, Column(measured=True)]
    interval: Note


@dataclass(frozen=True)
class OverlapRow:
    """What the tops of two tasks share, with and without the keystone neurons (after Leng & Xiong 2025, Table 8).

    Attributes:
        model, suite, seed: the run.
        percent: share of a top.
        sets: top, or top_less_keystone.
        pairs: of which tasks: sibling (of one family), same_kind (of another family of the kind), other_kind.
        n: pairs of tasks.
        jaccard: mean Jaccard index (Eq. 13).
        chance: mean of what sets with these numbers of neurons in each layer share by chance: the index of the expected
            numbers. Sets without keystone neurons are drawn from the other neurons.
        excess: jaccard less chance.
        low, high: limits of its interval.
        interval: `95 % jackknife over tasks`, or why there is none.
    """

    model: str
    suite: str
    seed: Seed
    percent: Percent
    sets: Literal["top", "top_less_keystone"]
    pairs: Literal["sibling", "same_kind", "other_kind"]
    n: Annotated[int, Column(unit="pairs", low=1, measured=True)]
    jaccard: Ratio
    chance: Ratio
    excess: Ratio
    low: Ratio
    high: Ratio
    interval: Note


@dataclass(frozen=True)
class LayerRow:
    """Where keystone neurons lie.

    Attributes:
        model, suite, seed: the run.
        percent: share of a top.
        layer: from 0.
        width: neurons of the layer.
        keystone: keystone neurons of the layer.
        top_less_keystone: the other neurons of a task's top there, mean over tasks.
    """

    model: str
    suite: str
    seed: Seed
    percent: Percent
    layer: Annotated[int, Column(low=0)]
    width: Annotated[int, Column(unit="neurons", low=1, measured=True)]
    keystone: Annotated[int, Column(unit="neurons", low=0, measured=True)]
    top_less_keystone: Mean


@dataclass(frozen=True)
class ActivationRow:
    """Whether neurons are the massive ones: their places by mean |activation| among all neurons of the model.

    The activation of a neuron is its mean absolute value over the scored tokens of each task and of neutral text, and
    then over these.

    Attributes:
        model, suite, seed: the run.
        percent: share of a top.
        sets: keystone, or top_less_keystone: the other neurons of the tops, all tasks together.
        neurons: in the set.
        among_largest: share of the set that lies among the 0.1 % of the model's neurons with the largest activations.
        among_large: the same of the largest 1 %.
        median_rank: median place of the set's members, as a share of all neurons; 0: the largest, 50: as any neuron.
        median_ratio: median activation of the set's members over the median of all neurons.
    """

    model: str
    suite: str
    seed: Seed
    percent: Percent
    sets: Literal["keystone", "top_less_keystone"]
    neurons: Annotated[int, Column(unit="neurons", low=0, measured=True)]
    among_largest: Annotated[float | None, Column(unit="% of the set", low=0, high=100, measured=True)]
    among_large: Annotated[float | None, Column(unit="% of the set", low=0, high=100, measured=True)]
    median_rank: Annotated[float | None, Column(unit="% of the neurons", low=0, high=100, measured=True)]
    median_ratio: Ratio


@dataclass(frozen=True)
class MemberRow:
    """A keystone neuron of the largest share.

    Attributes:
        model, suite, seed: the run.
        place: from 1, by the worst rank.
        layer, neuron: from 0.
        worst_rank: its worst place by the score, over all tasks and neutral text, from 1, among all neurons of the
            model.
        activation: mean absolute activation.
        activation_rank: its place by that among all neurons of the model, from 1.
        activation_ratio: its activation over the median of all neurons.
    """

    model: str
    suite: str
    seed: Seed
    place: Annotated[int, Column(low=1)]
    layer: Annotated[int, Column(low=0, measured=True)]
    neuron: Annotated[int, Column(low=0, measured=True)]
    worst_rank: Annotated[int, Column(low=1, measured=True)]
    activation: Annotated[float, Column(low=0, measured=True)]
    activation_rank: Annotated[int, Column(low=1, measured=True)]
    activation_ratio: Ratio


def share(percent: float) -> int | float:
    """A share as it stands in tables: a whole number stays one."""
    return int(percent) if float(percent).is_integer() else percent


def _place(row: MeasuredRow) -> tuple[object, ...]:
    own = row.train_task == row.test_task
    return (
        row.suite, row.model, row.seed, row.test_task, row.percent or 0, CONDITIONS.index(row.condition), not own,
        row.draw or 0, row.metric,
    )  # fmt: skip


MEASURED = Table(MeasuredRow, order=_place)
SUMMARY = Table(SummaryRow)
OVERLAP = Table(OverlapRow)
LAYERS = Table(LayerRow)
ACTIVATION = Table(ActivationRow)
MEMBERS = Table(MemberRow)
TABLES: dict[str, Table[Any]] = {
    "keystone": MEASURED,
    "keystone_summary": SUMMARY,
    "keystone_overlap": OVERLAP,
    "keystone_layers": LAYERS,
    "keystone_activation": ACTIVATION,
    "keystone_members": MEMBERS,
}
