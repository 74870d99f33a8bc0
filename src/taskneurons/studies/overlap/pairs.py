"""The overlap of every two tasks beside chance, and its means over pairs by how the two tasks are related."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from statistics import fmean

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.intervals import jackknife_interval
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.measures.mantel import mantel
from taskneurons.measures.stats import Interval, benjamini_hochberg
from taskneurons.neurons.scores import Within
from taskneurons.studies.overlap.means import ONE_SEED, blank, mean_over_seeds
from taskneurons.studies.overlap.rows import RELATIONS, PairRow, Relation, SummaryRow
from taskneurons.studies.overlap.sets import ScoredRun, TaskSets, chance, jaccard, members

JACKKNIFE = "95 % t over {} as if independent, jackknife"
Tasks = Mapping[str, DescribedTask]
"""The tasks of a suite by name."""
Pair = tuple[str, str]


def pair_table(
    runs: Iterable[ScoredRun], tasks: Mapping[str, Tasks], *, percents: Sequence[float], within: Within
) -> list[PairRow]:
    """The overlap of every two tasks of every run beside chance, exactly; p-values by the hypergeometric distribution.

    A task whose scores are all equal has no set: its rows say so and hold no numbers.

    Args:
        runs: scores.
        tasks: for each suite, what they are.
        percents, within: see `NeuronScores.top`.

    Raises:
        InputError: a task is not described.
    """
    rows: list[PairRow] = []
    for run in runs:
        for percent in percents:
            sets = run.sets(percent, within)
            rows += _adjusted([_pair(sets, *pair, tasks[run.suite]) for pair in combinations(run.whole, 2)])
    return rows


def relation_rows(
    found: Sequence[TaskSets], tasks: Tasks, layer: int | None, permutations: int
) -> Iterator[SummaryRow]:
    """Means over the pairs of tasks of each relation: each seed, and their mean.

    Args:
        found: the sets of each seed of one model.
        tasks: of the suite.
        layer: one alone; None: all together.
        permutations: labellings of the tasks that make the null of the Mantel test.

    Raises:
        InputError: a task is not described.
    """
    per_seed = [_pairs_of_layer(sets, tasks, layer) for sets in found]
    for relation in RELATIONS:
        rows = []
        for sets, pairs in zip(found, per_seed, strict=True):
            own = {pair: overlap for pair, overlap in pairs.items() if overlap.relation == relation}
            row = blank(sets, "pairs", relation, layer)
            if own:
                p_tasks = _task_p([pairs], relation, list(sets.run.whole), tasks, permutations, sets.run.seed)
                rows.append(_over_tasks(replace(_mean(row, list(own.values())), p_tasks=p_tasks), own, tasks))
            else:
                rows.append(replace(row, interval=ONE_SEED, reason="no pair of tasks has neurons to compare"))
        yield from rows
        if len(found) > 1:
            mean = mean_over_seeds(rows)
            names = list(found[0].run.whole)
            yield (
                mean
                if mean.reason
                else replace(mean, p_tasks=_task_p(per_seed, relation, names, tasks, permutations, 0))
            )


@dataclass(frozen=True)
class _Overlap:
    """The numbers of one pair that are averaged; over the model, and the halves, only where it is no single layer."""

    relation: Relation
    value: float
    null_layer: float
    null_model: float | None = None
    value_halves: float | None = None
    ceiling: float | None = None

    @property
    def excess_layer(self) -> float:
        return self.value - self.null_layer

    @property
    def excess_model(self) -> float | None:
        return None if self.null_model is None else self.value - self.null_model


def _relation(tasks: Tasks, first: str, second: str) -> Relation:
    if missing := {first, second} - set(tasks):
        raise InputError(f"task `{min(missing)}` has scores but no description")
    one, other = tasks[first], tasks[second]
    if one.kind != other.kind:
        return "other_kind"
    return "same_family" if one.family == other.family else "same_kind"


def _pair(sets: TaskSets, first: str, second: str, tasks: Tasks) -> PairRow:
    row = PairRow(*sets.setting, first, second, _relation(tasks, first, second))
    if reason := sets.why_not((first, second)):
        return replace(row, reason=reason)
    one, other = sets.whole[first], sets.whole[second]
    shared, value = len(one & other), 100 * one.jaccard(other)
    counts = one.layers(), other.layers()
    whole = chance([count.sum(keepdims=True) for count in counts], sets.size * len(counts[0]), shared)
    layers = chance(counts, sets.size, shared)
    return replace(
        row,
        first_size=len(one),
        second_size=len(other),
        shared=shared,
        value=value,
        null_model=100 * whole.expected,
        excess_model=value - 100 * whole.expected,
        p_model=whole.p_value,
        null_layer=100 * layers.expected,
        null_layer_low=100 * layers.low,
        null_layer_high=100 * layers.high,
        excess_layer=value - 100 * layers.expected,
        p_layer=layers.p_value,
        value_halves=sets.crossed([first], [second]),
        ceiling=sets.ceiling([first], [second]),
    )


def _adjusted(rows: Sequence[PairRow]) -> list[PairRow]:
    """The rows of one run and share with p-values that are adjusted over its pairs."""
    model, layer = (
        iter(benjamini_hochberg([p for p in values if p is not None]))
        for values in ([row.p_model for row in rows], [row.p_layer for row in rows])
    )
    return [
        row if row.p_model is None else replace(row, p_model_fdr=next(model), p_layer_fdr=next(layer)) for row in rows
    ]


def _pairs_of_layer(sets: TaskSets, tasks: Tasks, layer: int | None) -> dict[Pair, _Overlap]:
    """The pairs of tasks that both have neurons."""
    found = {}
    for first, second in combinations(sets.run.whole, 2):
        relation = _relation(tasks, first, second)
        if sets.why_not((first, second)):
            continue
        one, other = sets.whole[first], sets.whole[second]
        value = jaccard(one, other, layer)
        if value is None:
            continue
        counts = [members(part, layer) for part in (one, other)]
        overlap = _Overlap(relation, value, 100 * chance(counts, sets.size).expected)
        if layer is None:
            whole = [count.sum(keepdims=True) for count in counts]
            overlap = replace(
                overlap,
                null_model=100 * chance(whole, sets.size * len(counts[0])).expected,
                value_halves=sets.crossed([first], [second]),
                ceiling=sets.ceiling([first], [second]),
            )
        found[first, second] = overlap
    return found


def _mean(row: SummaryRow, pairs: Sequence[_Overlap]) -> SummaryRow:
    def mean(values: Iterable[float | None]) -> float | None:
        known = [value for value in values if value is not None]
        return fmean(known) if known else None

    return replace(
        row,
        value=mean(pair.value for pair in pairs),
        null_model=mean(pair.null_model for pair in pairs),
        excess_model=mean(pair.excess_model for pair in pairs),
        null_layer=mean(pair.null_layer for pair in pairs),
        excess_layer=mean(pair.excess_layer for pair in pairs),
        value_halves=mean(pair.value_halves for pair in pairs),
        ceiling=mean(pair.ceiling for pair in pairs),
    )


def _over_tasks(row: SummaryRow, pairs: Mapping[Pair, _Overlap], tasks: Tasks) -> SummaryRow:
    """With jackknife intervals over tasks, or over families for pairs inside them; used where seeds are too few."""
    called = "families" if row.group == "same_family" else "tasks"
    units = {task: tasks[task].family if called == "families" else task for pair in pairs for task in pair}

    def interval(values: Mapping[Pair, float | None]) -> Interval:
        return jackknife_interval({pair: value for pair, value in values.items() if value is not None}, units)

    value = interval({pair: overlap.value for pair, overlap in pairs.items()})
    model = interval({pair: overlap.excess_model for pair, overlap in pairs.items()})
    layer = interval({pair: overlap.excess_layer for pair, overlap in pairs.items()})
    why = f"not available: {re.sub('seeds|units', called, value.reason)}"
    return replace(
        row,
        low=value.low,
        high=value.high,
        excess_model_low=model.low,
        excess_model_high=model.high,
        excess_layer_low=layer.low,
        excess_layer_high=layer.high,
        interval=JACKKNIFE.format(called) if value.available else why,
    )


def _task_p(
    per_seed: Sequence[Mapping[Pair, _Overlap]],
    relation: Relation,
    names: Sequence[str],
    tasks: Tasks,
    permutations: int,
    seed: int,
) -> float | None:
    """Mantel's p of the mean excess within layers against a relation, given what the wider relation explains."""
    if relation == "other_kind":
        return None
    places = {name: place for place, name in enumerate(names)}
    excess = np.full((len(names), len(names)), np.nan)
    kind, family = np.eye(len(names)), np.eye(len(names))
    for first, second in combinations(names, 2):
        cells = (places[first], places[second]), (places[second], places[first])
        values = [pairs[first, second].excess_layer for pairs in per_seed if (first, second) in pairs]
        for cell in cells:
            excess[cell] = fmean(values) if len(values) == len(per_seed) else np.nan
            kind[cell] = tasks[first].kind == tasks[second].kind
            family[cell] = tasks[first].family == tasks[second].family
    x, nuisance = (family, [kind]) if relation == "same_family" else (kind, [family])
    return mantel(x, excess, nuisance=nuisance, draws=permutations, seed=seed).p_value
