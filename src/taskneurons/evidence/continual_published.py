"""Our streams beside the printed ones (Leng & Xiong 2025, Table 5), and whether the methods rank alike."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.evidence.continual import METHODS, Row, Sequences, by_method, by_order
from taskneurons.evidence.continual_summary import ALL_ORDERS
from taskneurons.evidence.published import published_task
from taskneurons.evidence.tables import Tasks
from taskneurons.measures.ranks import rank_test
from taskneurons.measures.trend import rank_correlation

PUBLISHED_COLUMNS = (
    "table", "suite", "model", "benchmark", "order", "method", "published_method", "published", "value", "low", "high",
    "n", "interval", "reason", "published_rank", "rank", "ranked", "correlation", "p_value", "correlation_reason",
)  # fmt: skip
"""What a row says.

- order: one of the paper's; or `all`, the mean over the orders of the benchmark (of `all` benchmarks) that the method
  has in both, without an interval.
- value: our CL, the mean over the `n` seeds.
- rank, published_rank: 1 is best, among the `ranked` methods that are in both; bounds have none.
- correlation: Spearman's of the values of these methods, with its exact two-sided p over all labellings.
"""

Group = tuple[str, str, str, str]
"""Suite, model, benchmark and order."""


def published_streams(
    summary: Iterable[Row], published: Mapping[str, list[dict[str, Any]]], orders: Sequences, tasks: Tasks
) -> list[Row]:
    """One row for each run, method and order that the paper has, too, and one for each mean over orders.

    An order is the paper's where it has its name and each task is, or mirrors, the paper's task at its place.

    Args:
        summary: of `continual_summary.summarise_streams`.
        published: the rows of `T5` and `T14`.
        orders: of `continual.sequences`.
        tasks: of every suite in the summary.
    """
    theirs = {(row["method"], row["order"]): row["value"] for row in published["T5"]}
    printed = {row["order"]: row["tasks"].split() for row in published["T14"]}
    same = {place for place, sequence in orders.items() if _mirrors(place, sequence, printed, tasks)}
    groups: dict[Group, list[Row]] = defaultdict(list)
    for row in summary:
        name = METHODS[row["method"]].published
        if row["metric"] != "CL" or (row["suite"], row["order"]) not in same or (name, row["order"]) not in theirs:
            continue
        cells = {key: row[key] for key in PUBLISHED_COLUMNS if key in row}
        cells |= {"table": "T5", "published_method": name, "published": theirs[name, row["order"]]}
        groups[row["suite"], row["model"], row["benchmark"], row["order"]].append(cells)
    for key, mean in _means(groups).items():
        groups[key] = mean
    return [
        {column: row.get(column) for column in PUBLISHED_COLUMNS}
        for key in sorted(groups, key=_place)
        for row in _ranked(sorted(groups[key], key=lambda row: by_method(row["method"])))
    ]


def _mirrors(
    place: tuple[str, str], sequence: Sequence[str], printed: Mapping[str, Sequence[str]], tasks: Tasks
) -> bool:
    suite, order = place
    if order not in printed:
        return False
    sources = {task["name"]: str(task.get("source", "")) for task in tasks if task["suite"] == suite}
    # `published_task` reads names of tasks; this table prints them side by side.
    known = [{"task": name} for name in printed[order]]
    return [published_task(name, sources.get(name, ""), known) for name in sequence] == list(printed[order])


def _means(groups: Mapping[Group, Sequence[Row]]) -> dict[Group, list[Row]]:
    """Over the orders of each benchmark and of all, of the methods that have all of these orders."""
    parts: dict[Group, dict[str, list[Row]]] = defaultdict(lambda: defaultdict(list))
    orders: dict[Group, set[str]] = defaultdict(set)
    benchmarks: dict[tuple[str, str], set[str]] = defaultdict(set)
    for (suite, model, benchmark, order), rows in groups.items():
        benchmarks[suite, model].add(benchmark)
        for group in (benchmark, ALL_ORDERS):
            key = (suite, model, group, ALL_ORDERS)
            orders[key].add(order)
            for row in rows:
                if row["value"] is not None:
                    parts[key][row["method"]].append(row)
    found: dict[Group, list[Row]] = {}
    for key, methods in parts.items():
        suite, model, group, _ = key
        if len(orders[key]) == 1 or (group == ALL_ORDERS and len(benchmarks[suite, model]) == 1):
            continue
        found[key] = [
            rows[0]
            | {"benchmark": group, "order": ALL_ORDERS, "n": None, "low": None, "high": None, "interval": None}
            | {"value": fmean(row["value"] for row in rows), "published": round(fmean(r["published"] for r in rows), 2)}
            | {"reason": f"mean over {len(rows)} orders, which share their tasks"}
            for rows in methods.values()
            if len(rows) == len(orders[key])
        ]
    return found


def _ranked(rows: Sequence[Row]) -> list[Row]:
    both = [row for row in rows if METHODS[row["method"]].family != "bound" and row["value"] is not None]
    ours, theirs = (np.array([float(row[column]) for row in both]) for column in ("value", "published"))
    cells: Row = {"ranked": len(both)}
    ranks: dict[str, Row] = {}
    if len(both) >= 3:
        found = rank_correlation([(theirs, ours[:, None])])
        equal = len(np.unique(ours)) == 1
        cells |= {"correlation": None if equal else _rounded(found.value), "p_value": None if equal else found.p_value}
        cells["correlation_reason"] = "our values are all equal" if equal else found.reason
    else:
        cells["correlation_reason"] = f"{len(both)} methods, at least 3 are needed"
    for column, values in (("rank", ours), ("published_rank", theirs)):
        for row, rank in zip(both, rank_test(values[None, :]).ranks, strict=True):
            ranks.setdefault(row["method"], {})[column] = rank
    return [row | cells | ranks.get(row["method"], {}) for row in rows]


def _rounded(correlation: float | None) -> float | None:
    """Without the rounding of its sums, by which equal ranks would correlate by less than 1."""
    return None if correlation is None else round(correlation, 12)


def _place(key: Group) -> tuple[Any, ...]:
    suite, model, benchmark, order = key
    return suite, model, benchmark == ALL_ORDERS, benchmark, order == ALL_ORDERS, by_order(order)
