"""A training that several processes do together: what moves is copied (DDP), or all weights are shared out (FSDP2).

Each process runs its share of a step's examples. Where a part of a model moves (neurons, adapters), every process holds
the model, and DDP averages the gradients. Where all weights move, these with their gradients and moments would not fit:
each process then keeps a part of every weight, and of its gradient and moments, and the whole of one layer at a time.

accelerate sets up DDP. It offers FSDP2 on GPUs alone; torch's `fully_shard`, which it calls there, also runs on CPUs.
"""

import copy
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import FSDPModule, fully_shard
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from taskneurons import processes
from taskneurons.errors import InputError
from taskneurons.models.ffn import transformer_layers


@dataclass(frozen=True, eq=False)
class Spread:
    """A model that is ready to be trained by all processes of a job.

    Attributes:
        called: what a forward pass calls.
        model: what computes in it.
        parameters: what the optimizer moves, by name.
        averages: whether gradients come as the mean over processes, not as their sum.
        collect: puts what was trained so far into the model that was handed in; every process must call it.
    """

    called: nn.Module
    model: PreTrainedModel
    parameters: Mapping[str, nn.Parameter]
    averages: bool = False
    collect: Callable[[], None] = lambda: None

    @property
    def shared_out(self) -> bool:
        """Whether each pass needs all processes."""
        return processes.number() > 1 and not self.averages


def spread(accelerator: Accelerator, model: PreTrainedModel, parameters: Mapping[str, nn.Parameter]) -> Spread:
    """Make a model ready to be trained by all processes of a job, or by the only one.

    Args:
        accelerator: of the training.
        model: in training mode.
        parameters: what moves, by name; they need not be parameters of the model.

    Raises:
        InputError: all weights would move under float16, whose scaled gradients are not shared out.
    """
    if processes.number() == 1:
        return Spread(accelerator.prepare(model), model, parameters)
    own = {id(parameter) for parameter in model.parameters()}
    if own != {id(parameter) for parameter in parameters.values()} or any(map(_has_hooks, parameters.values())):
        moved = [parameter for parameter in parameters.values() if id(parameter) not in own]
        return Spread(accelerator.prepare(_WithMoved(model, moved)), model, parameters, averages=True)
    if accelerator.mixed_precision == "fp16":
        raise InputError(
            "float16 scales gradients, which is not done where all weights are shared out among processes",
            where="dtype",
            remedy="Set dtype to bfloat16 or float32, or workflow.processes_per_job to 1",
        )
    return _shared_out(accelerator, model)


def whole(tensor: Tensor) -> Tensor:
    """All of a tensor of which each process may hold a part; every process must call it."""
    return tensor.full_tensor() if isinstance(tensor, DTensor) else tensor


def laid_as(parameter: Tensor, values: Tensor) -> Tensor:
    """Values to be copied to where a parameter lies: where each process holds a part of it, its own part."""
    if isinstance(parameter, DTensor):
        return distribute_tensor(values.to(parameter.device), parameter.device_mesh, parameter.placements)
    return values


class _WithMoved(nn.Module):
    """A model beside what moves of it, so that DDP finds parameters with gradients, and adds up these alone."""

    def __init__(self, model: nn.Module, moved: list[nn.Parameter]) -> None:
        super().__init__()
        self.model = model
        self.moved = nn.ParameterList(moved)

    def forward(self, **inputs: Any) -> Any:
        """As the model."""
        return self.model(**inputs)


def _has_hooks(parameter: nn.Parameter) -> bool:
    """Whether something joins its gradient, such as a penalty, which needs the whole of it."""
    return bool(parameter._backward_hooks)


def _shared_out(accelerator: Accelerator, model: PreTrainedModel) -> Spread:
    """The model's twin, of whose weights each process keeps a part; the model is left as it is until `collect`."""
    twin = _twin(model)
    mesh = init_device_mesh(accelerator.device.type, (processes.number(),))
    for layer in transformer_layers(twin):
        fully_shard(layer, mesh=mesh)
    fully_shard(twin, mesh=mesh)
    for module in twin.modules():
        if isinstance(module, FSDPModule):
            # The loss of a step is the sum over its examples. Of gloo, which has no mean, torch takes a sum for it.
            module.set_gradient_divide_factor(1.0)
            module.set_force_sum_reduction_for_comms(True)
    parameters = dict(twin.named_parameters())

    def collect() -> None:
        with torch.no_grad():
            for name, parameter in parameters.items():
                model.get_parameter(name).copy_(whole(parameter))

    # Autocast, and no DDP: products have the precision that they have in one process.
    called = accelerator.prepare_model(twin, evaluation_mode=True)
    return Spread(called, twin, parameters, collect=collect)


def _twin(model: PreTrainedModel) -> PreTrainedModel:
    """A copy of a model whose parameters are others and share its memory."""
    memory = {id(one): nn.Parameter(one.detach(), one.requires_grad) for one in model.parameters()}
    return copy.deepcopy(model, memory)
