"""FFN weights that are a mixture, with another mixture for each example, without a change of any weight of the model.

Each neuron's weights are its own on the model plus sum_c coefficient_c * row_c. As every projection is linear in its
weights, the rows live in a branch beside it: hooks add what they contribute. So the model is bit for bit the same
afterwards, and the coefficients may differ between the examples of a batch. (Scaling an activation would be something
else: a gate, an up and a down row that are scaled do not scale the activation.)
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from taskneurons.errors import InputError
from taskneurons.models.neuron_weights import NeuronWeights, neuron_weights
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True, eq=False)
class Component:
    """Rows for the neurons of a set, which one coefficient weighs.

    Attributes:
        neurons: whose rows.
        rows: float32, named as the weights of a `NeuronPatch`.
    """

    neurons: NeuronSet
    rows: Mapping[str, np.ndarray]


@dataclass(frozen=True, eq=False)
class _Place:
    """The rows of all components in one projection."""

    weights: NeuronWeights
    index: Tensor
    rows: Tensor
    bias: Tensor | None
    component: Tensor


class Branch:
    """The rows of several components, laid out along the projections of a model.

    Args:
        model: of a supported architecture.
        components: one or more; they may share neurons, whose rows add up.

    Raises:
        InputError: a set is of a model of another shape.
    """

    def __init__(self, model: nn.Module, components: Sequence[Component]) -> None:
        parts: dict[str, list[tuple[NeuronWeights, int, Component]]] = {}
        for number, component in enumerate(components):
            for place in neuron_weights(model, component.neurons):
                parts.setdefault(place.name, []).append((place, number, component))
        self.components = len(components)
        self._places = [_joined(own) for own in parts.values()]

    @contextmanager
    def blended(self, coefficients: Float[np.ndarray, "example component"]) -> Iterator[None]:
        """Add the rows, weighted, to the model inside the block.

        Args:
            coefficients: of each component; one row for all examples, or one for each example of the only batch that
                the model gets to see.

        Raises:
            InputError: another number of components; then, by the model: another number of examples in a batch.
        """
        if coefficients.ndim != 2 or coefficients.shape[1] != self.components:
            raise InputError(f"coefficients of shape {coefficients.shape} for {self.components} components")
        with ExitStack() as hooks:
            for place in self._places:
                weight = torch.from_numpy(np.ascontiguousarray(coefficients, dtype=np.float32)).to(place.rows)
                hook = _into if place.weights.into else _out_of
                handle = place.weights.module.register_forward_hook(hook(place, weight[:, place.component]))
                hooks.callback(handle.remove)
            yield


def _joined(parts: Sequence[tuple[NeuronWeights, int, Component]]) -> _Place:
    weights = parts[0][0]
    like: Any = weights.projection.parameters()[0][0]
    rows, bias, component = [], [], []
    for place, number, own in parts:
        rows.append(torch.tensor(own.rows[place.name]))
        component.append(torch.full((len(place.index),), number))
        if f"{place.name}.bias" in own.rows:
            bias.append(torch.tensor(own.rows[f"{place.name}.bias"]))
    return _Place(
        weights,
        torch.cat([place.index for place, _, _ in parts]),
        torch.cat(rows).to(like),
        torch.cat(bias).to(like) if bias else None,
        torch.cat(component).to(like.device),
    )


def _into(place: _Place, weight: Float[Tensor, "example row"]) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    """A hook on a projection into the neurons: more is added to the neurons' own outputs."""

    def hook(_: nn.Module, args: Any, output: Tensor) -> Tensor:
        values = args[0] @ place.rows.T
        if place.bias is not None:
            values = values + place.bias
        return output.index_add(-1, place.index, values * _aligned(weight, values, place))

    return hook


def _out_of(place: _Place, weight: Float[Tensor, "example row"]) -> Callable[[nn.Module, Any, Tensor], Tensor]:
    """A hook on a projection out of the neurons: their activations give more output."""

    def hook(_: nn.Module, args: Any, output: Tensor) -> Tensor:
        active = args[0].index_select(-1, place.index)
        blended: Tensor = output + (active * _aligned(weight, active, place)) @ place.rows
        return blended

    return hook


def _aligned(weight: Float[Tensor, "example row"], values: Tensor, place: _Place) -> Tensor:
    """The coefficients in the shape of a batch, whose tokens some architectures lay out in one line.

    A batch may have several rows for each example, one below the other: its options.
    """
    examples = len(weight)
    if examples == 1:
        return weight[0]
    if values.shape[0] % examples:
        raise InputError(
            f"coefficients of {examples} examples met a batch of {values.shape[0]}",
            where=place.weights.name,
            remedy="The device's memory does not suffice for the batch: lower workflow.evaluation_batch_size",
        )
    weight = weight.repeat_interleave(values.shape[0] // examples, 0)
    return weight if values.ndim == 2 else weight[:, None, :]
