"""The weights of some neurons inside a model: where they lie, reading them, writing them."""

from dataclasses import dataclass

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from taskneurons.errors import InputError
from taskneurons.models.ffn import FFN, Projection, ffn_layers, neuron_shape
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True, eq=False)
class NeuronWeights:
    """What some neurons of one layer own in one of its projections.

    Attributes:
        name: as in a `NeuronPatch`: `layers.{l}.input.{i}` or `layers.{l}.output`.
        projection: the linear map.
        into: whether the map leads into the neurons (they are its outputs) or out of them (they are its inputs).
        index: rows or columns of the map's weight, ordered by neuron.
    """

    name: str
    projection: Projection
    into: bool
    index: Int[Tensor, " neuron"]

    @property
    def module(self) -> nn.Module:
        """The module of the linear map."""
        return self.projection.module

    @property
    def turned(self) -> bool:
        """Whether the module keeps its weight as inputs x outputs (Conv1D) and not as outputs x inputs (Linear)."""
        return (self.projection.neurons_on == "columns") == self.into

    def read(self) -> tuple[Float[Tensor, "neuron width"], Float[Tensor, " neuron"] | None]:
        """Copies of the neurons' weights, one row a neuron, and of their biases where they own some."""
        (weight, dimension), *bias = self.projection.parameters()
        rows = weight.detach().index_select(dimension, self.index)
        rows = (rows if dimension == 0 else rows.T).contiguous()
        return rows, bias[0][0].detach().index_select(0, self.index) if bias else None

    def write(self, rows: Float[Tensor, "neuron width"], bias: Float[Tensor, " neuron"] | None) -> None:
        """Put weights, and biases where the neurons own some, into the model, in the model's dtype."""
        (weight, dimension), *own = self.projection.parameters()
        rows = rows if dimension == 0 else rows.T
        weight.detach().index_copy_(dimension, self.index, rows.to(weight.device, weight.dtype))
        if own:
            assert bias is not None  # the caller's arrays were checked
            parameter = own[0][0]
            parameter.detach().index_copy_(0, self.index, bias.to(parameter.device, parameter.dtype))


def neuron_weights(model: nn.Module, neurons: NeuronSet) -> tuple[NeuronWeights, ...]:
    """Where the weights of a set lie, layer by layer, input projections first.

    Raises:
        InputError: the set belongs to a model of another shape, or the architecture is not supported.
    """
    ffns = ffn_layers(model)
    shape = (len(ffns), ffns[0].width)
    if neurons.shape != shape:
        raise InputError(
            f"the neuron set is of a model of {neurons.shape[0]} x {neurons.shape[1]} neurons, this one has "
            f"{shape[0]} x {shape[1]}",
            where="neurons",
            remedy="Use a set that was made for this model",
        )
    return tuple(place for ffn in ffns if neurons.mask[ffn.layer].any() for place in _of_layer(ffn, neurons))


def layer_parameters(model: nn.Module) -> list[Float[np.ndarray, "neuron width"]]:
    """The parameters of every FFN neuron, one row a neuron, layer by layer, as float32 copies.

    A row holds the neuron's rows of the input projections (gate, up), their biases where neurons own some, and its
    column of the output projection.
    """
    every = NeuronSet(np.ones(neuron_shape(model), dtype=bool))
    parts: list[list[np.ndarray]] = [[] for _ in range(every.shape[0])]
    for place in neuron_weights(model, every):
        rows, bias = place.read()
        own = parts[int(place.name.split(".")[1])]
        own.append(rows.float().cpu().numpy())
        if bias is not None:
            own.append(bias.float().cpu().numpy()[:, None])
    return [np.concatenate(own, axis=1) for own in parts]


def _of_layer(ffn: FFN, neurons: NeuronSet) -> list[NeuronWeights]:
    members = torch.from_numpy(np.flatnonzero(neurons.mask[ffn.layer]))
    projections = [(f"input.{number}", projection) for number, projection in enumerate(ffn.inputs)]
    projections.append(("output", ffn.output))
    found = []
    for name, projection in projections:
        weight = projection.parameters()[0][0]
        index = (members + projection.offset).to(weight.device)
        found.append(NeuronWeights(f"layers.{ffn.layer}.{name}", projection, name != "output", index))
    return found
