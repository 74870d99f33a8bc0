"""Bytes and seconds of running and training a model, in closed form: known before any model is read, without torch.

The one place of these formulas: rules ask for what they say, and `taskneurons plan` adds it up.
"""

from dataclasses import dataclass
from typing import Literal

Method = Literal["whole", "full", "neurons", "lora"]
"""What moves in a training. `whole`: the checkpoint itself; `full`: all weights, of which the host keeps the base."""

MASTER, GRADIENT, MOMENTS = 4, 4, 8
"""Bytes of a weight that moves: float32 itself, its gradient, the two moments of AdamW."""
BYTES = {"float32": 4, "bfloat16": 2, "float16": 2}
# ASSUME: of the parameters of a model of others two thirds lie in its FFNs (Llama-2-7b: 0.64), its width is 128 times
# its layers (Llama-2-7b: 4096 and 32), and a layer has 12 squares of the width.
FFN_SHARE = 2 / 3
WIDTH_PER_LAYER = 128
# Bytes that a forward pass keeps of a token, a layer and a dimension of the width for its backward pass, where weights
# move and where they do not: the larger of Llama and Bloom, as tests measure it. Attention keeps no matrix.
KEPT = {"float32": (84, 57), "bfloat16": (57, 41), "float16": (57, 41)}
# ASSUME: the allocator's fragments take a twentieth of the rest; CUDA's own context, the logits and workspaces 2 GB.
FRAGMENTS, CONTEXT = 1.05, 2e9
# ASSUME: adapters of rank 8 hold a five-hundredth of a model's weights, whatever their targets.
ADAPTERS = 1 / 500


@dataclass(frozen=True)
class Size:
    """The size of a model.

    Attributes:
        parameters: their number.
        layers: transformer layers.
        width: of the residual stream.
        ffn: parameters of the FFNs.
    """

    parameters: float
    layers: float
    width: float
    ffn: float

    @classmethod
    def of_parameters(cls, parameters: float) -> "Size":
        """What is usual for a number of parameters."""
        layers = max(2.0, (parameters / (12 * WIDTH_PER_LAYER**2)) ** (1 / 3))
        return cls(parameters, layers, WIDTH_PER_LAYER * layers, FFN_SHARE * parameters)


def moved(size: Size, method: Method, share: float = 1.0) -> float:
    """The weights that a training moves.

    Args:
        share: of the neurons, of the method neurons.
    """
    if method == "neurons":
        return share * size.ffn
    return ADAPTERS * size.parameters if method == "lora" else size.parameters


def training_bytes(size: Size, method: Method, dtype: str, *, share: float = 1.0, processes: int = 1) -> float:
    """Memory of each GPU of a training besides activations.

    Weights that stay are in the job's own type. All weights move in float32; under mixed precision autocast keeps a
    narrow copy of them besides. What `full` started from, and readings, lie on the host. Several processes share out
    all weights that move, with gradients and moments, beside the model that they came from.

    Args:
        dtype: precision of the products.
        share: of the neurons, of the method neurons.
        processes: that do it together.
    """
    moving = moved(size, method, share) * (MASTER + GRADIENT + MOMENTS)
    if method in ("neurons", "lora"):
        return size.parameters * BYTES[dtype] + moving
    narrow = size.parameters * BYTES[dtype] if dtype != "float32" else 0
    return narrow + (moving if processes == 1 else moving / processes + MASTER * size.parameters)


def held_share(layers: float, processes: int) -> float:
    """What each process holds at most of weights that several share out, of which it gathers a layer to compute it.

    Args:
        layers: of the model.
        processes: that share them out; 1: one holds them all.
    """
    # One layer computes while the next one is gathered.
    return 1 if processes == 1 else 1 / processes + 2 / layers


def resume_bytes(size: Size, method: Method, share: float = 1.0) -> float:
    """Of the resume file of a training, which is gathered on the host: weights that move and their moments."""
    return moved(size, method, share) * (MASTER + MOMENTS)


def kept_bytes(size: Size, dtype: str, tokens: float, *, moving: bool, checkpointing: bool = False) -> float:
    """Activations that a forward pass keeps for its backward pass.

    Args:
        tokens: of the batch, pads included.
        moving: whether weights of the model move; else what flows back is for its inputs or for adapters.
        checkpointing: whether only the input of each layer is kept, in float32 at most, and the rest of one layer.
    """
    of_layer = KEPT[dtype][0 if moving else 1] * tokens * size.width
    return of_layer + 4 * size.layers * tokens * size.width if checkpointing else size.layers * of_layer


def cache_bytes(size: Size, dtype: str, tokens: float) -> float:
    """Keys and values of a batch that answers are generated for; attention heads that share them need less."""
    return 2 * BYTES[dtype] * tokens * size.layers * size.width


def whole(tensors: float) -> float:
    """GPU memory of a job, of the bytes of its tensors."""
    return FRAGMENTS * tensors + CONTEXT


def training_flops(size: Size, method: Method, tokens: float, share: float = 1.0) -> float:
    """Products of a training: two for each weight and token forward, two for what flows back, two for what moves.

    Args:
        tokens: of all steps, without pads.
    """
    return tokens * (4 * size.parameters + 2 * moved(size, method, share))


@dataclass(frozen=True)
class Rates:
    """What a machine does in a second.

    Attributes:
        flops: products and sums.
        bandwidth: bytes of weights that a step of generation reads.
        step: seconds of a forward pass of a layer that no product explains.
    """

    flops: float
    bandwidth: float
    step: float

    def seconds(self, size: Size, flops: float, passes: float, read: float = 0.0) -> float:
        """Of some products, passes through the model (a backward counts as two), and bytes of weights read."""
        return flops / self.flops + passes * size.layers * self.step + read / self.bandwidth


# ASSUME: a GPU of 80 GB or more does 150 TFLOP/s of bfloat16 in these models (an H100 does 990 at best), reads 1.5 TB/s
# and starts the kernels of a layer in 0.3 ms.
GPU = Rates(150e12, 1.5e12, 3e-4)
# Of a core of 2026, so that the default's jobs come out as their records say, within a factor of two by study.
# ASSUME: 60 GFLOP/s, 0.3 ms to start the kernels of a layer.
CORE = Rates(60e9, 10e9, 3e-4)
