"""What single neurons do to the loss: exactly, by setting each to zero, and to first order, with its sign.

`Attributor` takes absolute values, so that a neuron whose removal helps a task scores as high as one whose removal
hurts. Here a positive number always says that removal hurts. One forward and one backward pass also give what two
estimators of
others need: the norm of an activation (Wanda, Sun et al. 2024) and how often it is positive (LAPE, Tang et al. 2024).
"""

from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from taskneurons.engine.answers import force
from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.forward import forward
from taskneurons.errors import InputError
from taskneurons.models.encoding import IGNORED, Batch, Encoded, collate
from taskneurons.models.ffn import FFN, ffn_layers, neuron_shape
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True, eq=False)
class Answered:
    """What a model says to given answers.

    Attributes:
        losses: nats of each example, summed over the tokens of its answer.
        right: whether every token of the answer is the model's most probable one.
    """

    losses: Float[np.ndarray, " example"]
    right: Bool[np.ndarray, " example"]


@dataclass(frozen=True, eq=False)
class Observed:
    """What one forward and one backward pass say of every neuron.

    Attributes:
        effect: minus the sum over tokens of dL/dw w, averaged over examples: what removal adds to the loss to first
            order, nats.
        norm: root mean square of w over tokens.
        active: share of the tokens at which w is above 0.
    """

    effect: Float[np.ndarray, "layer neuron"]
    norm: Float[np.ndarray, "layer neuron"]
    active: Float[np.ndarray, "layer neuron"]


def batches_of(examples: Sequence[Encoded], pad_id: int, batch_size: int) -> list[Batch]:
    """Examples in batches, in their order.

    Raises:
        InputError: there are no examples.
    """
    if not examples:
        raise InputError("there are no examples", where="effects")
    return [collate(examples[begin : begin + batch_size], pad_id) for begin in range(0, len(examples), batch_size)]


@torch.no_grad()
def answered(model: nn.Module, batches: Sequence[Batch], without: NeuronSet | None = None) -> Answered:
    """What a model says to its answers, with some neurons set to zero or none."""
    with ExitStack() as stack:
        if without is not None:
            stack.enter_context(deactivated(model, without))
        device = next(model.parameters()).device
        forced = [force(model, batch.to(device)) for batch in batches]
    losses = [-one.log_probability.sum(1) for one in forced]
    right = [one.agrees.all(1) for one in forced]
    return Answered(torch.cat(losses).double().cpu().numpy(), torch.cat(right).cpu().numpy())


def exact_effects(model: nn.Module, batches: Sequence[Batch]) -> Float[np.ndarray, "layer neuron example"]:
    """What setting each neuron to zero, alone, adds to the loss of each example, in nats: one pass a neuron.

    Args:
        model: so small that as many passes as it has neurons can be paid.
        batches: the examples.
    """
    whole = answered(model, batches).losses
    layers, width = neuron_shape(model)
    effects = np.empty((layers, width, len(whole)), dtype=np.float32)
    for layer, neuron in np.ndindex(layers, width):
        alone = NeuronSet.from_indices([(layer, neuron)], (layers, width))
        effects[layer, neuron] = answered(model, batches, alone).losses - whole
    return effects


def observe(model: nn.Module, batches: Sequence[Batch]) -> Observed:
    """One forward and one backward pass over some examples.

    Args:
        model: in evaluation mode, its parameters frozen.
        batches: the examples.
    """
    ffns, device = ffn_layers(model), next(model.parameters()).device
    effect, square, active = (torch.zeros(neuron_shape(model), dtype=torch.float64, device=device) for _ in range(3))
    for batch in (one.to(device) for one in batches):
        real = batch.attention_mask.flatten().double()

        def see(ffn: FFN, value: Tensor, real: Tensor = real) -> tuple[Tensor]:
            if not value.requires_grad:
                value = value.detach().requires_grad_()
            w = value.detach().reshape(-1, ffn.width).double()
            square[ffn.layer] += real @ w**2
            active[ffn.layer] += real @ (w > 0).double()

            def differentiate(gradient: Tensor) -> None:
                effect[ffn.layer] -= (gradient.reshape(-1, ffn.width).double() * w).sum(0)

            value.register_hook(differentiate)
            return (value,)

        with ExitStack() as hooks:
            for ffn in ffns:
                handle = ffn.output.module.register_forward_pre_hook(lambda _, args, ffn=ffn: see(ffn, args[0]))
                hooks.callback(handle.remove)
            _loss(model, batch).backward()
    examples = sum(len(batch) for batch in batches)
    tokens = sum(int(batch.attention_mask.sum()) for batch in batches)
    arrays = (effect / examples, (square / tokens).sqrt(), active / tokens)
    return Observed(*(array.cpu().numpy() for array in arrays))


def outgoing_weights(model: nn.Module) -> Float[np.ndarray, "layer neuron"]:
    """The sum of the absolute weights by which each neuron enters the residual stream."""
    sums = []
    for ffn in ffn_layers(model):
        ((weight, dimension),) = ffn.output.parameters()
        sums.append(weight.detach().abs().double().sum(1 - dimension))
    return torch.stack(sums).cpu().numpy()


def _loss(model: nn.Module, batch: Batch) -> Float[Tensor, ""]:
    width = batch.answer_width
    logits, _ = forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=width)
    labels = batch.labels[:, -width:]
    return cross_entropy(logits.float().flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")
