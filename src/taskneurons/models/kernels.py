"""The same functions, computed faster."""

import ctypes
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psutil
import torch

from taskneurons.models.fused import FORWARDS, forwards

LEAST_PRODUCT = 2**22
"""Multiplications of a call's smallest product (rows x hidden size x hidden size) from which oneDNN is taken.

Measured on one AMD Zen 4 core, oneDNN against MKL in GFLOP/s: 7 to 30 at 16 x 64 x 64, 55 to 81 at 250 x 64 x 64,
70 to 87 at 544 x 64 x 64, where a step of tuning is 1.08 times as fast with MKL; 86 to 89, and 98 to 93 for its larger
products, at 1330 x 64 x 64; 100 to 91 at 250 x 512 x 512. The rule is fixed, not measured anew in each run: a clock
that errs must not change the digits of a result.
"""


@contextmanager
def fast_exact_products() -> Iterator[bool]:
    """Let oneDNN multiply float32 matrices in this block, if it does so in float32 on this CPU; yield whether it does.

    torch multiplies with MKL, which leaves half the vector width of some CPUs idle (AMD with AVX-512: 110 against 240
    GFLOP/s on one core). The only switch to oneDNN also permits it to round the factors to bfloat16, which it does on
    CPUs with bfloat16 matrix units. So the products are probed, and the switch is taken back where they lose precision.
    """
    products: Any = torch.backends.mkldnn  # a module whose attributes torch makes at run time
    before = products.matmul.fp32_precision
    products.matmul.fp32_precision = "bf16"
    try:
        exact = _keeps_float32()
        if not exact:
            products.matmul.fp32_precision = before
        yield exact
    finally:
        products.matmul.fp32_precision = before


@contextmanager
def _plain_products() -> Iterator[None]:
    """Let MKL multiply in this block, also inside of one that lets oneDNN do it."""
    products: Any = torch.backends.mkldnn
    before = products.matmul.fp32_precision
    products.matmul.fp32_precision = "ieee"
    try:
        yield
    finally:
        products.matmul.fp32_precision = before


@contextmanager
def fastest(model: Any, *, rows: int | None = None) -> Iterator[None]:
    """Compute a model in this block with the kernels that are fastest for it; results change by rounding alone.

    The modules that we know are computed by functions of our own (see `fused`). In float32 on a CPU, products are those
    of oneDNN where it is exact and the products are large, else those of MKL, and torch's fused attention is left out:
    it is slow with oneDNN, and no faster with MKL.

    Args:
        model: of transformers.
        rows: tokens of one call, pads included, where calls may be small; None: they are not.
    """
    if model.device.type != "cpu" or model.dtype != torch.float32:
        with forwards(model, FORWARDS):
            yield
        return
    attention = model.config._attn_implementation
    large = rows is None or rows * model.config.hidden_size**2 >= LEAST_PRODUCT
    with fast_exact_products() if large else _plain_products(), forwards(model, FORWARDS):
        try:
            model.set_attn_implementation("eager")
            yield
        finally:
            model.set_attn_implementation(attention)


def _keeps_float32() -> bool:
    """Whether products of the three kinds in a linear layer and its gradients are right to float32 precision."""
    generator = torch.Generator().manual_seed(0)
    for rows, inputs, outputs in ((1024, 64, 256), (256, 512, 512)):
        x = torch.randn(rows, inputs, generator=generator)
        weight = torch.randn(outputs, inputs, generator=generator)
        gradient = torch.randn(rows, outputs, generator=generator)
        for left, right in ((x, weight.t()), (gradient, weight), (gradient.t(), x)):
            exact = left.double() @ right.double()
            # float32 sums of this length are within 2e-6; bfloat16 factors miss by about 4e-3.
            if (left @ right - exact).abs().max() > 1e-5 * exact.abs().max():
                return False
    return True


class FreeMemory:
    """Hands freed memory back to the system, where the C library can (glibc) and as often as it is worth it.

    Tensors of ever new sizes, as batches of texts make them, fragment its heap: a training of 2 GB grew to 8 GB. To
    walk through that heap costs up to a second, so it is done when the process has grown, not at fixed steps.
    """

    # ASSUME: half a gigabyte more or less does not decide whether a training fits into memory.
    GROWTH = 500_000_000

    def __init__(self) -> None:
        self._process = psutil.Process()
        self._least = self._resident()

    def return_to_system(self) -> bool:
        """Trim the heap if the process has grown by half a gigabyte since it was last trimmed; say whether it did."""
        if self._resident() < self._least + self.GROWTH:
            return False
        trim = getattr(ctypes.CDLL(None), "malloc_trim", None)
        if trim is not None:
            trim(0)
        self._least = self._resident()
        return True

    def _resident(self) -> int:
        return int(self._process.memory_info().rss)
