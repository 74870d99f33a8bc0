"""Tables of overlap beside chance (Leng & Xiong 2025, Table 8): pairs of tasks, unions of groups, split halves.

Overlap is the Jaccard index (Eq. 13), in percent. Chance comes in three forms. `model`: every task's set lies anywhere
in the model. `layer`: every set keeps its number of neurons in each layer, since most task neurons crowd into few
layers and meet there whatever they do. `unions`: the union of a group is kept as it is and moved as one inside the
layers, since the tasks of a group share neurons, which makes their union smaller.

A set made of half of the examples and one made of the other half differ by chance of the examples alone. Their overlap
is the ceiling of what two tasks can be expected to share, and is beside them too low: whole sets rest on twice as many
examples. So it stands beside the overlap of one half of a task with the other half of another one as well.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from itertools import combinations
from operator import or_
from pathlib import Path
from statistics import fmean
from typing import Any, NamedTuple

import numpy as np
from jaxtyping import Int

from taskneurons.errors import InputError
from taskneurons.evidence.pair_intervals import jackknife_interval
from taskneurons.files import read_csv
from taskneurons.measures.mantel import mantel
from taskneurons.measures.overlap_null import OverlapChance, independent_jaccard, overlap_chance, union_draws
from taskneurons.measures.stats import benjamini_hochberg, t_interval
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet

Row = dict[str, Any]
RUN = ("study", "model", "suite", "seed")
SETTING = ("estimator", "selection", "percent")
PAIR_COLUMNS = (
    *RUN, *SETTING, "first_task", "second_task", "relation", "first_size", "second_size", "shared", "value",
    "null_model", "excess_model", "p_model", "p_model_fdr", "null_layer", "null_layer_low", "null_layer_high",
    "excess_layer", "p_layer", "p_layer_fdr", "value_halves", "ceiling", "reason",
)  # fmt: skip
SUMMARY_COLUMNS = (
    *RUN, *SETTING, "scope", "group", "layer", "value", "low", "high", "expected_model", "null_model",
    "null_model_low", "null_model_high", "excess_model", "excess_model_low", "excess_model_high", "p_model",
    "null_layer", "null_layer_low", "null_layer_high", "excess_layer", "excess_layer_low", "excess_layer_high",
    "p_layer", "null_unions", "excess_unions", "p_unions", "p_tasks", "value_halves", "ceiling", "interval",
    "published", "published_excess", "reason",
)  # fmt: skip
JACKKNIFE = "95 % t over {} as if independent, jackknife"
RELATIONS = ("same_family", "same_kind", "other_kind")
KINDS = {"classification": "CLS", "generation": "GEN"}
GROUPS = {f"{a}-{b}": (one, other) for one, a in KINDS.items() for other, b in KINDS.items()}
"""Rows of Table 8: the kind that is trained on, the kind that is tested."""
_NUMBERS = tuple(
    name
    for name in SUMMARY_COLUMNS
    if name not in (*RUN, *SETTING[:2], "scope", "group", "layer", "interval", "reason")
)

Tasks = Mapping[str, Mapping[str, Any]]
"""By name: `kind`, `family`."""


@dataclass(frozen=True)
class ScoredRun:
    """The scores of all tasks on one pre-trained model.

    Args:
        suite, model, seed: the run.
        whole: scores of all attribution examples by task.
        halves: scores of the two halves of them.

    Raises:
        InputError: the tasks differ, or scores are of another model, shape or estimator than the first.
    """

    suite: str
    model: str
    seed: int
    whole: Mapping[str, NeuronScores]
    halves: Mapping[str, tuple[NeuronScores, NeuronScores]]

    def __post_init__(self) -> None:
        if not self.whole or set(self.whole) != set(self.halves):
            raise InputError(f"scores of {sorted(self.whole)}, halves of {sorted(self.halves)}", where=self.model)
        first = next(iter(self.whole.values()))
        for task in self.whole:
            for scores in (self.whole[task], *self.halves[task]):
                if scores.model_digest != first.model_digest or scores.shape != first.shape:
                    raise InputError(
                        f"scored on the model {scores.model_digest[:12]}, the first is of {first.model_digest[:12]}",
                        where=f"{self.suite}, {self.model}, seed {self.seed}: {task}",
                        remedy="Make the scores again with this model",
                    )
                if scores.estimator != first.estimator:
                    raise InputError(f"scored by {scores.estimator}, not by {first.estimator} as the first", where=task)

    @property
    def size(self) -> int:
        """Neurons of a layer."""
        return next(iter(self.whole.values())).shape[1]

    @property
    def facts(self) -> Row:
        """The cells that name the run."""
        return {"study": "overlap", "model": self.model, "suite": self.suite, "seed": self.seed}

    def sets(self, percent: float, within: Within) -> "TaskSets":
        """The sets of every task whose scores tell its neurons apart."""
        reasons = {
            task: "all scores are equal, so that no neuron stands out"
            for task, whole in self.whole.items()
            if any(float(np.ptp(scores.scores)) == 0 for scores in (whole, *self.halves[task]))
        }
        known = [task for task in self.whole if task not in reasons]
        halves = {task: [half.top(percent, within) for half in self.halves[task]] for task in known}
        return TaskSets({task: self.whole[task].top(percent, within) for task in known}, halves, reasons, self.size)


class TaskSets(NamedTuple):
    """The sets of the tasks of one run at one share.

    Args:
        whole: by task.
        halves: two sets by task.
        reasons: tasks without sets, and why.
        size: neurons of a layer.
    """

    whole: Mapping[str, NeuronSet]
    halves: Mapping[str, Sequence[NeuronSet]]
    reasons: Mapping[str, str]
    size: int

    def counts(self, tasks: Iterable[str], layer: int | None) -> Int[np.ndarray, "task layer"]:
        """Members in each layer, or in one alone, one row a task."""
        members = np.stack([self.whole[task].layers() for task in tasks])
        return members if layer is None else members[:, layer : layer + 1]

    def why_not(self, tasks: Iterable[str]) -> str:
        """Why some of the tasks have no set; empty when all have."""
        return "; ".join(f"{task}: {self.reasons[task]}" for task in tasks if task in self.reasons)


def read_scored_run(suite: str, model: str, seed: int, paths: Iterable[str | Path]) -> ScoredRun:
    """The scores of one run from `scores/<task>.safetensors` and `halves/<task>.<half>.safetensors`.

    Raises:
        InputError: a file is unreadable or of another task, a half is missing, or as `ScoredRun`.
    """
    whole: dict[str, NeuronScores] = {}
    halves: dict[str, dict[str, NeuronScores]] = defaultdict(dict)
    for path in map(Path, paths):
        scores = NeuronScores.load(path)
        task, _, half = path.stem.partition(".")
        if scores.task != task:
            raise InputError(f"holds the scores of {scores.task}", where=str(path))
        if half:
            halves[task][half] = scores
        else:
            whole[task] = scores
    for task, found in halves.items():
        if set(found) != {"0", "1"}:
            raise InputError(f"halves 0 and 1 were expected, not {', '.join(found)}", where=f"{model}: {task}")
    whole = dict(sorted(whole.items()))
    return ScoredRun(suite, model, seed, whole, {task: (found["0"], found["1"]) for task, found in halves.items()})


def pair_table(
    runs: Iterable[ScoredRun], tasks: Mapping[str, Tasks], *, percents: Sequence[float], within: Within
) -> list[Row]:
    """The overlap of every two tasks of every run beside chance, exactly; p-values by the hypergeometric distribution.

    `p_*_fdr` is adjusted over the pairs of a run and share (Benjamini & Hochberg). A task whose scores are all equal
    has no set: its rows say so and hold no numbers.

    Args:
        runs: scores.
        tasks: for each suite, what they are.
        percents, within: see `NeuronScores.top`.

    Raises:
        InputError: a task is not described.
    """
    rows: list[Row] = []
    for run in runs:
        for percent in percents:
            sets = run.sets(percent, within)
            found = [
                run.facts | _setting(run, percent, within) | _pair(sets, first, second, tasks[run.suite])
                for first, second in combinations(run.whole, 2)
            ]
            for p in ("p_model", "p_layer"):
                known = [row for row in found if p in row]
                for row, adjusted in zip(known, benjamini_hochberg([row[p] for row in known]), strict=True):
                    row[f"{p}_fdr"] = adjusted
            rows += found
    return rows


def overlap_summary(
    runs: Sequence[ScoredRun],
    groups: Mapping[str, Mapping[str, Sequence[str]]],
    tasks: Mapping[str, Tasks],
    published: Iterable[Mapping[str, Any]],
    *,
    percents: Sequence[float],
    within: Within,
    permutations: int,
) -> list[Row]:
    """Table 8 beside chance and ceiling, the means over pairs of tasks, and the split halves; in all and by layer.

    Scopes: `unions`, the union of the sets of a group's training tasks with that of a group's test tasks; `pairs`, the
    mean over pairs of tasks by relation; `halves`, a task's set from half of its examples with that from the others.
    With several seeds there are rows of each and of their mean. Intervals are t intervals over seeds. Those of `pairs`
    in one seed are t intervals of the pseudo-values of leaving out one task, for same_family one family
    (`pair_intervals.jackknife_interval`); the others are not available.

    Columns, in percent: `value`; `expected_model`, chance over the model in closed form; `null_*` with 95 % quantiles,
    by permutation for unions, exact means for pairs; `p_model`, `p_layer`, `p_unions`, two-sided permutation
    p-values (of the mean over seeds: permuted in each); `p_tasks`, the Mantel test of the excess within layers against
    the relation, over task labels: same_family among pairs of one kind, same_kind among pairs of two families.

    Args:
        runs: scores.
        groups: for each suite, the tasks of `train_classification`, `test_classification` and so on.
        tasks: for each suite, what they are.
        published: rows of Table 8.
        percents, within: see `NeuronScores.top`.
        permutations: draws of each null.

    Raises:
        InputError: a task is not described or has no scores.
    """
    printed = {(row["train_test"], float(row["percent"])): row["overlap"] for row in published}
    rows: list[Row] = []
    by_model: dict[tuple[str, str], list[ScoredRun]] = defaultdict(list)
    for run in runs:
        by_model[run.suite, run.model].append(run)
    for (suite, _), own in by_model.items():
        for percent in percents:
            found = [run.sets(percent, within) for run in own]
            depth = next(iter(own[0].whole.values())).shape[0]
            facts = _setting(own[0], percent, within)
            for layer in (None, *range(depth)):
                cells = facts | {"layer": layer}
                for group, kinds in GROUPS.items():
                    value = printed.get((group, float(percent))) if layer is None else None
                    for row in _unions(own, found, groups[suite], kinds, layer, permutations):
                        rows.append(cells | {"scope": "unions", "group": group, "published": value} | row)
                        if value is not None and "expected_model" in row:
                            # The table prints one decimal, so its difference has no more.
                            rows[-1]["published_excess"] = round(value - row["expected_model"], 1)
                rows += [cells | row for row in _relations(own, found, tasks[suite], layer, permutations)]
            rows += [facts | row for row in _halves(own, found)]
    return rows


def read_overlap(path: str | Path) -> list[Row]:
    """The rows that `overlap_summary` made, with their types; `seed` is a text, `mean` for the mean over seeds.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    return _read(path, SUMMARY_COLUMNS, _NUMBERS)


