"""Tables of keystone neurons: all measured values, and means over tasks with the headline.

The headline is the largest that a task loses without its own neurons beyond what it loses without another task's, at a
share where the model is healthy. It is the largest of several rows, so that its interval is too narrow by that choice.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any, NamedTuple

from taskneurons.errors import InputError
from taskneurons.evidence.intervals import TASKS
from taskneurons.evidence.tasks import SCORE
from taskneurons.job import Job, NoSettings
from taskneurons.measures.stats import Interval, t_interval
from taskneurons.studies.keystone.rows import (
    ACTIVATION,
    CONDITIONS,
    LAYERS,
    MEASURED,
    MEMBERS,
    OF_NO_TASK,
    OVERLAP,
    SUMMARY,
    Condition,
    MeasuredRow,
    SummaryRow,
    share,
)
from taskneurons.table import Table


class Cell(NamedTuple):
    """What is averaged over tasks: sets of one making and share in one run, by one metric of the summary."""

    model: str
    suite: str
    percent: float
    condition: Condition
    metric: str


def summarise_keystone(rows: Iterable[MeasuredRow], *, health: float) -> list[SummaryRow]:
    """Mean effects over tasks, own and other sets', with t intervals over tasks, and which row is the headline.

    Random draws and seeds are averaged within each task.

    Args:
        rows: of all runs.
        health: largest rise of the loss on neutral text of a healthy model, %.

    Returns:
        By run, metric, condition and share.

    Raises:
        InputError: a model was not measured as it was.
    """
    rows = list(rows)
    originals = {_tested(row): row.value for row in rows if row.condition == "original"}
    cells: dict[Cell, list[MeasuredRow]] = defaultdict(list)
    effects: dict[Cell, dict[bool, dict[str, list[float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    for row in rows:
        if row.condition == "original" or row.percent is None:
            continue
        if _tested(row) not in originals:
            raise InputError(
                f"the untouched model was not measured on {row.test_task}", where=f"{row.suite}/{row.model}"
            )
        effect = (originals[_tested(row)] - row.value) * (-1 if row.metric == "loss" else 1)
        own = row.condition in OF_NO_TASK or row.train_task == row.test_task
        # Accuracy of classifications and ROUGE-L of generations are one score.
        metric = "score" if row.metric == SCORE[row.kind] else row.metric
        cell = Cell(row.model, row.suite, float(row.percent), row.condition, metric)
        cells[cell].append(row)
        effects[cell][own][row.test_task].append(effect)
    found = [_summarised(cell, own, effects[cell], health) for cell, own in cells.items()]
    return sorted(_with_headlines(found), key=_order)


def _tested(row: MeasuredRow) -> tuple[str, str, int, str, str]:
    return row.suite, row.model, row.seed, row.test_task, row.metric


def _summarised(
    cell: Cell, rows: Sequence[MeasuredRow], effects: Mapping[bool, Mapping[str, Sequence[float]]], health: float
) -> SummaryRow:
    own = {task: fmean(values) for task, values in effects[True].items()}
    other = {task: fmean(values) for task, values in effects.get(False, {}).items()}
    both = [own[task] - other[task] for task in own if task in other]
    interval, difference = t_interval(list(own.values())), t_interval(both)
    worst = max(row.neutral_rise for row in rows)
    return SummaryRow(
        model=cell.model,
        suite=cell.suite,
        condition=cell.condition,
        percent=share(cell.percent),
        metric=cell.metric,
        tasks=len(own),
        neurons=fmean(row.neurons for row in rows),
        value=interval.mean,
        low=interval.low,
        high=interval.high,
        other=fmean(other.values()) if other else None,
        difference=difference.mean,
        difference_low=difference.low,
        difference_high=difference.high,
        neutral_rise=fmean(row.neutral_rise for row in rows),
        neutral_worst=worst,
        healthy=worst <= health,
        headline=False,
        interval=_words(difference if both else interval),
    )


def _words(interval: Interval) -> str:
    # What says it of seeds says it of tasks here.
    return TASKS if interval.available else f"not available: {interval.reason.replace('seeds', 'tasks')}"


def _with_headlines(rows: Sequence[SummaryRow]) -> list[SummaryRow]:
    """The rows, with the largest difference of each run and metric among the healthy ones marked."""
    best: dict[tuple[str, str, str], float] = {}
    for row in rows:
        if row.healthy and row.difference is not None:
            key = row.model, row.suite, row.metric
            best[key] = max(row.difference, best.get(key, row.difference))
    return [
        replace(row, headline=row.healthy and row.difference == best.get((row.model, row.suite, row.metric), ""))
        for row in rows
    ]


def _order(row: SummaryRow) -> tuple[object, ...]:
    return row.suite, row.model, row.metric, CONDITIONS.index(row.condition), row.percent


# Jobs


@dataclass(frozen=True)
class TabulateSettings:
    """Settings of `tabulate`.

    Attributes:
        health: largest rise of the loss on neutral text of a healthy model, %.
    """

    health: float


def tabulate(job: Job[TabulateSettings]) -> None:
    """Gather what was measured of all runs, and average it over tasks."""
    rows = MEASURED.gather(job.inputs["rows"])
    MEASURED.write(job.outputs.one("rows"), rows)
    SUMMARY.write(job.outputs.one("summary"), summarise_keystone(rows, health=job.settings.health))


def gather(job: Job[NoSettings]) -> None:
    """Gather what the sets of all runs are like."""
    tables: Mapping[str, Table[Any]] = {
        "overlap": OVERLAP,
        "layers": LAYERS,
        "activation": ACTIVATION,
        "members": MEMBERS,
    }
    for name, table in tables.items():
        table.write(job.outputs.one(name), table.gather(job.inputs[name]))
