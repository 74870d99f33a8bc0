"""A model that is too large for one GPU: each of several processes keeps a part of every weight (FSDP2).

A layer is gathered when it computes, and given up after it. All processes must run the model together, with the same
inputs. Hooks see activations as in a model that is whole; its parameters are parts, which cannot be edited.
"""

import torch
from torch import nn
from torch.distributed.device_mesh import init_device_mesh
from torch.distributed.fsdp import fully_shard
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel

from taskneurons.errors import InputError
from taskneurons.models.ffn import transformer_layers


def share_out(model: PreTrainedModel, device: torch.device, processes: int) -> None:
    """Let each process keep a part of every weight of a model that all of them have read, on its device.

    Args:
        model: on the CPU; layer by layer its weights go to the device, and what others keep is given up.
        device: of the process.
        processes: their number.
    """
    mesh = init_device_mesh(device.type, (processes,))
    # The body by itself, too, which is run without its head where only representations count.
    for module in dict.fromkeys((*transformer_layers(model), model.base_model, model)):
        fully_shard(module, mesh=mesh, reshard_after_forward=True)
    # The first pass must be one of the whole model, and its gathered weights are used again: in `inference_mode` they
    # could not be differentiated through later.
    with torch.no_grad():
        model(input_ids=torch.zeros((1, 1), dtype=torch.long, device=device), use_cache=False)


def require_whole(model: nn.Module) -> None:
    """Require that this process has all of the weights, which are to be edited or trained.

    Raises:
        InputError: several processes share them out.
    """
    if any(isinstance(parameter, DTensor) for parameter in model.parameters()):
        raise InputError(
            "this job edits weights, of which each of its processes keeps a part alone",
            where="workflow.share_weights",
            remedy="Set it to false, and run the job where one GPU holds the model",
        )
