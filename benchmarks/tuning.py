"""What training only some neurons costs, beside the least that it can cost and beside the ways that others do it.

    python -m benchmarks.tuning --check

limit           forward, and backward through the activations down to the first layer's neurons; the language head on
                the loss rows alone. Nothing is trained.
limit_embedding as limit, down to the embeddings.
neurons         ours: a tenth of the neurons, 5 to 15 % of a layer.
mask            the papers' way: all logits, a full backward pass, gradients masked.
mask_ffn        the FFN's weights alone, the language head on the loss rows, gradients masked.
lora_all        PEFT, rank 8, on all linear layers.
lora_qv         PEFT, rank 8, on the query and value projections.

All trainings use torch's fused AdamW without weight decay, and the matrix products and attention of the engine's own
training loop. The weights of ours are asserted to be those of both masked trainings after six steps.
"""

import copy
import sys
import tempfile
from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from functools import partial
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from peft import LoraConfig, get_peft_model
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from benchmarks.measure import MIB, Bar, Run, conclude, interleave, peak_memory, print_table, versions
from benchmarks.shapes import SHAPES, Shape, build_batch, build_model, shape_options
from taskneurons.engine.sparse_linear import training_only
from taskneurons.models.encoding import IGNORED, Batch
from taskneurons.models.ffn import ffn_layers
from taskneurons.models.kernels import fast_exact_products
from taskneurons.neurons.patches import NeuronPatch, save_patch
from taskneurons.neurons.sets import NeuronSet

LEARNING_RATE, PARITY_STEPS, TOLERANCE = 1e-3, 6, 1e-6
MOST = {"limit": 1.05, "mask": 0.45, "mask_ffn": 0.85, "lora_all": 0.80, "lora_qv": 1.0}


class Variant(NamedTuple):
    """One step; the optimizer, where something is trained; the blocks that stay open as long as the variant lives."""

    step: Run
    optimizer: torch.optim.Optimizer | None = None
    blocks: ExitStack | None = None


def build_neurons(shape: Shape) -> NeuronSet:
    """A tenth of the neurons, 5 to 15 % of a layer."""
    random = np.random.default_rng(0)
    mask = np.zeros((shape.layers, shape.ffn_size), dtype=bool)
    for layer, share in enumerate(np.linspace(0.05, 0.15, shape.layers)):
        mask[layer, random.choice(shape.ffn_size, size=round(share * shape.ffn_size), replace=False)] = True
    return NeuronSet(mask)


def answer_loss(model: PreTrainedModel, batch: Batch, *, all_logits: bool = False) -> Tensor:
    """Mean cross-entropy of the answer tokens, the language head on the loss rows alone unless `all_logits`."""
    hidden = model.base_model(
        input_ids=batch.input_ids,
        attention_mask=batch.attention_mask,
        position_ids=batch.position_ids,
        use_cache=False,
    ).last_hidden_state
    rows = batch.labels != IGNORED
    labels = batch.labels.flatten() if all_logits else batch.labels[rows]
    logits = model.get_output_embeddings()(hidden if all_logits else hidden[rows])
    return cross_entropy(logits.flatten(0, -2).float(), labels, ignore_index=IGNORED)


def adamw(parameters: list[nn.Parameter]) -> torch.optim.Optimizer:
    """The optimizer of every variant."""
    return torch.optim.AdamW(parameters, lr=LEARNING_RATE, weight_decay=0.0, fused=True)


def training_step(model: PreTrainedModel, batch: Batch, optimizer: torch.optim.Optimizer) -> None:
    """One step of the variants that train a few dense tensors."""
    answer_loss(model, batch).backward()
    optimizer.step()
    optimizer.zero_grad()


