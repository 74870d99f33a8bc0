"""Attribution scores of every neuron for each task."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from taskneurons.engine.attribution import attribute
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.models.encoding import encode
from taskneurons.models.load import DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.tasks.storage import read_split, read_task


def attribute_tasks(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    *,
    estimators: Sequence[str],
    examples: int,
    batch_size: int,
    device: str | torch.device,
    dtype: DType = "float32",
) -> Iterator[NeuronScores]:
    """Scores of every neuron for each task, on up to `examples` of its training examples, by each estimator.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        estimators: see `taskneurons.engine.attribution`.
        examples: of each task, at most.
        batch_size: examples at once; halved where the device's memory does not suffice, which changes no score.
        device, dtype: where the model runs, and with which precision.
    """
    loaded = load_checkpoint(checkpoint, device=device, dtype=dtype)
    for folder in progress(tasks, "attribution"):
        task = read_task(folder)
        few = read_split(folder, "train", limit=examples)
        pad_id = loaded.tokenizer.pad_token_id
        with naming(folder):
            encoded = encode(few, loaded.tokenizer, loaded.context)
            scores = attribute(loaded.model, encoded, pad_id=pad_id, batch_size=batch_size, estimators=estimators)
        for estimator, attribution in scores.items():
            yield NeuronScores(
                scores=attribution.scores,
                activation=attribution.activation,
                activation_mean=attribution.activation_mean,
                task=task.name,
                model_digest=loaded.digest,
                estimator=estimator,
                examples=attribution.examples,
                tokens=attribution.tokens,
            )
