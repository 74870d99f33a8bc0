"""Do neurons and representations agree? Overlap of task neurons, CKA of control models and transfer, pair by pair.

For a pair of tasks s and t, in the l-th transformer layer: the Jaccard index of the two tasks' FFN neurons of that
layer in the experimental model, less what sets of these sizes share by chance; CKA(C_s, C_t) behind that layer on the
prompts of t; and what C_s does on t above the base without tuning.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.files import read_csv, read_json
from taskneurons.measures.mantel import mantel
from taskneurons.measures.overlap import chance_jaccard
from taskneurons.measures.stats import holm, t_interval
from taskneurons.neurons.sets import NeuronSet, load_sets

Row = dict[str, Any]
RUN = ("study", "model", "suite", "seed")
TRANSFER_COLUMNS = (*RUN, "train_task", "test_task", "layer", "metric", "value", "n", "reason")
PAIR_COLUMNS = (
    *RUN, "train_task", "test_task", "same_family", "selection", "layer", "jaccard", "chance", "excess", "cka",
    "transfer", "transfer_loss",
)  # fmt: skip
JOINT_COLUMNS = (
    *RUN, "selection", "layer", "measure", "given", "group", "value", "low", "high", "expected", "p", "p_holm", "tasks",
    "permutations", "reason",
)  # fmt: skip
# The score whose change is transfer, by which metrics a task has.
SCORES = ("accuracy", "rougeL")
RELATIONS = (
    ("excess", "cka"),
    ("excess", "transfer"),
    ("excess", "transfer_loss"),
    ("cka", "transfer"),
    ("cka", "transfer_loss"),
)
GIVEN = ("", "family", "family, tested task")
GROUPS = ("shared", "transition", "refinement")
NO_SETS = "the neuron sets are those of another model than the experimental one"


def gather_transfer(files: Iterable[str | Path]) -> list[Row]:
    """The rows of all files that the transfer jobs wrote, with their types.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    return [row for path in files for row in _read(path, TRANSFER_COLUMNS, ("value",), ("layer", "n"))]


def experimental_sets(
    files: Mapping[str, str | Path], checkpoint: str | Path | None
) -> tuple[dict[str, NeuronSet], str]:
    """The sets of some tasks, and why there are none: they must be of the experimental model itself.

    Args:
        files: file of sets of each task; the set named `task` is taken.
        checkpoint: checkpoint.json of the experimental model; None where that is an adapter.

    Raises:
        InputError: a file has no set `task`, or its model is not that of the checkpoint.
    """
    if checkpoint is None:
        return {}, NO_SETS
    digest = read_json(checkpoint)["digest"]
    found = {}
    for task, path in files.items():
        sets, header = load_sets(path)
        if "task" not in sets:
            raise InputError("holds no set named `task`", where=str(path))
        if header.get("model") != digest:
            raise InputError(
                f"sets of the model {header.get('model', '')[:12]}, the experimental model is {digest[:12]}",
                where=str(path),
                remedy="Make the sets again with this checkpoint",
            )
        found[task] = sets["task"]
    return found, ""


