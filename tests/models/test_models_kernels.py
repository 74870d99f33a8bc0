"""Faster kernels compute the same functions."""

import resource
from pathlib import Path

import pytest
import torch

from taskneurons.models import kernels
from taskneurons.models.kernels import FreeMemory, fast_exact_products, fastest
from taskneurons.models.scratch import Shape, Vocabulary, new_model


def loss_and_gradients(model):
    ids = torch.arange(60).reshape(4, 15) % 40
    loss = model(input_ids=ids, labels=ids).loss
    return loss.detach(), torch.autograd.grad(loss, list(model.parameters()))


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_losses_and_gradients_are_the_plain_ones(architecture):
    shape = Shape(hidden_size=64, layers=2, heads=4, ffn_size=256, context=32)
    model = new_model(architecture, shape, Vocabulary(40, pad_id=0, bos_id=1, eos_id=2), seed=0)
    expected, gradients = loss_and_gradients(model)
    for rows in (60, None):
        with fastest(model, rows=rows):
            loss, found = loss_and_gradients(model)
        torch.testing.assert_close(loss, expected, rtol=1e-6, atol=0)
        for a, b in zip(found, gradients, strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * b.abs().max().item())


def test_which_library_multiplies_follows_from_the_sizes_alone() -> None:
    shape = Shape(hidden_size=64, layers=1, heads=4, ffn_size=256, context=32)
    model = new_model("llama", shape, Vocabulary(40, pad_id=0, bos_id=1, eos_id=2), seed=0)
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    with fast_exact_products() as exact:
        pass
    onednn = "bf16" if exact else before
    # 1,024 x 64 x 64 multiplications are 2**22: the least for oneDNN.
    for rows, expected in ((1023, "ieee"), (1024, onednn), (None, onednn)):
        with fastest(model, rows=rows):
            assert switch.fp32_precision == expected
    # A small training inside of a block for tests, as in a study of many trainings.
    with fastest(model):
        with fastest(model, rows=500):
            assert switch.fp32_precision == "ieee"
        assert switch.fp32_precision == onednn
    assert switch.fp32_precision == before


def test_the_switch_is_taken_back_where_products_lose_precision(monkeypatch):
    switch = torch.backends.mkldnn.matmul
    before = switch.fp32_precision
    with fast_exact_products() as enabled:
        assert switch.fp32_precision == ("bf16" if enabled else before)
    assert switch.fp32_precision == before
    monkeypatch.setattr(kernels, "_keeps_float32", lambda: False)
    with fast_exact_products() as enabled:
        assert not enabled
        assert switch.fp32_precision == before


def test_the_probe_sees_bfloat16_factors(monkeypatch):
    exact = torch.Tensor.__matmul__
    monkeypatch.setattr(
        torch.Tensor,
        "__matmul__",
        lambda a, b: exact(a.bfloat16().float(), b.bfloat16().float()) if a.dtype == torch.float32 else exact(a, b),
    )
    assert not kernels._keeps_float32()


def test_free_memory_goes_back_to_the_system(monkeypatch: pytest.MonkeyPatch) -> None:
    # Alternating sizes leave holes that the heap keeps: small blocks stay alive between large ones that are freed.
    kept = []
    for _ in range(300):
        hole = torch.ones(25_000)
        kept.append(torch.ones(1_000))
        del hole
    holes = [torch.ones(25_000) for _ in range(600)]
    kept += [torch.ones(10) for _ in range(600)]
    before = _resident()
    del holes
    memory = FreeMemory()
    assert not memory.return_to_system()
    monkeypatch.setattr(FreeMemory, "GROWTH", 0)
    assert memory.return_to_system()
    assert _resident() < before - 30e6


def _resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize()
