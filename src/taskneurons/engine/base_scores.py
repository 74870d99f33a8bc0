"""Attribution scores on the pre-trained model, whole and by halves of the examples, which say how far to trust them."""

from collections.abc import Iterator, Sequence
from pathlib import Path

from taskneurons.engine.attribution import attribute
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import naming, progress
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.load import load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.tasks.storage import read_split


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
        return attribute(loaded, encoded, task=task, batch_size=batch_size, estimators=[estimator])[estimator]

    for folder in progress(tasks, "attribution"):
        few = read_split(folder, "train", limit=examples)
        with naming(folder):
            encoded = encode(few, loaded.tokenizer, loaded.context)
            task = Path(folder).name
            yield scores(task, encoded), (scores(task, encoded[::2]), scores(task, encoded[1::2]))
