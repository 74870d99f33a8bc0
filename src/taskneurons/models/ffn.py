"""The FFN neurons of a model: where `architectures.py` says that they live.

A neuron is one unit of the FFN's hidden activation: the number w_j that enters the down projection (Leng & Xiong 2025,
section 2). Its weights are its rows of the input projections, their biases, and its column of the output projection.
In a mixture of experts, the FFN of a layer has the neurons of all its experts; w is 0 where a token is not routed to
their expert.
"""

from dataclasses import dataclass
from typing import Any, Literal

import torch
from torch import Tensor, nn
from transformers.pytorch_utils import Conv1D

from taskneurons.architectures import LLAMA_LIKE, MIXTURES, PATHS, Paths, unsupported
from taskneurons.errors import InputError


@dataclass(frozen=True, eq=False)
class Projection:
    """The part of one linear map that belongs to the neurons of an FFN.

    Attributes:
        module: a Linear (weight is outputs x inputs) or a Conv1D (weight is inputs x outputs).
        neurons_on: whether neuron j owns a row or a column of `module.weight`.
        bias_per_neuron: whether neuron j owns an entry of `module.bias`.
        offset: row or column of neuron 0; not 0 where one module holds several projections.
    """

    module: nn.Module
    neurons_on: Literal["rows", "columns"]
    bias_per_neuron: bool
    offset: int = 0

    def parameters(self) -> tuple[tuple[nn.Parameter, int], ...]:
        """The parameters that hold something of each neuron, and the dimension along which the neurons lie."""
        weight: Any = self.module.weight
        bias: Any = self.module.bias
        owned = ((weight, 0 if self.neurons_on == "rows" else 1),)
        return (*owned, (bias, 0)) if self.bias_per_neuron else owned


@dataclass(frozen=True, eq=False)
class FFN:
    """One feed-forward block.

    Attributes:
        layer: index of its transformer layer.
        width: number of neurons.
        inputs: the projections into the neurons; (gate, up) where gated, so that w = act(gate) * up.
        output: the down projection; the input of its module is w, (batch, tokens, width) or (batch * tokens, width).
        gated: whether there is a gate.
    """

    layer: int
    width: int
    inputs: tuple[Projection, ...]
    output: Projection
    gated: bool


def ffn_layers(model: nn.Module) -> tuple[FFN, ...]:
    """The FFN of each transformer layer, from the first to the last.

    Raises:
        InputError: the architecture is not one of `SUPPORTED`, or this model of it is built in another way.
    """
    config: Any = getattr(model, "config", None)
    architecture = getattr(config, "model_type", type(model).__name__)
    if architecture not in PATHS:
        raise unsupported(architecture, "model")
    if getattr(config, "slow_but_exact", False) and getattr(config, "pretraining_tp", 1) > 1:
        raise InputError(
            "the model multiplies slices of its down projection itself, so that no hook can see its neurons",
            where="config.json: slow_but_exact",
            remedy="Set slow_but_exact to false",
        )
    paths = PATHS[architecture]
    try:
        layers: Any = model.get_submodule(paths.layers)
        ffns = tuple(_ffn(index, layer, paths) for index, layer in enumerate(layers))
    except AttributeError as error:
        raise InputError(
            f"this {architecture} is not built as expected ({error})",
            where="model",
            remedy="Load it as a causal language model, without adapters or wrappers",
        ) from None
    widths = sorted({ffn.width for ffn in ffns})
    if len(widths) != 1:
        raise InputError(f"all layers need the same number of FFN neurons, found {widths}", where="model")
    return ffns


def ffn_blocks(model: nn.Module) -> tuple[nn.Module, ...]:
    """The modules that are the whole FFN of a layer, with whatever adapters lie on its projections.

    None where a layer holds the projections itself, or where the architecture is not one of `SUPPORTED`.
    """
    config: Any = model.config
    paths = PATHS.get(getattr(config, "model_type", ""))
    place = paths.output.rpartition(".")[0] if paths else ""
    if paths is None or not place:
        return ()
    layers: Any = model.get_submodule(paths.layers)
    return tuple(layer.get_submodule(place) for layer in layers)


def attention_modules(model: nn.Module) -> tuple[str, ...]:
    """The names of the modules that hold the query and value projections.

    Raises:
        InputError: as `ffn_layers`.
    """
    ffn_layers(model)
    config: Any = model.config
    return PATHS[config.model_type].attention


def transformer_layers(model: nn.Module) -> tuple[nn.Module, ...]:
    """The transformer layers, from the first to the last.

    Raises:
        InputError: as `ffn_layers`.
    """
    ffn_layers(model)
    config: Any = model.config
    layers: Any = model.get_submodule(PATHS[config.model_type].layers)
    return tuple(layers)


