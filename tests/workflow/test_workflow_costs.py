"""Bytes and seconds in closed form, against what torch allocates and against the sizes of published models.

`python test_workflow_costs.py` prints the table of docs/scale.md.
"""

import itertools
from contextlib import nullcontext

import pytest
import torch
from transformers import BloomConfig, BloomForCausalLM, LlamaConfig, LlamaForCausalLM

from taskneurons.workflow.costs import (
    GPU,
    Size,
    kept_bytes,
    moved,
    resume_bytes,
    training_bytes,
    training_flops,
)

LLAMA_2_7B = Size.of_parameters(6_738_415_616)
TOKENS = (4, 16)
WIDTHS = (64, 128, 256)


def tiny(architecture: str, width: int, layers: int):
    if architecture == "llama":
        return LlamaForCausalLM(
            LlamaConfig(
                hidden_size=width, intermediate_size=int(8 * width / 3), num_hidden_layers=layers,
                num_attention_heads=width // 32, vocab_size=100,
            )
        )  # fmt: skip
    return BloomForCausalLM(BloomConfig(hidden_size=width, n_layer=layers, n_head=width // 32, vocab_size=100))


def kept(architecture: str, width: int, layers: int, dtype: str, *, moving: bool, tokens: int) -> int:
    """Bytes that autograd keeps after a forward pass, besides the model's own weights."""
    model = tiny(architecture, width, layers).train().requires_grad_(moving)
    model.get_input_embeddings().weight.requires_grad_(True)
    weights = {parameter.untyped_storage().data_ptr() for parameter in model.parameters()}
    found, alive = {}, []

    def pack(tensor):
        storage = tensor.untyped_storage()
        if storage.data_ptr() not in weights:
            found[storage.data_ptr()] = storage.nbytes()
            # A storage that is freed could come again under the same address.
            alive.append(tensor)
        return tensor

    cast = nullcontext() if dtype == "float32" else torch.autocast("cpu", torch.bfloat16)
    with torch.autograd.graph.saved_tensors_hooks(pack, lambda tensor: tensor), cast:
        out = model(input_ids=torch.zeros((4, tokens // 4), dtype=torch.long), use_cache=False)
    assert out.logits.requires_grad
    return sum(found.values())


def kept_by_two_layers(architecture: str, width: int, dtype: str, *, moving: bool) -> tuple[int, float]:
    """Bytes that autograd keeps of 128 tokens more in two layers more, and what the formula says."""

    def more(layers: int) -> int:
        """Narrow copies of weights do not grow with tokens."""
        one, two = (kept(architecture, width, layers, dtype, moving=moving, tokens=n) for n in (128, 256))
        return two - one

    return more(4) - more(2), kept_bytes(Size(0, 2, width, 0), dtype, 128, moving=moving)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("moving", [True, False], ids=["moving", "frozen"])
@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_kept_activations_are_those_that_autograd_keeps(architecture, dtype, moving, width):
    """At three widths; the bound is that of the architecture that keeps more, the other keeps up to a quarter less."""
    measured, bound = kept_by_two_layers(architecture, width, dtype, moving=moving)
    assert 0.75 * bound < measured <= 1.01 * bound


def test_a_training_of_all_weights_holds_what_torch_holds():
    model = tiny("llama", 64, 2)
    optimizer = torch.optim.AdamW(model.parameters())
    model(input_ids=torch.zeros(TOKENS, dtype=torch.long)).logits.sum().backward()
    optimizer.step()
    tensors = [tensor for one in model.parameters() for tensor in (one, one.grad)]
    tensors += [tensor for state in optimizer.state.values() for tensor in state.values() if tensor.dim()]
    size = Size.of_parameters(model.num_parameters())
    assert training_bytes(size, "whole", "float32") == sum(tensor.nbytes for tensor in tensors)
    # The base that a fine-tuning gives back lies on the host.
    assert training_bytes(size, "full", "float32") == training_bytes(size, "whole", "float32")


def test_the_bytes_of_llama_2_7b_are_those_that_were_counted_by_hand():
    """Weights, gradients and moments 108 GB; all neurons trained 83 GB; the resume file 81 GB."""
    assert training_bytes(LLAMA_2_7B, "full", "float32") == pytest.approx(108e9, rel=0.01)
    # The model that is left as it is, and a quarter of the rest.
    assert training_bytes(LLAMA_2_7B, "full", "float32", processes=4) == pytest.approx((27 + 27) * 1e9, rel=0.01)
    assert training_bytes(LLAMA_2_7B, "neurons", "bfloat16") == pytest.approx(83e9, rel=0.05)
    assert resume_bytes(LLAMA_2_7B, "whole") == pytest.approx(81e9, rel=0.01)
    assert training_bytes(LLAMA_2_7B, "lora", "bfloat16") < 14e9
    assert training_bytes(LLAMA_2_7B, "neurons", "bfloat16", share=0.1) == pytest.approx(20.7e9, rel=0.05)


@pytest.mark.parametrize(
    ("parameters", "layers", "width"),
    [(6.74e9, 32, 4096), (7.07e9, 30, 4096), (1.24e9, 16, 2048), (1.01e9, 16, 2048), (13.0e9, 40, 5120)],
    ids=["llama-2-7b", "bloom-7b1", "llama-3.2-1b", "pythia-1b", "llama-2-13b"],
)
def test_depth_times_width_follows_from_the_parameters_within_a_third(parameters, layers, width):
    size = Size.of_parameters(parameters)
    assert size.layers * size.width == pytest.approx(layers * width, rel=0.34)


def test_products_are_six_a_weight_and_token_where_all_moves_and_four_where_nothing_does():
    tokens = 1000
    assert training_flops(LLAMA_2_7B, "whole", tokens) == 6 * LLAMA_2_7B.parameters * tokens
    frozen = training_flops(LLAMA_2_7B, "neurons", tokens, share=0)
    assert frozen == 4 * LLAMA_2_7B.parameters * tokens
    assert frozen < training_flops(LLAMA_2_7B, "lora", tokens) < 1.01 * frozen
    assert moved(LLAMA_2_7B, "neurons", 0.1) == pytest.approx(0.433e9, rel=0.05)
    assert GPU.seconds(LLAMA_2_7B, 150e12, 0) == 1


def table() -> None:
    """Print measured bytes as a share of those that the formula says."""
    print(f"| keeps | width {' | '.join(map(str, WIDTHS))} |\n|---|{'---|' * len(WIDTHS)}")
    for architecture, dtype, moving in itertools.product(("llama", "bloom"), ("float32", "bfloat16"), (True, False)):
        pairs = [kept_by_two_layers(architecture, width, dtype, moving=moving) for width in WIDTHS]
        shares = " | ".join(f"{measured:,} / {bound:,.0f} = {measured / bound:.2f}" for measured, bound in pairs)
        print(f"| {architecture}, {dtype}, {'all weights move' if moving else 'weights are frozen'} | {shares} |")


if __name__ == "__main__":
    table()
