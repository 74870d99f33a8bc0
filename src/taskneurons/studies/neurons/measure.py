"""Attribution scores of every neuron for each task: of one model, and of the base by halves of the examples."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from taskneurons.engine.attribution import attribute
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.job import Job
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.kernels import fastest
from taskneurons.models.load import DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.tasks.storage import read_split, read_task


def attribute_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    execution: Execution,
    *,
    estimators: Sequence[str],
    examples: int,
    batch_size: int,
) -> Iterator[NeuronScores]:
    """Scores of every neuron for each task, on up to `examples` of its training examples, by each estimator.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        execution: where the model runs, and with which precision.
        estimators: see `taskneurons.engine.attribution`.
        examples: of each task, at most.
        batch_size: examples at once; halved where the device's memory does not suffice, which changes no score.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)
    for folder in progress(tasks, "attribution"):
        task = read_task(folder)
        few = read_split(folder, "train", limit=examples)
        with naming(folder):
            encoded = encode(few, loaded.tokenizer, loaded.context)
            with fastest(loaded.model):
                scores = attribute(loaded, encoded, task=task.name, batch_size=batch_size, estimators=estimators)
        yield from scores.values()


def attribute_with_halves(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    execution: Execution,
    *,
    estimator: str,
    examples: int,
    batch_size: int,
) -> Iterator[tuple[NeuronScores, tuple[NeuronScores, NeuronScores]]]:
    """For each task the scores of up to `examples` training examples, and those of its even and of its odd examples.

    The halves say how far to trust the whole.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        execution: where the model runs, and with which precision.
        estimator: see `taskneurons.engine.attribution`.
        examples: of each task, at most.
        batch_size: examples at once; halved where the device's memory does not suffice, which changes no score.
    """
    loaded = load_checkpoint(checkpoint, device=execution.device, dtype=execution.dtype)

    def scores(task: str, encoded: Sequence[Encoded]) -> NeuronScores:
        with fastest(loaded.model):
            return attribute(loaded, encoded, task=task, batch_size=batch_size, estimators=[estimator])[estimator]

    for folder in progress(tasks, "attribution"):
        few = read_split(folder, "train", limit=examples)
        with naming(folder):
            encoded = encode(few, loaded.tokenizer, loaded.context)
            task = Path(folder).name
            yield scores(task, encoded), (scores(task, encoded[::2]), scores(task, encoded[1::2]))


# Jobs


@dataclass(frozen=True)
class AttributeSettings:
    """Settings of `attribute_scores`.

    Attributes:
        estimators: by which scores are made.
        examples: training examples of each task, at most.
        batch_size: examples at once.
        dtype: precision in which the model runs.
    """

    estimators: tuple[str, ...]
    examples: int
    batch_size: int
    dtype: DType


def attribute_scores(job: Job[AttributeSettings]) -> None:
    """Score the neurons of a model for some tasks (Leng & Xiong 2025, Eq. 3 and its alternatives)."""
    # Scores lie in a folder for each estimator.
    paths = {(path.parent.name, path.stem): path for path in job.outputs["scores"]}
    for scores in attribute_tasks(
        job.inputs.folder("checkpoint"),
        list(job.inputs.folders("tasks").values()),
        Execution.of(job, job.settings.dtype),
        estimators=job.settings.estimators,
        examples=job.settings.examples,
        batch_size=job.settings.batch_size,
    ):
        scores.save(paths[scores.estimator, scores.task])


@dataclass(frozen=True)
class AttributeBaseSettings:
    """Settings of `attribute_base`.

    Attributes:
        estimator: by which scores are made.
        examples: training examples of each task, at most.
        batch_size: examples at once.
        dtype: precision in which the model runs.
    """

    estimator: str
    examples: int
    batch_size: int
    dtype: DType


def attribute_base(job: Job[AttributeBaseSettings]) -> None:
    """Score the neurons of the pre-trained model for some tasks, whole and by halves of the examples."""
    whole, parts = job.outputs.by_stem("scores"), job.outputs.by_stem("halves")
    for scores, halves in attribute_with_halves(
        job.inputs.folder("checkpoint"),
        list(job.inputs.folders("tasks").values()),
        Execution.of(job, job.settings.dtype),
        estimator=job.settings.estimator,
        examples=job.settings.examples,
        batch_size=job.settings.batch_size,
    ):
        scores.save(whole[scores.task])
        for number, half in enumerate(halves):
            half.save(parts[f"{scores.task}.{number}"])
