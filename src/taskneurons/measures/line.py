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
