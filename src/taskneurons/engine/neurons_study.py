"""Attribution scores of every neuron for each task."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from taskneurons.engine.attribution import attribute
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.models.encoding import encode
from taskneurons.models.load import load_checkpoint
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
            scores = attribute(loaded, encoded, task=task.name, batch_size=batch_size, estimators=estimators)
        yield from scores.values()
