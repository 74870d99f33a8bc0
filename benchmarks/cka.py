"""CKA and representations beside the authors' way and a plain forward pass: CPU time, results compared first.

    python -m benchmarks.cka --check

authors         linear CKA as it is published (Kornblith et al. 2019): features in numpy float64, one estimate a call.
authors_both    the same for both estimates.
pair            ours, both estimates, from float32 features of which nothing is known yet.
known_side      ours, where one side was compared before. In the layers study the model tuned on one task is compared
                with the base, with the model of all tasks and with the held-out one: what depends on it alone is kept.
products        the matrix products of `pair` alone, in float32: what no arrangement of the rest can go below.

Both estimates of ours are asserted to be those of the authors' way to 1e-6. `plain` is the forward pass of the model's
body on the batches of which `last` and `mean` give the representations of all layers.
"""

import sys
from functools import partial

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from benchmarks.measure import Bar, Run, conclude, interleave, options, print_table, versions
from taskneurons.engine.representations import Position, representations
from taskneurons.measures.cka import cka
from taskneurons.measures.hsic import Side
from taskneurons.models.encoding import Encoded, collate

# Examples and features of both sides, and what ours may take of the authors' time.
SHAPES = {
    "full": {"n >= d": (5000, 1024, 0.45), "n <= d/4": (1000, 4096, 0.12)},
    "tiny": {"n >= d": (120, 24, 0.45), "n <= d/4": (24, 96, 0.12)},
}
# Hidden size, layers, vocabulary, examples, tokens of the model that is represented.
MODELS = {"full": (256, 8, 2000, 32, 96), "tiny": (16, 2, 50, 4, 6)}
GREATEST_ERROR = 1e-6
MOST_REPRESENTATIONS = 1.10
PAD, BATCH = 0, 8


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


def build_pair(n: int, d: int) -> tuple[np.ndarray, np.ndarray]:
    """Features of two models of the same examples: fifty shared directions below noise."""
    rng = np.random.default_rng(0)
    z = rng.standard_normal((n, 50))
    x, y = ((z @ rng.standard_normal((50, d)) + 5 * rng.standard_normal((n, d))).astype(np.float32) for _ in range(2))
    return x, y


def products(x: np.ndarray, y: np.ndarray) -> None:
    """The matrix products that both estimates need: of the examples, or of the features where these are fewer."""
    if len(x) < x.shape[1] + y.shape[1]:
        x @ x.T, y @ y.T
    else:
        x.T @ y, x.T @ x, y.T @ y


def assert_parity(x: np.ndarray, y: np.ndarray, known: Side) -> float:
    """The greatest difference of both estimates from the authors' way."""
    found = cka(x, y)
    assert found.unbiased is not None and found.biased is not None
    error = max(abs(found.unbiased - authors_cka(x, y, debiased=True)), abs(found.biased - authors_cka(x, y)))
    assert error <= GREATEST_ERROR, f"the estimates differ by {error:.2g} from the authors' way"
    assert cka(known, y) == found
    return error


def comparisons(x: np.ndarray, y: np.ndarray, known: Side) -> dict[str, Run]:
    """The ways to compare two representations."""
    return {
        "authors": lambda: authors_cka(x, y),
        "authors_both": lambda: (authors_cka(x, y), authors_cka(x, y, debiased=True)),
        "pair": lambda: cka(x, y),
        "known_side": lambda: cka(known, y),
        "products": lambda: products(x, y),
    }


def representing(hidden_size: int, layers: int, vocabulary: int, examples: int, tokens: int) -> dict[str, Run]:
    """A plain forward pass and the representations of all layers, on the same batches; their last layers agree."""
    config = LlamaConfig(
        vocab_size=vocabulary,
        hidden_size=hidden_size,
        intermediate_size=11 * hidden_size // 4,
        num_hidden_layers=layers,
        num_attention_heads=max(1, hidden_size // 32),
    )
    torch.manual_seed(0)
    model = LlamaForCausalLM(config).eval().requires_grad_(False)
    rng = np.random.default_rng(0)
    encoded = [Encoded(tuple(rng.integers(3, vocabulary, tokens).tolist()), (2,)) for _ in range(examples)]

    def plain() -> torch.Tensor:
        with torch.inference_mode():
            last = []
            for begin in range(0, len(encoded), BATCH):
                batch = collate(encoded[begin : begin + BATCH], PAD)
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
        return representations(model, encoded, pad_id=PAD, batch_size=BATCH, position=position)

    np.testing.assert_allclose(ours("last")[-1], plain().numpy(), rtol=1e-5, atol=1e-5)
    return {"plain": plain, "last": partial(ours, "last"), "mean": partial(ours, "mean")}


def main(arguments: list[str] | None = None) -> int:
    """Measure, print tables, write JSON, compare with the bars."""
    parser = options(__doc__)
    parser.add_argument("--shape", choices=tuple(SHAPES), default="full", help="full; tiny is for the tests")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(1)
    bars: list[Bar] = []
    measurements: dict[str, object] = {"shape": chosen.shape, "repeats": chosen.repeats}
    for label, (n, d, most) in SHAPES[chosen.shape].items():
        x, y = build_pair(n, d)
        known = Side(x)
        cka(known, y)
        error = assert_parity(x, y, known)
        runs = comparisons(x, y, known)
        times = interleave(runs, chosen.repeats)
        rows = {name: {"seconds": times.median(name), "per_authors": times.ratio(name, "authors")} for name in runs}
        print(f"{label}: {n} examples, {d} features on each side; the estimates differ by {error:.1g}\n")
        print_table(["variant", "CPU s", "/ authors"], [(name, *row.values()) for name, row in rows.items()])
        bars += [
            Bar(f"{label}: with a known side / authors", times.ratio("known_side", "authors"), most),
            Bar(f"{label}: both estimates of a pair / authors, both", times.ratio("pair", "authors_both"), most),
            Bar(f"{label}: both estimates of a pair / authors, one", times.ratio("pair", "authors"), most),
            Bar(f"{label}: difference from float64", error, GREATEST_ERROR),
        ]
        measurements[label] = {"n": n, "d": d, "error": error, "variants": rows}
    runs = representing(*MODELS[chosen.shape])
    times = interleave(runs, chosen.repeats)
    rows = {name: {"seconds": times.median(name), "per_plain": times.ratio(name, "plain")} for name in runs}
    print_table(["representations", "CPU s", "/ plain"], [(name, *row.values()) for name, row in rows.items()])
    bars += [
        Bar(f"representations, {name} / plain forward", times.ratio(name, "plain"), MOST_REPRESENTATIONS)
        for name in ("last", "mean")
    ]
    measurements |= {"representations": rows, "software": versions("numpy", "torch", "transformers")}
    return conclude(bars, measurements, chosen)


if __name__ == "__main__":
    sys.exit(main())
