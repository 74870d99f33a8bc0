"""How often the map of the layers says `transition` where there is none, and where there is a border.

    python -m benchmarks.layer_map --check                 500 sets of curves a cell, about forty CPU-minutes
    python -m benchmarks.layer_map --sets 40 --layers 8    a quick look

Every set has twelve curves (families of tasks). Each is a multiple (half to one and a half) of one true curve with
noise whose neighbouring layers correlate with 0.7. Smooth curves have no border: straight,
concave, convex, S-shaped. Curves with a border: a step, and a ramp of a fifth of the depth, at a third and in the
middle. Counts have a binomial error: at 500 sets and a rate of 5 % a standard deviation is 1 point.
"""

import sys
from collections.abc import Iterator, Mapping

import numpy as np
from jaxtyping import Float

from benchmarks.measure import Bar, conclude, options, print_table
from taskneurons.measures.changepoint import layer_map

MOST_FALSE = 5.0
LAYERS = (4, 8, 12, 32)
NOISE = (0.1, 0.4)
"""Standard deviations of a curve, as shares of the height of the rise."""
CURVES, CORRELATION, DRAWS = 12, 0.7, 99


def smooth_curves(layers: int) -> Mapping[str, Float[np.ndarray, " layer"]]:
    """Monotone curves from 0 to 1 that have no border."""
    at = np.linspace(0, 1, layers)
    return {
        "straight": at,
        "concave": np.sqrt(at),
        "saturating": (1 - np.exp(-3 * at)) / (1 - np.exp(-3)),
        "convex": at**2,
        "S, whole depth": at**2 * (3 - 2 * at),
        "S, half the depth": _logistic(at, 0.5),
        "S, early": _logistic(at, 0.3),
    }


def grouped_curves(layers: int) -> Mapping[str, Float[np.ndarray, " layer"]]:
    """Monotone curves from 0 to 1 that are flat, rise over a gap or a fifth of the depth, and are flat."""
    at = np.arange(layers)
    wide = max(1, round(0.2 * (layers - 1)))
    middle, third = (layers - 2) // 2, max(1, (layers - 1) // 3)
    return {
        "step, middle": (at > middle).astype(float),
        "step, at a third": (at > third).astype(float),
        "ramp, middle": ((at - middle + wide // 2) / wide).clip(0, 1),
        "ramp, at a third": ((at - third) / wide).clip(0, 1),
    }


def noisy(
    curve: Float[np.ndarray, " layer"], noise: float, rng: np.random.Generator, *, curves: int = CURVES
) -> Float[np.ndarray, "curve layer"]:
    """Curves of unequal height with noise of correlated layers."""
    values = rng.standard_normal((curves, curve.size))
    for layer in range(1, curve.size):
        values[:, layer] = CORRELATION * values[:, layer - 1] + np.sqrt(1 - CORRELATION**2) * values[:, layer]
    return curve * rng.uniform(0.5, 1.5, (curves, 1)) + noise * values


def _logistic(at: Float[np.ndarray, " layer"], centre: float) -> Float[np.ndarray, " layer"]:
    """From 10 % to 90 % of its height within half of the depth."""
    curve: np.ndarray = 1 / (1 + np.exp(-2 * np.log(9) * (at - centre) / 0.5))
    return curve


def measured(layers: int, sets: int) -> Iterator[tuple[str, str, int, float, float, float, float]]:
    """Group, curve, layers, noise, percent `transition`, percent `drift`, mean power that the test says it has."""
    for group, curves in (("smooth", smooth_curves(layers)), ("border", grouped_curves(layers))):
        for name, curve in curves.items():
            for noise in NOISE:
                rng = np.random.default_rng(1)
                found = [layer_map(noisy(curve, noise, rng), draws=DRAWS, seed=seed) for seed in range(sets)]
                rates = [
                    100 * sum(one.verdict == verdict for one in found) / sets for verdict in ("transition", "drift")
                ]
                powers = [one.power for one in found if one.power is not None]
                yield group, name, layers, noise, rates[0], rates[1], float(np.mean(powers)) if powers else 0.0


def main(arguments: list[str] | None = None) -> int:
    """Simulate, print, compare with the bar."""
    parser = options(__doc__, repeats=None)
    parser.add_argument("--sets", type=int, default=500, help="of curves in each cell (500)")
    parser.add_argument("--layers", type=int, nargs="+", default=LAYERS, help="numbers of layers (4 8 12 32)")
    chosen = parser.parse_args(arguments)
    columns = ("group", "curve", "layers", "noise", "transition %", "drift %", "power said")
    rows = [row for layers in chosen.layers for row in measured(layers, chosen.sets)]
    print_table(columns, rows)
    worst = {layers: max(row[4] for row in rows if row[0] == "smooth" and row[2] == layers) for layers in chosen.layers}
    # A true rate of 5 % stays below this in 199 of 200 cells.
    most = MOST_FALSE + 2.58 * (MOST_FALSE * (100 - MOST_FALSE) / chosen.sets) ** 0.5
    bars = [Bar(f"% false transitions, worst of {layers} layers", rate, most) for layers, rate in worst.items()]
    return conclude(bars, {"cells": [dict(zip(columns, row, strict=True)) for row in rows]}, chosen)


if __name__ == "__main__":
    sys.exit(main())
