"""A straight line through a few points, with the interval of its slope and of what it predicts."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from taskneurons.errors import InputError

MINIMUM_POINTS = 3


@dataclass(frozen=True)
class Prediction:
    """What a line predicts for one new point, with its prediction interval: the scatter of points is in it."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Line:
    """A least-squares line.

    Attributes:
        points: that it was fitted to.
        slope: of the line.
        low, high: limits of the slope's interval.
        middle: mean of the points' levels, where the line has the value `height`.
        height: mean of the points' values.
        spread: sum of squares of the levels about their mean.
        error: standard deviation of the points about the line.
        quantile: of Student's t with two degrees of freedom less than there are points.
    """

    points: int
    slope: float
    low: float
    high: float
    middle: float
    height: float
    spread: float
    error: float
    quantile: float

    def at(self, level: float) -> Prediction:
        """The value at a level, and where a new point there would lie if the line went on.

        Nothing in it says whether the line goes on: that is an assumption beyond the levels that were seen.
        """
        away = level - self.middle
        value = self.height + self.slope * away
        half = self.quantile * self.error * math.sqrt(1 + 1 / self.points + away**2 / self.spread)
        return Prediction(value, value - half, value + half)


def fit_line(levels: Sequence[float], values: Sequence[float], *, level: float = 0.95) -> Line | None:
    """The least-squares line through points, with Student's intervals: errors are normal and of one size.

    Args:
        levels: of the points, not all equal.
        values: at these levels.
        level: of the intervals.

    Returns:
        None with fewer than three points or one level.

    Raises:
        InputError: there is another number of values than of levels, or one of them is not finite.
    """
    x, y = np.asarray(levels, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if x.shape != y.shape or x.ndim != 1 or not (np.isfinite(x).all() and np.isfinite(y).all()):
        raise InputError(f"a line needs finite levels and values in pairs, not {x.shape} and {y.shape}")
    if len(x) < MINIMUM_POINTS or np.ptp(x) == 0:
        return None
    # stdtrit is the quantile function behind scipy.stats.t, whose import would triple the start-up of a table job.
    from scipy.special import stdtrit

    centred = x - x.mean()
    spread = float(centred @ centred)
    slope = float(centred @ y) / spread
    left = y - y.mean() - slope * centred
    freedom = len(x) - 2
    error = math.sqrt(float(left @ left) / freedom)
    quantile = float(stdtrit(freedom, 0.5 + level / 2))
    half = quantile * error / math.sqrt(spread)
    return Line(len(x), slope, slope - half, slope + half, float(x.mean()), float(y.mean()), spread, error, quantile)


def curvature_p(levels: Sequence[float], values: Sequence[float]) -> float | None:
    """The two-sided p of a square beside the line: how rarely points about a line would show such a bend.

    Student's test of the square's coefficient in the least-squares parabola.

    Args, Raises: as `fit_line`.

    Returns:
        None with fewer than four points or fewer than three levels, or where the parabola meets every point.
    """
    x, y = np.asarray(levels, dtype=np.float64), np.asarray(values, dtype=np.float64)
    if fit_line(levels, values) is None or len(x) < MINIMUM_POINTS + 1 or len(np.unique(x)) < MINIMUM_POINTS:
        return None
    from scipy.special import stdtr

    design = np.vander(x - x.mean(), 3)
    weights = np.linalg.solve(design.T @ design, design.T)
    bend = float(weights[0] @ y)
    left = y - design @ (weights @ y)
    freedom = len(x) - 3
    error = math.sqrt(float(left @ left) / freedom) * float(np.linalg.norm(weights[0]))
    # What is left is rounding: the points lie on the parabola, or are all equal.
    if error <= 1e-12 * float(np.abs(y).max(initial=1.0)):
        return None
    return 2 * float(stdtr(freedom, -abs(bend) / error))