def limit(model: PreTrainedModel, batch: Batch, _shape: Shape) -> Variant:
    """Backward down to the first layer's neurons."""

    def differentiable(_module: nn.Module, inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
        return (inputs[0].detach().requires_grad_(),)

    ffn_layers(model)[0].output.module.register_forward_pre_hook(differentiable)
    return Variant(lambda: answer_loss(model, batch).backward())


def limit_embedding(model: PreTrainedModel, batch: Batch, _shape: Shape) -> Variant:
    """Backward down to the embeddings."""
    embeddings: nn.Module = model.get_input_embeddings()
    embeddings.register_forward_hook(lambda _module, _inputs, output: output.detach().requires_grad_())
    return Variant(lambda: answer_loss(model, batch).backward())


def neurons(model: PreTrainedModel, batch: Batch, shape: Shape) -> Variant:
    """Selected gradients, AdamW on the selected weights, which are written into the dense ones after the step."""
    blocks = ExitStack()
    trained = blocks.enter_context(training_only(model, build_neurons(shape)))
    optimizer = adamw(list(trained.parameters().values()))

    def step() -> None:
        training_step(model, batch, optimizer)
        trained.publish()

    return Variant(step, optimizer, blocks)


def mask(model: PreTrainedModel, batch: Batch, shape: Shape) -> Variant:
    """Everything has a gradient; what belongs to no neuron of the set loses it."""
    return _masked(model, batch, shape, list(model.parameters()), all_logits=True)


def mask_ffn(model: PreTrainedModel, batch: Batch, shape: Shape) -> Variant:
    """The same, of the FFN's weights alone."""
    dense = [projection.parameters()[0][0] for ffn in ffn_layers(model) for projection in (*ffn.inputs, ffn.output)]
    return _masked(model, batch, shape, dense, all_logits=False)


def _masked(
    model: PreTrainedModel, batch: Batch, shape: Shape, parameters: list[nn.Parameter], *, all_logits: bool
) -> Variant:
    device, dtype = parameters[0].device, parameters[0].dtype
    members = torch.tensor(build_neurons(shape).mask).to(device, dtype)
    masks = {}
    for ffn in ffn_layers(model):
        for projection in ffn.inputs:
            masks[projection.parameters()[0][0]] = members[ffn.layer][:, None]
        masks[ffn.output.parameters()[0][0]] = members[ffn.layer][None, :]
    nothing = torch.zeros((), device=device, dtype=dtype)
    for parameter in parameters:
        parameter.requires_grad_(True)
    optimizer = adamw(parameters)

    def step() -> None:
        answer_loss(model, batch, all_logits=all_logits).backward()
        for parameter in parameters:
            assert parameter.grad is not None
            parameter.grad *= masks.get(parameter, nothing)
        optimizer.step()
        optimizer.zero_grad()

    return Variant(step, optimizer)


def lora(targets: str | list[str], model: PreTrainedModel, batch: Batch, _shape: Shape) -> Variant:
    """PEFT's LoRA of rank 8; it changes the model itself, too."""
    get_peft_model(model, LoraConfig(r=8, lora_alpha=16, target_modules=targets, task_type="CAUSAL_LM"))
    optimizer = adamw([parameter for parameter in model.parameters() if parameter.requires_grad])
    return Variant(partial(training_step, model, batch, optimizer), optimizer)


VARIANTS: dict[str, Callable[[PreTrainedModel, Batch, Shape], Variant]] = {
    "limit": limit,
    "limit_embedding": limit_embedding,
    "neurons": neurons,
    "mask": mask,
    "mask_ffn": mask_ffn,
    "lora_all": partial(lora, "all-linear"),
    "lora_qv": partial(lora, ["q_proj", "v_proj"]),
}


def distance(base: nn.Module, ours: nn.Module, masked: nn.Module, expected: int) -> float:
    """The greatest difference between the weights of ours and of a masked training.

    Raises:
        AssertionError: it is too large, another weight moved, or fewer than nine tenths of the expected number did.
    """
    greatest, moved = 0.0, 0
    for (name, before), mine, theirs in zip(
        base.named_parameters(), ours.parameters(), masked.parameters(), strict=True
    ):
        greatest = max(greatest, (mine - theirs).detach().abs().max().item())
        assert not ((mine != before) & (theirs == before) & ((mine - before).abs() > TOLERANCE)).any(), name
        moved += int((mine != before).sum())
    assert greatest <= TOLERANCE, f"weights differ by {greatest}"
    assert 0.9 * expected < moved <= expected, f"{moved} weights moved, not {expected}"
    return greatest


def prepare_memory(name: str, shape_name: str, device: str, dtype: str) -> Run:
    """Three steps of a variant on a model of its own."""
    torch.set_num_threads(1)
    shape = SHAPES[shape_name]
    model, batch = build_model(shape, device, dtype), build_batch(shape, device)
    if device == "cpu":
        model.set_attn_implementation("eager")

    def run() -> None:
        variant = VARIANTS[name](model, batch, shape)
        with fast_exact_products() if device == "cpu" else nullcontext():
            for _ in range(3):
                variant.step()

    return run


def checkpoint_bytes(base: PreTrainedModel, shape: Shape) -> int:
    """The size of the patch file."""
    members = build_neurons(shape)
    with training_only(base, members) as trained, tempfile.TemporaryDirectory() as folder:
        weights = {name: values.cpu().numpy() for name, values in trained.values().items()}
        path = Path(folder) / "patch.safetensors"
        save_patch(path, NeuronPatch(members, weights, base="0" * 64, tasks=("benchmark",)))
        return path.stat().st_size


def optimizer_bytes(optimizer: torch.optim.Optimizer | None) -> int:
    """What an optimizer keeps."""
    if optimizer is None:
        return 0
    return sum(value.numel() * value.element_size() for one in optimizer.state.values() for value in one.values())


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, compare with the bars."""
    chosen = shape_options(__doc__).parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    shape, on_cpu = SHAPES[chosen.shape], chosen.device == "cpu"
    base, batch = build_model(shape, chosen.device, chosen.dtype), build_batch(shape, chosen.device)
    selected = 3 * shape.hidden_size * len(build_neurons(shape))
    with fast_exact_products() if on_cpu else nullcontext() as fast:
        if on_cpu:
            base.set_attn_implementation("eager")
        models = {name: copy.deepcopy(base) for name in VARIANTS}
        variants = {name: make(models[name], batch, shape) for name, make in VARIANTS.items()}
        for _ in range(PARITY_STEPS):
            for variant in variants.values():
                variant.step()
        parity = None
        if chosen.dtype == "float32":
            # The masked trainings update a narrower dtype in place, ours through a float32 master.
            parity = max(distance(base, models["neurons"], models[other], selected) for other in ("mask", "mask_ffn"))
        times = interleave(
            {name: variant.step for name, variant in variants.items()}, chosen.repeats, device=chosen.device
        )
    states = {name: optimizer_bytes(variant.optimizer) for name, variant in variants.items()}
    checkpoint = checkpoint_bytes(base, shape)
    del models, variants
    memory = {
        name: peak_memory(
            prepare_memory,
            name,
            chosen.shape,
            chosen.device,
            chosen.dtype,
            device=chosen.device,
            repeats=min(chosen.repeats, 3),
        )
        for name in VARIANTS
    }
    rows = {
        name: {
            "seconds": times.median(name),
            "per_limit": times.ratio(name, "limit"),
            "peak_mib": memory[name],
            "optimizer_mib": states[name] / MIB,
        }
        for name in VARIANTS
    }
    print_table(
        ["variant", "s / step", "/ limit", "peak MiB", "optimizer MiB"], [(n, *r.values()) for n, r in rows.items()]
    )
    print(f"weights differ from masked AdamW by {parity} after {PARITY_STEPS} steps; oneDNN products: {bool(fast)}\n")
    bars = [Bar(f"step / {other}", times.ratio("neurons", other), most) for other, most in MOST.items()]
    bars += [
        Bar("peak memory / mask", memory["neurons"] / memory["mask"], 0.40),
        Bar("optimizer state / selected share", states["neurons"] / (2 * 4 * selected), 1.02),
        Bar("checkpoint / selected share", checkpoint / (4 * selected), 1.02),
    ]
    measurements = {
        "shape": chosen.shape,
        "device": chosen.device,
        "dtype": chosen.dtype,
        "rounds": chosen.repeats,
        "variants": rows,
        "parity": parity,
        "onednn_products": bool(fast),
        "versions": versions("torch", "transformers", "peft", "taskneurons"),
    }
    return conclude(bars, measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
