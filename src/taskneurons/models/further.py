"""Models from random weights of further architectures: GPT-2, OPT, GPT-NeoX, Gemma, Qwen 3 and Mixtral.

Each is built as transformers builds it, but for its size and for dropout, of which there is none: so that models of
different architectures differ in what they are, and not in how they are trained. Mixtral is a mixture of experts: its
neurons are shared out among four, of which each token takes two.
"""

from collections.abc import Callable, Mapping
from typing import Any, Literal

import torch
from transformers import (
    AutoModelForCausalLM,
    GemmaConfig,
    GPT2Config,
    GPTNeoXConfig,
    MixtralConfig,
    OPTConfig,
    PretrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from taskneurons.errors import InputError
from taskneurons.models.ffn import expose_experts
from taskneurons.models.scratch import Shape, Vocabulary

# Qwen 2 is not among them: whatever tokenizer lies beside a Qwen 2, transformers reads it as that of the published one.
Further = Literal["gpt2", "opt", "gpt_neox", "gemma", "qwen3", "mixtral"]
EXPERTS, ACTIVE_EXPERTS = 4, 2
"""Of a mixture, and those of them that a token takes. The published Mixtral has eight, and takes two."""


def new_further_model(architecture: Further, shape: Shape, vocabulary: Vocabulary, *, seed: int) -> PreTrainedModel:
    """A float32 model whose weights depend on the arguments alone; the global random state is left as it was.

    Args:
        architecture: of the model.
        shape: its sizes.
        vocabulary: of its tokenizer.
        seed: of the weights.

    Raises:
        InputError: sizes that make no such transformer, or an architecture that is not known here.
    """
    if architecture not in _CONFIGURATIONS:
        raise InputError(
            f"no architecture {architecture!r}, expected {', '.join(_CONFIGURATIONS)}", where="architecture"
        )
    if shape.hidden_size % shape.heads:
        raise InputError(f"{shape.heads} heads do not divide hidden_size {shape.hidden_size}", where="heads")
    if architecture == "mixtral" and shape.ffn_size % EXPERTS:
        raise InputError(f"{shape.ffn_size} neurons are not shared out among {EXPERTS} experts", where="ffn_size")
    configuration = _CONFIGURATIONS[architecture](
        shape,
        {
            "vocab_size": vocabulary.size,
            "pad_token_id": vocabulary.pad_id,
            "bos_token_id": vocabulary.bos_id,
            "eos_token_id": vocabulary.eos_id,
        },
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        model: PreTrainedModel = AutoModelForCausalLM.from_config(configuration, dtype=torch.float32)
    expose_experts(model)
    return model


def _rotary(shape: Shape) -> dict[str, Any]:
    return {
        "hidden_size": shape.hidden_size,
        "intermediate_size": shape.ffn_size,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "max_position_embeddings": shape.context,
    }


def _gpt2(shape: Shape, special: Mapping[str, Any]) -> PretrainedConfig:
    return GPT2Config(
        n_embd=shape.hidden_size,
        n_inner=shape.ffn_size,
        n_layer=shape.layers,
        n_head=shape.heads,
        n_positions=shape.context,
        resid_pdrop=0.0,
        embd_pdrop=0.0,
        attn_pdrop=0.0,
        **special,
    )


def _opt(shape: Shape, special: Mapping[str, Any]) -> PretrainedConfig:
    return OPTConfig(
        hidden_size=shape.hidden_size,
        word_embed_proj_dim=shape.hidden_size,
        ffn_dim=shape.ffn_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.context,
        dropout=0.0,
        attention_dropout=0.0,
        **special,
    )


def _gpt_neox(shape: Shape, special: Mapping[str, Any]) -> PretrainedConfig:
    return GPTNeoXConfig(**_rotary(shape), **special)


def _gemma(shape: Shape, special: Mapping[str, Any]) -> PretrainedConfig:
    width = shape.hidden_size // shape.heads
    return GemmaConfig(**_rotary(shape), num_key_value_heads=shape.heads, head_dim=width, **special)


def _qwen3(shape: Shape, special: Mapping[str, Any]) -> PretrainedConfig:
    width = shape.hidden_size // shape.heads
    return Qwen3Config(**_rotary(shape), num_key_value_heads=shape.heads, head_dim=width, **special)


def _mixtral(shape: Shape, special: Mapping[str, Any]) -> PretrainedConfig:
    return MixtralConfig(
        **_rotary(shape) | {"intermediate_size": shape.ffn_size // EXPERTS},
        num_key_value_heads=shape.heads,
        num_local_experts=EXPERTS,
        num_experts_per_tok=ACTIVE_EXPERTS,
        **special,
    )


_CONFIGURATIONS: Mapping[str, Callable[[Shape, Mapping[str, Any]], PretrainedConfig]] = {
    "gpt2": _gpt2,
    "opt": _opt,
    "gpt_neox": _gpt_neox,
    "gemma": _gemma,
    "qwen3": _qwen3,
    "mixtral": _mixtral,
}
