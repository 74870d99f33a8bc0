"""What a model loses without the neurons of a task (Leng & Xiong 2025, Tables 1 and 6, Figure 5 a-b)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from taskneurons.engine.deactivation import Intervention, deactivated
from taskneurons.engine.evaluation import Evaluation, PreparedTask, Score, prepare_task, score_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import progress
from taskneurons.errors import InputError
from taskneurons.evidence.measurements import MEASUREMENTS, Condition, Measurement, Metric
from taskneurons.job import Job
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, load_sets


@dataclass(frozen=True)
class Case:
    """One deactivation.

    Attributes:
        neurons: that are deactivated.
        condition: whose neurons they are.
        test_task: the task that is tested.
        train_task: the task whose set it is; None for random neurons.
        draw: number of a random set.
        intervention: what a neuron becomes.
    """

    neurons: NeuronSet
    condition: Condition
    test_task: str
    train_task: str | None = None
    draw: int | None = None
    intervention: Intervention = "zero"


def deactivate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    neurons: Mapping[str, tuple[str | Path, str | Path]],
    execution: Execution,
    *,
    interventions: Sequence[Intervention],
    matrix: bool,
    evaluation: Evaluation,
) -> Iterator[tuple[str, list[tuple[Case, Score]]]]:
    """Deactivate the sets of each task and evaluate; yield the task's name and what was found.

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
    with fastest(loaded.model):
        for name, (sets_file, scores_file) in progress(neurons.items(), "deactivation"):
            sets, header = load_sets(sets_file)
            scores = NeuronScores.load(scores_file)
            _require_same_model(loaded, header["model"], sets_file)
            _require_same_model(loaded, scores.model_digest, scores_file)
            found: list[tuple[Case, Score]] = []
            for case in _cases(name, sets, interventions, prepared if matrix else ()):
                means = scores.activation_mean if case.intervention == "mean" else None
                with deactivated(loaded.model, case.neurons, intervention=case.intervention, means=means):
                    measured = score_task(loaded.model, case.test_task, prepared[case.test_task], evaluation)
                found += [(case, score) for score in measured]
            yield name, found


def _cases(
    task: str, sets: Mapping[str, NeuronSet], interventions: Iterable[Intervention], tested: Iterable[str]
) -> Iterator[Case]:
    for intervention in interventions:
        yield Case(sets["task"], "task", task, train_task=task, intervention=intervention)
    yield Case(sets["bottom"], "bottom", task, train_task=task)
    for key, neurons in sets.items():
        if key.startswith("random."):
            yield Case(neurons, "random", task, draw=int(key.removeprefix("random.")))
    for other in tested:
        if other != task:
            yield Case(sets["task"], "other_task", other, train_task=task)


def _require_same_model(loaded: Checkpoint, digest: str, where: str | Path) -> None:
    if digest != loaded.digest:
        raise InputError(
            f"made with the model {digest[:12]}, the checkpoint is {loaded.digest[:12]}",
            where=str(where),
            remedy="Make the scores and sets again with this checkpoint",
        )


# Jobs


@dataclass(frozen=True)
class DeactivateSettings:
    """Settings of `deactivate_neurons`.

    Attributes:
        selection: of the sets.
        interventions: for the task's own set on its own task.
        matrix: whether every task is tested under every set.
        evaluation: how answers are generated and scored.
        dtype: precision in which the model runs.
    """

    selection: Selection
    interventions: tuple[Intervention, ...]
    matrix: bool
    evaluation: Evaluation
    dtype: DType


def deactivate_neurons(job: Job[DeactivateSettings]) -> None:
    """Deactivate the sets of some tasks and test every task."""
    selection = job.settings.selection
    sets, scores, paths = job.inputs.by_stem("sets"), job.inputs.by_stem("scores"), job.outputs.by_stem("rows")
    for task, found in deactivate_tasks(
        job.inputs.folder("checkpoint"),
        list(job.inputs.folders("tasks").values()),
        {task: (sets[task], scores[task]) for task in paths},
        Execution.of(job, job.settings.dtype),
        interventions=job.settings.interventions,
        matrix=job.settings.matrix,
        evaluation=job.settings.evaluation,
    ):
        rows = [
            Measurement(
                study="deactivation",
                model=job.model,
                suite=job.suite,
                seed=job.seed,
                condition=case.condition,
                train_task=case.train_task,
                test_task=case.test_task,
                percent=selection.percent,
                estimator=selection.estimator,
                selection=selection.within,
                intervention=case.intervention,
                draw=case.draw,
                metric=cast(Metric, score.metric),
                value=score.value,
                n=score.n,
            )
            for case, score in found
        ]
        MEASUREMENTS.write(paths[task], rows)
