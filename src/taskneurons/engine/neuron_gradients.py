"""The activations of all neurons in one pass, and the gradient of the loss with respect to each."""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from taskneurons.engine.forward import forward
from taskneurons.models.encoding import IGNORED, Batch
from taskneurons.models.ffn import FFN, ffn_layers


@dataclass(frozen=True, eq=False)
class Read:
    """A layer in one pass.

    Attributes:
        value: w of its neurons.
        gradient: dL/dw, L being the cross-entropy of the answers in nats, summed.
    """

    value: Float[Tensor, "example token neuron"]
    gradient: Float[Tensor, "example token neuron"]


def read_neurons(model: nn.Module, batch: Batch) -> list[Read]:
    """Every layer in one forward and one backward pass over a batch.

    Args:
        model: in evaluation mode, its parameters frozen.
        batch: on the model's device.
    """
    values: dict[int, Tensor] = {}

    def see(ffn: FFN, value: Tensor) -> tuple[Tensor]:
        # Below the first neurons nothing is differentiated.
        values[ffn.layer] = value if value.requires_grad else value.detach().requires_grad_()
        return (values[ffn.layer],)

    width = batch.answer_width
    with ExitStack() as hooks:
        for ffn in ffn_layers(model):
            handle = ffn.output.module.register_forward_pre_hook(lambda _, args, ffn=ffn: see(ffn, args[0]))
            hooks.callback(handle.remove)
        logits, _ = forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=width)
    labels = batch.labels[:, -width:]
    loss = cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
    ordered = [values[layer] for layer in range(len(values))]
    return [
        Read(*(one.detach().float().reshape(len(batch), -1, value.shape[-1]) for one in (value, gradient)))
        for value, gradient in zip(ordered, torch.autograd.grad(loss, ordered), strict=True)
    ]


def first_order_effects(
    model: nn.Module, batches: Sequence[Batch], neurons: Int[np.ndarray, "neuron 2"]
) -> Float[np.ndarray, "neuron example"]:
    """What setting some neurons to zero, each alone, adds to the loss of each example to first order, in nats.

    This is - sum over tokens of dL/dw w. Its absolute value is the score of one example by Eq. 3 of Leng & Xiong 2025.

    Args:
        model: in evaluation mode, its parameters frozen.
        batches: the examples.
        neurons: layer and number of each.
    """
    device, effects = next(model.parameters()).device, []
    for batch in batches:
        read = read_neurons(model, batch.to(device))
        effects.append(
            torch.stack(
                [
                    -(read[layer].gradient[..., neuron] * read[layer].value[..., neuron]).sum(1)
                    for layer, neuron in neurons.tolist()
                ]
            )
        )
    return torch.cat(effects, dim=1).cpu().numpy()
