"""Exact ablation of single neurons in a model that is too large to run it from its first layer for each of them.

What lies below the layer of a neuron is as it was without the ablation: it is remembered, not computed again.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import nn

from taskneurons.engine.answers import force
from taskneurons.engine.effects import answered
from taskneurons.models.encoding import Batch
from taskneurons.models.ffn import neuron_shape, transformer_layers
from taskneurons.neurons.sets import NeuronSet


@torch.no_grad()
def exact_effects_of(
    model: nn.Module, batches: Sequence[Batch], neurons: Int[np.ndarray, "neuron 2"]
) -> Float[np.ndarray, "neuron example"]:
    """What setting some neurons to zero, each alone, adds to the loss of each example, in nats.

    Args:
        model: in evaluation mode; in float32, since most effects are smaller than what bfloat16 tells apart.
        batches: the examples.
        neurons: layer and number of each.
    """
    layers, shape = transformer_layers(model), neuron_shape(model)
    device, effects = next(model.parameters()).device, []
    for batch in (one.to(device) for one in batches):
        whole, remembered = _remembered(model, layers, batch)
        of_batch = np.empty((len(neurons), len(batch)), dtype=np.float64)
        for place, (layer, neuron) in enumerate(neurons.tolist()):
            alone = NeuronSet.from_indices([(layer, neuron)], shape)
            with _replayed(layers[:layer], remembered):
                of_batch[place] = answered(model, [batch], alone).losses - whole
        effects.append(of_batch)
    return np.concatenate(effects, axis=1)


def _remembered(
    model: nn.Module, layers: Sequence[nn.Module], batch: Batch
) -> tuple[Float[np.ndarray, " example"], list[Any]]:
    """The losses of a batch, and what each layer gives to the next."""
    outputs: list[Any] = []
    with ExitStack() as hooks:
        for layer in layers:
            handle = layer.register_forward_hook(lambda _, args, output: outputs.append(output))
            hooks.callback(handle.remove)
        forced = force(model, batch)
    return -forced.log_probability.sum(1).double().cpu().numpy(), outputs


@contextmanager
def _replayed(layers: Sequence[nn.Module], outputs: Sequence[Any]) -> Iterator[None]:
    """Let layers give what is remembered of them in this block."""
    before = [vars(layer).get("forward") for layer in layers]
    for layer, output in zip(layers, outputs, strict=False):
        vars(layer)["forward"] = lambda *_, output=output, **__: output
    try:
        yield
    finally:
        for layer, own in zip(layers, before, strict=True):
            if own is None:
                del vars(layer)["forward"]
            else:
                vars(layer)["forward"] = own
