"""Tables of the streams: what each method reaches on each order, and how the methods rank over orders."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from math import fsum
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.continual import (
    METHODS,
    Benchmarks,
    Row,
    Sequences,
    Stream,
    alone,
    benchmark_of,
    by_method,
    by_order,
    matrices,
    sequences,
)
from taskneurons.files import read_csv
from taskneurons.measures.continual import MEASURES, learned, stream_measures
from taskneurons.measures.ranks import rank_test
from taskneurons.measures.stats import Interval, t_interval

SUMMARY_COLUMNS = (
    "suite", "model", "benchmark", "tasks", "method", "order", "metric", "value", "low", "high", "n", "seed", "seeds",
    "interval", "reason",
)  # fmt: skip
"""What a row says.

- tasks: number of tasks of the order.
- metric: one of MEASURES; `identification` of the tasks after the last stage; `trainable` parameters, mean over stages;
  `storage` in bytes after the last stage; `seconds`, training of all stages over their number.
- seed: `mean`, the mean over `seeds`, of which there are `n`.
- reason: why there is no value, or no interval.
"""
METHOD_COLUMNS = (
    "suite", "model", "orders", "method", "metric", "value", "low", "high", "n", "interval", "reason", "mean_rank",
    "ranked", "ranked_orders", "statistic", "p_value", "critical_difference", "best", "told_from_best", "rank_reason",
)  # fmt: skip
"""What a row says.

- orders: a benchmark; `all`; or `common`, those that every method has which is no bound, where these are fewer.
- value: mean over the `n` orders that the method has, with its interval across orders, which share their tasks.
- mean_rank: over `ranked_orders` orders among `ranked` methods, 1 is best; bounds and methods without all of these
  orders have none, and `rank_reason` says so.
- statistic, p_value: Friedman's test over the ranked methods; critical_difference: Nemenyi's, of mean ranks.
- best: the method of the lowest mean rank; told_from_best: whether this one is further from it than that difference.
"""
SEEDS, ORDERS = "95 % t over seeds", "95 % t across orders, which share their tasks, as if independent"
TOGETHER = "mean"
ALL_ORDERS, COMMON = "all", "common"
# Better is higher, or lower; what a method costs is not ranked.
BETTER = {"CL": 1, "FG": 1, "BWT": 1, "FWT": 1, "forgetting": -1, "max_forgetting": -1, "learned": 1}
_METRICS = (*MEASURES, "identification", "trainable", "storage", "seconds")
_NUMBERS = ("value", "low", "high", "mean_rank", "statistic", "p_value", "critical_difference")
_WHOLE = ("tasks", "n", "ranked", "ranked_orders")

Key = tuple[str, str, str, str, str]
"""Suite, model, method, order and metric."""


def summarise_streams(rows: Sequence[Row], benchmarks: Mapping[str, Benchmarks]) -> list[Row]:
    """One row for each run, method, order and metric: the mean over seeds with its t interval.

    Args:
        rows: of `continual.read_streams`.
        benchmarks: the orders of each benchmark of each suite.

    Raises:
        InputError: as `continual.sequences` and `continual.benchmark_of`.
    """
    orders = sequences(rows)
    named = benchmark_of(orders, benchmarks)
    values: dict[Key, dict[int, float]] = defaultdict(dict)
    reasons: dict[Key, str] = {}
    for (suite, model, method, order, seed), metric, value, reason in _of_streams(rows, orders):
        key = (suite, model, method, order, metric)
        values[key]
        if np.isfinite(value):
            values[key][seed] = value
        else:
            reasons[key] = reason
    summary = []
    for key, by_seed in values.items():
        suite, model, method, order, metric = key
        seeds = sorted(by_seed)
        found = t_interval([by_seed[seed] for seed in seeds])
        row = {"suite": suite, "model": model, "benchmark": named[suite, order], "tasks": len(orders[suite, order])}
        row |= {"method": method, "order": order, "metric": metric, "seed": TOGETHER}
        row |= {"seeds": " ".join(map(str, seeds))} | _cells(found, SEEDS)
        if not by_seed:
            row["reason"] = reasons[key]
        summary.append({column: row[column] for column in SUMMARY_COLUMNS})
    return sorted(summary, key=_place)


def summarise_methods(summary: Sequence[Row]) -> list[Row]:
    """One row for each run, group of orders, method and metric: the mean over orders and the mean rank.

    Args:
        summary: of `summarise_streams` or `read_summary`.
    """
    runs: dict[tuple[str, str], list[Row]] = defaultdict(list)
    for row in summary:
        runs[row["suite"], row["model"]].append(row)
    found = []
    for (suite, model), rows in runs.items():
        for group, orders in _groups(rows).items():
            metrics: dict[str, list[Row]] = defaultdict(list)
            for row in rows:
                if row["order"] in orders:
                    metrics[row["metric"]].append(row)
            for metric, own in metrics.items():
                facts = {"suite": suite, "model": model, "orders": group, "metric": metric}
                found += [facts | row for row in _of_group(own, orders, metric)]
    return [{column: row.get(column) for column in METHOD_COLUMNS} for row in sorted(found, key=_place)]


def read_summary(path: str | Path) -> list[Row]:
    """The rows that `summarise_streams` made, with their types.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    return _read(path, SUMMARY_COLUMNS)


def read_methods(path: str | Path) -> list[Row]:
    """The rows that `summarise_methods` made, with their types.

    Raises:
        InputError: as `read_summary`.
    """
    return _read(path, METHOD_COLUMNS)


