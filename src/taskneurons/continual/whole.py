"""A stage that trains every weight, and the model that it leaves."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch

from taskneurons.continual.method import Learned
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.execution import Schedule
from taskneurons.engine.training import TrainingLog
from taskneurons.engine.tuning import FullWeights, Tuned, tuned
from taskneurons.models.encoding import Encoded


@contextmanager
def stage_weights(tuner: StreamTuner, learned: Learned | None) -> Iterator[None]:
    """Put the weights that a stage left on the model inside the block; None: the base's own."""
    if learned is None:
        yield
        return
    base = tuner.base
    own = dict(base.model.named_parameters())
    tensors = {name: torch.tensor(learned.tensors[name]).to(own[name]) for name in own}
    with tuned(base.model, Tuned(FullWeights(tensors), TrainingLog(())), base=base.digest):
        yield


def learn_whole(
    tuner: StreamTuner,
    task: str,
    examples: Mapping[str, Sequence[Encoded]],
    before: Learned | None,
    schedule: Schedule,
) -> Learned:
    """Train every weight, starting where an earlier stage ended, or at the base.

    Args:
        tuner: where.
        task: what the stage is called after.
        examples: by task.
        before: the stage to go on from.
        schedule: of the stage.
    """
    with stage_weights(tuner, before):
        result = tuner.tune(examples, "full", schedule)
    assert isinstance(result.change, FullWeights)
    tensors = {name: tensor.float().cpu().numpy() for name, tensor in result.change.tensors.items()}
    trainable = sum(array.size for array in tensors.values())
    return Learned(task, tensors, {}, trainable, schedule.steps * schedule.batch_size, result.log.rows[-1][1])


def weight_bytes(tuner: StreamTuner) -> int:
    """The bytes of all weights in float32."""
    return sum(4 * parameter.numel() for parameter in tuner.base.model.parameters())
