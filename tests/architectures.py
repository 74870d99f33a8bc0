"""Tiny random models of every supported architecture, built from transformers' own configurations."""

from types import SimpleNamespace

import torch
from torch import nn
from transformers import CONFIG_MAPPING, AutoModelForCausalLM, PreTrainedModel

from taskneurons.models.ffn import expose_experts
from taskneurons.models.load import Checkpoint

PAD, BOS, EOS = 0, 1, 2
VOCABULARY = 48
CONTEXT = 64
LAYERS, WIDTH = 2, 24

_ROTARY = {
    "hidden_size": 16,
    "intermediate_size": WIDTH,
    "num_hidden_layers": LAYERS,
    "num_attention_heads": 2,
    "max_position_embeddings": CONTEXT,
}
_GROUPED = {**_ROTARY, "num_key_value_heads": 1, "head_dim": 8}

_SETTINGS: dict[str, dict] = {
    "llama": {**_GROUPED, "mlp_bias": True},
    "mistral": _GROUPED,
    "qwen2": {**_ROTARY, "num_key_value_heads": 1},
    "qwen3": _GROUPED,
    "gemma": _GROUPED,
    # Untied, since a tied random one only repeats its last token.
    "gemma2": {**_GROUPED, "sliding_window": CONTEXT, "query_pre_attn_scalar": 8, "tie_word_embeddings": False},
    "gemma3_text": {**_GROUPED, "sliding_window": CONTEXT, "query_pre_attn_scalar": 8},
    "phi3": {**_ROTARY, "num_key_value_heads": 1},
    "phi": _ROTARY,
    "bloom": {"hidden_size": 16, "n_layer": LAYERS, "n_head": 2},
    "gpt2": {"n_embd": 16, "n_inner": WIDTH, "n_layer": LAYERS, "n_head": 2, "n_positions": CONTEXT},
    "gpt_neox": _ROTARY,
    "opt": {
        "hidden_size": 16,
        "ffn_dim": WIDTH,
        "num_hidden_layers": LAYERS,
        "num_attention_heads": 2,
        "max_position_embeddings": CONTEXT,
        "word_embed_proj_dim": 16,
    },
    # 24 neurons: three experts of eight, or two of eight and one that runs for every token.
    "mixtral": {**_GROUPED, "intermediate_size": 8, "num_local_experts": 3, "num_experts_per_tok": 2},
    "qwen2_moe": {
        **_ROTARY,
        "num_key_value_heads": 1,
        "moe_intermediate_size": 8,
        "shared_expert_intermediate_size": 8,
        "num_experts": 2,
        "num_experts_per_tok": 1,
    },
    "qwen3_moe": {
        **_GROUPED,
        "moe_intermediate_size": 8,
        "num_experts": 3,
        "num_experts_per_tok": 2,
        "norm_topk_prob": True,
    },
}

ARCHITECTURES = tuple(_SETTINGS)


def tiny_model(architecture: str, *, seed: int = 0, **settings) -> PreTrainedModel:
    """A model in evaluation mode with frozen weights, large enough that its activations are far from linear.

    Biases and norms are random too: at their usual start (0 and 1) many faults could not show.
    """
    config = CONFIG_MAPPING[architecture](
        vocab_size=VOCABULARY,
        pad_token_id=PAD,
        bos_token_id=BOS,
        eos_token_id=EOS,
        **(_SETTINGS[architecture] | settings),
    )
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32)
    randomise(model, seed)
    expose_experts(model)
    return model.eval().requires_grad_(False)


def checkpoint(model: PreTrainedModel, digest: str = "0" * 64) -> Checkpoint:
    """A model with what the engine must know of it; its tokenizer has a pad token and nothing else."""
    return Checkpoint(model, SimpleNamespace(pad_token_id=PAD), digest, CONTEXT, model.config.model_type, "tiny")


def randomise(model: nn.Module, seed: int) -> None:
    """Draw every parameter anew: matrices at unit gain, vectors around what they start from."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for parameter in model.parameters():
            noise = torch.randn(parameter.shape, generator=generator)
            if parameter.dim() > 1:
                parameter.copy_(noise * 1.5 / parameter.shape[-1] ** 0.5)
            else:
                parameter.add_(noise * 0.3)
