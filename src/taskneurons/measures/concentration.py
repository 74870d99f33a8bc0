"""How unequally an amount is spread over things: over few of them, or over all alike."""

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError


def gini(values: Float[np.ndarray, " thing"]) -> float:
    """The Gini coefficient: half the mean absolute difference of two values over their mean (Gini 1912).

    0 where all values are equal, 1 - 1/n where one of n things has everything.

    Raises:
        InputError: see `_checked`.
    """
    ordered = np.sort(_checked(values))
    n = len(ordered)
    places = 2 * np.arange(1, n + 1) - n - 1
    return float(places @ ordered / (n * ordered.sum()))


def smallest_share(values: Float[np.ndarray, " thing"], part: float = 0.5) -> float:
    """The share of the things, those with the largest values first, that together have a part of the whole.

    Args:
        values: of the things.
        part: of their sum, in (0, 1].

    Returns:
        In (0, 1]; `part` itself, rounded up to a whole number of things, where all values are equal.

    Raises:
        InputError: see `_checked`.
    """
    ordered = np.sort(_checked(values))[::-1]
    reached = np.cumsum(ordered)
    # A sum that is short of the part by rounding alone counts as enough.
    needed = int(np.searchsorted(reached, part * reached[-1] * (1 - 1e-12))) + 1
    return needed / len(ordered)


def _checked(values: Float[np.ndarray, " thing"]) -> Float[np.ndarray, " thing"]:
    """The values in float64.

    Raises:
        InputError: there are none, one is negative or not finite, or all are 0.
    """
    array = np.asarray(values, dtype=np.float64)
    if array.size == 0 or not np.isfinite(array).all() or array.min() < 0 or array.max() == 0:
        raise InputError("a concentration needs values >= 0 that are not all zero")
    return array
