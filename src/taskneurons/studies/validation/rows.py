"""The rows of the tables of the planted neurons."""

from dataclasses import dataclass
from typing import Annotated, Any, Literal

from taskneurons.table import Column, Table

Kind = Literal["keystone", "top", "random"]
Value = Annotated[float | None, Column(measured=True)]
Nats = Annotated[float, Column(unit="nats an example", measured=True)]
MaybeNats = Annotated[float | None, Column(unit="nats an example", measured=True)]
Note = Annotated[str, Column(measured=True)]


@dataclass(frozen=True)
class ProofRow:
    """One thing that a planted model must show.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        check: `learned`, the accuracy of the whole model; `broken`, without the neurons of the skill; `spared`, what
            other skills lose then; `suffices`, without all neurons that carry none of the task's skills; `idle`, what
            all tasks lose without the neurons that carry nothing; `members`, neurons of the skill that are needed one
            by one; `others`, neurons that are needed one by one for a skill that they do not carry; `parts`, the rise
            of the loss without all neurons of the skill over the sum of the rises without each, which nothing is asked
            of.
        of: the skill or the task; empty where it is all of them.
        value: percent, points of accuracy, or for `parts` a ratio.
        limit: that it is compared with; empty where nothing is asked.
        holds: whether the value is within its limit; true where nothing is asked.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int
    check: str
    of: str
    value: Value = None
    limit: Value = None
    holds: Annotated[bool, Column(measured=True)] = True
    reason: Note = ""


@dataclass(frozen=True)
class RankedRow:
    """How well one estimator ranks the neurons of one task, by what is known of them.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        estimator: of the scores.
        task: whose neurons are looked for.
        measure: auroc, average_precision, precision (among as many neurons as there are positives), or the rank
            correlation with exact ablation over all neurons: exact_signed, exact_absolute; for `signed` also slope,
            what a rise of the loss is per nat that is said (least squares through 0 over all neurons).
        positives: own, family or common: neurons that carry this skill of the task; member: of all three; empty for
            correlations.
        negatives: others, all that are no positives; or non_members, those that carry no skill of the task.
        value: in [0, 1], or a correlation.
        tied: neurons whose scores tie at the cut of the precision, which is then its mean over their orders.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int
    estimator: str
    task: str
    measure: str
    positives: str = ""
    negatives: str = ""
    value: Value = None
    tied: Annotated[int, Column(unit="neurons", measured=True)] = 0
    reason: Note = ""


