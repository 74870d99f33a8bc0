"""Our streams beside the printed ones (Leng & Xiong 2025, Table 5), and whether the methods rank alike."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.evidence.papers import PaperOrder, PaperStream, printed_name
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.measures.ranks import rank_test
from taskneurons.measures.trend import rank_correlation
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import PublishedRow, SummaryRow
from taskneurons.studies.continual.streams import Sequences, by_order
from taskneurons.studies.continual.summary import ALL_ORDERS


@dataclass(frozen=True)
class _Group:
    """The rows that are ranked together."""

    suite: str
    model: str
    benchmark: str
    order: str

    @property
    def place(self) -> tuple[Any, ...]:
        every = ALL_ORDERS
        return (
            self.suite,
            self.model,
            self.benchmark == every,
            self.benchmark,
            self.order == every,
            by_order(self.order),
        )


def published_streams(
    summary: Iterable[SummaryRow],
    printed: Sequence[PaperStream],
    printed_orders: Sequence[PaperOrder],
    orders: Sequences,
    tasks: Sequence[DescribedTask],
) -> list[PublishedRow]:
    """One row for each run, method and order that the paper has, too, and one for each mean over orders.

    An order is the paper's where it has its name and each task is, or mirrors, the paper's task at its place.

    Args:
        summary: of `summarise_streams`.
        printed: Table 5.
        printed_orders: Table 14.
        orders: of `sequences`.
        tasks: of every suite in the summary.
    """
    theirs = {(row.method, row.order): row.value for row in printed}
    sequences = {row.order: row.tasks.split() for row in printed_orders}
    same = {
        (suite, order)
        for (suite, order), sequence in orders.items()
        if order in sequences
        and _mirrors(sequence, sequences[order], {task.name: task.source for task in tasks if task.suite == suite})
    }
    groups: dict[_Group, list[PublishedRow]] = defaultdict(list)
    for row in summary:
        name = METHODS[row.method].published
        ours = (row.metric, row.scoring, row.rate) == ("CL", "free", "own") and (row.suite, row.order) in same
        if not ours or (name, row.order) not in theirs:
            continue
        groups[_Group(row.suite, row.model, row.benchmark, row.order)].append(
            PublishedRow(
                table="T5",
                suite=row.suite,
                model=row.model,
                benchmark=row.benchmark,
                order=row.order,
                method=row.method,
                published_method=name,
                published=theirs[name, row.order],
                value=row.value,
                low=row.low,
                high=row.high,
                n=row.n,
                interval=row.interval,
                reason=row.reason,
            )
        )
    groups |= _means(groups)
    return [
        row
        for group in sorted(groups, key=lambda group: group.place)
        for row in _ranked(sorted(groups[group], key=lambda row: by_method(row.method)))
    ]


def _mirrors(sequence: Sequence[str], printed: Sequence[str], sources: Mapping[str, str]) -> bool:
    return [printed_name(name, sources.get(name, ""), printed) for name in sequence] == list(printed)


def _means(groups: Mapping[_Group, Sequence[PublishedRow]]) -> dict[_Group, list[PublishedRow]]:
    """Over the orders of each benchmark and of all, of the methods that have all of these orders."""
    parts: dict[_Group, dict[str, dict[str, tuple[float, PublishedRow]]]] = defaultdict(lambda: defaultdict(dict))
    orders: dict[_Group, set[str]] = defaultdict(set)
    benchmarks: dict[tuple[str, str], set[str]] = defaultdict(set)
    for group, rows in groups.items():
        benchmarks[group.suite, group.model].add(group.benchmark)
        for benchmark in (group.benchmark, ALL_ORDERS):
            whole = replace(group, benchmark=benchmark, order=ALL_ORDERS)
            orders[whole].add(group.order)
            for row in rows:
                if row.value is not None:
                    parts[whole][row.method][row.order] = (row.value, row)
    found: dict[_Group, list[PublishedRow]] = {}
    for whole, methods in parts.items():
        single = whole.benchmark == ALL_ORDERS and len(benchmarks[whole.suite, whole.model]) == 1
        if len(orders[whole]) == 1 or single:
            continue
        found[whole] = [
            replace(
                next(iter(own.values()))[1],
                benchmark=whole.benchmark,
                order=ALL_ORDERS,
                value=fmean(value for value, _ in own.values()),
                published=round(fmean(row.published for _, row in own.values()), 2),
                low=None,
                high=None,
                n=None,
                interval="",
                reason=f"mean over {len(own)} orders, which share their tasks",
            )
            for own in methods.values()
            if len(own) == len(orders[whole])
        ]
    return found


def _ranked(rows: Sequence[PublishedRow]) -> list[PublishedRow]:
    """The rows with their ranks, and with the correlation of all."""
    both = [(row.value, row) for row in rows if not METHODS[row.method].is_bound and row.value is not None]
    ours, theirs = np.array([value for value, _ in both]), np.array([row.published for _, row in both])
    correlation, p_value = None, None
    reason = f"{len(both)} methods, at least 3 are needed"
    if len(both) >= 3:
        found = rank_correlation([(theirs, ours[:, None])])
        equal = len(np.unique(ours)) == 1
        if not equal:
            correlation, p_value = _rounded(found.value), found.p_value
        reason = "our values are all equal" if equal else found.reason
    ranks, printed = (rank_test(values[None, :]).ranks for values in (ours, theirs))
    of_method = {
        row.method: (rank, theirs) for (_, row), rank, theirs in zip(both, ranks, printed, strict=True)
    }  # fmt: skip
    return [
        replace(
            row,
            published_rank=of_method.get(row.method, (None, None))[1],
            rank=of_method.get(row.method, (None, None))[0],
            ranked=len(both),
            correlation=correlation,
            p_value=p_value,
            correlation_reason=reason,
        )
        for row in rows
    ]


def _rounded(correlation: float | None) -> float | None:
    """Without the rounding of its sums, by which equal ranks would correlate by less than 1."""
    return None if correlation is None else round(correlation, 12)