def read_overlap_pairs(path: str | Path) -> list[Row]:
    """The rows that `pair_table` made, with their types.

    Raises:
        InputError: as `read_overlap`.
    """
    texts = (*RUN, *SETTING[:2], "first_task", "second_task", "relation", "reason")
    return _read(path, PAIR_COLUMNS, tuple(name for name in PAIR_COLUMNS if name not in texts))


def _read(path: str | Path, columns: Sequence[str], numbers: Sequence[str]) -> list[Row]:
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != tuple(columns):
            raise InputError(f"columns must be {', '.join(columns)}", where=where)
        row: Row = dict(cells)
        try:
            row |= {name: float(cells[name]) if cells[name] else None for name in numbers}
            if "layer" in row:
                row["layer"] = int(cells["layer"]) if cells["layer"] else None
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=where) from None
        rows.append(row)
    return rows


def _setting(run: ScoredRun, percent: float, within: Within) -> Row:
    estimator = next(iter(run.whole.values())).estimator
    return {"estimator": estimator, "selection": within, "percent": percent}


def _relation(tasks: Tasks, first: str, second: str) -> str:
    if missing := {first, second} - set(tasks):
        raise InputError(f"task `{min(missing)}` has scores but no description")
    one, other = tasks[first], tasks[second]
    if one["kind"] != other["kind"]:
        return "other_kind"
    return "same_family" if one["family"] == other["family"] else "same_kind"


