"""Attribution scores on the pre-trained model, whole and by halves of the examples, which say how far to trust them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import torch

from taskneurons.engine.attribution import attribute
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.load import DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.tasks.storage import read_split


def attribute_with_halves(
    checkpoint: str | Path,
    tasks: Sequence[str | Path],
    *,
    estimator: str,
    examples: int,
    batch_size: int,
    device: str | torch.device,
    dtype: DType = "float32",
) -> Iterator[tuple[NeuronScores, tuple[NeuronScores, NeuronScores]]]:
    """For each task the scores of up to `examples` training examples, and those of its even and of its odd examples.

    Args:
        checkpoint: folder of the model.
        tasks: folders of the tasks.
        estimator: see `taskneurons.engine.attribution`.
        examples: of each task, at most.
        batch_size: examples at once; halved where the device's memory does not suffice, which changes no score.
        device, dtype: where the model runs, and with which precision.
    """
    loaded = load_checkpoint(checkpoint, device=device, dtype=dtype)

    def scores(task: str, encoded: Sequence[Encoded]) -> NeuronScores:
        pad_id = loaded.tokenizer.pad_token_id
        found = attribute(loaded.model, encoded, pad_id=pad_id, batch_size=batch_size, estimators=[estimator])
        return NeuronScores(
            scores=found[estimator].scores,
            activation=found[estimator].activation,
            activation_mean=found[estimator].activation_mean,
            task=task,
            model_digest=loaded.digest,
            estimator=estimator,
            examples=found[estimator].examples,
            tokens=found[estimator].tokens,
        )

    for folder in progress(tasks, "attribution"):
        few = read_split(folder, "train", limit=examples)
        with naming(folder):
            encoded = encode(few, loaded.tokenizer, loaded.context)
            task = Path(folder).name
            yield scores(task, encoded), (scores(task, encoded[::2]), scores(task, encoded[1::2]))
