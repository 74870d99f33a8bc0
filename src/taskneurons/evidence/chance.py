"""The score of a model that does not read the input, and whether another one does better."""

import math


def at_chance(score: float, n: int, chance: float) -> bool:
    """Whether a mean score over n examples is less than two standard errors above chance (all in percent).

    The standard error is that of a yes or no answer, which is the largest that a score between 0 and 100 can have.
    """
    return score < chance + 2 * math.sqrt(chance * (100 - chance) / n)
