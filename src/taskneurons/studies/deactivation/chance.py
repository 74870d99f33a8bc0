"""Which scores are no better than those of a model that does not read the input."""

import math
from collections import defaultdict
from collections.abc import Iterable, Sequence
from statistics import fmean

from taskneurons.evidence.measurements import Measurement
from taskneurons.evidence.tasks import DescribedTask


def at_chance(score: float, n: int, task: DescribedTask) -> bool | None:
    """Whether a mean score over n examples is less than two standard errors above chance (all in percent).

    The standard error is that of a model that does not read the input: of yes or no answers for a classification, of
    the best constant answer's scores for a generation, whose scores lie between 0 and 100 and so vary less.

    Returns:
        None where the level of chance is not known.
    """
    if task.chance is None:
        return None
    spread = math.sqrt(task.chance * (100 - task.chance)) if task.spread is None else task.spread
    return score < task.chance + 2 * spread / math.sqrt(n)


def guessed(rows: Iterable[Measurement], tasks: Sequence[DescribedTask]) -> set[tuple[str, str, str]]:
    """(suite, model, task) where the untouched model is at chance: what deactivation does there tells nothing.

    It is the mean over seeds that is judged, by the score of the task's kind.

    Args:
        rows: of any runs.
        tasks: of every suite in the rows.
    """
    known = {(task.suite, task.name): task for task in tasks}
    scores: dict[tuple[str, str, str], list[float]] = defaultdict(list)
    counts: dict[tuple[str, str, str], list[int]] = defaultdict(list)
    for row in rows:
        if row.condition == "original" and row.metric == known[row.suite, row.test_task].score:
            scores[row.suite, row.model, row.test_task].append(row.value)
            counts[row.suite, row.model, row.test_task].append(row.n)
    return {key for key, values in scores.items() if at_chance(fmean(values), min(counts[key]), known[key[0], key[2]])}
