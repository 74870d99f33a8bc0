"""The interval of a mean over pairs of tasks: every pair counts in two tasks, so that pairs are not independent."""

from collections import defaultdict
from collections.abc import Mapping
from statistics import fmean

from taskneurons.measures.stats import Interval, t_interval


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
