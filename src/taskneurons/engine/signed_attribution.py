"""Gradient x activation with its sign: which neurons a task's loss would rise without.

Eq. 3 of Leng & Xiong 2025 takes the absolute value, so that a neuron which hurts the task ranks as high as one which
helps it. Here the sign stays: the score is - sum over examples and tokens of dL/dw_j * w_j, the first-order estimate
of what L gains when w_j is set to zero.
"""

from collections.abc import Sequence
from dataclasses import replace

from torch import nn

from taskneurons.engine.attribution import Attributor
from taskneurons.engine.batching import in_batches
from taskneurons.models.encoding import Encoded, collate
from taskneurons.models.load import Checkpoint
from taskneurons.neurons.scores import NeuronScores

SIGNED = "signed"


class SignedAttributor(Attributor):
    """An `Attributor` of signed scores alone.

    Args:
        model: see `Attributor`.
    """

    def __init__(self, model: nn.Module) -> None:
        super().__init__(model, ["taylor_global"])

    def result(self, *, task: str, model_digest: str) -> dict[str, NeuronScores]:
        """The scores so far, by the name `signed`; in nats, positive where the loss would rise.

        Raises:
            InputError: see `Attributor`.
        """
        absolute = super().result(task=task, model_digest=model_digest)["taylor_global"]
        signed = -self._sums["taylor_global"].cpu().numpy()
        return {SIGNED: replace(absolute, scores=signed, estimator=SIGNED)}


def attribute_signed(checkpoint: Checkpoint, encoded: Sequence[Encoded], *, task: str, batch_size: int) -> NeuronScores:
    """Signed scores over all examples of a task. Neither their order nor the batch size changes them beyond rounding.

    Args:
        checkpoint: its model as it is now is scored.
        encoded: the examples.
        task: their task.
        batch_size: examples at once; halved where the device's memory does not suffice.

    Raises:
        InputError: see `Attributor`.
    """
    attributor, pad_id = SignedAttributor(checkpoint.model), checkpoint.tokenizer.pad_token_id
    ordered = sorted(encoded, key=lambda example: len(example.prompt) + len(example.target), reverse=True)
    in_batches(len(ordered), batch_size, lambda begin, end: attributor.update(collate(ordered[begin:end], pad_id)))
    attributor.add_up()
    return attributor.result(task=task, model_digest=checkpoint.digest)[SIGNED]
