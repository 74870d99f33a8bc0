"""Tables of the dial: do overlap and similarity of parameters follow a number of shared skills that is known?

For each ordered pair of tasks (s, t), with the number of skills that they share by construction: transfer, what the
model that was tuned as a whole on s gains on t over the base; overlap, the Jaccard index of the two tasks' neurons less
what sets with these numbers of neurons in each layer share by chance; similarities of the parameters of the two sets in
the model that was tuned on s, and the cosine of what tuning on s and tuning on t changed.

The sets are those of the base, of the model that was tuned on s, or of the model that was tuned on all tasks together;
and, as a control, those of the base when each task's answers are dealt anew to its prompts, which leaves two tasks the
words that they share and takes the skills.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import atanh, tanh
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError
from taskneurons.evidence.dial_rows import MEASURED_COLUMNS, RUN
from taskneurons.files import read_csv
from taskneurons.measures.mantel import MantelTest, mantel
from taskneurons.measures.overlap_null import overlap_chance
from taskneurons.measures.stats import t_interval
from taskneurons.neurons.sets import NeuronSet, load_sets

Row = dict[str, Any]
PAIR_COLUMNS = (
    *RUN, "train_task", "test_task", "shared", "measure", "sets", "selection", "value", "jaccard", "chance", "reason",
)  # fmt: skip
SUMMARY_COLUMNS = (
    *RUN, "measure", "sets", "selection", "against", "given", "shared", "value", "low", "high", "p", "tasks", "pairs",
    "permutations", "interval", "reason",
)  # fmt: skip
"""What a row of the summary says.

- seed: a seed, or `all` for the mean over the seeds with its t interval; of correlations, the mean and the limits of
  Fisher's z, transformed back, so that no limit lies beyond 1.
- against: empty for a mean over the pairs that share `shared` skills; else `shared` or a measure of transfer: value is
  Spearman's correlation over the ordered pairs, p of the Mantel test, whose null moves whole tasks. Each p stands by
  itself: it is not adjusted for the other rows.
- given: `shared` where the means at each number of shared skills are taken out of both first.
"""
TRANSFER = ("transfer_loss", "transfer_rougeL")
SETS = ("base", "shuffled", "source", "multitask")
SIMILARITIES = ("masked_cosine", "mean_cosine", "mean_cosine_outside", "best_match_outside", "change_cosine")
ALL_SEEDS = "all"
# Correlations of 1 come out of the ranks with an error of rounding.
_ONE = 1 - 1e-12
_OF_PAIR = ("train_task", "test_task", "shared")
_NUMBERS = ("value", "jaccard", "chance", "low", "high", "p")
_WHOLE = ("shared", "n", "tasks", "pairs", "permutations")

Place = tuple[str, str, int]
"""Suite, model and seed."""
Found = Mapping[tuple[str, str, str], NeuronSet]
"""The sets of one run by model (`base`, `shuffled`, `multitask` or a source task), selection and task."""


def gather_measured(files: Iterable[str | Path]) -> list[Row]:
    """The rows of all files that the models' jobs wrote, with their types.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    return [row for path in files for row in _read(path, MEASURED_COLUMNS)]


def read_dial(path: str | Path) -> list[Row]:
    """The rows that `dial_pairs` made, with their types.

    Raises:
        InputError: as `gather_measured`.
    """
    return _read(path, PAIR_COLUMNS)


def read_dial_summary(path: str | Path) -> list[Row]:
    """The rows that `summarise_dial` made, with their types.

    Raises:
        InputError: as `gather_measured`.
    """
    return _read(path, SUMMARY_COLUMNS)


def gather_sets(files: Iterable[str | Path], multitask: Iterable[str | Path]) -> dict[Place, Found]:
    """The sets of all runs.

    Args:
        files: `.../<suite>/<model>/seed<seed>/sets/<name>.safetensors`, sets named `<selection>.<task>`; the name is
            base, shuffled or that of a source task.
        multitask: `.../<suite>/<model>/seed<seed>/sets/<selection>/<task>.safetensors`, with a set `task`.

    Raises:
        InputError: a file cannot be read, or lacks the set `task`.
    """
    found: dict[Place, dict[tuple[str, str, str], NeuronSet]] = defaultdict(dict)
    for path in map(Path, files):
        for name, neurons in load_sets(path)[0].items():
            # A selection such as taylor-2.5-model has a point of its own; a task has none.
            selection, _, task = name.rpartition(".")
            found[_place(path.parts[:-2])][path.stem, selection, task] = neurons
    for path in map(Path, multitask):
        sets = load_sets(path)[0]
        if "task" not in sets:
            raise InputError("holds no set named `task`", where=str(path))
        found[_place(path.parts[:-3])]["multitask", path.parent.name, path.stem] = sets["task"]
    return dict(found)