@dataclass(frozen=True)
class AgreementRow:
    """How well one estimator ranks the neurons of one task from few examples, and how far two draws of them agree.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        estimator: of the scores.
        task: whose neurons are looked for.
        examples: that are scored in each of two draws that share none.
        measure: auroc, own neurons against all others, mean of the draws; spearman, of the scores of both draws;
            jaccard, of the sets that they choose, of as many neurons as carry the own skill of the task.
        value: in [0, 1], or a correlation.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int
    estimator: str
    task: str
    examples: int
    measure: str
    value: Value = None
    reason: Note = ""


@dataclass(frozen=True)
class DropRow:
    """What one task loses without a set of neurons that was chosen for another task, or for itself.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        state: planted; shuffled, when scores were made with the answers dealt anew to the prompts of each task;
            untrained, the same model with its random weights.
        sets: the estimator of the set, or what else chose it.
        train_task: whose set it is.
        test_task: that is tested.
        value: rise of its mean loss, nats an example.
        neurons: of the set.
    """

    study: str
    model: str
    suite: str
    seed: int
    state: str
    sets: str
    train_task: str
    test_task: str
    value: Nats
    neurons: Annotated[int, Column(unit="neurons", measured=True)]


@dataclass(frozen=True)
class SummaryRow:
    """A mean over tasks of what `RankedRow` holds, or over seeds of such means.

    Attributes:
        study: validation.
        model, suite: the run.
        seed: a seed, or `all` for the mean over the seeds whose plant passed its proof.
        estimator: of the scores. Those of the product: taylor and its ways of summing, activation,
            integrated_gradients, contrast, entropy. Others: signed (gradient times activation without the absolute
            value, positive where removal hurts), signed_contrast (less the mean of the other tasks), signed_less_others
            and taylor_less_others (less the largest of the other tasks), conductance and internal_influence (of captum,
            along the path of the input), wanda (outgoing weights times norm of the activation), lape (how often the
            neuron is active, where few tasks have that), random. For comparison exact_signed, exact_absolute and
            exact_contrast: each neuron ablated alone.
        backward: backward passes over each example; exact scores have none, and a forward pass for each neuron.
        measure: see `RankedRow`.
        positives, negatives: see `RankedRow`.
        value: the mean.
        low, high: limits of the interval.
        lead: the value less that of taylor, the paper's score, in the same seeds.
        lead_low, lead_high: limits of its paired t interval.
        seeds: how many are behind the mean.
        tied: rows behind it in which scores tie at the cut.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
    """

    study: str
    model: str
    suite: str
    seed: int | Literal["all"]
    estimator: str
    backward: int
    measure: str
    positives: str
    negatives: str
    value: Value = None
    low: Value = None
    high: Value = None
    lead: Value = None
    lead_low: Value = None
    lead_high: Value = None
    seeds: Annotated[int | None, Column(unit="seeds", measured=True)] = None
    tied: Annotated[int, Column(unit="rows", measured=True)] = 0
    interval: Note = ""
    reason: Note = ""


@dataclass(frozen=True)
class SpecificityRow:
    """The specificity index of one way to choose sets of neurons.

    Attributes:
        study: validation.
        model, suite: the run.
        seed: a seed, or `all` for the mean over the seeds whose plant passed its proof, with a t interval.
        state: planted, shuffled or untrained, see `DropRow`.
        sets: the estimator; plant, the neurons that carry the task's own skill; members, those of all its skills;
            own_less_others, its top neurons by taylor, as many as its members, less those of any other task; bottom,
            its lowest by taylor; random_layer, random_magnitude and random_norm, random sets like the plant in layers,
            and in activations or in outgoing weights too.
        index: 1 where only the own task loses, 0 where it does not matter whose neurons are taken out; empty where the
            losses together are below the floor, since a ratio of nearly nothing may be anything.
        low, high: limits of its interval.
        difference: own less others.
        difference_low, difference_high: limits of its interval.
        of_plant: the difference over that of the planted neurons themselves in the same seed: 1 on the plant, 0 where
            nothing is special, also where the index is empty. Above 1 where a set also holds neurons of the family or
            common ones, which cost the own task more than the mean of the others.
        p: one-sided, of the difference under the permutation of whose neurons were taken out; not adjusted for the
            other rows.
        own: what tasks lose without their own set, mean.
        others: what tasks lose without another task's set, mean.
        neurons: of a set, mean.
        seeds: how many are behind the mean.
        interval: which interval stands beside the difference and the index.
        reason: why there is no index or no interval.
    """

    study: str
    model: str
    suite: str
    seed: int | Literal["all"]
    state: str
    sets: str
    index: Annotated[float | None, Column(low=-1, high=1, measured=True)] = None
    low: Value = None
    high: Value = None
    difference: MaybeNats = None
    difference_low: MaybeNats = None
    difference_high: MaybeNats = None
    of_plant: Value = None
    p: Annotated[float | None, Column(low=0, high=1, measured=True)] = None
    own: MaybeNats = None
    others: MaybeNats = None
    neurons: Annotated[float | None, Column(unit="neurons", measured=True)] = None
    seeds: Annotated[int | None, Column(unit="seeds", measured=True)] = None
    interval: Note = ""
    reason: Note = ""


@dataclass(frozen=True)
class StabilityRow:
    """A mean over tasks of what `AgreementRow` holds, or over seeds of such means.

    Attributes:
        study: validation.
        model, suite: the run.
        seed: a seed, or `all` for the mean over the seeds whose plant passed its proof.
        estimator: of the scores, see `SummaryRow`.
        examples: of a task that are scored in each of two draws.
        measure: auroc, spearman or jaccard, see `AgreementRow`.
        value: the mean.
        low, high: limits of the interval.
        seeds: how many are behind the mean.
        interval: which interval stands beside the value.
        reason: why there is no value or no interval.
    """

    study: str
    model: str
    suite: str
    seed: int | Literal["all"]
    estimator: str
    examples: int
    measure: str
    value: Value = None
    low: Value = None
    high: Value = None
    seeds: Annotated[int | None, Column(unit="seeds", measured=True)] = None
    interval: Note = ""
    reason: Note = ""


@dataclass(frozen=True)
class SampledRow:
    """One neuron of a sample, ablated alone on test examples of one task.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        task: that is tested.
        kind: keystone, among those whose lowest score over the tasks is highest; top, among the highest of the task
            besides; random, any other.
        layer, neuron: where it is.
        scored: its score by Eq. 3 on training examples, a mean over examples.
        absolute: the same on the test examples.
        signed: the rise of the loss without the neuron to first order, mean of the test examples.
        exact_absolute: change of the loss without the neuron, mean over the test examples of its absolute value.
        exact_signed: mean of the change.
        examples: test examples.
    """

    study: str
    model: str
    suite: str
    seed: int
    task: str
    kind: Kind
    layer: int
    neuron: int
    scored: Nats
    absolute: Nats
    signed: Nats
    exact_absolute: Nats
    exact_signed: Nats
    examples: Annotated[int, Column(unit="examples", measured=True)]


@dataclass(frozen=True)
class TogetherRow:
    """All neurons of one kind of a sample, ablated together on test examples of one task.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        task: that is tested.
        kind: see `SampledRow`.
        together: change of the loss without all of them, mean over the test examples.
        neurons: how many.
    """

    study: str
    model: str
    suite: str
    seed: int
    task: str
    kind: Kind
    together: Nats
    neurons: Annotated[int, Column(unit="neurons", measured=True)]


@dataclass(frozen=True)
class OracleRow:
    """How far what is computed without ablation agrees with exact ablation, in a sample of neurons.

    Attributes:
        study: validation.
        model, suite, seed: the run.
        task: that is tested.
        kind: see `SampledRow`; all: the three kinds together, each with as many neurons.
        measure: absolute, Spearman's correlation of Eq. 3 with the exact absolute change, on the same examples; scored,
            the same of Eq. 3 on training examples; signed, Spearman's correlation of the first order with the exact
            change; same_sign, the share of neurons in which these agree in sign; slope, the exact change a nat that
            the first order says (least squares through 0); parts, the exact changes of the neurons alone summed; first,
            those of the first order; together, the change without all of them at once.
        value: a correlation, a share, a ratio, or nats an example.
        low, high: limits of its interval.
        neurons: behind it.
        interval: which interval stands beside the value.
        reason: why there is no value.
    """

    study: str
    model: str
    suite: str
    seed: int
    task: str
    kind: Kind | Literal["all"]
    measure: str
    value: Value = None
    low: Value = None
    high: Value = None
    neurons: Annotated[int | None, Column(unit="neurons", measured=True)] = None
    interval: Note = ""
    reason: Note = ""


PROOF = Table(ProofRow)
SAMPLED = Table(SampledRow)
TOGETHER = Table(TogetherRow)
ORACLE = Table(OracleRow)
RANKED = Table(RankedRow)
DROPS = Table(DropRow)
AGREEMENT = Table(AgreementRow)
SUMMARY = Table(SummaryRow)
SPECIFICITY = Table(SpecificityRow)
STABILITY = Table(StabilityRow)
TABLES: dict[str, Table[Any]] = {
    "validation": SUMMARY,
    "validation_oracle": ORACLE,
    "validation_proof": PROOF,
    "validation_sample": SAMPLED,
    "validation_specificity": SPECIFICITY,
    "validation_stability": STABILITY,
}
