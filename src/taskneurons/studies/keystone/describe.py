"""Where keystone neurons lie, what tops share with and without them, and whether their activations are massive."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import or_
from statistics import fmean
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from taskneurons.evidence.intervals import jackknife_interval
from taskneurons.evidence.runs import Run
from taskneurons.evidence.tasks import DescribedTask, described_tasks
from taskneurons.job import Job
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet
from taskneurons.neurons.special import Rankings, load_scores
from taskneurons.studies.keystone.rows import (
    ACTIVATION,
    LAYERS,
    MEMBERS,
    OVERLAP,
    ActivationRow,
    LayerRow,
    MemberRow,
    OverlapRow,
    share,
)

LARGEST, LARGE = 0.1, 1.0  # % of the neurons
PAIRS: tuple[Literal["sibling", "same_kind", "other_kind"], ...] = ("sibling", "same_kind", "other_kind")


def overlaps(
    rankings: Rankings, percents: Sequence[float], tasks: Sequence[DescribedTask], run: Run
) -> Iterator[OverlapRow]:
    """What the tops of two tasks share, with and without keystone neurons, by the relation of the tasks.

    Args:
        rankings: of all tasks.
        percents: shares.
        tasks: their descriptions.
        run: of the rows.
    """
    related = {(one.name, other.name): _relation(one, other) for one, other in combinations(tasks, 2)}
    width = rankings.shape[1]
    for percent in percents:
        keystone = rankings.keystone(percent)
        pools: tuple[tuple[Literal["top", "top_less_keystone"], np.ndarray], ...] = (
            ("top", np.full(rankings.shape[0], width)),
            ("top_less_keystone", width - keystone.layers()),
        )
        for sets, pool in pools:
            found = rankings.sets(sets, percent)
            for relation in PAIRS:
                pairs = [pair for pair, of in related.items() if of == relation and found[pair[0]] | found[pair[1]]]
                if not pairs:
                    continue
                observed = {pair: found[pair[0]].jaccard(found[pair[1]]) for pair in pairs}
                chance = {pair: _chance(found[pair[0]], found[pair[1]], pool) for pair in pairs}
                excess = {pair: observed[pair] - chance[pair] for pair in pairs}
                interval = jackknife_interval(excess, {task.name: task.name for task in tasks})
                words = "95 % jackknife over tasks" if interval.available else f"not available: {interval.reason}"
                yield OverlapRow(
                    run.model, run.suite, run.seed, share(percent), sets, relation, len(pairs),
                    fmean(observed.values()), fmean(chance.values()), fmean(excess.values()), interval.low,
                    interval.high, words,
                )  # fmt: skip


def layers(rankings: Rankings, percents: Sequence[float], run: Run) -> Iterator[LayerRow]:
    """The keystone neurons of each layer, and the other neurons of the tops there, mean over tasks.

    Args:
        rankings: of all tasks.
        percents: shares.
        run: of the rows.
    """
    for percent in percents:
        keystone = rankings.keystone(percent).layers()
        others = np.mean([one.layers() for one in rankings.sets("top_less_keystone", percent).values()], axis=0)
        for layer, (count, other) in enumerate(zip(keystone, others, strict=True)):
            yield LayerRow(
                run.model, run.suite, run.seed, share(percent), layer, rankings.shape[1], int(count), float(other)
            )


def mean_activation(rankings: Rankings) -> Float[np.ndarray, "layer neuron"]:
    """Mean |activation| of each neuron over the scored tokens of each task and of neutral text, then over these."""
    every = [*rankings.relevance.values(), rankings.neutral]
    mean: np.ndarray = np.mean([scores.activation.astype(np.float64) for scores in every], axis=0)
    return mean


def activations(rankings: Rankings, percents: Sequence[float], run: Run) -> Iterator[ActivationRow]:
    """Where keystone neurons, and the other neurons of the tops, stand by their mean |activation|.

    Args:
        rankings: of all tasks.
        percents: shares.
        run: of the rows.
    """
    size = mean_activation(rankings)
    # From 0; as a share of all neurons, each in the middle of its place.
    places = 100 * (_ranks(size) + 0.5) / size.size
    median = float(np.median(size))
    for percent in percents:
        sets: tuple[tuple[Literal["keystone", "top_less_keystone"], NeuronSet], ...] = (
            ("keystone", rankings.keystone(percent)),
            ("top_less_keystone", reduce(or_, rankings.sets("top_less_keystone", percent).values())),
        )
        for name, neurons in sets:
            row = ActivationRow(
                run.model, run.suite, run.seed, share(percent), name, len(neurons), None, None, None, None
            )
            if neurons:
                own = places[neurons.mask]
                row = ActivationRow(
                    run.model, run.suite, run.seed, share(percent), name, len(neurons),
                    100 * float((own <= LARGEST).mean()), 100 * float((own <= LARGE).mean()), float(np.median(own)),
                    float(np.median(size[neurons.mask])) / median if median else None,
                )  # fmt: skip
            yield row


def members(rankings: Rankings, percent: float, run: Run, *, most: int) -> Iterator[MemberRow]:
    """The keystone neurons of a share, those first whose worst place in any ranking over the model is highest.

    Args:
        rankings: of all tasks.
        percent: the share.
        run: of the rows.
        most: rows, at most.
    """
    size = mean_activation(rankings)
    by_size, median = _ranks(size), float(np.median(size))
    worst = np.max([_ranks(one.scores) for one in [*rankings.relevance.values(), rankings.neutral]], axis=0)
    found = sorted(map(tuple, rankings.keystone(percent).to_indices().tolist()), key=lambda at: (worst[at], at))
    for place, at in enumerate(found[:most], start=1):
        yield MemberRow(
            run.model, run.suite, run.seed, place, at[0], at[1], int(worst[at]) + 1, float(size[at]),
            int(by_size[at]) + 1, float(size[at]) / median if median else None,
        )  # fmt: skip


def _ranks(values: Float[np.ndarray, "layer neuron"]) -> Int[np.ndarray, "layer neuron"]:
    """Each neuron's place in the whole model, from 0 for the largest; equal ones by layer, then by index."""
    ranks = np.empty(values.size, dtype=np.int64)
    ranks[np.argsort(-values.reshape(-1), kind="stable")] = np.arange(values.size)
    return ranks.reshape(values.shape)