def dial_pairs(measured: Sequence[Row], sets: Mapping[Place, Found], selections: Sequence[str]) -> Iterator[Row]:
    """One row for each run, ordered pair of tasks, measure, origin of the sets and selection.

    Args:
        measured: of `gather_measured`.
        sets: of `gather_sets`.
        selections: whose overlap is computed.

    Raises:
        InputError: a run has no base, or lacks a set.
    """
    runs: dict[Place, list[Row]] = defaultdict(list)
    for row in measured:
        runs[row["suite"], row["model"], row["seed"]].append(row)
    for place, rows in runs.items():
        zero_shot = {(row["test_task"], row["metric"]): row["value"] for row in rows if not row["train_task"]}
        if not zero_shot:
            raise InputError(f"there are no scores of the base of {place[1]} on {place[0]}, seed {place[2]}")
        shared = {}
        for row in rows:
            source, task = row["train_task"], row["test_task"]
            if not source or source == task:
                continue
            facts = {key: row[key] for key in (*RUN, *_OF_PAIR)}
            shared[source, task] = facts
            if (task, row["metric"]) in zero_shot:
                gain = row["value"] - zero_shot[task, row["metric"]]
                value = -gain if row["metric"] == "loss" else gain
                yield facts | {"measure": f"transfer_{row['metric']}", "value": value}
            else:
                cells = {key: row[key] for key in ("sets", "selection", "value", "reason")}
                yield facts | {"measure": row["metric"], **cells}
        for (source, task), facts in shared.items():
            for origin in SETS:
                for selection in selections:
                    cells = {"measure": "overlap", "sets": origin, "selection": selection}
                    model = source if origin == "source" else origin
                    yield facts | cells | _overlap(sets.get(place, {}), model, selection, source, task)


def summarise_dial(pairs: Sequence[Row], *, draws: int) -> Iterator[Row]:
    """Means by number of shared skills, rank correlations with it and with transfer, in each seed and over the seeds.

    A mean correlation is that of Fisher's z, which has a t interval, transformed back; where a seed's is 1 or -1 there
    is the plain mean and no interval.

    Args:
        pairs: of `dial_pairs`.
        draws: permutations of the tasks of each Mantel test.
    """
    runs: dict[tuple[Any, ...], dict[int, dict[tuple[str, str, str], list[Row]]]] = {}
    for row in pairs:
        measure = (row["measure"], row.get("sets") or "", row.get("selection") or "")
        seeds = runs.setdefault((row["study"], row["model"], row["suite"]), {})
        seeds.setdefault(row["seed"], {}).setdefault(measure, []).append(row)
    for run, seeds in runs.items():
        found: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
        for seed, measures in seeds.items():
            for cells in _of_seed(measures, draws):
                row = dict(zip(RUN, (*run, seed), strict=True)) | cells
                found[
                    tuple(row.get(key) for key in ("measure", "sets", "selection", "against", "given", "shared"))
                ] += [row]
                yield row
        for rows in found.values():
            yield _over_seeds(rows, len(seeds))


