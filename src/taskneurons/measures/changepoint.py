"""The map of the layers: where tuning on many tasks begins to change a model, and where the change is complete.

Zhao et al. 2024 read three groups of layers off a figure of CKA(E, C_t) - CKA(base, C_t), E tuned on all
tasks and C_t on task t alone: shared (the difference is low), transition (it rises), refinement (it stays high). Here a
stated procedure finds them, and may find none.

The shape is flat - ramp - flat: one level up to the last shared layer, another from the first refinement layer on, a
straight line between. It is fitted to the mean curve by least squares over all pairs of the two layers.

1. Is there a rise? Under the null hypothesis the mean curve is flat, so each curve about its own mean may as
   well be its negative. The signs of whole curves are flipped, which keeps what ties neighbouring layers together
   (shuffling layers would not, and smooth noise would pass for a rise); the statistic is the length of the mean curve
   along the best rising ramp. p above alpha: "none".
2. Are there groups? The ramp is tested against every smooth monotone curve (`measures.borders`). p of the border at
   most alpha: "transition". Else the test says how often it would have found a border of this height: at least four
   times in five: "drift", a rise without groups; less often: "unclear".
3. How sure are the borders? Curves are drawn with replacement, the ramp is fitted again, and the quantiles of the two
   layers are the intervals. (Repeated curves do no harm to a mean, as repeated examples do to an unbiased HSIC.)

Curves count as independent, so tasks of one family must be one curve. `python -m benchmarks.layer_map` makes the
simulations that say how often each verdict is wrong.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import Literal

import numpy as np
from jaxtyping import Float, Int

from taskneurons.errors import InputError
from taskneurons.measures.borders import border_test, shapes_over

MINIMUM_CURVES = 5
"""The least p of a rise is 2^-curves: with fewer it could not go below 0.05."""
MINIMUM_LAYERS = 4
ENOUGH_POWER = 0.8
"""Share of planted borders that must be found before "no border" is a finding."""
_EXACT_UP_TO = 12

Verdict = Literal["transition", "drift", "unclear", "none"]


@dataclass(frozen=True)
class LayerMap:
    """The groups of layers that a set of curves shows.

    Attributes:
        curves: that were used.
        dropped: curves left out because they hold NaN or an infinite value.
        verdict: "transition" (groups), "drift" (a rise, and a border would have been seen), "unclear" (a rise; a border
            might not have been seen), "none" (no rise); None when nothing could be tested.
        p_value: of the test against no rise, one-sided.
        p_border: of the groups against every smooth monotone curve, one-sided; None without a rise.
        power: share of borders of this height and noise that the test would find; None without a rise.
        explained: share of the mean curve's variance over layers that the ramp explains, in [0, 1].
        shared_end, refinement_start: last shared and first refinement layer; the transition lies between them and has
            no layer of its own where they are neighbours. None unless the verdict is "transition".
        shared_interval, refinement_interval: (low, high) over resampled curves.
        shared_level, refinement_level: fitted values of the curve.
        support: share of the resampled sets of curves whose best rising ramp has these two layers.
        reason: why there is no verdict; empty when there is.
    """

    curves: int
    dropped: int
    verdict: Verdict | None = None
    p_value: float | None = None
    p_border: float | None = None
    power: float | None = None
    explained: float | None = None
    shared_end: int | None = None
    refinement_start: int | None = None
    shared_interval: tuple[int, int] | None = None
    refinement_interval: tuple[int, int] | None = None
    shared_level: float | None = None
    refinement_level: float | None = None
    support: float | None = None
    reason: str = ""

    @property
    def available(self) -> bool:
        """Whether there is a verdict."""
        return not self.reason


def layer_map(
    curves: Float[np.ndarray, "curve layer"],
    *,
    layers: Sequence[int] | None = None,
    alpha: float = 0.05,
    level: float = 0.95,
    draws: int = 2000,
    seed: int = 0,
) -> LayerMap:
    """Find the shared, transition and refinement layers.

    Args:
        curves: CKA(E, C_t) - CKA(base, C_t), one row a family of tasks. Rows that are not finite are dropped and
            counted.
        layers: what the columns are called, increasing; 0, 1, ... by default.
        alpha: greatest p of a rise, and of a border.
        level: nominal coverage of the intervals of the two layers.
        draws: of the noise in the test of the border; resampled sets of curves; flips of signs above 12 curves (up to
            12 all are made, and p is exact).
        seed: of all of them.

    Raises:
        InputError: layers do not fit the curves, or alpha, level or draws are out of range.
    """
    curves = np.asarray(curves, dtype=np.float64)
    names = np.arange(curves.shape[1]) if layers is None else np.asarray(layers)
    if names.shape != (curves.shape[1],) or (np.diff(names) <= 0).any():
        raise InputError(f"{curves.shape[1]} columns need as many increasing layers, not {names.tolist()}")
    if not 0 < alpha < 1 or not 0 < level < 1:
        raise InputError(f"alpha {alpha} and level {level} must lie between 0 and 1")
    if draws < 1:
        raise InputError(f"at least 1 draw is needed, not {draws}")
    finite = np.isfinite(curves).all(axis=1)
    kept = curves[finite]
    count, dropped = len(kept), int((~finite).sum())
    if count < MINIMUM_CURVES:
        return LayerMap(count, dropped, reason=f"{count} families, at least {MINIMUM_CURVES} are needed")
    if curves.shape[1] < MINIMUM_LAYERS:
        return LayerMap(count, dropped, reason=f"{curves.shape[1]} layers, at least {MINIMUM_LAYERS} are needed")

    borders = np.array([pair for pair in product(range(len(names)), repeat=2) if pair[0] < pair[1]])
    ramps = _ramps(borders, names)
    centred = kept - kept.mean(axis=1, keepdims=True)
    mean = centred.mean(axis=0)
    total = float(mean @ mean)
    if total <= 1e-24 * max(float(np.abs(kept).max()), 1e-300) ** 2:
        return LayerMap(count, dropped, "none", 1.0, explained=0.0)

    rng = np.random.default_rng(seed)
    p_value = _p_of_a_rise(centred, ramps, draws, rng)
    best = int((ramps @ mean).argmax())
    height = max(0.0, float(ramps[best] @ mean))
    explained = min(height**2 / total, 1.0)
    found = LayerMap(count, dropped, "none", p_value, explained=explained)
    if p_value > alpha:
        return found
    border = border_test(centred, shapes_over(names, borders, ramps), alpha=alpha, draws=draws, rng=rng)
    found = replace(found, p_border=border.p_value, power=border.power)
    if border.p_value > alpha:
        return replace(found, verdict="drift" if border.power >= ENOUGH_POWER else "unclear")

    resampled = rng.integers(count, size=(draws, count))
    drawn = borders[(centred[resampled].mean(axis=1) @ ramps.T).argmax(axis=1)]
    tail = (1 - level) / 2
    # A quantile of layers is a layer: the one below the lower and above the upper limit.
    low = np.quantile(drawn, tail, axis=0, method="lower")
    high = np.quantile(drawn, 1 - tail, axis=0, method="higher")
    first, last = borders[best]
    fitted = kept.mean() + height * ramps[best]
    return replace(
        found,
        verdict="transition",
        shared_end=int(names[first]),
        refinement_start=int(names[last]),
        shared_interval=(int(names[low[0]]), int(names[high[0]])),
        refinement_interval=(int(names[low[1]]), int(names[high[1]])),
        shared_level=float(fitted[first]),
        refinement_level=float(fitted[last]),
        support=float((drawn == borders[best]).all(axis=1).mean()),
    )


def _ramps(borders: Int[np.ndarray, "pair 2"], names: Int[np.ndarray, " layer"]) -> Float[np.ndarray, "pair layer"]:
    """The rising ramp between each pair of layers, about its mean and of unit length."""
    begin, end = names[borders[:, :1]], names[borders[:, 1:]]
    ramps = ((names - begin) / (end - begin)).clip(0, 1)
    ramps -= ramps.mean(axis=1, keepdims=True)
    unit: np.ndarray = ramps / np.linalg.norm(ramps, axis=1, keepdims=True)
    return unit


def _p_of_a_rise(
    centred: Float[np.ndarray, "curve layer"],
    ramps: Float[np.ndarray, "pair layer"],
    draws: int,
    rng: np.random.Generator,
) -> float:
    """One-sided p of the best ramp's length, over flips of the signs of the curves."""
    count = len(centred)
    exact = count <= _EXACT_UP_TO
    if exact:
        signs = np.array(list(product((1.0, -1.0), repeat=count)))
    else:
        signs = rng.choice((1.0, -1.0), size=(draws, count))
    best = ((signs @ centred) @ ramps.T).max(axis=1)
    observed = float((ramps @ centred.sum(axis=0)).max())
    # Equal statistics that are summed in another order must count as equal.
    hits = int((best >= observed - 1e-9 * float(np.abs(centred).sum())).sum())
    return hits / len(signs) if exact else (1 + hits) / (1 + len(signs))
