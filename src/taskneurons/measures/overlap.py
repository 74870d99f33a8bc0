"""How much of their overlap two sets share by chance alone."""

import numpy as np
from jaxtyping import Float

from taskneurons.errors import InputError


def log_factorials(most: int) -> Float[np.ndarray, " number"]:
    """The logarithms ln k! for k = 0 to `most`."""
    return np.concatenate([[0.0], np.cumsum(np.log(np.arange(1, most + 1)))])


def chance_jaccard(first: int, second: int, total: int) -> float | None:
    """Expected Jaccard index |A & B| / |A | B| of two random sets of these sizes among `total` things.

    The size of the intersection is hypergeometric; the mean of the ratio is taken over it, since the ratio of the means
    is another number. None where both sets are empty, so that the index has no value.

    Raises:
        InputError: a size is negative or above the total.
    """
    if not 0 <= first <= total or not 0 <= second <= total:
        raise InputError(f"sets of {first} and {second} among {total}")
    if first + second == 0:
        return None
    shared = np.arange(max(0, first + second - total), min(first, second) + 1)
    ln = log_factorials(total)

    def choose(n: int, k: np.ndarray | int) -> np.ndarray:
        value: np.ndarray = ln[n] - ln[k] - ln[n - np.asarray(k)]
        return value

    chance = np.exp(choose(first, shared) + choose(total - first, second - shared) - choose(total, second))
    return float((chance * shared / (first + second - shared)).sum())