def _of_seed(measures: Mapping[tuple[str, str, str], list[Row]], draws: int) -> Iterator[Row]:
    first = next(iter(measures.values()))
    tasks = list(dict.fromkeys(row["train_task"] for row in first))
    shared = _matrix(first, tasks, "shared")
    levels = list(np.unique(shared[np.isfinite(shared)]))
    # Means at each level are taken out, not a straight line through them.
    at_level = [np.where(np.isfinite(shared), shared == level, 0.0) for level in levels[1:]]
    values = {measure: _matrix(rows, tasks, "value") for measure, rows in measures.items()}
    for (measure, origin, selection), matrix in values.items():
        facts = {"measure": measure, "sets": origin, "selection": selection}
        for level in levels:
            cells = matrix[shared == level]
            known = cells[np.isfinite(cells)]
            yield (
                facts
                | {"shared": int(level), "pairs": len(known), "tasks": len(tasks)}
                | ({"value": float(known.mean())} if len(known) else {"reason": "no pair has a value"})
            )
        yield facts | _correlation("shared", "", mantel(shared, matrix, draws=draws))
        if measure not in TRANSFER:
            for against in TRANSFER:
                if (against, "", "") in values:
                    transfer = values[against, "", ""]
                    yield facts | _correlation(against, "", mantel(transfer, matrix, draws=draws))
                    partial = mantel(transfer, matrix, nuisance=at_level, draws=draws)
                    yield facts | _correlation(against, "shared", partial)


def _correlation(against: str, given: str, test: MantelTest) -> Row:
    return {
        "against": against,
        "given": given,
        "value": test.correlation,
        "p": test.p_value,
        "tasks": test.tasks,
        "pairs": test.tasks * (test.tasks - 1),
        "permutations": test.permutations,
        "reason": test.reason,
    }


def _over_seeds(rows: Sequence[Row], seeds: int) -> Row:
    """The mean of one value over the seeds of a run, correlations by Fisher's z."""
    known = [row["value"] for row in rows if row.get("value") is not None]
    cells = {key: rows[0].get(key) for key in SUMMARY_COLUMNS if key not in ("value", "p", "permutations", "reason")}
    if len(known) < seeds:
        return cells | {"seed": ALL_SEEDS, "reason": f"{seeds - len(known)} of {seeds} seeds have no value"}
    correlations, told = bool(cells["against"]), f"t over {seeds} seeds"
    if correlations and max(map(abs, known)) > _ONE:
        reason = "a correlation is 1 or -1, where Fisher's z has no value"
        return cells | {"seed": ALL_SEEDS, "value": fmean(known), "reason": reason}
    interval = t_interval([atanh(value) for value in known] if correlations else known)
    limits = {"value": interval.mean, "low": interval.low, "high": interval.high}
    if correlations:
        limits = {name: None if limit is None else tanh(limit) for name, limit in limits.items()}
        told += ", Fisher's z"
    return (
        cells
        | limits
        | {
            "seed": ALL_SEEDS,
            "interval": told if interval.available else "",
            "reason": interval.reason,
        }
    )


def _overlap(sets: Found, model: str, selection: str, source: str, task: str) -> Row:
    try:
        one, other = sets[model, selection, source], sets[model, selection, task]
    except KeyError:
        raise InputError(f"there is no {selection} set of {source} or {task} in the model `{model}`") from None
    chance = overlap_chance(one.layers(), other.layers(), one.shape[1])
    if chance is None:
        return {"reason": "both sets are empty"}
    jaccard = one.jaccard(other)
    return {"value": jaccard - chance.expected, "jaccard": jaccard, "chance": chance.expected}


def _matrix(rows: Sequence[Row], tasks: Sequence[str], column: str) -> Float[np.ndarray, "task task"]:
    """Cells of ordered pairs; NaN where there is none."""
    matrix = np.full((len(tasks), len(tasks)), np.nan)
    for row in rows:
        value = row.get(column)
        if value is not None:
            matrix[tasks.index(row["train_task"]), tasks.index(row["test_task"])] = value
    return matrix


def _place(parts: Sequence[str]) -> Place:
    suite, model, seed = parts[-3:]
    return suite, model, int(seed.removeprefix("seed"))


def _read(path: str | Path, columns: Sequence[str]) -> list[Row]:
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != tuple(columns):
            raise InputError(f"columns must be {', '.join(columns)}", where=where)
        row: Row = dict(cells)
        try:
            row |= {name: float(cells[name]) if cells[name] else None for name in _NUMBERS if name in cells}
            row |= {name: int(cells[name]) if cells[name] else None for name in _WHOLE if name in cells}
            row["seed"] = ALL_SEEDS if cells["seed"] == ALL_SEEDS else int(cells["seed"])
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=where) from None
        rows.append(row)
    return rows
