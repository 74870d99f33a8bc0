"""What attribution costs, beside the least that it can cost and beside the ways that others do it.

    python -m benchmarks.attribution --check
    python -m benchmarks.attribution --shape llama2-7b --device cuda --dtype bfloat16

limit               forward, and backward through the activations down to the first layer's neurons; the language head
                    on the loss rows alone. Nothing is scored.
limit_embedding     as limit, down to the embeddings.
ours                taskneurons.engine.attribution
retain_grad         the papers' code: retain_grad on every layer's activation, all logits, parameters not frozen
captum              LayerGradientXActivation over the list of layers, all logits, parameters not frozen
captum_tuned        the same, with frozen parameters and the language head on the loss rows
transformer_lens    its cached activations and gradients of `hook_post`, all logits, parameters not frozen

The last four are asserted to give our scores. Peers that are not installed are left out.
"""

import importlib.util
import sys
from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from transformers import PreTrainedModel

from benchmarks.measure import Bar, Run, conclude, interleave, peak_memory, print_table, versions
from benchmarks.shapes import SHAPES, answer_loss, build_batch, build_model, operations, product_rate, shape_options
from taskneurons.engine.attribution import Attributor
from taskneurons.models.encoding import IGNORED, Batch
from taskneurons.models.ffn import ffn_layers

# Of the greatest score. bfloat16 has 8 bits, and the ways round in different places.
TOLERANCE = {"float32": 1e-5, "float16": 1e-2, "bfloat16": 5e-2}
MOST = {
    "limit": 1.05,
    "retain_grad": 0.45,
    "transformer_lens": 0.45,
    "captum_tuned": 1.03,
}
MOST_MEMORY = 1.1


def forward_only(model: PreTrainedModel, batch: Batch) -> Run:
    def run() -> None:
        with torch.no_grad():
            answer_loss(model, batch)

    return run


def limit(model: PreTrainedModel, batch: Batch) -> Run:
    first = ffn_layers(model)[0].inputs[-1].module
    return partial(_backward_from, first, model, batch)


def limit_embedding(model: PreTrainedModel, batch: Batch) -> Run:
    return partial(_backward_from, model.get_input_embeddings(), model, batch)


def _backward_from(module: nn.Module, model: PreTrainedModel, batch: Batch) -> None:
    """Forward and backward down to the output of a module."""

    def differentiable(_module: nn.Module, _inputs: tuple[Tensor, ...], output: Tensor) -> None:
        output.requires_grad_()

    handle = module.register_forward_hook(differentiable)
    answer_loss(model, batch).backward()
    handle.remove()


def ours(model: PreTrainedModel, batch: Batch) -> Run:
    def run() -> np.ndarray:
        attributor = Attributor(model)
        attributor.update(batch)
        return attributor.result(task="random", model_digest="random")["taylor"].scores

    return run


