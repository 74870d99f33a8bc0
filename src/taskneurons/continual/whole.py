"""A stage that trains every weight, and the model that it leaves."""

import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from taskneurons.continual.method import Learned
from taskneurons.continual.workshop import Workshop
from taskneurons.engine.training import TrainingLog
from taskneurons.engine.tuning import FullWeights, Tuned, tuned
from taskneurons.models.encoding import Encoded


@contextmanager
def wearing(workshop: Workshop, learned: Learned | None) -> Iterator[None]:
    """Put the weights that a stage left on the model inside the block; None: the base's own."""
    if learned is None:
        yield
        return
    base = workshop.base
    own = dict(base.model.named_parameters())
    tensors = {name: torch.tensor(learned.tensors[name]).to(own[name]) for name in own}
    with tuned(base.model, Tuned(FullWeights(tensors), TrainingLog(())), base=base.digest):
        yield


def learn_whole(
    workshop: Workshop,
    task: str,
    examples: Mapping[str, Sequence[Encoded]],
    before: Learned | None,
    *,
    learning_rate: float,
    steps: int | None = None,
) -> Learned:
    """Train every weight, starting where an earlier stage ended, or at the base.

    Args:
        workshop: where.
        task: what the stage is called after.
        examples: by task.
        before: the stage to go on from.
        learning_rate, steps: see `Workshop.tune`.
    """
    began = time.monotonic()
    with wearing(workshop, before):
        result = workshop.tune(examples, "full", learning_rate=learning_rate, steps=steps)
    assert isinstance(result.change, FullWeights)
    tensors = {name: tensor.float().cpu().numpy() for name, tensor in result.change.tensors.items()}
    trainable = sum(array.size for array in tensors.values())
    return Learned(task, tensors, {}, trainable, time.monotonic() - began, result.log.rows[-1][1])


def weight_bytes(workshop: Workshop) -> int:
    """The bytes of all weights in float32."""
    return sum(4 * parameter.numel() for parameter in workshop.base.model.parameters())
