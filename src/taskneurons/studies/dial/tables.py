"""Tables of the dial: do overlap and similarity of parameters follow a number of shared skills that is known?

For each ordered pair of tasks (s, t), with the number of skills that they share by construction: transfer, what the
model that was tuned as a whole on s gains on t over the base; overlap, the Jaccard index of the two tasks' neurons less
what sets with these numbers of neurons in each layer share by chance; similarities of the parameters of the two sets in
the model that was tuned on s, and the cosine of what tuning on s and tuning on t changed.

The sets are those of the base, of the model that was tuned on s, or of the model that was tuned on all tasks together;
and, as a control, those of the base when the answers of each task are shuffled among its prompts, which leaves two
tasks the words that they share and takes the skills.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from math import atanh, tanh
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.evidence.runs import ALL_SEEDS, Run
from taskneurons.job import Job
from taskneurons.measures.mantel import MantelTest, mantel
from taskneurons.measures.overlap_null import overlap_chance
from taskneurons.measures.stats import t_interval
from taskneurons.neurons.sets import NeuronSet, load_sets
from taskneurons.studies.dial.rows import MEASURED, PAIRS, SUMMARY, MeasuredRow, PairRow, SummaryRow

TRANSFER = ("transfer_loss", "transfer_rougeL")
SETS = ("base", "shuffled", "source", "multitask")
# Correlations of 1 come out of the ranks with an error of rounding.
_ONE = 1 - 1e-12

Found = Mapping[tuple[str, str, str], NeuronSet]
"""The sets of one run by model (`base`, `shuffled`, `multitask` or a source task), selection and task."""


def gather_sets(files: Iterable[str | Path], multitask: Iterable[str | Path]) -> dict[Run, Found]:
    """The sets of all runs.

    Args:
        files: `.../<suite>/<model>/seed<seed>/sets/<name>.safetensors`, sets named `<selection>.<task>`; the name is
            base, shuffled or that of a source task.
        multitask: `.../<suite>/<model>/seed<seed>/sets/<selection>/<task>.safetensors`, with a set `task`.

    Raises:
        InputError: a file cannot be read, or lacks the set `task`.
    """
    found: dict[Run, dict[tuple[str, str, str], NeuronSet]] = defaultdict(dict)
    for path in map(Path, files):
        for name, neurons in load_sets(path)[0].items():
            # A selection such as taylor-2.5-model has a point of its own; a task has none.
            selection, _, task = name.rpartition(".")
            found[Run.of_folder(path.parents[1])][path.stem, selection, task] = neurons
    for path in map(Path, multitask):
        sets = load_sets(path)[0]
        if "task" not in sets:
            raise InputError("holds no set named `task`", where=str(path))
        found[Run.of_folder(path.parents[2])]["multitask", path.parent.name, path.stem] = sets["task"]
    return dict(found)


def dial_pairs(
    measured: Sequence[MeasuredRow], sets: Mapping[Run, Found], selections: Sequence[str]
) -> Iterator[PairRow]:
    """One row for each run, ordered pair of tasks, measure, origin of the sets and selection.

    Args:
        measured: of all runs.
        sets: of `gather_sets`.
        selections: whose overlap is computed.

    Raises:
        InputError: a run has no base, or lacks a set.
    """
    runs: dict[Run, list[MeasuredRow]] = defaultdict(list)
    for row in measured:
        runs[Run(row.suite, row.model, row.seed)].append(row)
    for run, rows in runs.items():
        zero_shot = {(row.test_task, row.metric): row.value for row in rows if not row.train_task}
        if not zero_shot:
            raise InputError(f"there are no scores of the base of {run.model} on {run.suite}, seed {run.seed}")
        pairs: dict[tuple[str, str], PairRow] = {}
        for row in rows:
            if not row.train_task or row.train_task == row.test_task or row.shared is None:
                continue
            pair = PairRow(
                row.study, row.model, row.suite, row.seed, row.train_task, row.test_task, row.shared,
                row.metric, row.sets, row.selection, row.value, reason=row.reason,
            )  # fmt: skip
            before = zero_shot.get((row.test_task, row.metric))
            if before is not None and row.value is not None:
                gain = row.value - before
                value = -gain if row.metric == "loss" else gain
                pair = replace(pair, measure=f"transfer_{row.metric}", value=value)
            pairs[row.train_task, row.test_task] = pair
            yield pair
        for (source, task), pair in pairs.items():
            for origin in SETS:
                for selection in selections:
                    model = source if origin == "source" else origin
                    overlap = _overlap(sets.get(run, {}), model, selection, source, task)
                    yield replace(pair, measure="overlap", sets=origin, selection=selection, **overlap)


def summarise_dial(pairs: Sequence[PairRow], *, draws: int) -> Iterator[SummaryRow]:
    """Means by number of shared skills, rank correlations with it and with transfer, in each seed and over the seeds.

    A mean correlation is that of Fisher's z, which has a t interval, transformed back; where a seed's is 1 or -1 there
    is the plain mean and no interval.

    Args:
        pairs: of `dial_pairs`.
        draws: permutations of the tasks of each Mantel test.
    """
    runs: dict[tuple[str, str, str], dict[int, dict[tuple[str, str, str], list[PairRow]]]] = {}
    for row in pairs:
        seeds = runs.setdefault((row.study, row.model, row.suite), {})
        seeds.setdefault(row.seed, {}).setdefault(row.kind, []).append(row)
    for seeds in runs.values():
        found: dict[tuple[Any, ...], list[SummaryRow]] = defaultdict(list)
        for measures in seeds.values():
            for mean in _of_seed(measures, draws):
                found[mean.measure, mean.sets, mean.selection, mean.against, mean.given, mean.shared].append(mean)
                yield mean
        for rows in found.values():
            yield _over_seeds(rows, len(seeds))


def _of_seed(measures: Mapping[tuple[str, str, str], list[PairRow]], draws: int) -> Iterator[SummaryRow]:
    first = next(iter(measures.values()))
    tasks = list(dict.fromkeys(row.train_task for row in first))
    shared = _matrix(first, tasks, "shared")
    levels = list(np.unique(shared[np.isfinite(shared)]))
    # Means at each level are taken out, not a straight line through them.
    at_level = [np.where(np.isfinite(shared), shared == level, 0.0) for level in levels[1:]]
    values = {measure: _matrix(rows, tasks, "value") for measure, rows in measures.items()}
    run = first[0]
    for measure, matrix in values.items():
        row = SummaryRow(run.study, run.model, run.suite, run.seed, *measure)
        for level in levels:
            cells = matrix[shared == level]
            known = cells[np.isfinite(cells)]
            mean = replace(row, shared=int(level), pairs=len(known), tasks=len(tasks))
            yield (
                replace(mean, value=float(known.mean())) if len(known) else replace(mean, reason="no pair has a value")
            )
        yield _correlation(row, "shared", "", mantel(shared, matrix, draws=draws))
        if row.measure not in TRANSFER:
            for against in TRANSFER:
                if (against, "", "") in values:
                    transfer = values[against, "", ""]
                    yield _correlation(row, against, "", mantel(transfer, matrix, draws=draws))
                    partial = mantel(transfer, matrix, nuisance=at_level, draws=draws)
                    yield _correlation(row, against, "shared", partial)


def _correlation(row: SummaryRow, against: str, given: str, test: MantelTest) -> SummaryRow:
    return replace(
        row,
        against=against,
        given=given,
        value=test.correlation,
        p=test.p_value,
        tasks=test.tasks,
        pairs=test.tasks * (test.tasks - 1),
        permutations=test.permutations,
        reason=test.reason,
    )


def _over_seeds(rows: Sequence[SummaryRow], seeds: int) -> SummaryRow:
    """The mean of one value over the seeds of a run, correlations by Fisher's z."""
    known = [row.value for row in rows if row.value is not None]
    mean = replace(rows[0], seed=ALL_SEEDS, value=None, p=None, permutations=None, reason="")
    if len(known) < seeds:
        return replace(mean, reason=f"{seeds - len(known)} of {seeds} seeds have no value")
    correlations, words = bool(mean.against), f"t over {seeds} seeds"
    if correlations and max(map(abs, known)) > _ONE:
        return replace(mean, value=fmean(known), reason="a correlation is 1 or -1, where Fisher's z has no value")
    interval = t_interval([atanh(value) for value in known] if correlations else known)
    limits = [interval.mean, interval.low, interval.high]
    if correlations:
        limits = [None if limit is None else tanh(limit) for limit in limits]
        words += ", Fisher's z"
    value, low, high = limits
    words = words if interval.available else ""
    return replace(mean, value=value, low=low, high=high, interval=words, reason=interval.reason)


