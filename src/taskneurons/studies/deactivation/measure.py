"""What a model loses without the neurons of a task (Leng & Xiong 2025, Tables 1 and 6, Figure 5 a-b)."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass, replace
from functools import reduce
from operator import or_
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
from taskneurons.neurons.controls import Matching, select_with_controls
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, load_sets


@dataclass(frozen=True)
class Case:
    """One measurement.

    Attributes:
        neurons: that are deactivated; None: the untouched model.
        condition: whose neurons they are.
        test_task: the task that is tested.
        train_task: the task whose set it is; None for random neurons and those of all tasks.
        draw: number of a random set.
        intervention: what a neuron becomes.
        percent: share of the neurons that was selected; None for the untouched model.
    """

    neurons: NeuronSet | None
    condition: Condition
    test_task: str
    train_task: str | None = None
    draw: int | None = None
    intervention: Intervention = "zero"
    percent: float | None = None


@dataclass(frozen=True)
class Design:
    """What is measured of every set.

    Attributes:
        selection: of the sets in the files.
        interventions: for the task's own set on its own task.
        matrix: whether every task is tested under every set.
        percents: further shares, of which own, random and, within a kind, other tasks' sets are measured.
        random_draws: random sets of each share, at most.
        random_matching: what random sets of further shares have in common with the task's.
        examples: test examples of each task, at most; None: all.
        original: whether the untouched model is measured, too.
    """

    selection: Selection
    interventions: tuple[Intervention, ...]
    matrix: bool
    percents: tuple[float, ...] = ()
    random_draws: int = 5
    random_matching: Matching = "layer"
    examples: int | None = None
    original: bool = True


def deactivate_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    neurons: Mapping[str, str | Path],
    scores: Mapping[str, str | Path],
    execution: Execution,
    design: Design,
    *,
    evaluation: Evaluation,
    seed: int,
) -> Iterator[tuple[str, list[tuple[Case, Score]]]]:
    """Deactivate the sets of each task and evaluate; yield the task's name and what was found.

    The sets of a task are those of its file: `task`, `bottom` and `random.<draw>`. All are deactivated by activation
    zero on the task itself; `task` also by the other interventions, and, where `matrix` is set, on every other task
    (condition `other_task`). The union of the `task` sets of all tasks is deactivated on each task (`all_tasks`): where
    even that costs nothing, the model cannot show what a set does.

    Args:
        checkpoint: folder of the model.
        tasks: folders of all tasks that are tested.
        neurons: the file of sets of each task whose sets are deactivated.
        scores: the file of scores of every task, which also holds the mean activations.
        execution: where the model runs, and with which precision.
        design: what is measured.
        evaluation: how answers are generated and scored.
        seed: of the run, for the random sets of further shares.

    Raises:
        InputError: a set or score file of another model.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)
    prepared: dict[str, PreparedTask] = {}
    kinds: dict[str, str] = {}
    for folder in tasks:
        task, prepared_task = prepare_task(loaded, folder, evaluation.max_new_tokens, limit=design.examples)
        prepared[task.name], kinds[task.name] = prepared_task, task.kind
    ranked = {task: NeuronScores.load(path) for task, path in scores.items()}
    for name, own in ranked.items():
        _require_same_model(loaded, own.model_digest, scores[name])
    together = reduce(or_, (design.selection.of(own) for own in ranked.values()))
    with fastest(loaded.model):
        for name, sets_file in progress(neurons.items(), "deactivation"):
            sets, header = load_sets(sets_file)
            _require_same_model(loaded, header["model"], sets_file)
            alike = [other for other in prepared if kinds[other] == kinds[name]]
            cases = [
                *_cases(name, sets, together, design, tuple(prepared) if design.matrix else ()),
                *_further(ranked[name], design, alike if design.matrix else (), seed),
            ]
            found: list[tuple[Case, Score]] = []
            for case in cases:
                with _without(loaded, case, ranked[name]):
                    measured = score_task(loaded.model, case.test_task, prepared[case.test_task], evaluation)
                found += [(case, score) for score in measured]
            yield name, found


def _without(loaded: Checkpoint, case: Case, scores: NeuronScores) -> AbstractContextManager[object]:
    if case.neurons is None:
        return nullcontext()
    means = scores.activation_mean if case.intervention == "mean" else None
    return deactivated(loaded.model, case.neurons, intervention=case.intervention, means=means)


def _cases(
    task: str, sets: Mapping[str, NeuronSet], together: NeuronSet, design: Design, tested: Iterable[str]
) -> Iterator[Case]:
    """Those of the selection in the files, with all controls."""
    share = design.selection.percent
    if design.original:
        yield Case(None, "original", task)
    for intervention in design.interventions:
        yield Case(sets["task"], "task", task, train_task=task, intervention=intervention, percent=share)
    yield Case(sets["bottom"], "bottom", task, train_task=task, percent=share)
    yield from _draws(task, sets, share, design.random_draws)
    yield Case(together, "all_tasks", task, percent=share)
    for other in tested:
        if other != task:
            yield Case(sets["task"], "other_task", other, train_task=task, percent=share)


def _further(scores: NeuronScores, design: Design, tested: Sequence[str], seed: int) -> Iterator[Case]:
    """Those of further shares: the own task, random sets, and the other tasks that are tested."""
    for share in design.percents:
        sets = select_with_controls(
            scores,
            replace(design.selection, percent=share),
            draws=design.random_draws,
            matching=design.random_matching,
            seed=seed,
        )
        yield Case(sets["task"], "task", scores.task, train_task=scores.task, percent=share)
        yield from _draws(scores.task, sets, share, design.random_draws)
        for other in tested:
            if other != scores.task:
                yield Case(sets["task"], "other_task", other, train_task=scores.task, percent=share)


def _draws(task: str, sets: Mapping[str, NeuronSet], share: float, most: int) -> Iterator[Case]:
    for draw in range(most):
        if f"random.{draw}" in sets:
            yield Case(sets[f"random.{draw}"], "random", task, draw=draw, percent=share)


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
        design: what is measured.
        evaluation: how answers are generated and scored.
        dtype: precision in which the model runs.
    """

    design: Design
    evaluation: Evaluation
    dtype: DType


def deactivate_neurons(job: Job[DeactivateSettings]) -> None:
    """Deactivate the sets of some tasks and test every task."""
    selection = job.settings.design.selection
    sets, paths = job.inputs.by_stem("sets"), job.outputs.by_stem("rows")
    for task, found in deactivate_tasks(
        job.inputs.folder("checkpoint"),
        list(job.inputs.folders("tasks").values()),
        {task: sets[task] for task in paths},
        job.inputs.by_stem("scores"),
        Execution.of(job, job.settings.dtype),
        job.settings.design,
        evaluation=job.settings.evaluation,
        seed=job.seed,
    ):
        rows = []
        for case, score in found:
            untouched = case.neurons is None
            rows.append(
                Measurement(
                    study="deactivation",
                    model=job.model,
                    suite=job.suite,
                    seed=job.seed,
                    condition=case.condition,
                    train_task=case.train_task,
                    test_task=case.test_task,
                    percent=case.percent,
                    estimator=None if untouched else selection.estimator,
                    selection=None if untouched else selection.within,
                    intervention=None if untouched else case.intervention,
                    draw=case.draw,
                    metric=cast(Metric, score.metric),
                    value=score.value,
                    n=score.n,
                )
            )
        MEASUREMENTS.write(paths[task], rows)