def _of_streams(rows: Sequence[Row], orders: Sequences) -> Iterator[tuple[Stream, str, float, str]]:
    """Every stream with each metric that it may have: its value, NaN with the reason."""
    accuracy, inferred = (matrices(rows, orders, metric) for metric in ("accuracy", "identification"))
    for stream, matrix in accuracy.items():
        own = alone(accuracy, stream)
        for metric, value in stream_measures(matrix, own).items():
            if metric == "CL" and stream[2] == "pertask":
                # There is no last stage: every task has a model of its own.
                value = learned(matrix)
            yield stream, metric, value, _missing(stream[2], metric, own)
        if stream in inferred:
            yield stream, "identification", float(inferred[stream][-1].mean()), "not every task was seen"
    costs: dict[tuple[Stream, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        if row["metric"] in ("trainable", "storage", "seconds") and (row["suite"], row["order"]) in orders:
            stream = row["suite"], row["model"], row["method"], row["order"], row["seed"]
            costs[stream, row["metric"]][row["stage"]] = row["value"]
    for (stream, metric), stages in costs.items():
        tasks = len(orders[stream[0], stream[3]])
        value = {
            "trainable": fmean(stages.values()),
            "storage": stages[max(stages)],
            # Joint training has one stage for all tasks.
            "seconds": fsum(stages.values()) / tasks,
        }[metric]
        yield stream, metric, value, ""


def _missing(method: str, metric: str, own: np.ndarray | None) -> str:
    """Why a measure of accuracies is NaN."""
    if method in ("pertask", "multitask") and metric != "FG":
        return "it learns no stream"
    if metric == "FG" and own is None:
        return "Per-Task FT was not run on this order with this seed"
    return (
        "needs accuracies that were not measured, or are 0 in Per-Task FT"
        if metric == "FG"
        else ("needs accuracies that were not measured")
    )


def _groups(rows: Sequence[Row]) -> dict[str, list[str]]:
    """The orders of each benchmark, all of them, and those that all methods share, each group of orders once."""
    groups: dict[str, set[str]] = defaultdict(set)
    methods: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        groups[row["benchmark"]].add(row["order"])
        if METHODS[row["method"]].family != "bound":
            methods[row["method"]].add(row["order"])
    groups[ALL_ORDERS] = set.union(*groups.values())
    groups[COMMON] = set.intersection(*methods.values()) if methods else set()
    found: dict[str, list[str]] = {}
    for name, orders in groups.items():
        if orders and sorted(orders, key=by_order) not in found.values():
            found[name] = sorted(orders, key=by_order)
    return found


def _of_group(rows: Sequence[Row], orders: Sequence[str], metric: str) -> Iterator[Row]:
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        own = values.setdefault(row["method"], {})
        if row["value"] is not None:
            own[row["order"]] = row["value"]
    names = [name for name in values if METHODS[name].family != "bound"] if metric in BETTER else []
    scores = np.array([[values[name].get(order, np.nan) for name in names] for order in orders])
    test = rank_test(scores.reshape(len(orders), len(names)) * BETTER.get(metric, 1))
    ranks = {name: rank for name, rank in zip(names, test.ranks, strict=True) if rank is not None}
    best = min(ranks, key=lambda name: ranks[name]) if ranks else None
    for name, own in values.items():
        cells: Row = {"method": name} | _cells(t_interval(list(own.values())), ORDERS)
        cells["reason"] = cells["reason"].replace("seed", "order")
        if metric in BETTER:
            cells |= {"ranked": test.methods, "ranked_orders": test.units, "statistic": test.statistic}
            cells |= {"p_value": test.p_value, "critical_difference": test.critical_difference}
            cells["rank_reason"] = test.reason.replace("unit", "order").replace("1 orders", "1 order")
        if name in ranks:
            cells |= {"mean_rank": ranks[name], "best": best}
            if test.critical_difference is not None and best is not None and test.available:
                cells["told_from_best"] = ranks[name] - ranks[best] > test.critical_difference + 1e-9
        elif metric in BETTER:
            bound = METHODS[name].family == "bound"
            cells["rank_reason"] = "a bound is not ranked" if bound else f"has {len(own)} of {len(orders)} orders"
        yield cells


def _cells(found: Interval, told: str) -> Row:
    return {
        "value": found.mean, "low": found.low, "high": found.high, "n": found.n,
        "interval": told if found.available else None, "reason": found.reason.replace("1 seeds", "1 seed"),
    }  # fmt: skip


def _place(row: Mapping[str, Any]) -> tuple[Any, ...]:
    """Run, group or order, metric, method."""
    group = row.get("orders", "")
    order = by_order(row["order"]) if "order" in row else ()
    return (
        row["suite"], row["model"], group in (ALL_ORDERS, COMMON), group, order, _METRICS.index(row["metric"]),
        by_method(row["method"]),
    )  # fmt: skip


def _read(path: str | Path, columns: Iterable[str]) -> list[Row]:
    expected = tuple(columns)
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != expected:
            raise InputError(f"columns must be {', '.join(expected)}, not {', '.join(map(str, cells))}", where=where)
        row: Row = dict(cells)
        try:
            row |= {column: float(cells[column]) if cells[column] else None for column in _NUMBERS if column in cells}
            row |= {column: int(cells[column]) if cells[column] else None for column in _WHOLE if column in cells}
        except ValueError as error:
            raise InputError(f"a cell is no number: {error}", where=where) from None
        rows.append(row)
    return rows
