"""Similarity of the parameters of two tasks' neurons, by layer (Leng & Xiong 2025, Figure 3).

A cell is a training task x a test task in one layer of one model. The state `tuned` is the model that was tuned as a
whole on the training task; `base` is the pre-trained model, which says how much of a similarity tuning made.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_csv
from taskneurons.measures.similarity import residuals
from taskneurons.measures.stats import t_interval

Row = dict[str, Any]
RUN = ("study", "model", "suite", "seed")
SETTING = ("estimator", "selection", "percent")
CELL_COLUMNS = (
    *RUN, *SETTING, "state", "train_task", "test_task", "layer", "first", "second", "shared", "jaccard", "ochiai",
    "ochiai_chance", "masked_cosine", "mean_cosine", "mean_cosine_outside", "best_match", "best_match_outside",
    "best_match_chance", "reason",
)  # fmt: skip
SIMILARITY_COLUMNS = (*CELL_COLUMNS[:-1], "masked_cosine_residual", "best_match_excess", "reason")
LAYER_COLUMNS = (
    "study", "model", "suite", "seeds", *SETTING, "state", "trained", "tested", "layer", "measure", "models", "pairs",
    "value", "low", "high", "interval", "lowest", "highest", "reason",
)  # fmt: skip
STATES = ("tuned", "base")
MEASURES = {
    "masked_cosine": "masked cosine (the paper's)",
    "masked_cosine_residual": "masked cosine, overlap taken out",
    "mean_cosine": "mean vectors",
    "mean_cosine_outside": "mean vectors, shared neurons left out",
    "best_match": "best match",
    "best_match_outside": "best match, shared neurons left out",
    "best_match_excess": "best match of unshared neurons beyond chance",
    "jaccard": "overlap (Jaccard)",
}
"""Similarities by column, and what figures call them."""
BESIDE = ("ochiai", "ochiai_chance")
"""The overlap that the masked cosine would be if all neurons had one norm, and what chance gives of it."""
KINDS = ("all", "classification", "generation")
RISE, DROP = "middle - first", "last - middle"
"""The claim of Figure 3 as two differences; the middle are all layers between the first and the last."""
_TEXT = ("study", "model", "suite", *SETTING[:2], "state", "train_task", "test_task", "reason")
_WHOLE = ("seed", "layer", "first", "second", "shared")

Kinds = Mapping[tuple[str, str], str]
"""(suite, task) -> kind."""


def read_cells(path: str | Path, columns: Sequence[str] = CELL_COLUMNS) -> list[Row]:
    """Rows of similarities with their types; an empty number becomes None.

    Raises:
        InputError: other columns, an unknown state, or a cell that is no number; the message names the file and line.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != tuple(columns):
            raise InputError(f"columns must be {', '.join(columns)}", where=where)
        row: Row = {}
        try:
            for name in columns:
                if name in _TEXT:
                    row[name] = cells[name]
                elif name in _WHOLE:
                    row[name] = int(cells[name])
                else:
                    row[name] = float(cells[name]) if cells[name] else None
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=where) from None
        if row["state"] not in STATES:
            raise InputError(f"`{row['state']}` is no state; there are {', '.join(STATES)}", where=where)
        rows.append(row)
    return rows


