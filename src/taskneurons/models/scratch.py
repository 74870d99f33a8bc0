"""Models from random weights: the shapes of Llama (gated FFN, no biases) and Bloom (plain FFN, biases, tied head)."""

from typing import Any

import torch
from transformers import BloomConfig, BloomForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from taskneurons.errors import InputError
from taskneurons.models.size import Architecture


def new_model(
    architecture: Architecture,
    *,
    hidden_size: int,
    layers: int,
    heads: int,
    ffn_size: int,
    context: int,
    vocabulary_size: int,
    seed: int,
    pad_id: int,
    bos_id: int,
    eos_id: int,
) -> PreTrainedModel:
    """A float32 model whose weights depend on the arguments alone; the global random state is left as it was.

    Args:
        architecture: llama or bloom.
        hidden_size: width of the residual stream, a multiple of `heads`.
        layers: number of transformer layers.
        heads: attention heads of a layer.
        ffn_size: FFN neurons of a layer; Bloom fixes it at 4 * hidden_size.
        context: longest sequence, tokens. Bloom's positions have no limit; its checkpoint keeps the number.
        vocabulary_size: rows of the embedding.
        seed: of the weights.
        pad_id, bos_id, eos_id: special tokens.

    Raises:
        InputError: sizes that make no such transformer.
    """
    if hidden_size % heads:
        raise InputError(f"{heads} heads do not divide hidden_size {hidden_size}", where="heads")
    special: dict[str, Any] = {"pad_token_id": pad_id, "bos_token_id": bos_id, "eos_token_id": eos_id}
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "llama":
            return LlamaForCausalLM(
                LlamaConfig(
                    vocab_size=vocabulary_size,
                    hidden_size=hidden_size,
                    intermediate_size=ffn_size,
                    num_hidden_layers=layers,
                    num_attention_heads=heads,
                    max_position_embeddings=context,
                    **special,
                )
            )
        if architecture == "bloom":
            if ffn_size != 4 * hidden_size:
                raise InputError(
                    f"a Bloom FFN is 4 times hidden_size wide, not {ffn_size}",
                    where="ffn_size",
                    remedy=f"Write {4 * hidden_size}",
                )
            return BloomForCausalLM(
                BloomConfig(
                    vocab_size=vocabulary_size, hidden_size=hidden_size, n_layer=layers, n_head=heads, **special
                )
            )
    raise InputError(f"no architecture {architecture!r}, expected llama or bloom", where="architecture")
