"""Taking neurons out of a model, for as long as a `with` block lasts."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from taskneurons.errors import InputError
from taskneurons.models.ffn import FFN, ffn_layers
from taskneurons.models.sharing import require_whole
from taskneurons.neurons.sets import NeuronSet

Intervention = Literal["zero", "mean", "parameters"]
"""What a neuron becomes.

- zero: its activation is 0.
- mean: its activation is its mean over some data.
- parameters: its rows of the input projections, their biases and its column of the output projection are 0. Wherever
  act(0) = 0, which is every supported architecture, this equals `zero` up to rounding.
"""

INTERVENTIONS: tuple[Intervention, ...] = get_args(Intervention)


@contextmanager
def deactivated(
    model: nn.Module,
    neurons: NeuronSet,
    *,
    intervention: str = "zero",
    means: Float[np.ndarray, "layer neuron"] | None = None,
) -> Iterator[None]:
    """Deactivate neurons inside the block; afterwards, also after an error, the model is bit for bit what it was.

    Blocks may be nested: the inner one adds to the outer one.

    Args:
        model: a causal language model of a supported architecture.
        neurons: which; the empty set changes nothing.
        intervention: what they become, an `Intervention`.
        means: (layers, neurons) mean activation of every neuron, for the intervention `mean` alone.

    Raises:
        InputError: the set or the means belong to a model of another shape, the intervention is not known, or means
            are missing or not wanted.
    """
    ffns = ffn_layers(model)
    shape = (len(ffns), ffns[0].width)
    if neurons.mask.shape != shape:
        raise InputError(f"the neuron set has shape {neurons.mask.shape}, the model has {shape} neurons")
    if intervention not in INTERVENTIONS:
        raise InputError(
            f"interventions are {', '.join(INTERVENTIONS)}, not {intervention!r}", where="deactivation.interventions"
        )
    if (means is not None) != (intervention == "mean"):
        raise InputError("means go with the intervention `mean`, and only with it")
    if means is not None and (means.shape != shape or not np.isfinite(means).all()):
        raise InputError(f"means must be finite numbers of shape {shape}, found shape {means.shape}")
    if intervention == "parameters":
        require_whole(model)
    with ExitStack() as blocks:
        for ffn in ffns:
            mask = neurons.mask[ffn.layer]
            if not mask.any():
                continue
            if intervention == "parameters":
                blocks.enter_context(_zeroed(ffn, mask))
            else:
                blocks.enter_context(_replaced(ffn, mask, None if means is None else means[ffn.layer]))
        yield


@contextmanager
def _replaced(ffn: FFN, mask: np.ndarray, values: np.ndarray | None) -> Iterator[None]:
    """Multiply the activation by 0 where masked and by 1 elsewhere, then add the values of the masked neurons."""
    weight: Tensor = ffn.output.module.weight  # type: ignore[assignment]
    keep = torch.from_numpy(~mask).to(weight.device, weight.dtype)
    add = None if values is None else torch.from_numpy(np.where(mask, values, 0.0)).to(weight.device, weight.dtype)

    def replace(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (args[0] * keep if add is None else torch.addcmul(add, args[0], keep),)

    handle = ffn.output.module.register_forward_pre_hook(replace)
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _zeroed(ffn: FFN, mask: np.ndarray) -> Iterator[None]:
    """Zero what the masked neurons own of the weights and put exactly that back."""
    neurons = torch.from_numpy(np.flatnonzero(mask))
    places = [
        (parameter.detach(), dimension, (neurons + projection.offset).to(parameter.device))
        for projection in (*ffn.inputs, ffn.output)
        for parameter, dimension in projection.parameters()
    ]
    kept = [parameter.index_select(dimension, index) for parameter, dimension, index in places]
    try:
        for parameter, dimension, index in places:
            parameter.index_fill_(dimension, index, 0)
        yield
    finally:
        for (parameter, dimension, index), values in zip(places, kept, strict=True):
            parameter.index_copy_(dimension, index, values)
