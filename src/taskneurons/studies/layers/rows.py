"""The rows of the tables of the layers study."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

MEAN: Literal["mean"] = "mean"
Role = Literal["base", "experimental", "held_out", "control"]
ROLES: tuple[Role, ...] = ("base", "experimental", "held_out", "control")
"""The pre-trained model, that of all tasks, that of the tasks which are not held out, that of one task alone."""
Scope = Literal["all", "seen", "unseen"]
SCOPES: tuple[tuple[Role, Scope], ...] = (("experimental", "all"), ("held_out", "seen"), ("held_out", "unseen"))
"""Which model is compared with the base, and on which tasks."""
CKA_METRICS = ("cka_unbiased", "cka_biased", "cka_standardised_unbiased", "cka_standardised_biased")
# Not taken from `measures.changepoint`, so that a change there does not compare all models again.
Verdict = Literal["transition", "drift", "unclear", "none"]
Group = Literal["shared", "transition", "refinement"]
GROUPS: tuple[Group, ...] = ("shared", "transition", "refinement")

Seed = Annotated[int, Column(low=0)]
Value = Annotated[float | None, Column(measured=True)]
Cka = Annotated[float, Column(measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]
Fraction = Annotated[float | None, Column(low=0, high=1, measured=True)]
Layer = Annotated[int | None, Column(unit="layer", low=0)]
Border = Annotated[int | None, Column(unit="layer", low=0, measured=True)]
Tasks = Annotated[int, Column(unit="tasks", low=0, measured=True)]
Families = Annotated[int, Column(unit="families", low=0, measured=True)]
Examples = Annotated[int | None, Column(unit="examples", low=0, measured=True)]
Fact = Annotated[str, Column(measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class ComparedRow:
    """One number of one model on the test prompts of one task.

    Attributes:
        study: layers.
        model, suite, seed: the run.
        task: whose prompts are read.
        family: of the task.
        held_out: whether the held-out model was not tuned on the task.
        layer: 0 enters the first transformer layer, l leaves the l-th; empty for scores.
        role: base, experimental (tuned on all tasks), held_out (tuned on some) or control (tuned on this task alone).
        metric: linear CKA of the role's hidden states with those of the control model: cka_unbiased, cka_biased,
            cka_standardised_unbiased, cka_standardised_biased (each feature divided by its deviation). Of one model
            alone: effective_rank, components (principal components that hold 99 % of the variance), or a score.
        value: CKA and ranks as they are, scores in percent, the loss in nats a token.
        low, high: 95 % limits of the unbiased CKA over examples, by the jackknife over blocks.
        null: mean over shuffled pairs of examples.
        null_high: their 95 % quantile.
        p: one-sided, of the shuffled pairs.
        n: test examples.
        dropped: of them left out, because a feature of theirs is not finite.
        reason: why there is no value or no interval.
    """

    study: str
    model: str
    suite: str
    seed: Seed
    task: str
    family: Fact
    held_out: Annotated[bool, Column(measured=True)]
    layer: Layer
    role: Role
    metric: str
    value: Value = None
    low: Value = None
    high: Value = None
    null: Value = None
    null_high: Value = None
    p: P = None
    n: Examples = None
    dropped: Examples = None
    reason: Note = ""


@dataclass(frozen=True)
class SummaryRow:
    """CKA of the base and of a tuned model with the control models, and the difference, over some tasks.

    Values are means over the seeds of a task, then over tasks.

    Attributes:
        study: layers.
        model, suite: the run.
        seeds: how many.
        role: the tuned model: experimental or held_out.
        scope: the tasks: all, or those that the held-out model saw (seen) or did not see (unseen).
        group: a family; empty for all tasks of the scope.
        layer: 0 enters the first transformer layer, l leaves the l-th; `mean` is the mean over the layers.
        metric: which CKA.
        tasks: with a value.
        base: CKA of the base with the control models.
        value: that of the tuned model.
        gain: value less base.
        gain_low, gain_high: limits of its interval.
        interval: which one it is, or why there is none.
        base_lowest, base_highest: over tasks, of the base.
        lowest, highest: over tasks, of the tuned model.
    """

    study: str
    model: str
    suite: str
    seeds: Annotated[int, Column(unit="seeds", low=1, measured=True)]
    role: Role
    scope: Scope
    group: str
    layer: Annotated[int | Literal["mean"], Column(unit="layer", low=0)]
    metric: str
    tasks: Tasks
    base: Cka
    value: Cka
    gain: Value
    gain_low: Value
    gain_high: Value
    interval: Note
    base_lowest: Cka
    base_highest: Cka
    lowest: Cka
    highest: Cka


@dataclass(frozen=True)
class MapRow:
    """The groups of layers: where tuning on many tasks begins to raise CKA above the base's, and where it is done.

    Attributes:
        study: layers.
        model, suite: the run.
        seed: a seed, or `mean` for the mean over the seeds.
        role, scope, metric: as in the summary.
        tasks: with a curve.
        families: whose mean curves were used; a family is one unit of every test.
        dropped: families left out, because a layer of theirs has no value.
        layers: of the curves.
        verdict: transition (groups of layers), drift (a rise without groups, where a border would have been seen),
            unclear (a rise, where a border might not have been seen) or none (no rise); empty where nothing could be
            tested.
        p_value: one-sided, of the test against no rise.
        p_border: one-sided, of the groups against every smooth monotone curve; empty without a rise.
        power: share of borders of this height and noise that this test would find; empty without a rise.
        explained: share of the variance over layers that the fitted ramp explains.
        shared_end: the last shared layer.
        shared_low, shared_high: its 95 % interval over resampled families.
        refinement_start: the first refinement layer.
        refinement_low, refinement_high: its 95 % interval.
        shared_level, refinement_level: fitted differences of CKA.
        support: share of the resampled sets of families that have these two layers.
        reason: why there is no verdict.
    """

    study: str
    model: str
    suite: str
    seed: Annotated[int | Literal["mean"], Column(low=0)]
    role: Role
    scope: Scope
    metric: str
    tasks: Tasks
    families: Families
    dropped: Families
    layers: Annotated[int, Column(unit="layers", low=0, measured=True)]
    verdict: Annotated[Verdict | None, Column(measured=True)] = None
    p_value: P = None
    p_border: P = None
    power: Fraction = None
    explained: Fraction = None
    shared_end: Border = None
    shared_low: Border = None
    shared_high: Border = None
    refinement_start: Border = None
    refinement_low: Border = None
    refinement_high: Border = None
    shared_level: Value = None
    refinement_level: Value = None
    support: Fraction = None
    reason: Note = ""


@dataclass(frozen=True)
class TransferRow:
    """What the control model of one task is and does on another task.

    Attributes:
        study: layers.
        model, suite, seed: the run.
        train_task: whose control model it is.
        test_task: whose prompts are read.
        layer: 0 enters the first transformer layer, l leaves the l-th; empty for scores.
        metric: cka_unbiased, of the hidden states of the two tasks' control models; or a score.
        value: CKA as it is, scores in percent, the loss in nats a token.
        n: test examples.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: Seed
    train_task: str
    test_task: str
    layer: Layer
    metric: str
    value: Value = None
    n: Examples = None
    reason: Note = ""