def _pair(sets: TaskSets, first: str, second: str, tasks: Tasks) -> Row:
    row: Row = {"first_task": first, "second_task": second, "relation": _relation(tasks, first, second)}
    if reason := sets.why_not((first, second)):
        return row | {"reason": reason}
    one, other = sets.whole[first], sets.whole[second]
    shared = len(one & other)
    row |= {"first_size": len(one), "second_size": len(other), "shared": shared, "value": 100 * one.jaccard(other)}
    row |= {"value_halves": _crossed(sets, [first], [second]), "ceiling": _ceiling(sets, [first], [second])}
    counts = one.layers(), other.layers()
    whole = _chance(tuple(count.sum(keepdims=True) for count in counts), sets.size * len(counts[0]), shared)
    layers = _chance(counts, sets.size, shared)
    for name, chance in (("model", whole), ("layer", layers)):
        row |= {f"null_{name}": 100 * chance.expected, f"excess_{name}": row["value"] - 100 * chance.expected}
        row[f"p_{name}"] = chance.p_value
    return row | {"null_layer_low": 100 * layers.low, "null_layer_high": 100 * layers.high}


def _chance(counts: Sequence[np.ndarray], size: int, shared: int | None = None) -> OverlapChance:
    chance = overlap_chance(counts[0], counts[1], size, shared)
    assert chance is not None  # a set of `top` is never empty
    return chance


