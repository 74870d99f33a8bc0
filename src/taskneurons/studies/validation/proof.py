"""The proof of a plant, by exact ablation in both directions: its neurons break the skill, and no others do."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from taskneurons.evidence.runs import Run
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.validation.rows import ProofRow
from taskneurons.tasks.plant.skills import Skills

IDLE = "idle"


@dataclass(frozen=True)
class Limits:
    """What the proof asks.

    Attributes:
        learned: accuracy of the whole model on each skill, at least, in percent.
        broken: accuracy on a skill without its neurons, at most.
        spared: points of accuracy that any other skill loses then, at most; and any task without idle neurons.
        suffices: accuracy on each task without all neurons that carry none of its skills, at least.
        effect: rise of the loss from which a single neuron counts as needed, nats an example.
        members: percent of the neurons of the skills that are needed one by one, at least.
        others: percent of the others that are, at most.
    """

    learned: float
    broken: float
    spared: float
    suffices: float
    effect: float
    members: float
    others: float


@dataclass(frozen=True, eq=False)
class Evidence:
    """What the proof is made of.

    Attributes:
        without: the loss of each example (nats) and whether it is answered right, without a set of neurons or with all.
        effects: rise of each example's loss without each neuron alone.
        task, skill: of each example.
    """

    without: Callable[[NeuronSet | None], tuple[Float[np.ndarray, " example"], Bool[np.ndarray, " example"]]]
    effects: Float[np.ndarray, "layer neuron example"]
    task: np.ndarray
    skill: np.ndarray


def holds(rows: Sequence[ProofRow]) -> bool:
    """Whether a plant passes its proof."""
    return all(row.holds for row in rows)


def failure(rows: Sequence[ProofRow]) -> str:
    """Why a plant does not pass its proof, in one sentence; empty if it does."""
    failed = [row for row in rows if not row.holds]
    if not failed:
        return ""
    row = failed[0]
    more = f", and {len(failed) - 1} more of its checks" if len(failed) > 1 else ""
    where = f" of {row.of}" if row.of else ""
    return f"the plant fails its proof: `{row.check}`{where} is {row.value:.3g}, the limit {row.limit:g}{more}"


def proof_rows(
    evidence: Evidence, skills: Skills, members: Mapping[str, NeuronSet], limits: Limits, run: Run
) -> Iterator[ProofRow]:
    """Every check, in the order in which they are read.

    Args:
        evidence: ablations of the planted model, without any gate.
        skills: of the suite.
        members: the neurons of each skill, and `idle` ones.
        limits: what is asked.
        run: of the rows.
    """

    def row(check: str, of: str, value: float) -> ProofRow:
        return ProofRow("validation", run.model, run.suite, run.seed, check, of, float(value))

    whole_loss, whole = evidence.without(None)
    means = {skill: evidence.effects[..., evidence.skill == skill].mean(-1) for skill in skills.names}
    for skill in skills.names:
        here = evidence.skill == skill
        loss, right = evidence.without(members[skill])
        yield _at_least(row("learned", skill, 100 * whole[here].mean()), limits.learned)
        yield _at_most(row("broken", skill, 100 * right[here].mean()), limits.broken)
        falls = [
            100 * (whole[evidence.skill == other].mean() - right[evidence.skill == other].mean())
            for other in skills.names
            if other != skill
        ]
        yield _at_most(row("spared", skill, max(falls)), limits.spared)
        parts = means[skill][members[skill].mask].sum()
        together = (loss - whole_loss)[here].mean()
        yield (
            row("parts", skill, together / parts)
            if parts > 0
            else replace(row("parts", skill, 0.0), value=None, reason="the single rises sum to nothing")
        )
    for task in skills.tasks:
        here = evidence.task == task
        carrying = np.any([members[skill].mask for skill in skills.asked(task)], axis=0)
        _, right = evidence.without(NeuronSet(~carrying))
        yield _at_least(row("suffices", task, 100 * right[here].mean()), limits.suffices)
    _, right = evidence.without(members[IDLE])
    falls = [100 * (whole[evidence.task == task].mean() - right[evidence.task == task].mean()) for task in skills.tasks]
    yield _at_most(row("idle", "", max(falls)), limits.spared)
    needed = {skill: means[skill] > limits.effect for skill in skills.names}
    own = np.concatenate([needed[skill][members[skill].mask] for skill in skills.names])
    rest = np.concatenate([needed[skill][~members[skill].mask] for skill in skills.names])
    yield _at_least(row("members", "", 100 * own.mean()), limits.members)
    yield _at_most(row("others", "", 100 * rest.mean()), limits.others)


def _at_least(row: ProofRow, limit: float) -> ProofRow:
    assert row.value is not None  # it was just measured
    return replace(row, limit=limit, holds=row.value >= limit)


def _at_most(row: ProofRow, limit: float) -> ProofRow:
    assert row.value is not None  # it was just measured
    return replace(row, limit=limit, holds=row.value <= limit)
