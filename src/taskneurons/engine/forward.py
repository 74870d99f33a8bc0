"""One call of a language model, with explicit positions and the head on the last rows only."""

from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn


def forward(
    model: nn.Module,
    input_ids: Int[Tensor, "batch tokens"],
    attention_mask: Int[Tensor, "batch cached_and_tokens"],
    position_ids: Int[Tensor, "batch tokens"],
    *,
    keep: int,
    cache: Any = None,
    remember: bool = False,
) -> tuple[Float[Tensor, "batch keep vocabulary"], Any]:
    """Run a causal language model of transformers.

    Args:
        keep: number of columns, from the last, for which logits are computed.
        cache: keys and values of earlier columns, which the attention mask covers too; it is extended.
        remember: whether to return keys and values.

    Returns:
        The logits, and the keys and values (None unless `remember`).
    """
    # By index the head's input is contiguous. Of a slice, torch makes one product an example, and reads the whole head
    # for each, forward and backward.
    last = torch.arange(input_ids.shape[1] - keep, input_ids.shape[1], device=input_ids.device)
    output = model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        position_ids=position_ids,
        past_key_values=cache,
        use_cache=remember,
        logits_to_keep=last,
    )
    return output.logits, output.past_key_values if remember else None