def _unions(
    runs: Sequence[ScoredRun],
    found: Sequence[TaskSets],
    groups: Mapping[str, Sequence[str]],
    kinds: tuple[str, str],
    layer: int | None,
    permutations: int,
) -> Iterator[Row]:
    """Rows of one cell of Table 8: each seed, and their mean."""
    trained, tested = groups[f"train_{kinds[0]}"], groups[f"test_{kinds[1]}"]
    cells: list[Row] = []
    nulls: list[dict[str, np.ndarray]] = []
    for run, sets in zip(runs, found, strict=True):
        if absent := {*trained, *tested} - set(run.whole):
            raise InputError(f"task `{min(absent)}` of the groups has no scores", where=run.suite)
        reason = sets.why_not((*trained, *tested))
        one, other = ([sets.whole[task] for task in tasks] for tasks in (trained, tested)) if not reason else ([], [])
        value = None if reason else _jaccard(reduce(or_, one), reduce(or_, other), layer)
        if value is None:
            cells.append(run.facts | {"reason": reason or "no neurons of either group lie in this layer"})
            nulls.append({})
            continue
        first, second = (sets.counts(tasks, layer) for tasks in (trained, tested))
        a, b = (_counts(reduce(or_, part), layer) for part in (one, other))
        draws = {"draws": permutations, "seed": run.seed}
        null = {
            "layer": 100 * union_draws(first, second, sets.size, **draws),
            "unions": 100 * union_draws(a[None], b[None], sets.size, **draws),
        }
        row = run.facts | {"value": value}
        if layer is None:
            size = sets.size * first.shape[1]
            one_layer, other_layer = (counts.sum(axis=1, keepdims=True) for counts in (first, second))
            null["model"] = 100 * union_draws(one_layer, other_layer, size, **draws)
            expected = independent_jaccard(one_layer / size, other_layer / size)
            row |= {"expected_model": None if expected is None else 100 * expected}
            row |= {"value_halves": _crossed(sets, trained, tested), "ceiling": _ceiling(sets, trained, tested)}
        cells.append(row)
        nulls.append(null)
    yield from (row | _permuted(row, null) | _no_interval(1) for row, null in zip(cells, nulls, strict=True))
    if len(cells) > 1:
        mean = {name: np.mean([null[name] for null in nulls], axis=0) for name in nulls[0]} if all(nulls) else {}
        whole_mean = _mean_row(cells, [row | _permuted(row, null) for row, null in zip(cells, nulls, strict=True)])
        yield whole_mean | _permuted(whole_mean, mean)


