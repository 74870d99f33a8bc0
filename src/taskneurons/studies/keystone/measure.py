"""What a task, and neutral text, lose without its own neurons, without another task's, and without keystone neurons."""

from collections.abc import Iterator
from dataclasses import dataclass

from taskneurons.engine.ablation import NEUTRAL, Ablation, AblationTester, check_scored, encode_neutral
from taskneurons.engine.attribution import attribute
from taskneurons.engine.evaluation import METRICS, Evaluation, prepare_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.signed_attribution import attribute_signed
from taskneurons.engine.task_by_task import encoded_split, progress
from taskneurons.job import Job
from taskneurons.models.kernels import fastest
from taskneurons.models.load import DType, load_checkpoint
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet
from taskneurons.neurons.special import Rankings, Special, load_scores
from taskneurons.studies.keystone.rows import MEASURED, Condition, MeasuredRow, share
from taskneurons.tasks.neutral import Neutral
from taskneurons.tasks.storage import read_task


@dataclass(frozen=True)
class Case:
    """One set that is deactivated on one task.

    Attributes:
        condition: what set it is.
        neurons: in it; the empty set is the untouched model.
        train_task: the task whose set it is, if it is of one.
        percent: share of a top of which it is made.
        draw: number of a random set.
    """

    condition: Condition
    neurons: NeuronSet
    train_task: str | None = None
    percent: float | None = None
    draw: int | None = None


@dataclass(frozen=True)
class Design:
    """What is measured.

    Attributes:
        within: neurons are ranked over the whole model or in each layer.
        percents: shares.
        sets: of tasks.
        random_draws: random sets of each top's size and layers.
        test_examples: of each task, at most.
        scores: whether answers are scored, too, and not their loss alone.
    """

    within: Within
    percents: tuple[float, ...]
    sets: tuple[Special, ...]
    random_draws: int
    test_examples: int
    scores: bool


def cases(rankings: Rankings, design: Design, task: str, other: str, *, seed: int) -> Iterator[Case]:
    """Every set that is deactivated on a task: first none, then by share.

    Args:
        rankings: of all tasks.
        design: what is measured.
        task: that is tested.
        other: whose sets are compared with its own.
        seed: of the run, for random sets.
    """
    yield Case("original", NeuronSet.from_indices([], rankings.shape))
    for percent in design.percents:
        top = rankings.tops(percent)[task]
        for draw in range(design.random_draws):
            neurons = random_like(top, matching="layer", seed=seed, draw=draw)
            yield Case("random", neurons, percent=percent, draw=draw)
        yield Case("keystone", rankings.keystone(percent), percent=percent)
        for how in design.sets:
            found = rankings.sets(how, percent)
            for whose in (task, other):
                yield Case(how, found[whose], whose, percent)


# Jobs


@dataclass(frozen=True)
class NeutralSettings:
    """Settings of `score_neutral`.

    Attributes:
        neutral: which texts.
        batch_size: texts at once.
        dtype: precision in which the model runs.
    """

    neutral: Neutral
    batch_size: int
    dtype: DType


def score_neutral(job: Job[NeutralSettings]) -> None:
    """Score the neurons of a model for neutral text, by Eq. 3 with the loss of the language model."""
    execution = Execution.of(job, job.settings.dtype)
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=execution.device, dtype=execution.dtype)
    texts, _ = encode_neutral(loaded, job.settings.neutral, job.inputs.folders("tasks"), job.inputs["text"])
    with fastest(loaded.model):
        scores = attribute(loaded, texts, task=NEUTRAL, batch_size=job.settings.batch_size)
    scores["taylor"].save(job.outputs.one("scores"))


@dataclass(frozen=True)
class SignedSettings:
    """Settings of `score_signed`.

    Attributes:
        examples: training examples of each task, at most.
        batch_size: examples at once.
        dtype: precision in which the model runs.
    """

    examples: int
    batch_size: int
    dtype: DType


def score_signed(job: Job[SignedSettings]) -> None:
    """Score the neurons of a model for some tasks with the sign of Eq. 3 kept."""
    execution, paths = Execution.of(job, job.settings.dtype), job.outputs.by_stem("scores")
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=execution.device, dtype=execution.dtype)
    for task, folder in progress(job.inputs.folders("tasks").items(), "signed scores"):
        encoded = encoded_split(loaded, folder, "train", job.settings.examples)
        with fastest(loaded.model):
            scores = attribute_signed(loaded, encoded, task=task, batch_size=job.settings.batch_size)
        scores.save(paths[task])


@dataclass(frozen=True)
class DeactivateSettings:
    """Settings of `deactivate`.

    Attributes:
        design: what is measured.
        neutral: which neutral texts are tested.
        evaluation: how answers are generated and scored.
        dtype: precision in which the model runs.
    """

    design: Design
    neutral: Neutral
    evaluation: Evaluation
    dtype: DType


def deactivate(job: Job[DeactivateSettings]) -> None:
    """Deactivate sets of each share on some tasks; measure the task and neutral text.

    Raises:
        InputError: scores are of another model.
    """
    design, folders = job.settings.design, job.inputs.folders("tasks")
    execution, paths = Execution.of(job, job.settings.dtype), job.outputs.by_stem("rows")
    loaded = load_checkpoint(job.inputs.folder("checkpoint"), device=execution.device, dtype=execution.dtype)
    rankings = Rankings(
        load_scores(job.inputs["scores"]),
        NeuronScores.load(job.inputs.one("neutral")),
        design.within,
        load_scores(job.inputs["signed"]) or None,
    )
    check_scored(rankings.neutral, loaded, job.inputs.one("neutral"))
    described = {name: read_task(folder) for name, folder in folders.items()}
    kinds = {name: (task.kind, task.family) for name, task in described.items()}
    _, texts = encode_neutral(loaded, job.settings.neutral, folders, job.inputs["text"])
    tester = AblationTester(loaded, texts, job.settings.evaluation)
    with fastest(loaded.model):
        for name in progress(list(paths), "keystone"):
            tokens = job.settings.evaluation.max_new_tokens
            task, prepared = prepare_task(loaded, folders[name], tokens, limit=design.test_examples)
            other = other_task(name, kinds, seed=job.seed)
            metrics = METRICS[task.kind] if design.scores else ("loss",)
            tested = [(case, Ablation(case.neurons)) for case in cases(rankings, design, name, other, seed=job.seed)]
            untouched = tester.neutral_loss(tested[0][1])
            rows = []
            for case, ablation in tested:
                neutral = tester.neutral_loss(ablation)
                rows += [
                    MeasuredRow(
                        study="keystone",
                        model=job.model,
                        suite=job.suite,
                        seed=job.seed,
                        test_task=name,
                        kind=task.kind,
                        condition=case.condition,
                        train_task=case.train_task,
                        percent=None if case.percent is None else share(case.percent),
                        draw=case.draw,
                        metric=score.metric,
                        value=score.value,
                        n=score.n,
                        neurons=len(case.neurons),
                        neutral=neutral,
                        neutral_rise=100 * (neutral / untouched - 1),
                    )
                    for score in tester.scores(name, prepared, ablation, metrics)
                ]
            MEASURED.write(paths[name], rows)
