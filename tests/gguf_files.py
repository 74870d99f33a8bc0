"""GGUF files as llama.cpp writes them, of tiny models with random weights, made by the package `gguf` itself."""

from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFWriter
from gguf.quants import dequantize, quantize

from taskneurons.models.tokenizers import train_bpe_tokenizer

WIDTH, FFN, LAYERS, HEADS, CONTEXT = 64, 96, 2, 4, 128
CHAT = (
    "{% for m in messages %}{{ '<turn>' + m['role'] + '\n' + m['content'] + '</turn>\n' }}{% endfor %}"
    "{% if add_generation_prompt %}{{ '<turn>assistant\n' }}{% endif %}"
)
NORMAL, CONTROL = 1, 3


def vocabulary(unknown: str | None = None):
    """Tokens and merges of a byte-level BPE, with two tokens for turns and perhaps one more for what is unknown."""
    tokenizer = train_bpe_tokenizer(["red sun blue ice good bad Which mood ? Answer : user assistant"] * 3, 320)
    tokenizer.add_special_tokens({"extra_special_tokens": ["<turn>", "</turn>", *([unknown] if unknown else [])]})
    return tokenizer


def write_gguf(
    file: Path, *, architecture: str = "llama", chat: bool = True, bos: bool = False, unknown: str | None = None
) -> dict[str, np.ndarray]:
    """Write a file with quantised FFN weights; returns what numbers these stand for."""
    random, tokenizer, numbers = np.random.default_rng(0), vocabulary(unknown), {}
    writer = GGUFWriter(file, architecture)
    for write, value in (
        (writer.add_context_length, CONTEXT),
        (writer.add_embedding_length, WIDTH),
        (writer.add_block_count, LAYERS),
        (writer.add_feed_forward_length, FFN),
        (writer.add_head_count, HEADS),
        (writer.add_head_count_kv, HEADS),
        (writer.add_layer_norm_rms_eps, 1e-5),
        (writer.add_rope_freq_base, 10000.0),
        (writer.add_vocab_size, len(tokenizer)),
    ):
        write(value)
    tokens = tokenizer.convert_ids_to_tokens(range(len(tokenizer)))
    writer.add_tokenizer_model("gpt2")
    writer.add_token_list(tokens)
    writer.add_token_types([CONTROL if token.startswith("<") and len(token) > 1 else NORMAL for token in tokens])
    writer.add_token_merges([" ".join(pair) for pair in merges(tokenizer)])
    writer.add_bos_token_id(1)
    writer.add_eos_token_id(2)
    writer.add_add_bos_token(bos)
    writer.add_unk_token_id(3)
    if chat:
        writer.add_chat_template(CHAT)

    def add(name: str, *shape: int, packed: bool = False) -> None:
        values = random.normal(0, 0.3, shape).astype(np.float32)
        if packed:
            kind = GGMLQuantizationType.Q8_0
            codes = quantize(values, kind)
            numbers[name] = dequantize(codes, kind)
            writer.add_tensor(name, codes, raw_dtype=kind)
        else:
            writer.add_tensor(name, values)

    add("token_embd.weight", len(tokenizer), WIDTH)
    add("output_norm.weight", WIDTH)
    add("output.weight", len(tokenizer), WIDTH)
    for layer in range(LAYERS):
        for name in ("attn_norm", "ffn_norm"):
            add(f"blk.{layer}.{name}.weight", WIDTH)
        for name in ("attn_q", "attn_k", "attn_v", "attn_output"):
            add(f"blk.{layer}.{name}.weight", WIDTH, WIDTH)
        for name in ("ffn_gate", "ffn_up"):
            add(f"blk.{layer}.{name}.weight", FFN, WIDTH, packed=True)
        add(f"blk.{layer}.ffn_down.weight", WIDTH, FFN, packed=True)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return numbers


def merges(tokenizer) -> list[tuple[str, str]]:
    """The merges of a BPE."""
    import json

    return [tuple(pair) for pair in json.loads(tokenizer.backend_tokenizer.to_str())["model"]["merges"]]