def _overlap(sets: Found, model: str, selection: str, source: str, task: str) -> dict[str, Any]:
    """The columns of the overlap of two sets."""
    try:
        one, other = sets[model, selection, source], sets[model, selection, task]
    except KeyError:
        raise InputError(f"there is no {selection} set of {source} or {task} in the model `{model}`") from None
    chance = overlap_chance(one.layers(), other.layers(), one.shape[1])
    if chance is None:
        return {"value": None, "reason": "both sets are empty"}
    jaccard = one.jaccard(other)
    return {"value": jaccard - chance.expected, "jaccard": jaccard, "chance": chance.expected, "reason": ""}


def _matrix(
    rows: Sequence[PairRow], tasks: Sequence[str], column: Literal["shared", "value"]
) -> Float[np.ndarray, "task task"]:
    """Cells of ordered pairs; NaN where there is none."""
    matrix = np.full((len(tasks), len(tasks)), np.nan)
    for row in rows:
        value = getattr(row, column)
        if value is not None:
            matrix[tasks.index(row.train_task), tasks.index(row.test_task)] = value
    return matrix


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        selections: slugs of the selections whose overlap is computed.
        draws: permutations of the tasks of each Mantel test.
    """

    selections: tuple[str, ...]
    draws: int


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather transfer, overlap and similarity of all pairs of tasks; summarise what follows the shared skills."""
    sets = gather_sets(job.inputs["sets"], job.inputs["multitask"])
    pairs = list(dial_pairs(MEASURED.gather(job.inputs["rows"]), sets, job.settings.selections))
    PAIRS.write(job.outputs.one("rows"), pairs)
    SUMMARY.write(job.outputs.one("summary"), summarise_dial(pairs, draws=job.settings.draws))