@dataclass(frozen=True)
class PairRow:
    """An ordered pair of tasks in one layer.

    Attributes:
        study: layers.
        model, suite, seed: the run.
        train_task: the first task s.
        test_task: the other task t, whose prompts are read.
        same_family: whether the two tasks are of one family.
        selection: of the neurons.
        layer: 0 enters the first transformer layer, and has no neurons; l leaves the l-th.
        jaccard: the Jaccard index of the two tasks' neurons in the experimental model.
        chance: what sets of these sizes share by chance.
        excess: jaccard less chance.
        cka: unbiased CKA of the two control models.
        transfer: score of the control model of s on t less that of the base; the same in every layer.
        transfer_loss: loss of the base on t less that of the control model of s.
    """

    study: str
    model: str
    suite: str
    seed: Seed
    train_task: str
    test_task: str
    same_family: Annotated[bool, Column(measured=True)]
    selection: str
    layer: Annotated[int, Column(unit="layer", low=0)]
    jaccard: Fraction = None
    chance: Fraction = None
    excess: Value = None
    cka: Value = None
    transfer: Annotated[float | None, Column(unit="points", measured=True)] = None
    transfer_loss: Annotated[float | None, Column(unit="nats a token", measured=True)] = None


@dataclass(frozen=True)
class JointRow:
    """A rank correlation over pairs of tasks, or the share of the task neurons that lies somewhere.

    Attributes:
        study: layers.
        model, suite, seed: the run.
        selection: of the neurons; empty where no neurons have a part in it.
        layer: in which it is; empty for a group of layers.
        measure: two columns of the table of pairs, such as `excess~cka`: `value` is Spearman's correlation over ordered
            pairs. Or neuron_share, group_share: `value` is the share of a task's neurons in a layer or a group of
            layers, mean over tasks.
        given: what is taken out of both first: nothing, whether the tasks are of one family, or that and the mean of
            each tested task.
        group: the group of layers in the map of all tasks; empty where there are none.
        value: a correlation, or percent.
        low, high: limits of the 95 % t interval over tasks, of shares.
        expected: share of the model's neurons that lies there, percent.
        p: two-sided, of the Mantel test, whose null moves whole tasks.
        p_holm: adjusted over the layers of a measure (Holm).
        tasks: how many.
        permutations: labellings of the tasks that make the null.
        reason: why there is no value or no interval.
    """

    study: str
    model: str
    suite: str
    seed: Seed
    selection: str
    layer: Layer = None
    measure: str = ""
    given: str = ""
    group: Group | Literal[""] = ""
    value: Value = None
    low: Value = None
    high: Value = None
    expected: Annotated[float | None, Column(unit="%", low=0, high=100, measured=True)] = None
    p: P = None
    p_holm: P = None
    tasks: Tasks = 0
    permutations: Annotated[int | None, Column(unit="labellings", low=1, measured=True)] = None
    reason: Note = ""


def _compared_order(row: ComparedRow) -> tuple[Any, ...]:
    """By run, task and metric, from layer to layer, roles in their order; scores stand before layers."""
    layer = -1 if row.layer is None else row.layer
    return row.suite, row.model, row.seed, row.task, row.metric, layer, ROLES.index(row.role)


COMPARED = Table(ComparedRow, _compared_order)
SUMMARY = Table(SummaryRow)
MAPS = Table(MapRow)
TRANSFER = Table(TransferRow)
PAIRS = Table(PairRow)
JOINT = Table(JointRow)
TABLES: dict[str, Table[Any]] = {
    "layers": COMPARED,
    "layers_summary": SUMMARY,
    "layers_map": MAPS,
    "layers_joint": JOINT,
}
