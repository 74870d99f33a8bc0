"""Every specification of the multiverse: what tasks and neutral text lose without a task's own set, and the control."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskneurons.engine.ablation import NEUTRAL, Ablation, AblationTester, check_scored, encode_neutral
from taskneurons.engine.attribution import attribute
from taskneurons.engine.evaluation import Evaluation, PreparedTask, prepare_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.signed_attribution import SIGNED, attribute_signed
from taskneurons.engine.task_by_task import encoded_split, progress
from taskneurons.evidence.tasks import SCORE
from taskneurons.job import Job
from taskneurons.models.encoding import Encoded
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet
from taskneurons.neurons.special import Rankings
from taskneurons.studies.multiverse.grid import Control, Grid, Making, Reading
from taskneurons.studies.multiverse.rows import MEASURED, MeasuredRow, share
from taskneurons.tasks.neutral import Neutral
from taskneurons.tasks.storage import read_task

Ranked = Mapping[Reading, Rankings]
"""The rankings of all tasks by each reading of the score."""


def over_all_tokens(encoded: Sequence[Encoded]) -> list[Encoded]:
    """The same examples, in which every token but the first is to be predicted, those of the prompt too."""
    return [Encoded(one.prompt[:1], (*one.prompt[1:], *one.target), one.truncated) for one in encoded]


def scores_of(
    loaded: Checkpoint, encoded: Sequence[Encoded], readings: Sequence[Reading], *, task: str, batch_size: int
) -> dict[Reading, NeuronScores]:
    """The scores of some examples by each reading; readings of one loss share a pass, but for signed ones.

    Args:
        loaded: its model is scored.
        encoded: the examples.
        readings: scores and losses.
        task: of the examples.
        batch_size: examples at once.
    """
    found: dict[Reading, NeuronScores] = {}
    for whole in (False, True):
        wanted = [reading for reading in readings if (reading.loss == "all_tokens") == whole]
        examples = over_all_tokens(encoded) if whole else encoded
        if estimators := [reading.score for reading in wanted if reading.score != SIGNED]:
            made = attribute(loaded, examples, task=task, batch_size=batch_size, estimators=estimators)
            found |= {reading: made[reading.score] for reading in wanted if reading.score != SIGNED}
        for reading in wanted:
            if reading.score == SIGNED:
                found[reading] = attribute_signed(loaded, examples, task=task, batch_size=batch_size)
    return found


def held_against(
    control: Control, sets: Mapping[str, NeuronSet], task: str, other: str, scores: NeuronScores, *, seed: int
) -> NeuronSet:
    """What a task's own set is held against.

    Args:
        control: its kind.
        sets: of all tasks, made alike.
        task: whose own set is tested.
        other: whose set is the other task's.
        scores: of the task, for activations.
        seed: of the run.
    """
    if control == "other_task":
        return sets[other]
    return random_like(sets[task], matching=control, seed=seed, draw=0, magnitude=scores.activation)


def compared(
    ranked: Mapping[str, Ranked], grid: Grid, task: str, other: str, *, seed: int
) -> Iterator[tuple[Making, Control, NeuronSet, NeuronSet]]:
    """Every making and control with the own set of a task and the one that it is held against.

    Args:
        ranked: by what neurons are ranked over.
        grid: of the choices.
        task: that is tested.
        other: the other task.
        seed: of the run.
    """
    for making in grid.makings():
        rankings = ranked[making.within][making.reading]
        sets = rankings.sets(making.specificity, making.percent)
        for control in grid.controls:
            against = held_against(control, sets, task, other, rankings.relevance[task], seed=seed)
            yield making, control, sets[task], against


# Jobs


@dataclass(frozen=True)
class ScoreSettings:
    """Settings of `score`.

    Attributes:
        grid: of the choices.
        neutral: which neutral texts are scored.
        examples: training examples of each task, at most.
        batch_size: examples at once.
        dtype: precision in which the model runs.
    """

    grid: Grid
    neutral: Neutral
    examples: int
    batch_size: int
    dtype: DType


def score(job: Job[ScoreSettings]) -> None:
    """Score the neurons of a model for each task and for neutral text, by every reading of the score."""
    settings, readings = job.settings, job.settings.grid.readings()
    execution = Execution.of(job, settings.dtype)
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=execution.device, dtype=execution.dtype)
    folders, paths = job.inputs.folders("tasks"), _by_reading(job.outputs["scores"])
    texts, _ = encode_neutral(loaded, settings.neutral, folders, job.inputs["text"])
    with fastest(loaded.model):
        for task, folder in progress(folders.items(), "scores"):
            encoded = encoded_split(loaded, folder, "train", settings.examples)
            made = scores_of(loaded, encoded, readings, task=task, batch_size=settings.batch_size)
            for reading, scores in made.items():
                scores.save(paths[reading.slug][task])
        # All tokens of a text are predicted under either loss.
        made = scores_of(loaded, texts, readings, task=NEUTRAL, batch_size=settings.batch_size)
        for reading, path in zip(readings, job.outputs["neutral"], strict=True):
            made[reading].save(path)


@dataclass(frozen=True)
class DeactivateSettings:
    """Settings of `deactivate`.

    Attributes:
        grid: of the choices.
        test_examples: of each task, at most.
        points: whether answers are scored, too, and not their loss alone.
        neutral: which neutral texts are tested.
        evaluation: how answers are generated and scored.
        dtype: precision in which the model runs.
    """

    grid: Grid
    test_examples: int
    points: bool
    neutral: Neutral
    evaluation: Evaluation
    dtype: DType


def deactivate(job: Job[DeactivateSettings]) -> None:
    """Deactivate the own set and the control of every specification on some tasks; measure the task and neutral text.

    Raises:
        InputError: scores are of another model.
    """
    settings, folders = job.settings, job.inputs.folders("tasks")
    execution, paths = Execution.of(job, settings.dtype), job.outputs.by_stem("rows")
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=execution.device, dtype=execution.dtype)
    ranked = _ranked(job, loaded)
    described = {name: read_task(folder) for name, folder in folders.items()}
    kinds = {name: (task.kind, task.family) for name, task in described.items()}
    _, texts = encode_neutral(loaded, settings.neutral, folders, job.inputs["text"])
    tester = AblationTester(loaded, texts, settings.evaluation)
    with fastest(loaded.model):
        for name in progress(list(paths), "multiverse"):
            tokens = settings.evaluation.max_new_tokens
            _, prepared = prepare_task(loaded, folders[name], tokens, limit=settings.test_examples)
            other = other_task(name, kinds, seed=job.seed)
            rows = (
                row
                for found in compared(ranked, settings.grid, name, other, seed=job.seed)
                for row in _rows(job, tester, name, prepared, found, _means(ranked, name))
            )
            MEASURED.write(paths[name], MEASURED.sorted(rows))


def _rows(
    job: Job[DeactivateSettings],
    tester: AblationTester,
    name: str,
    prepared: PreparedTask,
    found: tuple[Making, Control, NeuronSet, NeuronSet],
    means: NeuronScores,
) -> Iterator[MeasuredRow]:
    """The rows of a making and a control, for every intervention and metric."""
    making, control, own, against = found
    metrics = (SCORE[prepared.kind], "loss") if job.settings.points else ("loss",)
    untouched = Ablation(NeuronSet.from_indices([], own.shape))
    for intervention in job.settings.grid.interventions:
        three = [untouched, *(Ablation(one, means if intervention == "mean" else None) for one in (own, against))]
        neutral = [tester.neutral_loss(one) for one in three]
        scored = [tester.scores(name, prepared, one, metrics) for one in three]
        for original, without, beside in zip(*scored, strict=True):
            yield MeasuredRow(
                job.model, job.suite, job.seed, name, prepared.kind, making.reading.score, making.reading.loss,
                making.specificity, making.within, share(making.percent), intervention, control, original.metric,
                original.value, without.value, beside.value, original.n, len(own), len(against),
                100 * (neutral[1] / neutral[0] - 1), 100 * (neutral[2] / neutral[0] - 1),
            )  # fmt: skip


def _ranked(job: Job[DeactivateSettings], loaded: Checkpoint) -> Mapping[str, Ranked]:
    """The rankings of all tasks, by what neurons are ranked over and by reading."""
    grid, paths = job.settings.grid, _by_reading(job.inputs["scores"])
    ranked: dict[str, dict[Reading, Rankings]] = {within: {} for within in grid.within}
    for reading, path in zip(grid.readings(), job.inputs["neutral"], strict=True):
        neutral = NeuronScores.load(path)
        check_scored(neutral, loaded, path)
        relevance = {task: NeuronScores.load(one) for task, one in paths[reading.slug].items()}
        for within in grid.within:
            ranked[within][reading] = Rankings(relevance, neutral, within)
    return ranked


def _means(ranked: Mapping[str, Ranked], task: str) -> NeuronScores:
    """Scores with the mean activations on a task, which are the same in each reading."""
    rankings = next(iter(ranked.values()))
    return next(iter(rankings.values())).relevance[task]


def _by_reading(paths: Sequence[Path]) -> dict[str, dict[str, Path]]:
    """Files of scores by their reading and task."""
    found: dict[str, dict[str, Path]] = {}
    for path in paths:
        found.setdefault(path.parent.name, {})[path.stem] = path
    return found
