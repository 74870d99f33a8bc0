"""Rotary positions that are the same for every text, whatever stands beside it in a batch or came before it.

Two published scalings, dynamic NTK and LongRoPE, choose the frequencies by the length of a text. transformers chooses
them by the longest text of a batch, for all of it, and dynamic NTK keeps those of the longest text so far.
"""

from typing import Any

import torch
from torch import nn

FIXED = "fixed"


def fix_frequencies(model: nn.Module, context: int) -> bool:
    """Give a model the rotary frequencies of a text of `context` tokens, for all texts, for good.

    That is what servers of such models do, since keys that are kept in memory cannot be turned again. Where the context
    is not longer than the texts that the model was first trained on, these are the frequencies that it has without any
    scaling.

    Args:
        model: of transformers; one without such a scaling stays as it is.
        context: the longest sequence that is used, tokens.

    Returns:
        Whether the frequencies depended on the length of a text.
    """
    found = False
    for module in model.modules():
        kinds: Any = getattr(module, "rope_type", None)
        if isinstance(kinds, str) and _by_length(kinds):
            _run(module, context)
            module.rope_type = FIXED  # type: ignore[assignment]
            found = True
        elif isinstance(kinds, dict):
            for layer_type in [name for name, kind in kinds.items() if _by_length(kind)]:
                _run(module, context, layer_type)
                kinds[layer_type] = FIXED
                found = True
    return found


def _by_length(kind: str) -> bool:
    return "dynamic" in kind or kind == "longrope"


def _run(module: Any, context: int, *layer_type: str) -> None:
    """Let a module of transformers choose its frequencies for a text of `context` tokens, by its own rule."""
    device = next(module.buffers()).device
    module(torch.zeros(1, device=device), torch.tensor([[context - 1]], device=device), *layer_type)
