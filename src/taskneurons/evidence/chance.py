"""The score of a model that does not read the input, and whether another one does better."""

import math
from collections.abc import Mapping
from typing import Any


def chance_level(task: Mapping[str, Any]) -> float | None:
    """The score, in percent, that is reached without reading the input; None where it is not known.

    Args:
        task: its `constant` is the score of the best constant answer; a classification has `options`, too, among which
            one can guess.
    """
    levels = [100 / len(task["options"])] if task.get("options") else []
    if task.get("constant") is not None:
        levels.append(float(task["constant"]))
    return max(levels, default=None)


def at_chance(score: float, n: int, chance: float) -> bool:
    """Whether a mean score over n examples is less than two standard errors above chance (all in percent).

    The standard error is that of a yes or no answer, which is the largest that a score between 0 and 100 can have.
    """
    return score < chance + 2 * math.sqrt(chance * (100 - chance) / n)