def _chance(one: NeuronSet, other: NeuronSet, pool: Int[np.ndarray, " layer"]) -> float:
    """The Jaccard index of the expected numbers, of sets with these members of each layer drawn from a pool."""
    first, second = one.layers(), other.layers()
    shared = float(np.divide(first * second, pool, out=np.zeros(len(pool)), where=pool > 0).sum())
    return shared / (len(one) + len(other) - shared)


def _relation(one: DescribedTask, other: DescribedTask) -> Literal["sibling", "same_kind", "other_kind"]:
    if one.kind != other.kind:
        return "other_kind"
    return "sibling" if one.family == other.family else "same_kind"


# Jobs


@dataclass(frozen=True)
class DescribeSettings:
    """Settings of `describe`.

    Attributes:
        within: neurons are ranked over the whole model or in each layer.
        percents: shares.
        listed: keystone neurons of the largest share that are listed, at most.
    """

    within: Within
    percents: tuple[float, ...]
    listed: int


def describe(job: Job[DescribeSettings]) -> None:
    """Overlap, layers and activations of the keystone neurons of one model."""
    settings, run = job.settings, Run(job.suite, job.model, job.seed)
    relevance: Mapping[str, NeuronScores] = load_scores(job.inputs["scores"])
    rankings = Rankings(relevance, NeuronScores.load(job.inputs.one("neutral")), settings.within)
    tasks = described_tasks(job.inputs["tasks"])
    OVERLAP.write(job.outputs.one("overlap"), overlaps(rankings, settings.percents, tasks, run))
    LAYERS.write(job.outputs.one("layers"), layers(rankings, settings.percents, run))
    ACTIVATION.write(job.outputs.one("activation"), activations(rankings, settings.percents, run))
    found = members(rankings, max(settings.percents), run, most=settings.listed)
    MEMBERS.write(job.outputs.one("members"), found)
