"""Random neuron sets that a task's set is compared with."""

from typing import Literal, get_args

import numpy as np
from jaxtyping import Bool, Float, Int

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

Matching = Literal["layer", "magnitude", "uniform"]
_BINS = 10


def random_like(
    target: NeuronSet,
    *,
    matching: Matching,
    seed: int,
    draw: int,
    magnitude: Float[np.ndarray, "layer neuron"] | None = None,
) -> NeuronSet:
    """A random set of the size of `target` that shares no neuron with it as long as enough others exist.

    The draw is a pure function of the target, the matching, `seed` and `draw`. Where fewer neurons lie outside the
    target than are needed (of a layer, or of the model under `uniform`), all of them are taken and the rest is drawn
    from the target itself, so that the size is always the target's.

    Args:
        target: the task's set.
        matching: `layer` takes as many neurons in each layer as the target has there. `magnitude` does so too and
            follows the target's activation magnitudes: each layer is cut at the target members' deciles (fewer for
            fewer than ten members) and as many others are drawn in each bin as the target has; what a bin lacks is
            filled with the layer's free others whose magnitude is nearest to the median of the members of that bin.
            `uniform` draws over the whole model (Leng & Xiong 2025, literally).
        seed: seed of the run.
        draw: number of the draw, from 0.
        magnitude: mean |w| of every neuron; needed by `magnitude` only.

    Raises:
        InputError: unknown matching, negative seed or draw, or magnitudes that are absent, of another shape, negative,
            NaN or infinite.
    """
    if matching not in get_args(Matching):
        raise InputError(f"matching is `{matching}`; it must be one of {', '.join(get_args(Matching))}")
    if seed < 0 or draw < 0:
        raise InputError(f"seed {seed} and draw {draw} must not be negative")
    rng = np.random.default_rng([seed, draw, int(target.digest[:16], 16)])
    if matching == "uniform":
        flat = target.mask.reshape(-1)
        return NeuronSet(_replaced(flat, rng).reshape(target.shape))
    if matching == "layer":
        return NeuronSet(np.stack([_replaced(row, rng) for row in target.mask]))
    sizes = _checked_magnitude(magnitude, target.shape)
    return NeuronSet(np.stack([_matched(row, size, rng) for row, size in zip(target.mask, sizes, strict=True)]))


def select_with_controls(
    scores: NeuronScores, selection: Selection, *, draws: int, matching: Matching, seed: int
) -> dict[str, NeuronSet]:
    """A task's neurons and what they are compared with: `task`, `bottom`, `random.0` to `random.<draws - 1>`.

    Args:
        scores: of the task.
        selection: of the task's neurons.
        draws: number of random sets.
        matching, seed: see `random_like`.
    """
    task = selection.of(scores)
    sets = {"task": task, "bottom": selection.lowest(scores)}
    for draw in range(draws):
        sets[f"random.{draw}"] = random_like(task, matching=matching, seed=seed, draw=draw, magnitude=scores.activation)
    return sets


def _checked_magnitude(magnitude: np.ndarray | None, shape: tuple[int, int]) -> np.ndarray:
    if magnitude is None:
        raise InputError("matching by magnitude needs the neurons' activation magnitudes")
    if magnitude.shape != shape:
        raise InputError(f"magnitudes of shape {magnitude.shape} for a model of {shape[0]} x {shape[1]} neurons")
    if not np.isfinite(magnitude).all() or magnitude.min() < 0:
        raise InputError("activation magnitudes must be finite and not negative")
    return magnitude


def _replaced(members: Bool[np.ndarray, " neuron"], rng: np.random.Generator) -> Bool[np.ndarray, " neuron"]:
    """As many neurons as there are members, drawn from the others first."""
    drawn = np.zeros_like(members)
    count, others = int(members.sum()), np.flatnonzero(~members)
    drawn[rng.choice(others, min(count, len(others)), replace=False)] = True
    return _filled(drawn, members, count, rng)


def _matched(
    members: Bool[np.ndarray, " neuron"], size: Float[np.ndarray, " neuron"], rng: np.random.Generator
) -> Bool[np.ndarray, " neuron"]:
    """As `_replaced` in one layer, bin by bin of the members' activation magnitudes."""
    drawn = np.zeros_like(members)
    count = int(members.sum())
    if count == 0:
        return drawn
    edges = np.quantile(size[members], np.linspace(0, 1, min(_BINS, count) + 1)[1:-1])
    bins: Int[np.ndarray, " neuron"] = np.searchsorted(edges, size, side="right")
    lacking: dict[int, int] = {}
    for number in np.unique(bins[members]):
        needed = int((members & (bins == number)).sum())
        pool = np.flatnonzero(~members & (bins == number))
        drawn[rng.choice(pool, min(needed, len(pool)), replace=False)] = True
        lacking[int(number)] = needed - min(needed, len(pool))
    for number, needed in lacking.items():
        free = np.flatnonzero(~members & ~drawn)
        distance = np.abs(size[free] - np.median(size[members & (bins == number)]))
        drawn[free[np.argsort(distance, kind="stable")[:needed]]] = True
    return _filled(drawn, members, count, rng)


def _filled(drawn: np.ndarray, members: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Add members of the target where the others did not suffice."""
    lacking = count - int(drawn.sum())
    drawn[rng.choice(np.flatnonzero(members), lacking, replace=False)] = True
    return drawn
