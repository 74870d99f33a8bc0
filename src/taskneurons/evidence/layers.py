"""Tables of the layers study: all comparisons, their means over tasks and families, and the map of the layers.

Z1 to Z4 are the findings of Zhao et al. 2024 that the tables answer. The paper prints figures, so directions can be
compared with it, values cannot.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.files import read_csv
from taskneurons.measures.changepoint import LayerMap, layer_map
from taskneurons.measures.stats import t_interval

Row = dict[str, Any]
RUN = ("study", "model", "suite", "seed")
LAYER_COLUMNS = (
    *RUN, "task", "family", "held_out", "layer", "role", "metric", "value", "low", "high", "null", "null_high", "p",
    "n", "dropped", "reason",
)  # fmt: skip
SUMMARY_COLUMNS = (
    "study", "model", "suite", "seeds", "role", "scope", "group", "layer", "metric", "tasks", "base", "value", "gain",
    "gain_low", "gain_high", "interval", "base_lowest", "base_highest", "lowest", "highest",
)  # fmt: skip
MAP_COLUMNS = (
    *RUN, "role", "scope", "metric", "tasks", "dropped", "layers", "verdict", "p_value", "explained", "shared_end",
    "shared_low", "shared_high", "refinement_start", "refinement_low", "refinement_high", "shared_level",
    "refinement_level", "support", "reason",
)  # fmt: skip
ROLES = ("base", "experimental", "held_out", "control")
CKA_METRICS = ("cka_unbiased", "cka_biased", "cka_standardised_unbiased", "cka_standardised_biased")
# Which tasks a summary or a map is about, and which model is compared with the base there.
SCOPES = (("experimental", "all"), ("held_out", "seen"), ("held_out", "unseen"))
_TEXT = ("study", "model", "suite", "task", "family", "role", "metric", "reason")
_NUMBERS = ("value", "low", "high", "null", "null_high", "p")


def read_layer_rows(path: str | Path) -> list[Row]:
    """Rows of one task, or of all, with their types; an empty cell becomes None (an empty reason stays a text).

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != LAYER_COLUMNS:
            raise InputError(f"columns must be {', '.join(LAYER_COLUMNS)}", where=where)
        try:
            row: Row = {column: cells[column] for column in _TEXT}
            row |= {column: float(cells[column]) if cells[column] else None for column in _NUMBERS}
            row |= {column: int(cells[column]) if cells[column] else None for column in ("layer", "n", "dropped")}
            row["seed"] = int(cells["seed"])
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=where) from None
        if row["role"] not in ROLES or cells["held_out"] not in ("True", "False"):
            raise InputError(f"`{row['role']}`, `{cells['held_out']}` are no role and no truth value", where=where)
        row["held_out"] = cells["held_out"] == "True"
        rows.append({column: row[column] for column in LAYER_COLUMNS})
    return rows


def gather_layers(files: Iterable[str | Path]) -> list[Row]:
    """The rows of all files, in an order that does not depend on theirs.

    Raises:
        InputError: as `read_layer_rows`, or two rows measure the same thing.
    """
    rows: dict[tuple[Any, ...], Row] = {}
    for path in files:
        for row in read_layer_rows(path):
            if (key := _key(row)) in rows:
                raise InputError(f"measures again {', '.join(map(str, key))}", where=str(path))
            rows[key] = row
    return [rows[key] for key in sorted(rows)]


