"""What a model loses without the neurons of a task (Leng & Xiong 2025, Tables 1 and 6, Figure 5 a-b)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.evaluation import Evaluation, PreparedTask, score_task
from taskneurons.engine.evaluation_study import prepare_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import progress
from taskneurons.errors import InputError
from taskneurons.models.kernels import fastest_on_cpu
from taskneurons.models.load import Checkpoint, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet, load_sets


def deactivate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    neurons: Mapping[str, tuple[str | Path, str | Path]],
    execution: Execution,
    *,
    interventions: Sequence[str],
    matrix: bool,
    evaluation: Evaluation,
) -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """Deactivate the sets of each task and evaluate (Leng & Xiong 2025, Tables 1 and 6, Figure 5 a-b).

    The sets of a task are those of its file: `task`, `bottom` and `random.<draw>`. All are deactivated by activation
    zero on the task itself; `task` also by the other interventions, and, where `matrix` is set, on every other task
    (condition `other_task`).

    Args:
        checkpoint: folder of the model.
        tasks: folders of all tasks that are tested.
        neurons: for each task whose sets are deactivated, its file of sets and its file of scores (which holds the mean
            activations).
        execution: where the model runs, and with which precision.
        interventions: for the task's own set on its own task.
        matrix: whether every task is tested under every set.
        evaluation: how answers are generated and scored.

    Raises:
        InputError: a set or score file of another model.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)
    prepared: dict[str, PreparedTask] = {}
    for folder in tasks:
        task, test = prepare_task(loaded, folder, evaluation.max_new_tokens)
        prepared[task.name] = test
    with fastest_on_cpu(loaded.model):
        for name, (sets_file, scores_file) in progress(neurons.items(), "deactivation"):
            sets, header = load_sets(sets_file)
            scores = NeuronScores.load(scores_file)
            _require_same_model(loaded, header["model"], sets_file)
            _require_same_model(loaded, scores.model_digest, scores_file)
            rows: list[dict[str, Any]] = []
            for case in _cases(name, sets, interventions, prepared if matrix else ()):
                means = scores.activation_mean if case.intervention == "mean" else None
                with deactivated(loaded.model, case.neurons, intervention=case.intervention, means=means):
                    found = score_task(loaded.model, case.test_task, prepared[case.test_task], evaluation)
                rows += [{**case.cells, "intervention": case.intervention, **asdict(score)} for score in found]
            yield name, rows


class Case(NamedTuple):
    """One deactivation: which neurons, how, on which task, and the cells of its rows that say so."""

    neurons: NeuronSet
    intervention: str
    test_task: str
    cells: Mapping[str, Any]


def _cases(
    task: str, sets: Mapping[str, NeuronSet], interventions: Iterable[str], tested: Iterable[str]
) -> Iterator[Case]:
    for intervention in interventions:
        yield Case(sets["task"], intervention, task, {"condition": "task", "train_task": task})
    yield Case(sets["bottom"], "zero", task, {"condition": "bottom", "train_task": task})
    for key, neurons in sets.items():
        if key.startswith("random."):
            yield Case(neurons, "zero", task, {"condition": "random", "draw": int(key.removeprefix("random."))})
    for other in tested:
        if other != task:
            yield Case(sets["task"], "zero", other, {"condition": "other_task", "train_task": task})


def _require_same_model(loaded: Checkpoint, digest: str, where: str | Path) -> None:
    if digest != loaded.digest:
        raise InputError(
            f"made with the model {digest[:12]}, the checkpoint is {loaded.digest[:12]}",
            where=str(where),
            remedy="Make the scores and sets again with this checkpoint",
        )
