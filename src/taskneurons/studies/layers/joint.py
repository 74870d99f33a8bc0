"""Do neurons and representations agree? Overlap of task neurons, CKA of control models and transfer, pair by pair.

For a pair of tasks s and t, in the l-th transformer layer: the Jaccard index of the two tasks' FFN neurons of that
layer in the experimental model, less what sets of these sizes share by chance; CKA(C_s, C_t) behind that layer on the
prompts of t; and what C_s does on t above the base without tuning.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

import numpy as np
from jaxtyping import Bool, Float

from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.files import read_json
from taskneurons.job import Job
from taskneurons.measures.mantel import mantel
from taskneurons.measures.overlap import chance_jaccard
from taskneurons.measures.stats import holm, t_interval
from taskneurons.neurons.sets import NeuronSet, load_sets
from taskneurons.studies.layers.maps import group_of, map_in_words, map_of
from taskneurons.studies.layers.rows import (
    COMPARED,
    GROUPS,
    JOINT,
    MAPS,
    PAIRS,
    TRANSFER,
    ComparedRow,
    JointRow,
    MapRow,
    PairRow,
    TransferRow,
)

SCORES = ("accuracy", "rougeL")
"""The score whose change is transfer, by which metrics a task has."""
Measured = Literal["excess", "cka", "transfer", "transfer_loss"]
RELATIONS: tuple[tuple[Measured, Measured], ...] = (
    ("excess", "cka"),
    ("excess", "transfer"),
    ("excess", "transfer_loss"),
    ("cka", "transfer"),
    ("cka", "transfer_loss"),
)
GIVEN = ("", "family", "family, tested task")
NO_SETS = "there are no neuron sets of the experimental model"

Sets = Mapping[str, Mapping[str, NeuronSet]]
"""For each selection the set of each task."""


def run_of(row: ComparedRow | TransferRow) -> Run:
    """The run that a row belongs to."""
    return Run(row.suite, row.model, row.seed)


def experimental_sets(files: Mapping[str, str | Path], checkpoint: str | Path) -> dict[str, NeuronSet]:
    """The sets of some tasks, which must be of the experimental model itself.

    Args:
        files: file of sets of each task; the set named `task` is taken.
        checkpoint: checkpoint.json of the experimental model.

    Raises:
        InputError: a file has no set `task`, or its model is not that of the checkpoint.
    """
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
    return found


def task_pairs(transfer: Iterable[TransferRow], layers: Iterable[ComparedRow], sets: Sets, run: Run) -> list[PairRow]:
    """One row for each ordered pair of tasks, selection and layer of one run.

    Args:
        transfer: rows of other runs are left aside.
        layers: the base's scores and the families; rows of other runs are left aside.
        sets: of the experimental model; a selection without sets gives rows without overlap.
        run: whose pairs.
    """
    of_run = [one for one in layers if run_of(one) == run]
    families = {one.task: one.family for one in of_run}
    zero_shot = {
        (one.task, one.metric): one.value
        for one in of_run
        if one.role == "base" and one.layer is None and one.value is not None
    }
    cka: dict[tuple[str, str, int], float | None] = {}
    scores: dict[tuple[str, str], float] = {}
    losses: dict[tuple[str, str], float] = {}
    for row in transfer:
        if run_of(row) != run:
            continue
        pair = (row.train_task, row.test_task)
        if row.layer is not None:
            cka[*pair, row.layer] = row.value
        elif row.value is not None and row.metric == "loss":
            losses[pair] = zero_shot[row.test_task, row.metric] - row.value
        elif row.value is not None and row.metric in SCORES:
            scores[pair] = row.value - zero_shot[row.test_task, row.metric]
    pairs = []
    for selection, by_task in sets.items():
        for (source, task, layer), value in sorted(cka.items()):
            found = PairRow(
                "layers", run.model, run.suite, run.seed, source, task, families[source] == families[task], selection,
                layer, cka=value, transfer=scores.get((source, task)), transfer_loss=losses.get((source, task)),
            )  # fmt: skip
            # Layer 0 is what enters the first transformer layer: it has no neurons.
            if layer and source in by_task and task in by_task:
                found = _with_overlap(found, by_task[source].mask[layer - 1], by_task[task].mask[layer - 1])
            pairs.append(found)
    return pairs


def _with_overlap(pair: PairRow, first: Bool[np.ndarray, " neuron"], second: Bool[np.ndarray, " neuron"]) -> PairRow:
    """The pair with the Jaccard index of its neurons in one layer, what chance gives, and the difference."""
    chance = chance_jaccard(int(first.sum()), int(second.sum()), first.size)
    if chance is None:
        return pair
    jaccard = int((first & second).sum()) / int((first | second).sum())
    return replace(pair, jaccard=jaccard, chance=chance, excess=jaccard - chance)


def joint_tests(pairs: Sequence[PairRow], *, draws: int) -> list[JointRow]:
    """Mantel tests between overlap, CKA and transfer of task pairs, layer by layer, for one run.

    `measure` names the two, `value` is their rank correlation over ordered pairs, `given` what was taken out of both:
    nothing, whether the tasks are of one family, or that and the means of the tested tasks. `p_holm` is adjusted over
    the layers of a measure. Measures without overlap do not depend on the selection and stand there once.

    Args:
        pairs: of `task_pairs`.
        draws: permutations of the task labels.
    """
    results: list[JointRow] = []
    for number, selection in enumerate(dict.fromkeys(row.selection for row in pairs)):
        own = [row for row in pairs if row.selection == selection]
        tasks = sorted({row.train_task for row in own} | {row.test_task for row in own})
        places = {task: place for place, task in enumerate(tasks)}
        by_layer: dict[int, list[PairRow]] = defaultdict(list)
        for row in own:
            if row.layer:
                by_layer[row.layer].append(row)
        nuisance = _nuisance(own, places)
        for first, second in RELATIONS:
            overlap = first == "excess"
            for given in GIVEN if overlap or not number else ():
                tested = []
                for layer, rows in sorted(by_layer.items()):
                    one, other = (_matrix(rows, places, column) for column in (first, second))
                    test = mantel(one, other, nuisance=nuisance[given], draws=draws)
                    tested.append(
                        JointRow(
                            "layers", own[0].model, own[0].suite, own[0].seed, selection if overlap else "", layer,
                            f"{first}~{second}", given, value=test.correlation, p=test.p_value, tasks=test.tasks,
                            permutations=test.permutations or None, reason=test.reason,
                        )
                    )  # fmt: skip
                results += _adjusted(tested)
    return results


def _adjusted(rows: Sequence[JointRow]) -> Iterator[JointRow]:
    """The rows with p-values that are adjusted over them; one without a p-value stays as it is."""
    adjusted = iter(holm([row.p for row in rows if row.p is not None]))
    return (row if row.p is None else replace(row, p_holm=next(adjusted)) for row in rows)


def neuron_shares(sets: Sets, found: MapRow | None, run: Run) -> list[JointRow]:
    """Where the task neurons lie, beside the map of the layers: by layer and by group of layers, for one run.

    `value` is the mean over tasks of the share of a task's neurons in percent with a t interval over tasks, `expected`
    the share of the model's neurons there. Layers are numbered as representations are: neurons of the l-th transformer
    layer act on what stands behind it. Without a transition there are no groups, and `reason` says so.

    Args:
        sets: of the experimental model.
        found: the map of the layers of the run.
        run: whose neurons.
    """
    rows: list[JointRow] = []
    for selection, by_task in sets.items():
        blank = JointRow("layers", run.model, run.suite, run.seed, selection, tasks=len(by_task))
        if not by_task:
            rows.append(replace(blank, measure="neuron_share", reason=NO_SETS))
            continue
        shares = np.array([100 * neurons.layers() / len(neurons) for neurons in by_task.values()])
        depth = shares.shape[1]
        groups = [group_of(layer, found) for layer in range(1, depth + 1)]
        of_layer, of_group = replace(blank, measure="neuron_share"), replace(blank, measure="group_share")
        for place, group in enumerate(groups):
            row = replace(of_layer, layer=place + 1, group=group or "", expected=100 / depth)
            rows.append(_with_mean(row, shares[:, place]))
        if not any(groups):
            rows.append(replace(of_group, reason=f"no groups of layers: {map_in_words(found)}"))
        for group in GROUPS if any(groups) else ():
            inside = np.array([one == group for one in groups])
            row = replace(of_group, group=group, expected=100 * float(inside.mean()))
            rows.append(_with_mean(row, shares[:, inside].sum(axis=1)))
    return rows


def _with_mean(row: JointRow, values: Float[np.ndarray, " task"]) -> JointRow:
    """The row with the mean over tasks and its interval."""
    interval = t_interval(values.tolist())
    # `t_interval` speaks of seeds.
    reason = "" if interval.available else f"no interval: {interval.reason.replace('seeds', 'tasks')}"
    return replace(row, value=fmean(values.tolist()), low=interval.low, high=interval.high, reason=reason)


def _matrix(rows: Iterable[PairRow], places: Mapping[str, int], column: Measured) -> Float[np.ndarray, "task task"]:
    """One column of ordered pairs; NaN where there is no value."""
    matrix = np.full((len(places), len(places)), np.nan)
    for row in rows:
        value = getattr(row, column)
        if value is not None:
            matrix[places[row.train_task], places[row.test_task]] = value
    return matrix


def _nuisance(rows: Iterable[PairRow], places: Mapping[str, int]) -> dict[str, list[np.ndarray]]:
    """What is taken out of two matrices, by its name in `GIVEN`."""
    family = np.eye(len(places))
    for row in rows:
        family[places[row.train_task], places[row.test_task]] = float(row.same_family)
    tested = [np.tile(column, (len(places), 1)) for column in np.eye(len(places))]
    return {"": [], "family": [family], "family, tested task": [family, *tested]}


# Jobs


@dataclass(frozen=True)
class JoinSettings:
    """Settings of `join`.

    Attributes:
        selections: slugs of the neurons whose overlap is computed.
        draws: permutations of the tasks of each Mantel test.
    """

    selections: tuple[str, ...]
    draws: int


def join(job: Job[JoinSettings]) -> None:
    """Overlap of neurons, similarity of representations and transfer between tasks: all pairs, and tests by layer."""
    layers, maps = COMPARED.read(job.inputs.one("layers")), MAPS.read(job.inputs.one("map"))
    transfer = TRANSFER.gather(job.inputs["transfer"])
    checkpoints = {Run.of_folder(path.parents[1]): path for path in job.inputs["checkpoints"]}
    files: dict[tuple[Run, str], dict[str, Path]] = defaultdict(dict)
    for path in job.inputs["sets"]:
        files[Run.of_folder(path.parents[2]), path.parent.name][path.stem] = path
    pairs: list[PairRow] = []
    joint: list[JointRow] = []
    for run in dict.fromkeys(map(run_of, transfer)):
        sets = {name: experimental_sets(files[run, name], checkpoints[run]) for name in job.settings.selections}
        own = task_pairs(transfer, layers, sets, run)
        found = map_of(maps, suite=run.suite, model=run.model, seeds=[run.seed], role="experimental", scope="all")
        pairs += own
        joint += joint_tests(own, draws=job.settings.draws)
        joint += neuron_shares(sets, found, run)
    PAIRS.write(job.outputs.one("pairs"), pairs)
    JOINT.write(job.outputs.one("joint"), joint)