def role_curves(
    rows: Iterable[Row], *, model: str, suite: str, metric: str, seed: int | None = None
) -> dict[str, dict[str, dict[int, float]]]:
    """Role -> task -> layer -> value of one metric, mean over the seeds that have it (or of one seed)."""
    found: dict[str, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows:
        if (row["model"], row["suite"], row["metric"]) != (model, suite, metric) or row["value"] is None:
            continue
        if row["layer"] is not None and seed in (None, row["seed"]):
            found[row["role"]][row["task"]][row["layer"]].append(row["value"])
    return {
        role: {task: {layer: fmean(v) for layer, v in sorted(layers.items())} for task, layers in by_task.items()}
        for role, by_task in found.items()
    }


def tasks_of_scope(rows: Iterable[Row], *, model: str, suite: str, scope: str) -> list[str]:
    """The tasks that the held-out model saw (`seen`), those that it did not (`unseen`), or all; by name."""
    wanted = {"all": (True, False), "seen": (False,), "unseen": (True,)}[scope]
    return sorted(
        {row["task"] for row in rows if (row["model"], row["suite"]) == (model, suite) and row["held_out"] in wanted}
    )


def gain_curves(
    curves: Mapping[str, Mapping[str, Mapping[int, float]]], role: str, tasks: Sequence[str]
) -> tuple[list[int], np.ndarray]:
    """The layers that any task has, and CKA(role, C_t) - CKA(base, C_t), one row a task; NaN where not available."""
    own, base = curves.get(role, {}), curves.get("base", {})
    layers = sorted({layer for task in tasks for layer in own.get(task, {}).keys() & base.get(task, {}).keys()})
    gains = [
        [own.get(task, {}).get(layer, np.nan) - base.get(task, {}).get(layer, np.nan) for layer in layers]
        for task in tasks
    ]
    return layers, np.array(gains, dtype=np.float64).reshape(len(tasks), len(layers))


def layer_maps(rows: Sequence[Row], *, alpha: float, draws: int) -> list[Row]:
    """The map of the layers of every run, for each estimator and scope; of each seed and of the mean over several.

    Scopes: the experimental model on all tasks (Z2), the held-out model on the tasks that it saw and on those that it
    did not see (Z4).

    Args:
        rows: of `gather_layers`.
        alpha, draws: see `layer_map`.
    """
    found = []
    for model, suite in _runs(rows):
        seeds = sorted({row["seed"] for row in rows if (row["model"], row["suite"]) == (model, suite)})
        for seed in (*seeds, None) if len(seeds) > 1 else seeds:
            for metric in (name for name in CKA_METRICS if any(row["metric"] == name for row in rows)):
                curves = role_curves(rows, model=model, suite=suite, metric=metric, seed=seed)
                for role, scope in SCOPES:
                    tasks = tasks_of_scope(rows, model=model, suite=suite, scope=scope)
                    layers, gains = gain_curves(curves, role, tasks)
                    cells: Row = {"study": "layers", "model": model, "suite": suite, "role": role, "scope": scope}
                    cells |= {"seed": "mean" if seed is None else seed, "metric": metric, "layers": len(layers)}
                    found.append(cells | _map_cells(layer_map(gains, layers=layers, alpha=alpha, draws=draws)))
    return found


def read_maps(path: str | Path) -> dict[tuple[str, str, str, str, str, str], Row]:
    """The maps that `layer_maps` made, by model, suite, seed (a text, or `mean`), role, scope and metric.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    found = {}
    borders = [name for name in MAP_COLUMNS if name.startswith(("shared_", "refinement_")) and "level" not in name]
    whole = ("tasks", "dropped", "layers", *borders)
    for line, cells in enumerate(read_csv(path), start=2):
        if tuple(cells) != MAP_COLUMNS:
            raise InputError(f"columns must be {', '.join(MAP_COLUMNS)}", where=f"{path}:{line}")
        row: Row = dict(cells) | {"verdict": cells["verdict"] or None}
        try:
            row |= {column: int(cells[column]) if cells[column] else None for column in whole}
            for column in ("p_value", "explained", "shared_level", "refinement_level", "support"):
                row[column] = float(cells[column]) if cells[column] else None
        except ValueError:
            raise InputError("holds a cell that is no number", where=f"{path}:{line}") from None
        model, suite, seed, role, scope, metric = (
            cells[column] for column in ("model", "suite", "seed", "role", "scope", "metric")
        )
        found[model, suite, seed, role, scope, metric] = row
    return found


def summarise_layers(rows: Sequence[Row]) -> list[Row]:
    """CKA of base and of a tuned model with the control models by layer, and the gain, over groups of tasks.

    Groups: all tasks of a scope (Z1, Z2, Z4), and each family (Z3). The layer `mean` is the mean over the layers that
    are available. Values are means over seeds first, then over tasks; intervals are t intervals over tasks.
    """
    summary = []
    for model, suite in _runs(rows):
        own = [row for row in rows if (row["model"], row["suite"]) == (model, suite)]
        families = {row["task"]: row["family"] for row in own}
        seeds = len({row["seed"] for row in own})
        for metric in CKA_METRICS:
            curves = role_curves(own, model=model, suite=suite, metric=metric)
            for role, scope in SCOPES if curves else ():
                tasks = tasks_of_scope(own, model=model, suite=suite, scope=scope)
                groups = {"": tasks}
                if scope == "all":
                    groups |= {
                        family: [t for t in tasks if families[t] == family] for family in sorted(set(families.values()))
                    }
                for group, members in groups.items():
                    cells = {"study": "layers", "model": model, "suite": suite, "seeds": seeds, "role": role}
                    cells |= {"scope": scope, "group": group, "metric": metric}
                    summary += [cells | row for row in _by_layer(curves, role, members)]
    return summary


def _by_layer(
    curves: Mapping[str, Mapping[str, Mapping[int, float]]], role: str, tasks: Sequence[str]
) -> Iterable[Row]:
    layers, _ = gain_curves(curves, role, tasks)
    parts: dict[int | str, list[int]] = {layer: [layer] for layer in layers} | ({"mean": layers} if layers else {})
    for layer, part in parts.items():
        pairs = []
        for task in tasks:
            base, own = (curves.get(name, {}).get(task, {}) for name in ("base", role))
            chosen = [one for one in part if one in base and one in own]
            if chosen:
                pairs.append((fmean(base[one] for one in chosen), fmean(own[one] for one in chosen)))
        before, after = zip(*pairs, strict=True)
        gain = t_interval([b - a for a, b in pairs])
        yield {
            "layer": layer,
            "tasks": len(pairs),
            "base": fmean(before),
            "value": fmean(after),
            "gain": gain.mean,
            "gain_low": gain.low,
            "gain_high": gain.high,
            "interval": "95 % t over tasks" if gain.available else f"not available: {_of_tasks(gain.reason)}",
            "base_lowest": min(before),
            "base_highest": max(before),
            "lowest": min(after),
            "highest": max(after),
        }


def _of_tasks(reason: str) -> str:
    """The reason of an interval over tasks; `t_interval` speaks of seeds."""
    return reason.replace("seeds", "tasks")


def _map_cells(found: LayerMap) -> Row:
    cells = asdict(found)
    for border, name in (("shared_interval", "shared"), ("refinement_interval", "refinement")):
        low, high = cells.pop(border) or (None, None)
        cells |= {f"{name}_low": low, f"{name}_high": high}
    return cells


def _runs(rows: Iterable[Row]) -> list[tuple[str, str]]:
    return sorted({(row["model"], row["suite"]) for row in rows})


def _key(row: Row) -> tuple[Any, ...]:
    """What a row measures; also the order of rows."""
    layer = -1 if row["layer"] is None else row["layer"]
    return (
        row["suite"], row["model"], row["seed"], row["task"], row["metric"], layer, ROLES.index(row["role"]),
    )  # fmt: skip
