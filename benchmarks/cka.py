"""CKA and representations against the authors' way: CPU time of interleaved runs in one process, results compared.

    OMP_NUM_THREADS=1 python benchmarks/cka.py --out cka.json

"authors" is CKA as it is published: features in numpy float64, one estimate a call; here it is the biased one. Ours
gives both estimates from float32 features. In the layer study the model tuned on one task is compared with the base,
with the model tuned on all tasks and with held-out variants: what depends on it alone is computed once ("cached side").
"""

import argparse
import statistics
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from taskneurons.engine.representations import Position, representations
from taskneurons.files import write_json
from taskneurons.measures.cka import Side, cka
from taskneurons.models.encoding import Encoded, collate

SHAPES = {"n >= d": (5000, 1024, 0.45), "n <= d/4": (1000, 4096, 0.12)}
GREATEST_ERROR = 1e-6
GREATEST_REPRESENTATIONS = 1.10
PAD = 0


def authors_cka(x: np.ndarray, y: np.ndarray, *, debiased: bool = False) -> float:
    """Feature-side linear CKA in float64, after Kornblith et al. 2019."""
    x, y = x.astype(np.float64), y.astype(np.float64)
    x, y = x - x.mean(axis=0, keepdims=True), y - y.mean(axis=0, keepdims=True)
    cross = float(np.linalg.norm(x.T.dot(y))) ** 2
    own_x, own_y = float(np.linalg.norm(x.T.dot(x))), float(np.linalg.norm(y.T.dot(y)))
    if debiased:
        n = len(x)
        k, l = np.einsum("ij,ij->i", x, x), np.einsum("ij,ij->i", y, y)  # noqa: E741

        def less_bias(product: float, a: np.ndarray, b: np.ndarray) -> float:
            return product - n / (n - 2) * a.dot(b) + a.sum() * b.sum() / ((n - 1) * (n - 2))

        cross = less_bias(cross, k, l)
        own_x, own_y = np.sqrt(less_bias(own_x**2, k, k)), np.sqrt(less_bias(own_y**2, l, l))
    return float(cross / (own_x * own_y))


def cpu_times(variants: dict[str, Callable[[], object]], rounds: int) -> dict[str, float]:
    """Median CPU seconds of each variant, run in turn."""
    seconds: dict[str, list[float]] = {name: [] for name in variants}
    for _ in range(rounds):
        for name, run in variants.items():
            begin = time.process_time()
            run()
            seconds[name].append(time.process_time() - begin)
    return {name: statistics.median(values) for name, values in seconds.items()}


def measure_cka(n: int, d: int, rounds: int) -> dict[str, float]:
    """Seconds, ratios to one call of the authors' way, and the greatest error of both estimates."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((n, 50))
    x, y = ((z @ rng.standard_normal((50, d)) + 5 * rng.standard_normal((n, d))).astype(np.float32) for _ in range(2))
    tuned = Side(x)
    cka(tuned, y)
    found = cka(x, y)
    expected = [authors_cka(x, y, debiased=True), authors_cka(x, y)]
    assert found.unbiased is not None and found.biased is not None
    error = max(abs(found.unbiased - expected[0]), abs(found.biased - expected[1]))
    assert error <= GREATEST_ERROR, error
    assert cka(tuned, y) == found
    seconds = cpu_times(
        {
            "authors": lambda: authors_cka(x, y),
            "authors, both estimates": lambda: (authors_cka(x, y), authors_cka(x, y, debiased=True)),
            "pair": lambda: cka(x, y),
            "cached side": lambda: cka(tuned, y),
        },
        rounds,
    )
    return {
        **{f"seconds, {name}": value for name, value in seconds.items()},
        "ratio, pair": seconds["pair"] / seconds["authors"],
        "ratio, cached side": seconds["cached side"] / seconds["authors"],
        "ratio, pair to both estimates": seconds["pair"] / seconds["authors, both estimates"],
        "error": error,
    }


def measure_representations(rounds: int) -> dict[str, float]:
    """Seconds of the plain forward pass of the model's body on the same batches, and of all layers' representations."""
    config = LlamaConfig(
        vocab_size=2000, hidden_size=256, intermediate_size=704, num_hidden_layers=8, num_attention_heads=8
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    rng = np.random.default_rng(0)
    encoded = [Encoded(tuple(rng.integers(3, 2000, 96).tolist()), (2,)) for _ in range(32)]

    def plain() -> torch.Tensor:
        with torch.inference_mode():
            last = []
            for begin in range(0, len(encoded), 8):
                batch = collate(encoded[begin : begin + 8], PAD)
                last.append(
                    model.model(
                        input_ids=batch.input_ids,
                        attention_mask=batch.attention_mask,
                        position_ids=batch.position_ids,
                        use_cache=False,
                    ).last_hidden_state[:, -1]
                )
            return torch.cat(last)

    def ours(position: Position) -> np.ndarray:
        return representations(model, encoded, pad_id=PAD, batch_size=8, position=position)

    np.testing.assert_allclose(ours("last")[-1], plain().numpy(), rtol=1e-5, atol=1e-5)
    seconds = cpu_times({"plain": plain, "last": lambda: ours("last"), "mean": lambda: ours("mean")}, rounds)
    return {
        **{f"seconds, {name}": value for name, value in seconds.items()},
        "ratio, last": seconds["last"] / seconds["plain"],
        "ratio, mean": seconds["mean"] / seconds["plain"],
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--out", type=Path, help="write the figures as JSON")
    arguments = parser.parse_args()
    torch.set_num_threads(1)
    figures: dict[str, dict[str, float]] = {}
    met = True
    print(f"{'':38}{'authors s':>10}{'ours s':>9}{'ratio':>8}{'bar':>7}{'error':>10}")
    for name, (n, d, bar) in SHAPES.items():
        found = figures[f"cka, {name}"] = {"n": n, "d": d, "bar": bar, **measure_cka(n, d, arguments.rounds)}
        for way in ("pair", "cached side"):
            label = f"CKA {name} ({n} x {d}), {way}"
            print(
                f"{label:38}{found['seconds, authors']:10.3f}{found[f'seconds, {way}']:9.3f}"
                f"{found[f'ratio, {way}']:8.2f}{bar:7.2f}{found['error']:10.1e}"
            )
        both = found["ratio, pair to both estimates"]
        print(f"{'  its pair, to two calls of the authors':38}{'':19}{both:8.2f}{bar:7.2f}")
        met &= found["ratio, cached side"] <= bar and both <= bar
    found = figures["representations"] = {"bar": GREATEST_REPRESENTATIONS, **measure_representations(arguments.rounds)}
    for position in ("last", "mean"):
        print(
            f"{f'representations, {position} (plain forward)':38}{found['seconds, plain']:10.3f}"
            f"{found[f'seconds, {position}']:9.3f}{found[f'ratio, {position}']:8.2f}{GREATEST_REPRESENTATIONS:7.2f}"
        )
    met &= found["ratio, last"] <= GREATEST_REPRESENTATIONS
    print(
        "all bars are met (CKA: with a cached side, and a pair against both of the authors' estimates)"
        if met
        else "A BAR IS MISSED"
    )
    if arguments.out:
        write_json(arguments.out, figures)


if __name__ == "__main__":
    main()
