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
from taskneurons.evidence.intervals import stated
from taskneurons.evidence.tasks import SCORE
from taskneurons.job import Job, NoSettings
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


_Effects = dict[str, dict[int, list[float]]]
"""Effects by tested task and seed."""


def _effects() -> _Effects:
    return defaultdict(lambda: defaultdict(list))


def summarise_keystone(rows: Iterable[MeasuredRow], *, health: float) -> list[SummaryRow]:
    """Mean effects over tasks and seeds, own and other sets', with t intervals, and which row is the headline.

    Random draws are averaged within each task and seed. Intervals are over seeds, or below three seeds over tasks.

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
    effects: dict[Cell, dict[bool, _Effects]] = defaultdict(lambda: {True: _effects(), False: _effects()})
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
        effects[cell][own][row.test_task][row.seed].append(effect)
    found = [_summarised(cell, own, effects[cell], health) for cell, own in cells.items()]
    return sorted(_with_headlines(found), key=_order)


def _tested(row: MeasuredRow) -> tuple[str, str, int, str, str]:
    return row.suite, row.model, row.seed, row.test_task, row.metric


def _summarised(cell: Cell, rows: Sequence[MeasuredRow], effects: Mapping[bool, _Effects], health: float) -> SummaryRow:
    own, other = _means(effects[True]), _means(effects[False])
    both = [
        {seed: value - other[task][seed] for seed, value in by_seed.items() if seed in other[task]}
        for task, by_seed in own.items()
        if task in other
    ]
    interval, others, difference = stated(list(own.values())), stated(list(other.values())), stated(both)
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
        other=others.mean,
        difference=difference.mean,
        difference_low=difference.low,
        difference_high=difference.high,
        neutral_rise=fmean(row.neutral_rise for row in rows),
        neutral_worst=worst,
        healthy=worst <= health,
        headline=False,
        interval=(difference if both else interval).interval,
    )


def _means(effects: _Effects) -> dict[str, dict[int, float]]:
    return {task: {seed: fmean(values) for seed, values in by_seed.items()} for task, by_seed in effects.items()}


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
