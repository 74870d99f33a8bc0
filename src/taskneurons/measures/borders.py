"""Do layers form groups, or is a rise smooth? A test of the border against the alternative of a smooth monotone curve.

A rise alone says nothing of groups: a straight line rises, too, and a ramp with two free ends follows a bent curve
better than a line does. So the null hypothesis is any smooth monotone curve:

    f(l) = constant + sum_k w_k R((l - c_k) / d_k), w_k >= 0,

a mixture of rises R (half a wave of a sine) that each take at least 40 % of the depth from 10 % to 90 % of their
height. Straight, concave, convex and S-shaped curves are such mixtures. The transition that Zhao et al. 2024 see takes
6 of 32 layers: a ramp of 0.2 of the depth is none. The mixture is fitted by non-negative least squares.

The statistic is the residual sum of squares of the smooth curve less that of the best ramp, over the error of the mean
curve. Its law depends on which smooth curve is true, so p is the greatest over three: the best fit, the best straight
line, and the best single rise of the least width. Noise is drawn from a normal law with the curves' own covariance (a
parametric bootstrap), and the error is estimated again in each draw, so that few curves do not look too sure.
"""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

LEAST_WIDTH = 0.4
"""Share of the depth in which the steepest smooth rise goes from 10 % to 90 % of its height."""
PLANTED_WIDTH = 0.2
"""Share of the depth of the ramp by which power is found; the transition of Zhao et al. 2024 takes 6 of 32 layers."""
_WIDTHS = (LEAST_WIDTH, 0.6, 1.0)
_CENTRES = 31
# The middle half of a sine wave of width d goes from 10 % to 90 % within this share of d.
_MIDDLE = 2 * np.arcsin(0.8) / np.pi


@dataclass(frozen=True)
class Border:
    """What the test of a border says.

    Attributes:
        p_value: one-sided, of the groups against every smooth monotone curve.
        power: share of curves with a border of the same height and noise that the test would find at its alpha.
    """

    p_value: float
    power: float


@dataclass(frozen=True)
class Shapes:
    """Curves over the layers about their means, of unit length.

    Attributes:
        ramps: flat, straight up, flat; every pair of ends.
        short: which ramps are no wider than a planted border.
        smooth: the rises whose mixtures are the smooth monotone curves.
        steepest: which of them have the least width.
        line: straight over all layers.
    """

    ramps: Float[np.ndarray, "ramp layer"]
    short: np.ndarray
    smooth: Float[np.ndarray, "rise layer"]
    steepest: np.ndarray
    line: Float[np.ndarray, " layer"]


def shapes_over(names: np.ndarray, borders: np.ndarray, ramps: Float[np.ndarray, "ramp layer"]) -> Shapes:
    """The shapes that are compared.

    Args:
        names: the layers, increasing.
        borders: places of both ends of each ramp.
        ramps: about their means, of unit length.
    """
    depth = float(names[-1] - names[0])
    at = (names - names[0]) / depth
    spans = (names[borders[:, 1]] - names[borders[:, 0]]) / depth
    rises, steepest = [], []
    for width in _WIDTHS:
        whole = width / _MIDDLE
        # Rises that begin before the first layer and end behind the last one make concave and convex curves.
        centres = np.linspace(-whole / 2, 1 + whole / 2, _CENTRES + 2)[1:-1]
        rises.append(np.sin(np.pi * ((at - centres[:, None]) / whole).clip(-0.5, 0.5)))
        steepest += [width == LEAST_WIDTH] * _CENTRES
    smooth = np.concatenate(rises)
    smooth -= smooth.mean(axis=1, keepdims=True)
    lengths = np.linalg.norm(smooth, axis=1)
    kept = lengths > 1e-6
    line = (at - at.mean()) / np.linalg.norm(at - at.mean())
    shortest = max(PLANTED_WIDTH, float(spans.min()))
    return Shapes(ramps, spans <= shortest + 1e-9, smooth[kept] / lengths[kept, None], np.array(steepest)[kept], line)


def border_test(
    centred: Float[np.ndarray, "curve layer"], shapes: Shapes, *, alpha: float, draws: int, rng: np.random.Generator
) -> Border:
    """Test groups of layers against every smooth monotone curve.

    Args:
        centred: curves about their own means.
        shapes: of `shapes_over`, for the same layers.
        alpha: of the test whose power is found.
        draws: of the noise, for each of the three smooth curves and for the planted border.
        rng: where the noise comes from.
    """
    count = len(centred)
    mean = centred.mean(axis=0)
    residuals = centred - mean
    error = float((residuals**2).sum()) / (count - 1) / count
    if error <= 1e-24 * max(float(mean @ mean), 1e-300):
        # Curves without noise: the better shape is the better one for certain.
        found = _gain(mean, shapes) > 1e-12 * float(mean @ mean)
        return Border(0.0 if found else 1.0, 1.0)
    observed = _gain(mean, shapes) / error

    noise = np.empty((draws, mean.size))
    errors = np.empty(draws)
    for draw in range(draws):
        data = rng.standard_normal((count, count)) @ residuals / np.sqrt(count - 1)
        noise[draw] = data.mean(axis=0)
        errors[draw] = ((data - noise[draw]) ** 2).sum() / (count - 1) / count

    def drawn(curve: Float[np.ndarray, " layer"]) -> Float[np.ndarray, " draw"]:
        return np.array([_gain(curve + noise[draw], shapes) for draw in range(draws)]) / errors

    nulls = [drawn(curve) for curve in _smooth_curves(mean, shapes)]
    p_value = max((1 + int((null >= observed).sum())) / (1 + draws) for null in nulls)
    needed = max(float(np.quantile(null, 1 - alpha)) for null in nulls)
    planted = drawn(_best_of(mean, shapes.ramps[shapes.short]))
    return Border(p_value, float((planted > needed).mean()))


def _gain(mean: Float[np.ndarray, " layer"], shapes: Shapes) -> float:
    """Residual sum of squares of the best smooth curve less that of the best rising ramp."""
    _, distance = _mixture(mean, shapes)
    ramp = max(0.0, float((shapes.ramps @ mean).max()))
    return float(distance**2 - (mean @ mean - ramp**2))


def _smooth_curves(mean: Float[np.ndarray, " layer"], shapes: Shapes) -> list[np.ndarray]:
    """The best mixture, the best rising line, and the best single rise of the least width."""
    weights, _ = _mixture(mean, shapes)
    return [weights @ shapes.smooth, _best_of(mean, shapes.line[None]), _best_of(mean, shapes.smooth[shapes.steepest])]


def _mixture(mean: Float[np.ndarray, " layer"], shapes: Shapes) -> tuple[np.ndarray, float]:
    """The weights of the smooth curve that is nearest to the mean curve, and its distance."""
    from scipy.optimize import nnls  # here, since its import would double the start-up of every table job

    weights, distance = nnls(shapes.smooth.T, mean)
    return weights, float(distance)


def _best_of(mean: Float[np.ndarray, " layer"], units: Float[np.ndarray, "shape layer"]) -> np.ndarray:
    """The multiple of one of the shapes that is nearest to the mean curve, and does not fall."""
    lengths = units @ mean
    best = int(lengths.argmax())
    curve: np.ndarray = max(0.0, float(lengths[best])) * units[best]
    return curve