def retain_grad(model: PreTrainedModel, batch: Batch) -> Run:
    def run() -> Tensor:
        kept: list[Tensor] = []

        def keep(_module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            inputs[0].retain_grad()
            kept.append(inputs[0])

        model.requires_grad_(True)
        handles = [ffn.output.module.register_forward_pre_hook(keep) for ffn in ffn_layers(model)]
        answer_loss(model, batch, all_logits=True).backward()
        for handle in handles:
            handle.remove()
        scores = torch.stack([_score(w.detach() * _gradient(w)) for w in kept])
        _freeze(model)
        return scores

    return run


def captum(model: PreTrainedModel, batch: Batch, *, tuned: bool = False) -> Run:
    from captum.attr import LayerGradientXActivation

    width = batch.answer_width if tuned else batch.labels.shape[1]
    labels = batch.labels[:, -width:]

    def losses(embedded: Tensor) -> Tensor:
        """The loss of each example."""
        logits = model(
            inputs_embeds=embedded,
            attention_mask=batch.attention_mask,
            position_ids=batch.position_ids,
            use_cache=False,
            logits_to_keep=width,
        ).logits
        of_tokens = cross_entropy(
            logits.flatten(0, 1).float(), labels.flatten(), ignore_index=IGNORED, reduction="none"
        )
        return of_tokens.reshape(labels.shape).sum(1)

    layers: list[nn.Module] = [ffn.output.module for ffn in ffn_layers(model)]

    def run() -> Tensor:
        model.requires_grad_(not tuned)
        embedded = model.get_input_embeddings()(batch.input_ids).detach().requires_grad_()
        products: Any = LayerGradientXActivation(losses, layers).attribute(embedded, attribute_to_layer_input=True)
        scores = torch.stack([_score(p[0] if isinstance(p, tuple) else p) for p in products]).detach()
        _freeze(model)
        return scores

    return run


def transformer_lens(model: PreTrainedModel, batch: Batch) -> Run:
    from benchmarks.lens import lens_scores

    return lens_scores(model, batch)


def _score(product: Tensor) -> Tensor:
    """Eq. 3 of Leng & Xiong 2025: sum over examples of |sum over tokens of gradient x activation|."""
    return product.float().sum(1).abs().sum(0)


def _gradient(tensor: Tensor) -> Tensor:
    assert tensor.grad is not None
    return tensor.grad


def _freeze(model: nn.Module) -> None:
    model.requires_grad_(False)
    model.zero_grad(set_to_none=True)


UNSCORED: dict[str, Callable[[PreTrainedModel, Batch], Run]] = {
    "forward": forward_only,
    "limit": limit,
    "limit_embedding": limit_embedding,
}
SCORED: dict[str, Callable[[PreTrainedModel, Batch], Run]] = {
    "ours": ours,
    "retain_grad": retain_grad,
    "captum": captum,
    "captum_tuned": partial(captum, tuned=True),
    "transformer_lens": transformer_lens,
}
PEERS = {"captum": "captum", "captum_tuned": "captum", "transformer_lens": "transformer_lens"}


def prepare(name: str, shape: str, device: str, dtype: str, threads: int) -> Run:
    """A variant on a model of its own."""
    torch.set_num_threads(threads)
    chosen = SHAPES[shape]
    return (UNSCORED | SCORED)[name](build_model(chosen, device, dtype), build_batch(chosen, device))


def assert_parity(runs: dict[str, Run], dtype: str) -> dict[str, float]:
    """The greatest distance of each variant's scores from ours, as a share of the greatest score.

    A variant that the device's memory does not hold is removed from `runs`.

    Raises:
        AssertionError: other scores than ours.
    """
    expected = torch.as_tensor(runs["ours"]())
    assert expected.max() > 0
    distances = {}
    for name in [name for name in runs if name in SCORED]:
        try:
            scores: Any = runs[name]()
        except torch.OutOfMemoryError:
            del runs[name]
            print(f"{name} is left out: the device has too little memory for it")
            continue
        distances[name] = float((torch.as_tensor(scores).cpu() - expected).abs().max() / expected.max())
        assert distances[name] <= TOLERANCE[dtype], f"{name}: scores differ by {distances[name]:.2g} of the greatest"
    return distances


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write JSON, compare with the bars."""
    chosen = shape_options(__doc__).parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    shape, where = SHAPES[chosen.shape], (chosen.device, chosen.dtype)
    model, batch = build_model(shape, *where), build_batch(shape, chosen.device)
    available = {name: make for name, make in SCORED.items() if _installed(name)}
    runs = {name: make(model, batch) for name, make in (UNSCORED | available).items()}
    distances = assert_parity(runs, chosen.dtype)
    for name in UNSCORED:
        runs[name]()
    times = interleave(runs, chosen.repeats, device=chosen.device)
    rate = product_rate(shape, *where)
    work = {name: operations(runs[name]) for name in (*UNSCORED, "ours")}
    tokens = int(batch.attention_mask.sum())
    del model, runs
    memory = {
        name: peak_memory(
            prepare, name, chosen.shape, *where, chosen.threads, device=chosen.device, repeats=min(chosen.repeats, 3)
        )
        for name in ("limit", "ours")
    }
    rows = {
        name: {
            "seconds": times.median(name),
            "per_limit": times.ratio(name, "limit"),
            "tokens_per_second": tokens / times.median(name),
            "share_of_product_rate": work[name] / times.median(name) / rate if name in work else None,
            "peak_mib": memory.get(name),
            "parity": distances.get(name),
        }
        for name in times.seconds
    }
    print(f"{chosen.shape} {shape}\n{chosen.device} {chosen.dtype}, products at {rate / 1e9:.0f} GFLOP/s\n")
    columns = list(rows["ours"])
    print_table(["variant", *columns], [(name, *row.values()) for name, row in rows.items()])
    bars = [Bar(f"ours / {name}", times.ratio("ours", name), most) for name, most in MOST.items() if name in rows]
    bars.append(Bar("peak memory of ours / limit", memory["ours"] / memory["limit"], MOST_MEMORY))
    measurements = {
        "shape": chosen.shape,
        "device": torch.cuda.get_device_name() if chosen.device == "cuda" else "cpu",
        "dtype": chosen.dtype,
        "threads": chosen.threads,
        "repeats": chosen.repeats,
        "product_rate": rate,
        "variants": rows,
        "software": versions("torch", "transformers", "captum", "transformer-lens"),
    }
    return conclude(bars, measurements, chosen)


def _installed(name: str) -> bool:
    peer = PEERS.get(name)
    if peer is None or importlib.util.find_spec(peer):
        return True
    print(f"{name} is left out: {peer} is not installed")
    return False


if __name__ == "__main__":
    sys.exit(main())