def _permuted(row: Row, nulls: Mapping[str, np.ndarray]) -> Row:
    """The value against its permuted ones."""
    cells: Row = {}
    for name, null in nulls.items():
        expected = float(null.mean())
        tails = int((null >= row["value"] - 1e-9).sum()), int((null <= row["value"] + 1e-9).sum())
        cells |= {f"null_{name}": expected, f"excess_{name}": row["value"] - expected}
        cells[f"p_{name}"] = min(1.0, 2 * (1 + min(tails)) / (1 + len(null)))
        if name != "unions":
            low, high = np.quantile(null, [0.025, 0.975])
            cells |= {f"null_{name}_low": float(low), f"null_{name}_high": float(high)}
    return cells


def _mean_row(cells: Sequence[Row], full: Sequence[Row]) -> Row:
    """The mean over seeds of what every seed has, and t intervals of values and excesses."""
    reasons = [f"seed {row['seed']}: {row['reason']}" for row in cells if row.get("reason")]
    row: Row = {**cells[0], "seed": "mean", "reason": "; ".join(reasons)}
    if reasons:
        return {name: row[name] for name in (*RUN, "reason")}
    for name in ("expected_model", "value_halves", "ceiling"):
        if name in row:
            row[name] = fmean(cell[name] for cell in cells)
    for name, low, high in (
        ("value", "low", "high"),
        *((f"excess_{null}", f"excess_{null}_low", f"excess_{null}_high") for null in ("model", "layer")),
    ):
        if all(name in one for one in full):
            interval = t_interval([one[name] for one in full])
            row |= {name: interval.mean, low: interval.low, high: interval.high}
            told = "95 % t over seeds" if interval.available else f"not available: {interval.reason}"
            row["interval"] = row.get("interval", told)
    return row


def _no_interval(seeds: int) -> Row:
    return {"interval": f"not available: {t_interval([0.0] * seeds).reason}"}


def _relations(
    runs: Sequence[ScoredRun], found: Sequence[TaskSets], tasks: Tasks, layer: int | None, permutations: int
) -> Iterator[Row]:
    """Means over the pairs of tasks of each relation: each seed, and their mean."""
    per_run = [_pairs_of_layer(run, sets, tasks, layer) for run, sets in zip(runs, found, strict=True)]
    for relation in RELATIONS:
        cells, full = [], []
        for run, pairs in zip(runs, per_run, strict=True):
            own = {pair: row for pair, row in pairs.items() if row["relation"] == relation}
            row = run.facts | {"scope": "pairs", "group": relation}
            if not own:
                cells.append(row | {"reason": "no pair of tasks has neurons to compare"})
                full.append(cells[-1] | _no_interval(1))
                continue
            names = [name for name in next(iter(own.values())) if name != "relation"]
            row |= {name: fmean(pair[name] for pair in own.values()) for name in names}
            row["p_tasks"] = _task_p([pairs], relation, list(run.whole), tasks, permutations, run.seed)
            cells.append(row)
            full.append(row | _over_tasks(own, relation, tasks))
        yield from full
        if len(runs) > 1:
            mean = _mean_row(cells, cells)
            if not mean["reason"]:
                for name in ("null_model", "null_layer"):
                    if name in cells[0]:
                        mean[name] = fmean(cell[name] for cell in cells)
                mean["p_tasks"] = _task_p(per_run, relation, list(runs[0].whole), tasks, permutations, 0)
            yield mean | {"scope": "pairs", "group": relation}


def _pairs_of_layer(
    run: ScoredRun, sets: TaskSets, tasks: Tasks, layer: int | None
) -> dict[tuple[str, str], dict[str, Any]]:
    """The pairs of tasks that both have neurons, with the numbers that are averaged."""
    found = {}
    for first, second in combinations(run.whole, 2):
        relation = _relation(tasks, first, second)
        if sets.why_not((first, second)):
            continue
        one, other = sets.whole[first], sets.whole[second]
        value = _jaccard(one, other, layer)
        if value is None:
            continue
        counts = [_counts(part, layer) for part in (one, other)]
        row: Row = {"relation": relation, "value": value, "null_layer": 100 * _chance(counts, sets.size).expected}
        row["excess_layer"] = value - row["null_layer"]
        if layer is None:
            whole = [count.sum(keepdims=True) for count in counts]
            row["null_model"] = 100 * _chance(whole, sets.size * len(counts[0])).expected
            row["excess_model"] = value - row["null_model"]
            row["value_halves"] = _crossed(sets, [first], [second])
            row["ceiling"] = _ceiling(sets, [first], [second])
        found[first, second] = row
    return found


