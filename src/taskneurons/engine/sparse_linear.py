"""Linear maps that are trained at some of their neurons only, at little more than the cost of not training them.

The forward pass multiplies by the dense, frozen weight. The backward pass computes the gradient of the selected rows or
columns alone: a matrix product with n instead of N outputs. What is optimised is a float32 copy of these (the master);
its values are written into the dense weight after each step.

Sharding: the dense weight must lie on one device in one piece, since `publish` writes into it. Under sharded training
the same neurons can be a parallel branch instead, y = W x + (rows - rows at the start) x at the selected outputs, which
never writes into W; `training_only` is the one place that would choose between the two.
"""

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import groupby
from typing import Any, NamedTuple

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.autograd.function import once_differentiable
from torch.nn.functional import linear

from taskneurons.models.neuron_weights import NeuronWeights, neuron_weights
from taskneurons.neurons.sets import NeuronSet


class _Layout(NamedTuple):
    """Where neurons lie in a weight: whether they are the outputs of the map, and whether it is stored transposed."""

    into: bool
    turned: bool


class _SelectedGradients(torch.autograd.Function):
    """y = x W + b, whose backward gives dL/dx and the gradients of the selected neurons' weights and biases alone.

    Let S be the selected neurons. Where they are the map's outputs, d rows = dy[:, S]^T x and d bias = sum dy[:, S];
    where they are its inputs, d rows = x[:, S]^T dy, so that only x[:, S] needs to be kept.
    """

    @staticmethod
    def forward(
        ctx: Any,
        x: Float[Tensor, "*tokens inputs"],
        weight: Float[Tensor, "_ _"],
        bias: Float[Tensor, " outputs"] | None,
        rows: Float[Tensor, "neuron width"],
        row_bias: Float[Tensor, " neuron"] | None,
        index: Int[Tensor, " neuron"],
        layout: _Layout,
    ) -> Float[Tensor, "*tokens outputs"]:
        y = linear(x, weight.T if layout.turned else weight, bias)
        # Selecting columns of a matrix is several times as fast as selecting the last dimension of three.
        kept = x.flatten(0, -2)
        if not layout.into:
            kept = kept.index_select(1, index)
        # Under autocast y has the dtype that was computed in: nothing wider needs to be kept.
        # The weight is saved, not held: autograd then refuses a backward pass after it has been written to.
        ctx.save_for_backward(kept.to(y.dtype), weight, index)
        ctx.layout, ctx.x_dtype, ctx.rows_dtype = layout, x.dtype, rows.dtype
        return y

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, dy: Float[Tensor, "*tokens outputs"]) -> tuple[Tensor | None, ...]:
        kept, weight, index = ctx.saved_tensors
        dx = rows = bias = None
        if ctx.needs_input_grad[0]:
            dense = weight.to(dy.dtype)
            dx = (dy @ (dense.T if ctx.layout.turned else dense)).to(ctx.x_dtype)
        if ctx.needs_input_grad[3]:
            dy = dy.flatten(0, -2)
            of_neurons, other = (dy.index_select(1, index), kept) if ctx.layout.into else (kept, dy)
            rows = (of_neurons.T @ other).to(ctx.rows_dtype)
            if ctx.needs_input_grad[4]:
                bias = of_neurons.sum(0, dtype=ctx.rows_dtype)
        return dx, None, None, rows, bias, None, None


@dataclass(frozen=True, eq=False)
class TrainedModule:
    """The selected neurons of one module. Phi-3 keeps gate and up in one: then `places` has two entries.

    Attributes:
        places: where the weights lie; all in one module.
        rows: float32, the weights that are optimised, one row a neuron, the places one after the other.
        bias: float32, likewise, where the neurons own biases.
    """

    places: tuple[NeuronWeights, ...]
    rows: nn.Parameter
    bias: nn.Parameter | None

    @classmethod
    def of(cls, places: tuple[NeuronWeights, ...]) -> "TrainedModule":
        """Start from the model's weights."""
        parts = [place.read() for place in places]
        biases = [bias for _, bias in parts if bias is not None]
        return cls(
            places,
            nn.Parameter(torch.cat([rows for rows, _ in parts]).float()),
            nn.Parameter(torch.cat(biases).float()) if biases else None,
        )

    def split(self) -> list[tuple[NeuronWeights, Tensor, Tensor | None]]:
        """Rows and biases of each place."""
        sizes = [len(place.index) for place in self.places]
        rows = self.rows.detach().split(sizes)
        biases = [None] * len(sizes) if self.bias is None else self.bias.detach().split(sizes)
        return list(zip(self.places, rows, biases, strict=True))


@dataclass(frozen=True, eq=False)
class TrainedNeurons:
    """The weights of a neuron set while they are trained."""

    modules: tuple[TrainedModule, ...]

    def parameters(self) -> dict[str, nn.Parameter]:
        """What an optimizer is to move, by name."""
        found = {}
        for trained in self.modules:
            name = trained.places[0].name
            found[name] = trained.rows
            if trained.bias is not None:
                found[f"{name}.bias"] = trained.bias
        return found

    def publish(self) -> None:
        """Write the optimised values into the dense weights. Only between a backward and the next forward pass."""
        for trained in self.modules:
            for place, rows, bias in trained.split():
                place.write(rows, bias)

    def values(self) -> dict[str, Tensor]:
        """The optimised values under the names of a `NeuronPatch`."""
        found = {}
        for trained in self.modules:
            for place, rows, bias in trained.split():
                found[place.name] = rows
                if bias is not None:
                    found[f"{place.name}.bias"] = bias
        return found


@contextmanager
def training_only(model: nn.Module, neurons: NeuronSet) -> Iterator[TrainedNeurons]:
    """Let gradients reach the weights of a neuron set and nothing else, inside the block.

    The model's own parameters are frozen in the block, so that autograd's graph begins at the first layer with a member
    of the set: the layers below have no backward pass. Works with gradient checkpointing of either kind that needs no
    gradient at the input (`use_reentrant=False`). Afterwards the model is bit for bit what it was.

    Raises:
        InputError: the set belongs to a model of another shape.
    """
    places = neuron_weights(model, neurons)
    before = [(place, *place.read()) for place in places]
    frozen = [parameter for parameter in model.parameters() if parameter.requires_grad]
    by_module = [tuple(group) for _, group in groupby(places, key=lambda place: id(place.module))]
    trained = TrainedNeurons(tuple(TrainedModule.of(group) for group in by_module))
    with ExitStack() as changes:
        for parameter in frozen:
            changes.callback(parameter.requires_grad_, True)
            parameter.requires_grad_(False)
        for place, rows, bias in before:
            changes.callback(place.write, rows, bias)
        for one in trained.modules:
            changes.enter_context(_selective(one))
        yield trained


@contextmanager
def _selective(trained: TrainedModule) -> Iterator[None]:
    """Let a module's forward pass go through `_SelectedGradients`."""
    place = trained.places[0]
    module: Any = place.module
    index = torch.cat([one.index for one in trained.places])
    layout = _Layout(place.into, place.turned)
    apply: Callable[..., Tensor] = _SelectedGradients.apply

    def forward(x: Tensor) -> Tensor:
        bias = getattr(module, "bias", None)
        return apply(x, module.weight, bias, trained.rows, trained.bias, index, layout)

    replaced = module.__dict__.get("forward")
    module.forward = forward
    try:
        yield
    finally:
        if replaced is None:
            del module.forward
        else:
            module.forward = replaced
