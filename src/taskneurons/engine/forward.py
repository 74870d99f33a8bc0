"""One call of a language model, with explicit positions and the head on the last rows only."""

from typing import Any

from jaxtyping import Int
from torch import Tensor, nn
from transformers.modeling_outputs import CausalLMOutputWithPast


def forward(
    model: nn.Module,
    input_ids: Int[Tensor, "batch tokens"],
    attention_mask: Int[Tensor, "batch cached_and_tokens"],
    position_ids: Int[Tensor, "batch tokens"],
    *,
    keep: int,
    cache: Any = None,
    remember: bool = False,
) -> CausalLMOutputWithPast:
    """Run a causal language model of transformers; `.logits` is (batch, keep, vocabulary): the last `keep` columns.

    Args:
        cache: keys and values of earlier columns, which the attention mask covers too; it is extended.
        remember: whether to return keys and values in `.past_key_values`.
    """
    return model(
        input_ids=input_ids,
        attention_mask=attention_mask,
        position_ids=position_ids,
        past_key_values=cache,
        use_cache=remember,
        logits_to_keep=keep,
    )
