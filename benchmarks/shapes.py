"""The models and batches that are measured: random weights, random ids, true shapes."""

import argparse
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.utils.flop_counter import FlopCounterMode
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedModel

from benchmarks.measure import Run, interleave, options
from taskneurons.engine.forward import forward
from taskneurons.models.encoding import IGNORED, Batch, Encoded, collate

DTYPES = {"float32": torch.float32, "bfloat16": torch.bfloat16, "float16": torch.float16}


@dataclass(frozen=True)
class Shape:
    """Of a Llama and of a batch: `tokens` columns, the last `answer` of which predict the answer."""

    hidden_size: int
    layers: int
    heads: int
    ffn_size: int
    vocabulary: int
    examples: int
    tokens: int
    answer: int


SHAPES = {
    "tiny": Shape(32, 2, 4, 88, 211, examples=4, tokens=24, answer=4),
    # The default's models, on prompts of the stream's tasks.
    "default": Shape(64, 4, 4, 256, 634, examples=16, tokens=34, answer=2),
    "59m": Shape(512, 8, 8, 1408, 32_000, examples=8, tokens=128, answer=16),
    # Llama-2-7b, after prompts of 512 tokens.
    "llama2-7b": Shape(4096, 32, 32, 11_008, 32_000, examples=8, tokens=527, answer=16),
}


def shape_options(description: str | None) -> argparse.ArgumentParser:
    """The command line of benchmarks that run a model."""
    parser = options(description)
    parser.add_argument("--shape", choices=SHAPES, default="59m", help="of the model and the batch (59m)")
    parser.add_argument("--device", choices=["cpu", "cuda"], default="cpu")
    parser.add_argument("--dtype", choices=DTYPES, default="float32")
    parser.add_argument("--threads", type=int, default=1, help="of torch on the CPU (1)")
    return parser


def build_model(shape: Shape, device: str = "cpu", dtype: str = "float32") -> PreTrainedModel:
    """The same frozen random weights every time, drawn on the device and in the dtype that they are used in."""
    config = LlamaConfig(
        vocab_size=shape.vocabulary,
        hidden_size=shape.hidden_size,
        intermediate_size=shape.ffn_size,
        num_hidden_layers=shape.layers,
        num_attention_heads=shape.heads,
        max_position_embeddings=shape.tokens,
    )
    before = torch.get_default_dtype()
    torch.manual_seed(0)
    torch.set_default_dtype(DTYPES[dtype])
    try:
        with torch.device(device):
            return LlamaForCausalLM(config).eval().requires_grad_(False)
    finally:
        torch.set_default_dtype(before)


def random_ids(count: int, shape: Shape, seed: int = 0) -> tuple[int, ...]:
    """Token ids, none of them a special one."""
    return tuple(np.random.default_rng([seed, count]).integers(3, shape.vocabulary, size=count).tolist())


def build_examples(shape: Shape) -> list[Encoded]:
    """Prompts from half the length to all of it, answers of one length."""
    lengths = np.linspace(shape.tokens // 2, shape.tokens, shape.examples).astype(int)
    return [
        Encoded(random_ids(int(length) - shape.answer + 1, shape, row), random_ids(shape.answer, shape, 1000 + row))
        for row, length in enumerate(lengths)
    ]


def build_batch(shape: Shape, device: str = "cpu") -> Batch:
    """The examples, left-padded."""
    return collate(build_examples(shape), pad_id=0).to(device)


def answer_loss(model: nn.Module, batch: Batch, *, all_logits: bool = False) -> Tensor:
    """Summed cross-entropy of the answer tokens, the language head on the loss rows alone unless `all_logits`."""
    keep = batch.labels.shape[1] if all_logits else batch.answer_width
    logits, _ = forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=keep)
    labels = batch.labels[:, -keep:].flatten()
    return cross_entropy(logits.flatten(0, 1).float(), labels, ignore_index=IGNORED, reduction="sum")


def operations(run: Run) -> int:
    """Floating-point operations of the matrix products and attentions in `run`, as torch counts them."""
    counter = FlopCounterMode(display=False)
    with counter:
        run()
    return counter.get_total_flops()


def product_rate(shape: Shape, device: str, dtype: str, rounds: int = 10) -> float:
    """Operations per second of the model's largest product (all tokens x up projection), measured now and here."""
    rows = shape.examples * shape.tokens
    left = torch.randn(rows, shape.hidden_size, device=device, dtype=DTYPES[dtype])
    right = torch.randn(shape.hidden_size, shape.ffn_size, device=device, dtype=DTYPES[dtype])

    def product() -> None:
        for _ in range(10):
            torch.mm(left, right)

    product()
    seconds = interleave({"product": product}, rounds, device=device).median("product") / 10
    return 2 * rows * shape.hidden_size * shape.ffn_size / seconds