def gather_similarity(files: Iterable[str | Path]) -> list[Row]:
    """The cells of all files with their residual, in an order that does not depend on the files'.

    `masked_cosine_residual` is what a straight line over the Ochiai coefficient leaves of the masked cosine, over all
    cells and layers of one run and state; `best_match_excess` is the best match outside less its chance.

    Raises:
        InputError: as `read_cells`, or two rows measure the same thing.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for path in files:
        for row in read_cells(path):
            key = tuple(row[name] for name in ("suite", "model", "seed", "state", "train_task", "test_task", "layer"))
            if key in rows:
                raise InputError(f"measures again {', '.join(map(str, key))}", where=str(path))
            rows[key] = row
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for key in sorted(rows):
        groups[key[:4]].append(rows[key])
    for own in groups.values():
        left = residuals([row["masked_cosine"] for row in own], [row["ochiai"] for row in own])
        for row, value in zip(own, left, strict=True):
            row["masked_cosine_residual"] = value
            match, chance = row["best_match_outside"], row["best_match_chance"]
            row["best_match_excess"] = None if match is None or chance is None else match - chance
    return [{name: rows[key][name] for name in SIMILARITY_COLUMNS} for key in sorted(rows)]


def layer_summary(rows: Sequence[Row], kinds: Kinds) -> list[Row]:
    """Similarity by layer: mean over the models that were `trained` on one kind of tasks and the `tested` tasks.

    The layers `middle - first` and `last - middle` are the differences that the paper's Figure 3 claims to be positive
    and negative; `mean` is the mean over layers. Values are means over the pairs of tasks that have one, first within
    each model, then over models, then over seeds. Intervals are t intervals over seeds; with fewer than three, over
    models. `lowest` and `highest` are those of the models.

    Args:
        rows: of `gather_similarity`.
        kinds: of all tasks.

    Raises:
        InputError: a task is not described.
    """
    runs: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        for task in (row["train_task"], row["test_task"]):
            if (row["suite"], task) not in kinds:
                raise InputError(f"task `{task}` of suite `{row['suite']}` has results but no description")
        runs[tuple(row[name] for name in ("study", "model", "suite", *SETTING, "state"))].append(row)
    found: list[Row] = []
    for run, own in runs.items():
        cells = dict(zip(("study", "model", "suite", *SETTING, "state"), run, strict=True))
        cells["seeds"] = len({row["seed"] for row in own})
        for trained in KINDS:
            for tested in KINDS:
                part = [
                    row
                    for row in own
                    if trained in ("all", kinds[row["suite"], row["train_task"]])
                    and tested in ("all", kinds[row["suite"], row["test_task"]])
                ]
                for measure in (*MEASURES, *BESIDE):
                    place = {"trained": trained, "tested": tested, "measure": measure}
                    found += [cells | place | row for row in _by_layer(part, measure)]
    return found


def read_layer_summary(path: str | Path) -> list[Row]:
    """The rows that `layer_summary` made, with their types; `layer` is a text.

    Raises:
        InputError: as `read_cells`.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        if tuple(cells) != LAYER_COLUMNS:
            raise InputError(f"columns must be {', '.join(LAYER_COLUMNS)}", where=f"{path}:{line}")
        row: Row = dict(cells)
        try:
            row |= {name: int(cells[name]) for name in ("seeds", "models", "pairs")}
            for name in ("percent", "value", "low", "high", "lowest", "highest"):
                row[name] = float(cells[name]) if cells[name] else None
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=f"{path}:{line}") from None
        rows.append(row)
    return rows


def _by_layer(rows: Sequence[Row], measure: str) -> Iterable[Row]:
    # model (training task), seed -> layer -> values of its pairs
    values: dict[tuple[str, int], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        if row[measure] is not None:
            values[row["train_task"], row["seed"]][row["layer"]].append(row[measure])
    curves = {key: {layer: fmean(v) for layer, v in layers.items()} for key, layers in values.items()}
    layers = sorted({row["layer"] for row in rows})
    for name, part in _parts(layers).items():
        of_model: dict[str, dict[int, float]] = defaultdict(dict)
        for (task, seed), curve in curves.items():
            if all(layer in curve for side in part for layer in side):
                high, *low = (fmean(curve[layer] for layer in side) for side in part)
                of_model[task][seed] = high - sum(low)
        pairs = sum(
            row[measure] is not None and row["layer"] in (part[0] if len(part) == 1 else layers) for row in rows
        )
        yield {"layer": name, "models": len(of_model), "pairs": pairs} | _mean(of_model)


def _parts(layers: Sequence[int]) -> dict[str, tuple[Sequence[int], ...]]:
    """Layers whose mean is taken, less the mean of the second group where there is one."""
    parts: dict[str, tuple[Sequence[int], ...]] = {str(layer): ([layer],) for layer in layers}
    if layers:
        parts["mean"] = (layers,)
    if len(layers) > 2:
        parts |= {RISE: (layers[1:-1], layers[:1]), DROP: (layers[-1:], layers[1:-1])}
    return parts


def _mean(of_model: Mapping[str, Mapping[int, float]]) -> Row:
    if not of_model:
        return {"reason": "no pair of tasks has a value in every one of these layers"}
    models = {task: fmean(by_seed.values()) for task, by_seed in of_model.items()}
    seeds = sorted({seed for by_seed in of_model.values() for seed in by_seed})
    per_seed = [fmean(by_seed[seed] for by_seed in of_model.values() if seed in by_seed) for seed in seeds]
    over_seeds, over_models = t_interval(per_seed), t_interval(list(models.values()))
    chosen, what = (over_seeds, "seeds") if len(seeds) >= 3 else (over_models, "models")
    told = f"95 % t over {what}" if chosen.available else f"not available: {chosen.reason.replace('seeds', what)}"
    return {"value": fmean(models.values()), "low": chosen.low, "high": chosen.high, "interval": told} | {
        "lowest": min(models.values()), "highest": max(models.values()),
    }  # fmt: skip