class ExposedExperts(nn.Module):
    """The experts of a layer as three linear maps, the neurons of one expert after those of another.

    transformers keeps the experts in two parameters of three dimensions and multiplies by them in a loop, so that no
    hook can see a neuron and no map has one as a row. Here w_j = routing weight x act(gate_j) x up_j enters the down
    projection. The neurons of an expert that runs for every token (Qwen 2) come last; their weight is its own gate.
    Every expert is computed for every token. `state_dict` has the tensors that transformers has.

    Args:
        block: the block of transformers.
    """

    def __init__(self, block: Any) -> None:
        super().__init__()
        fused, shared = block.experts, getattr(block, "shared_expert", None)
        self.gate = block.gate
        self.act_fn = fused.act_fn
        self.experts, self.expert_width = fused.down_proj.shape[0], fused.down_proj.shape[2]
        self.shared_gate = None if shared is None else block.shared_expert_gate
        rows = [part.flatten(0, 1) for part in fused.gate_up_proj.detach().chunk(2, dim=1)]
        columns = fused.down_proj.detach().transpose(0, 1).flatten(1)
        if shared is not None:
            rows = [torch.cat([rows[0], shared.gate_proj.weight]), torch.cat([rows[1], shared.up_proj.weight])]
            columns = torch.cat([columns, shared.down_proj.weight], dim=1)
        self.gate_proj, self.up_proj, self.down_proj = map(_linear, (*rows, columns))
        self.train(block.training)
        # Not typed in torch.
        self.register_state_dict_post_hook(_fuse)  # type: ignore[no-untyped-call]
        self.register_load_state_dict_pre_hook(_unfuse)  # type: ignore[no-untyped-call]

    def forward(self, hidden: Tensor) -> Tensor:
        """Of (..., hidden), the same shape."""
        flat = hidden.reshape(-1, hidden.shape[-1])
        _, weights, chosen = self.gate(flat)
        routing = flat.new_zeros(len(flat), self.experts).scatter(1, chosen, weights.to(flat.dtype))
        routing = routing.repeat_interleave(self.expert_width, dim=1)
        if self.shared_gate is not None:
            rest = self.down_proj.in_features - routing.shape[1]
            routing = torch.cat([routing, self.shared_gate(flat).sigmoid().expand(-1, rest)], dim=1)
        w = self.act_fn(self.gate_proj(flat)) * self.up_proj(flat) * routing
        out: Tensor = self.down_proj(w).reshape(hidden.shape)
        return out


def expose_experts(model: nn.Module) -> None:
    """Put `ExposedExperts` in place of the experts of a mixture, before anything else is done with the model.

    Any other model stays as it is.
    """
    config: Any = getattr(model, "config", None)
    if getattr(config, "model_type", "") not in MIXTURES:
        return
    layers: Any = model.get_submodule(LLAMA_LIKE.layers)
    for layer in layers:
        if hasattr(layer.mlp, "experts") and not isinstance(layer.mlp, ExposedExperts):
            layer.mlp = ExposedExperts(layer.mlp)


def _linear(weight: Tensor) -> nn.Linear:
    made = nn.Linear(weight.shape[1], weight.shape[0], bias=False, device="meta")
    made.weight = nn.Parameter(weight.contiguous())
    return made


def _fuse(module: nn.Module, state: dict[str, Tensor], prefix: str, _: Any) -> None:
    """From the three linear maps to the tensors that transformers has."""
    assert isinstance(module, ExposedExperts)
    gate, up, down = (state.pop(f"{prefix}{name}.weight") for name in ("gate_proj", "up_proj", "down_proj"))
    routed, size = module.experts * module.expert_width, (module.experts, module.expert_width)
    parts = [part[:routed].unflatten(0, size) for part in (gate, up)]
    state[f"{prefix}experts.gate_up_proj"] = torch.cat(parts, dim=1)
    state[f"{prefix}experts.down_proj"] = down[:, :routed].unflatten(1, size).transpose(0, 1).contiguous()
    if module.shared_gate is not None:
        state[f"{prefix}shared_expert_gate.weight"] = state.pop(f"{prefix}shared_gate.weight")
        for name, part in (("gate", gate[routed:]), ("up", up[routed:]), ("down", down[:, routed:])):
            state[f"{prefix}shared_expert.{name}_proj.weight"] = part.contiguous()


def _unfuse(module: nn.Module, state: dict[str, Tensor], prefix: str, *_: Any) -> None:
    """From the tensors that transformers has to the three linear maps."""
    assert isinstance(module, ExposedExperts)
    rows = [part.flatten(0, 1) for part in state.pop(f"{prefix}experts.gate_up_proj").chunk(2, dim=1)]
    columns = state.pop(f"{prefix}experts.down_proj").transpose(0, 1).flatten(1)
    if module.shared_gate is not None:
        state[f"{prefix}shared_gate.weight"] = state.pop(f"{prefix}shared_expert_gate.weight")
        gate, up, down = (state.pop(f"{prefix}shared_expert.{name}_proj.weight") for name in ("gate", "up", "down"))
        rows, columns = [torch.cat(pair) for pair in zip(rows, (gate, up), strict=True)], torch.cat([columns, down], 1)
    for name, weight in zip(("gate_proj", "up_proj", "down_proj"), (*rows, columns), strict=True):
        state[f"{prefix}{name}.weight"] = weight


def neuron_shape(model: nn.Module) -> tuple[int, int]:
    """(layers, neurons of a layer)."""
    ffns = ffn_layers(model)
    return len(ffns), ffns[0].width


def _ffn(index: int, layer: nn.Module, paths: Paths) -> FFN:
    down = layer.get_submodule(paths.output)
    weight: Tensor = down.weight  # type: ignore[assignment]
    turned = isinstance(down, Conv1D)
    width = weight.shape[0 if turned else 1]
    modules = [layer.get_submodule(path) for path in paths.inputs]
    places = [(modules[0], 0), (modules[0], width)] if paths.fused else [(module, 0) for module in modules]
    return FFN(
        index,
        width,
        tuple(
            Projection(module, "columns" if turned else "rows", isinstance(module.bias, torch.Tensor), offset)
            for module, offset in places
        ),
        Projection(down, "rows" if turned else "columns", bias_per_neuron=False),
        paths.gated,
    )