def read_pairs(path: str | Path) -> list[Row]:
    """The rows that `task_pairs` made, with their types.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    numbers = ("jaccard", "chance", "excess", "cka", "transfer", "transfer_loss")
    rows = _read(path, PAIR_COLUMNS, numbers, ("layer",))
    return [row | {"same_family": row["same_family"] == "True"} for row in rows]


def read_joint(path: str | Path) -> list[Row]:
    """The rows that `joint_tests` and `neuron_shares` made, with their types.

    Raises:
        InputError: as `read_pairs`.
    """
    numbers = ("value", "low", "high", "expected", "p", "p_holm")
    return _read(path, JOINT_COLUMNS, numbers, ("layer", "tasks", "permutations"))


def _read(path: str | Path, columns: Sequence[str], numbers: Sequence[str], whole: Sequence[str]) -> list[Row]:
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != tuple(columns):
            raise InputError(f"columns must be {', '.join(columns)}", where=where)
        row: Row = dict(cells)
        try:
            row |= {column: float(cells[column]) if cells[column] else None for column in numbers}
            row |= {column: int(cells[column]) if cells[column] else None for column in whole}
            row["seed"] = int(cells["seed"])
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=where) from None
        rows.append(row)
    return rows


def task_pairs(
    transfer: Sequence[Row],
    layers: Sequence[Row],
    sets: Mapping[str, Mapping[str, NeuronSet]],
    run: Mapping[str, Any],
) -> list[Row]:
    """One row for each ordered pair of tasks, selection and layer of one run.

    Args:
        transfer: of `gather_transfer`; the rows of other runs are left aside.
        layers: of `layers.gather_layers`: the base's scores and the families.
        sets: for each selection the set of each task; a selection without sets gives rows without overlap.
        run: model, suite and seed.
    """
    own = [row for row in layers if all(row[key] == run[key] for key in ("model", "suite", "seed"))]
    families = {row["task"]: row["family"] for row in own}
    zero_shot = {
        (row["task"], row["metric"]): row["value"] for row in own if row["role"] == "base" and row["layer"] is None
    }
    cka: dict[tuple[str, str, int], float | None] = {}
    gains: dict[tuple[str, str], Row] = defaultdict(dict)
    for row in transfer:
        if any(row[key] != run[key] for key in ("model", "suite", "seed")):
            continue
        source, task, metric = row["train_task"], row["test_task"], row["metric"]
        if row["layer"] is not None:
            cka[source, task, row["layer"]] = row["value"]
        elif metric == "loss":
            gains[source, task]["transfer_loss"] = zero_shot[task, metric] - row["value"]
        elif metric in SCORES:
            gains[source, task]["transfer"] = row["value"] - zero_shot[task, metric]
    pairs = []
    for selection, by_task in sets.items():
        for (source, task, layer), value in sorted(cka.items()):
            cells = {"study": "layers", **run, "train_task": source, "test_task": task, "selection": selection}
            cells |= {"same_family": families[source] == families[task], "layer": layer, "cka": value}
            # Layer 0 is what enters the first transformer layer: it has no neurons.
            overlap = _overlap(by_task.get(source), by_task.get(task), layer - 1) if layer else {}
            pairs.append(cells | overlap | gains[source, task])
    return pairs


def joint_tests(pairs: Sequence[Row], *, draws: int, reason: str = "") -> list[Row]:
    """Mantel tests between overlap, CKA and transfer of task pairs, layer by layer, for one run.

    `measure` names the two, `value` is their rank correlation over ordered pairs, `given` what was taken out of both:
    nothing, whether the tasks are of one family, or that and the means of the tested tasks. `p_holm` is adjusted over
    the layers of a measure. Measures without overlap do not depend on the selection and stand there once.

    Args:
        pairs: of `task_pairs`.
        draws: permutations of the task labels.
        reason: why there are no sets; empty when there are.
    """
    results: list[Row] = []
    for number, selection in enumerate(dict.fromkeys(row["selection"] for row in pairs)):
        own = [row for row in pairs if row["selection"] == selection]
        tasks = sorted({row["train_task"] for row in own} | {row["test_task"] for row in own})
        places = {task: place for place, task in enumerate(tasks)}
        layers = sorted({row["layer"] for row in own if row["layer"]})
        nuisance = _nuisance(own, places)
        for first, second in RELATIONS:
            overlap = first == "excess"
            for given in GIVEN if overlap or not number else ():
                tested: list[Row] = []
                for layer in layers:
                    rows = [row for row in own if row["layer"] == layer]
                    one, other = (_matrix(rows, places, column) for column in (first, second))
                    test = mantel(one, other, nuisance=nuisance[given], draws=draws)
                    why = reason if reason and overlap else test.reason
                    tested.append(
                        {column: own[0][column] for column in RUN}
                        | {
                            "selection": selection if overlap else "",
                            "layer": layer,
                            "measure": f"{first}~{second}",
                            "given": given,
                        }
                        | {"value": test.correlation, "p": test.p_value, "tasks": test.tasks}
                        | {"permutations": test.permutations or None, "reason": why}
                    )
                known = [row for row in tested if row["p"] is not None]
                for row, adjusted in zip(known, holm([row["p"] for row in known]), strict=True):
                    row["p_holm"] = adjusted
                results += tested
    return results


def neuron_shares(
    sets: Mapping[str, Mapping[str, NeuronSet]], found: Mapping[str, Any], run: Mapping[str, Any], reason: str = ""
) -> list[Row]:
    """Where the task neurons lie, beside the map of the layers: by layer and by group of layers, for one run.

    `value` is the mean over tasks of the share of a task's neurons in percent with a t interval over tasks, `expected`
    the share of the model's neurons there. Layers are numbered as representations are: neurons of the l-th transformer
    layer act on what stands behind it. Without a transition there are no groups, and `reason` says so.

    Args:
        sets: for each selection the set of each task.
        found: the row of the map of the layers (`layers.layer_maps`) of the run.
        run: model, suite and seed.
        reason: why there are no sets; empty when there are.
    """
    rows: list[Row] = []
    for selection, by_task in sets.items():
        cells = {"study": "layers", **run, "selection": selection, "tasks": len(by_task)}
        if not by_task:
            rows.append(cells | {"measure": "neuron_share", "reason": reason})
            continue
        shares = np.array([100 * neurons.layers() / len(neurons) for neurons in by_task.values()])
        depth = shares.shape[1]
        groups = [group_of(layer, found) for layer in range(1, depth + 1)]
        for layer in range(depth):
            place = {"layer": layer + 1, "group": groups[layer], "expected": 100 / depth}
            rows.append(cells | place | {"measure": "neuron_share"} | _mean(shares[:, layer]))
        if not any(groups):
            rows.append(cells | {"measure": "group_share", "reason": f"no groups of layers: {told_map(found)}"})
        for group in GROUPS if any(groups) else ():
            inside = np.array([one == group for one in groups])
            place = {"group": group, "expected": 100 * float(inside.mean())}
            rows.append(cells | place | {"measure": "group_share"} | _mean(shares[:, inside].sum(axis=1)))
    return rows


def group_of(layer: int, found: Mapping[str, Any]) -> str:
    """The group of a layer in the map of the layers: shared, transition or refinement; empty where there are none."""
    if found.get("verdict") != "transition":
        return ""
    if layer <= found["shared_end"]:
        return "shared"
    return "refinement" if layer >= found["refinement_start"] else "transition"


def told_map(found: Mapping[str, Any]) -> str:
    """The map of the layers in words."""
    verdict = found.get("verdict")
    if verdict is None:
        return f"not available ({found.get('reason', '')})"
    p = f"p = {found['p_value']:.2g}"
    if verdict == "none":
        return f"no transition ({p})"
    if verdict == "drift":
        return f"a rise over all layers, no groups ({p})"
    return f"shared up to layer {found['shared_end']}, refinement from layer {found['refinement_start']} ({p})"


def _overlap(first: NeuronSet | None, second: NeuronSet | None, layer: int) -> Row:
    """Jaccard index of two sets in one transformer layer, what chance gives, and the difference."""
    if first is None or second is None or not 0 <= layer < first.shape[0]:
        return {}
    one, other = first.mask[layer], second.mask[layer]
    chance = chance_jaccard(int(one.sum()), int(other.sum()), one.size)
    if chance is None:
        return {}
    jaccard = int((one & other).sum()) / int((one | other).sum())
    return {"jaccard": jaccard, "chance": chance, "excess": jaccard - chance}


def _matrix(rows: Iterable[Row], places: Mapping[str, int], column: str) -> np.ndarray:
    matrix = np.full((len(places), len(places)), np.nan)
    for row in rows:
        value = row.get(column)
        if value is not None:
            matrix[places[row["train_task"]], places[row["test_task"]]] = value
    return matrix


def _nuisance(rows: Iterable[Row], places: Mapping[str, int]) -> dict[str, list[np.ndarray]]:
    family = np.eye(len(places))
    for row in rows:
        family[places[row["train_task"]], places[row["test_task"]]] = float(row["same_family"])
    tested = [np.tile(column, (len(places), 1)) for column in np.eye(len(places))]
    return {"": [], "family": [family], "family, tested task": [family, *tested]}


def _mean(values: np.ndarray) -> Row:
    interval = t_interval(values.tolist())
    reason = "" if interval.available else f"no interval: {interval.reason.replace('seeds', 'tasks')}"
    return {"value": fmean(values.tolist()), "low": interval.low, "high": interval.high, "reason": reason}
