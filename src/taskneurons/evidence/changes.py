"""What the change that a training makes of a task's score is called."""

from typing import Literal

Called = Literal["learning", "generalisation", "forgetting", "no clear change"]


def called(low: float | None, high: float | None, *, seen: bool) -> Called:
    """The word for a change over the untrained model.

    Args:
        low, high: limits of the interval of the change, positive where it is an improvement; None: not available.
        seen: whether the task was trained on. What it gains is learned, what another task gains is generalisation.
    """
    if low is not None and low > 0:
        return "learning" if seen else "generalisation"
    if high is not None and high < 0:
        return "forgetting"
    return "no clear change"
