"""Which interval stands beside a mean: over seeds where there are enough, else over tasks; in words, too."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from taskneurons.measures.stats import MINIMUM_SEEDS, t_interval

# Tasks of one family are more alike than others, and one model stands behind several: no task is quite alone.
SEEDS, TASKS = "95 % t", "95 % t over tasks as if independent"
_EXACT_UP_TO = 16


@dataclass(frozen=True)
class Stated:
    """A mean, the limits of its interval where it has one, and in words which interval that is or why there is none."""

    mean: float | None
    low: float | None
    high: float | None
    interval: str

    def cells(self, name: str = "") -> dict[str, float | str | None]:
        """As cells of a row: `<name>`, `<name>_low`, `<name>_high`, `<name>_interval`; without a name `value`, `low`...

        Args:
            name: of the cells.
        """
        start = f"{name}_" if name else ""
        return {
            name or "value": self.mean,
            f"{start}low": self.low,
            f"{start}high": self.high,
            f"{start}interval": self.interval,
        }


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
    told = words if interval.available else f"not available: {reason}"
    return Stated(interval.mean, interval.low, interval.high, told)


def signed_rank(differences: Sequence[float]) -> float | None:
    """Two-sided p-value of Wilcoxon's signed-rank test; zeros are left out, and None where nothing differs.

    Up to 16 tasks it is exact, ties and all, over every choice of signs; above, that of scipy.

    Args:
        differences: one a task.
    """
    # Scores are multiples of 100 / n: what differs by rounding alone is a tie.
    rounded = np.round(np.asarray(differences, dtype=np.float64), 9)
    rounded = rounded[rounded != 0]
    tasks = len(rounded)
    if not tasks:
        return None
    if tasks > _EXACT_UP_TO:
        from scipy.stats import wilcoxon

        return float(wilcoxon(rounded).pvalue)
    _, place, counts = np.unique(np.abs(rounded), return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]
    signs = (np.arange(2**tasks)[:, None] >> np.arange(tasks)) & 1
    sums = signs @ ranks
    observed = float(ranks[rounded > 0].sum())
    return min(1.0, 2 * min(float((sums >= observed).mean()), float((sums <= observed).mean())))
