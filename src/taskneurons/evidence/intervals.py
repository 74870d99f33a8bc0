"""Which interval stands beside a mean: over seeds where there are enough, else over tasks or pairs; in words, too."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from taskneurons.measures.stats import MINIMUM_SEEDS, Interval, t_interval

# Tasks of one family are more alike than others, and one model stands behind several: no task is quite alone.
SEEDS, TASKS = "95 % t", "95 % t over tasks as if independent"


@dataclass(frozen=True)
class Stated:
    """A mean, the limits of its interval where it has one, and in words which interval that is or why there is none."""

    mean: float | None
    low: float | None
    high: float | None
    interval: str


def stated(by_task: Sequence[Mapping[int, float]]) -> Stated:
    """The mean over tasks and seeds: with a t interval over seeds, or below three seeds over tasks.

    Args:
        by_task: for each task the value of each seed; the seeds that all tasks have are taken.
    """
    shared = sorted(set.intersection(*(set(values) for values in by_task))) if by_task else []
    table = np.array([[values[seed] for seed in shared] for values in by_task])
    if shared and len(shared) < MINIMUM_SEEDS and len(by_task) > 1:
        interval, words = t_interval(table.mean(axis=1).tolist()), TASKS
        reason = interval.reason.replace("seeds", "tasks")
    else:
        interval, words = t_interval(table.mean(axis=0).tolist() if shared else []), SEEDS
        reason = interval.reason
    says = words if interval.available else f"not available: {reason}"
    return Stated(interval.mean, interval.low, interval.high, says)


def in_words(interval: Interval) -> str:
    """Which interval over seeds it is, or why there is none."""
    return SEEDS if interval.available else f"not available: {interval.reason}"


def jackknife_interval(pairs: Mapping[tuple[str, str], float], units: Mapping[str, str]) -> Interval:
    """The mean over pairs, with a 95 % t interval from the pseudo-values of leaving out one unit with all its pairs.

    Of n units with the mean m over all pairs and the mean m_u over those that unit u has no part in, the pseudo-value
    of u is n m - (n - 1) m_u (Tukey 1958; for means over pairs Arvesen 1969). Where a task is a unit, a part of a task
    in all of its pairs is taken in; the scatter of single pairs is taken in twice, so that the interval errs on the
    wide side. Where no pair lies in two units, as with families of tasks and equally many pairs in each, pseudo-values
    are the means of the units.

    Args:
        pairs: a value for each pair of tasks.
        units: the unit of each task in the pairs: the task itself, or what tasks were drawn by.
    """
    parts: dict[str, list[float]] = defaultdict(list)
    for pair, value in pairs.items():
        for unit in {units[task] for task in pair}:
            parts[unit].append(value)
    n, total = len(parts), sum(pairs.values())
    if not pairs or any(len(part) == len(pairs) for part in parts.values()):
        mean = fmean(pairs.values()) if pairs else None
        return Interval(n, mean, None, None, f"without one of {n} units no pair is left")
    mean = total / len(pairs)
    found = t_interval([n * mean - (n - 1) * (total - sum(p)) / (len(pairs) - len(p)) for p in parts.values()])
    if found.low is None or found.high is None:
        return Interval(n, mean, None, None, found.reason)
    # Where units have unequal numbers of pairs, the mean of pseudo-values is not quite that of the pairs.
    half = (found.high - found.low) / 2
    return Interval(n, mean, mean - half, mean + half)
