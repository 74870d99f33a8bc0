"""What every layer of a model holds about a prompt: hidden states of its last token, or their mean over tokens.

Layer 0 is the input of the first transformer layer, layer l the output of the l-th, the last one after the final norm:
the convention of transformers' `output_hidden_states`, and so of Zhao et al. 2024. It is not used, since it
keeps every token of every layer; hooks keep one row a layer. The language head is not computed. Where a model has
another width at its end (OPT-350m), its last layer is taken as it leaves it.
"""

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from typing import Any, Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Float32
from torch import Tensor, nn

from taskneurons.engine import processes
from taskneurons.engine.batching import in_batches
from taskneurons.errors import InputError
from taskneurons.models.encoding import Batch, Encoded, collate
from taskneurons.models.ffn import transformer_layers

Position = Literal["last", "mean"]
"""last: the prompt's last token; mean: over the prompt's tokens (Zhao et al. 2024 use the last)."""


def representations(
    model: nn.Module, encoded: Sequence[Encoded], *, pad_id: int, batch_size: int, position: Position = "last"
) -> Float32[np.ndarray, "layer example width"]:
    """Representations of all prompts, in the given order, on the model's device one batch at a time.

    Memory of (layers + 1) x examples x width x 4 bytes: for more, `stream_representations`.

    Raises:
        InputError: as `stream_representations`.
    """
    found: list[np.ndarray] = []

    def store(examples: np.ndarray, batch: np.ndarray) -> None:
        if not found:
            found.append(np.empty((batch.shape[0], len(encoded), batch.shape[2]), np.float32))
        found[0][:, examples] = batch

    stream_representations(model, encoded, store, pad_id=pad_id, batch_size=batch_size, position=position)
    return found[0]


def stream_representations(
    model: nn.Module,
    encoded: Sequence[Encoded],
    use: Callable[[np.ndarray, np.ndarray], None],
    *,
    pad_id: int,
    batch_size: int,
    position: Position = "last",
) -> None:
    """Call `use(examples, values)` for each batch; nothing is kept, where one process does the job.

    `examples` are indices into `encoded`; `values` is float32 (layers + 1, batch, width). Prompts of like length share
    a batch, in an order that depends on `encoded` alone: two models see the same batches unless one runs out of memory
    and halves them. The answers are not read.

    Raises:
        InputError: there are no examples, the position is not known, the model is in training mode or its architecture
            is not supported, or one example alone does not fit the device.
    """
    if position not in get_args(Position):
        raise InputError(f"a position is among {', '.join(get_args(Position))}, not {position!r}", where="position")
    if not encoded:
        raise InputError("there are no examples to represent", where="representations")
    if model.training:
        raise InputError("the model is in training mode and may drop activations", remedy="Call model.eval() first")
    order = sorted(range(len(encoded)), key=lambda index: len(encoded[index].prompt), reverse=True)
    device = next(model.parameters()).device

    def run(begin: int, end: int) -> tuple[np.ndarray, np.ndarray]:
        chosen = order[begin:end]
        # A target of one token leaves the prompt alone in the batch, and its last token in the last column.
        prompts = [Encoded(encoded[index].prompt, encoded[index].target[:1]) for index in chosen]
        values = _hidden(model, collate(prompts, pad_id).to(device), position).cpu().numpy()
        return np.array(chosen), values

    if processes.number() == 1:
        in_batches(len(order), batch_size, lambda begin, end: use(*run(begin, end)))
        return
    for found in in_batches(len(order), batch_size, run):
        use(*found)


@torch.inference_mode()
def _hidden(model: nn.Module, batch: Batch, position: Position) -> Float[Tensor, "layer batch width"]:
    """One forward pass of a left-padded batch of prompts."""
    kept: list[Tensor] = []
    weights = batch.attention_mask / batch.attention_mask.sum(1, keepdim=True)

    def keep(hidden: Tensor) -> None:
        if position == "last":
            kept.append(hidden[:, -1].float())
        else:
            # Pads hold anything, also numbers whose product with 0 is not 0.
            real = hidden.float().masked_fill(~batch.attention_mask.bool()[..., None], 0.0)
            kept.append(torch.einsum("bt,btd->bd", weights, real))

    def entering(_: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        keep(args[0] if args else kwargs["hidden_states"])

    def leaving(_: nn.Module, __: tuple[Any, ...], output: Any) -> None:
        last[:] = [output[0] if isinstance(output, tuple) else output]

    body: Any = getattr(model, "base_model", model)
    last: list[Tensor] = []
    with ExitStack() as hooks:
        layers = transformer_layers(model)
        for layer in layers:
            handle = layer.register_forward_pre_hook(entering, with_kwargs=True)
            hooks.callback(handle.remove)
        hooks.callback(layers[-1].register_forward_hook(leaving).remove)
        output = body(
            input_ids=batch.input_ids,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
        )
    final = output.last_hidden_state
    keep(final if final.shape[-1] == last[0].shape[-1] else last[0])
    return torch.stack(kept)
