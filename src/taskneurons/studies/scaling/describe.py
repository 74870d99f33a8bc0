"""What the scores of one model are like: how concentrated they are, and what the tops of its tasks share."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import and_
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.evidence.runs import Run
from taskneurons.evidence.tasks import DescribedTask, described_tasks
from taskneurons.files import read_json
from taskneurons.job import Job
from taskneurons.measures.concentration import gini, smallest_share
from taskneurons.measures.overlap_null import overlap_chance
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet
from taskneurons.neurons.special import load_scores
from taskneurons.studies.scaling.rows import MEASURED, MODELS, Measure, MeasureRow, ModelRow


def measures(
    scores: Mapping[str, NeuronScores],
    tasks: Sequence[DescribedTask],
    run: Run,
    *,
    percents: Sequence[float],
    within: Within,
) -> Iterator[MeasureRow]:
    """The concentration of the scores, keystone neurons in tops, and the overlap of tops, of one model.

    A share of less than one neuron is left out: it would be that of a model with more.

    Args:
        scores: of every task.
        tasks: their descriptions.
        run: of the rows.
        percents: shares of a top.
        within: neurons are ranked over the model or in each layer.
    """
    flat = [np.asarray(one.scores, dtype=np.float64).reshape(-1) for one in scores.values()]
    found: list[tuple[Measure, float | None, float | None]] = [
        ("half_share", None, 100 * fmean(map(smallest_share, flat))),
        ("gini", None, fmean(map(gini, flat))),
    ]
    for percent in percents:
        if percent * flat[0].size < 100:
            continue
        tops = {task: one.top(percent, within) for task, one in scores.items()}
        every = reduce(and_, tops.values())
        size = fmean(map(len, tops.values()))
        found.append(("keystone_share", percent, 100 * len(every) / size))
        found += [(name, percent, value) for name, value in _overlaps(tops, tasks).items()]
    for measure, share, value in found:
        yield MeasureRow(run.suite, run.model, run.seed, measure, whole(share), value)


def whole(percent: float | None) -> float | None:
    """A share as it stands in tables: a whole number stays one."""
    return int(percent) if percent is not None and float(percent).is_integer() else percent


def _overlaps(tops: Mapping[str, NeuronSet], tasks: Sequence[DescribedTask]) -> dict[Measure, float]:
    """The mean Jaccard index less chance of pairs of tasks, by how they are related."""
    excess: dict[Measure, list[float]] = {}
    for one, other in combinations(tasks, 2):
        first, second = tops[one.name], tops[other.name]
        chance = overlap_chance(first.layers(), second.layers(), first.shape[1])
        if chance is not None:
            excess.setdefault(_relation(one, other), []).append(first.jaccard(second) - chance.expected)
    return {name: fmean(values) for name, values in excess.items()}


def _relation(one: DescribedTask, other: DescribedTask) -> Measure:
    if one.kind != other.kind:
        return "overlap_other_kind"
    return "overlap_sibling" if one.family == other.family else "overlap_other_family"


# Jobs


@dataclass(frozen=True)
class DescribeSettings:
    """Settings of `describe`.

    Attributes:
        percents: shares of a top.
        within: neurons are ranked over the model or in each layer.
    """

    percents: tuple[float, ...]
    within: Within


def describe(job: Job[DescribeSettings]) -> None:
    """What one model is, how concentrated its scores are, and what the tops of its tasks share."""
    run = Run(job.suite, job.model, job.seed)
    scores = load_scores(job.inputs["scores"])
    facts: Mapping[str, Any] = read_json(Path(job.inputs.folder("checkpoint")) / "checkpoint.json")
    layers, width = next(iter(scores.values())).shape
    model = ModelRow(run.suite, run.model, run.seed, facts["architecture"], facts["parameters"], layers, layers * width)
    MODELS.write(job.outputs.one("model"), [model])
    found = measures(
        scores,
        described_tasks(job.inputs["tasks"]),
        run,
        percents=job.settings.percents,
        within=job.settings.within,
    )
    MEASURED.write(job.outputs.one("measures"), MEASURED.sorted(found))