def _over_tasks(pairs: Mapping[tuple[str, str], Row], relation: str, tasks: Tasks) -> Row:
    """Jackknife intervals over tasks, or over families for pairs inside them; used where seeds are too few."""
    called = "families" if relation == "same_family" else "tasks"
    units = {task: tasks[task]["family"] if called == "families" else task for pair in pairs for task in pair}
    cells: Row = {}
    for name, low, high in (
        ("value", "low", "high"),
        *((f"excess_{null}", f"excess_{null}_low", f"excess_{null}_high") for null in ("model", "layer")),
    ):
        interval = jackknife_interval({pair: row[name] for pair, row in pairs.items() if name in row}, units)
        cells |= {low: interval.low, high: interval.high}
        told = f"not available: {re.sub('seeds|units', called, interval.reason)}"
        cells["interval"] = cells.get("interval", JACKKNIFE.format(called) if interval.available else told)
    return cells


def _task_p(
    per_run: Sequence[Mapping[tuple[str, str], Row]],
    relation: str,
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
        values = [pairs[first, second]["excess_layer"] for pairs in per_run if (first, second) in pairs]
        for cell in cells:
            excess[cell] = fmean(values) if len(values) == len(per_run) else np.nan
            kind[cell] = tasks[first]["kind"] == tasks[second]["kind"]
            family[cell] = tasks[first]["family"] == tasks[second]["family"]
    x, nuisance = (family, [kind]) if relation == "same_family" else (kind, [family])
    return mantel(x, excess, nuisance=nuisance, draws=permutations, seed=seed).p_value


def _halves(runs: Sequence[ScoredRun], found: Sequence[TaskSets]) -> Iterator[Row]:
    """The overlap of the two halves of each task: each seed, and their mean."""
    for task in runs[0].whole:
        cells = []
        for run, sets in zip(runs, found, strict=True):
            row = run.facts | {"scope": "halves", "group": task}
            if reason := sets.why_not([task]):
                cells.append(row | {"reason": reason})
                continue
            one, other = sets.halves[task]
            row["value"] = 100 * one.jaccard(other)
            row["null_layer"] = 100 * _chance((one.layers(), other.layers()), sets.size).expected
            row["excess_layer"] = row["value"] - row["null_layer"]
            cells.append(row)
        yield from (row | _no_interval(1) for row in cells)
        if len(cells) > 1:
            mean = _mean_row(cells, cells)
            if not mean["reason"]:
                mean["null_layer"] = fmean(cell["null_layer"] for cell in cells)
            yield mean | {"scope": "halves", "group": task}


def _counts(neurons: NeuronSet, layer: int | None) -> Int[np.ndarray, " layer"]:
    members = neurons.layers()
    return members if layer is None else members[layer : layer + 1]


def _jaccard(one: NeuronSet, other: NeuronSet, layer: int | None) -> float | None:
    """In percent; None where both sets are empty."""
    shared, either = (_counts(part, layer).sum() for part in (one & other, one | other))
    return 100 * float(shared / either) if either else None


def _crossed(sets: TaskSets, first: Sequence[str], second: Sequence[str]) -> float:
    """The overlap, in percent, of the unions of the halves of some tasks with the other halves of others."""
    values = []
    for number in (0, 1):
        one = reduce(or_, (sets.halves[task][number] for task in first))
        values.append(100 * one.jaccard(reduce(or_, (sets.halves[task][1 - number] for task in second))))
    return fmean(values)


def _ceiling(sets: TaskSets, first: Sequence[str], second: Sequence[str]) -> float:
    """The geometric mean of the overlaps, in percent, that two unions have with themselves, half with half."""
    own = [
        100 * reduce(or_, (sets.halves[t][0] for t in part)).jaccard(reduce(or_, (sets.halves[t][1] for t in part)))
        for part in (first, second)
    ]
    return float(np.sqrt(own[0] * own[1]))
