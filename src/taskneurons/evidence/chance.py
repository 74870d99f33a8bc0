"""The score of guessing, and whether a model does better."""

import math
from collections.abc import Mapping
from typing import Any


def chance_level(task: Mapping[str, Any]) -> float | None:
    """The accuracy, in percent, that guessing reaches; None for generation tasks and unknown options.

    Args:
        task: its `chance` is taken where given (say, the share of the largest class), else 100 / number of `options`.
    """
    if task.get("chance") is not None:
        return float(task["chance"])
    options = task.get("options") or ()
    return 100 / len(options) if options else None


def at_chance(accuracy: float, n: int, chance: float) -> bool:
    """Whether an accuracy over n examples is less than two binomial standard errors above chance (both in percent)."""
    return accuracy < chance + 2 * math.sqrt(chance * (100 - chance) / n)
