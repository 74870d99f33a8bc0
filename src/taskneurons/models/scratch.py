"""Models from random weights: the shapes of Llama (gated FFN, no biases) and Bloom (plain FFN, biases, tied head)."""

from dataclasses import dataclass
from typing import Any

import torch
from transformers import BloomConfig, BloomForCausalLM, LlamaConfig, LlamaForCausalLM, PreTrainedModel

from taskneurons.errors import InputError
from taskneurons.models.size import Architecture


@dataclass(frozen=True)
class Shape:
    """The sizes of a transformer.

    Attributes:
        hidden_size: width of the residual stream, a multiple of `heads`.
        layers: number of transformer layers.
        heads: attention heads of a layer.
        ffn_size: FFN neurons of a layer; Bloom fixes it at 4 * hidden_size.
        context: longest sequence, tokens. Bloom's positions have no limit; its checkpoint keeps the number.
    """

    hidden_size: int
    layers: int
    heads: int
    ffn_size: int
    context: int


@dataclass(frozen=True)
class Vocabulary:
    """What a model must know of its tokenizer.

    Attributes:
        size: rows of the embedding.
        pad_id, bos_id, eos_id: special tokens.
    """

    size: int
    pad_id: int
    bos_id: int
    eos_id: int

    @classmethod
    def of(cls, tokenizer: Any) -> "Vocabulary":
        """That of a tokenizer."""
        return cls(len(tokenizer), tokenizer.pad_token_id, tokenizer.bos_token_id, tokenizer.eos_token_id)


def new_model(architecture: Architecture, shape: Shape, vocabulary: Vocabulary, *, seed: int) -> PreTrainedModel:
    """A float32 model whose weights depend on the arguments alone; the global random state is left as it was.

    Args:
        architecture: llama or bloom.
        shape: of the model.
        vocabulary: of its tokenizer.
        seed: of the weights.

    Raises:
        InputError: sizes that make no such transformer.
    """
    if shape.hidden_size % shape.heads:
        raise InputError(f"{shape.heads} heads do not divide hidden_size {shape.hidden_size}", where="heads")
    special: dict[str, Any] = {
        "vocab_size": vocabulary.size,
        "pad_token_id": vocabulary.pad_id,
        "bos_token_id": vocabulary.bos_id,
        "eos_token_id": vocabulary.eos_id,
    }
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        if architecture == "llama":
            return LlamaForCausalLM(
                LlamaConfig(
                    hidden_size=shape.hidden_size,
                    intermediate_size=shape.ffn_size,
                    num_hidden_layers=shape.layers,
                    num_attention_heads=shape.heads,
                    max_position_embeddings=shape.context,
                    **special,
                )
            )
        if architecture == "bloom":
            if shape.ffn_size != 4 * shape.hidden_size:
                raise InputError(
                    f"a Bloom FFN is 4 times hidden_size wide, not {shape.ffn_size}",
                    where="ffn_size",
                    remedy=f"Write {4 * shape.hidden_size}",
                )
            return BloomForCausalLM(
                BloomConfig(hidden_size=shape.hidden_size, n_layer=shape.layers, n_head=shape.heads, **special)
            )
    raise InputError(f"no architecture {architecture!r}, expected llama or bloom", where="architecture")
