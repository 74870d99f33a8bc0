"""What each method reaches on each order, and how the methods rank over orders."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.measures.continual import MEASURES, Alone, learned, stream_measures
from taskneurons.measures.ranks import rank_test
from taskneurons.measures.stats import t_interval
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import JOINT, MEAN, SINGLE_TASK, RankRow, Stream, StreamRow, SummaryRow
from taskneurons.studies.continual.streams import (
    Benchmarks,
    Sequences,
    alone,
    benchmark_of,
    by_order,
    matrices,
    sequences,
)

SEEDS, ORDERS = "95 % t over seeds", "95 % t across orders, which share their tasks, as if independent"
ALL_ORDERS, COMMON = "all", "common"
# Better is higher, or lower; what a method costs is not ranked.
BETTER = {"CL": 1, "FG": 1, "BWT": 1, "FWT": 1, "forgetting": -1, "max_forgetting": -1, "learned": 1}
_COSTS = ("trainable", "storage")
_METRICS = (*MEASURES, "identification", *_COSTS)


def summarise_streams(rows: Sequence[StreamRow], benchmarks: Mapping[str, Benchmarks]) -> list[SummaryRow]:
    """One row for each run, method, order and metric: the mean over seeds with its t interval.

    Args:
        rows: of all streams.
        benchmarks: the orders of each benchmark of each suite.

    Raises:
        InputError: as `sequences` and `benchmark_of`.
    """
    orders = sequences(rows)
    named = benchmark_of(orders, benchmarks)
    values: dict[tuple[Stream, str], dict[int, float]] = defaultdict(dict)
    reasons: dict[tuple[Stream, str], str] = {}
    for stream, metric, value, reason in _of_streams(rows, orders):
        # All seeds of a stream together.
        key = (replace(stream, seed=0), metric)
        values[key]
        if np.isfinite(value):
            values[key][stream.seed] = value
        else:
            reasons[key] = reason
    summary = []
    for (stream, metric), by_seed in values.items():
        place = (stream.suite, stream.order)
        seeds = sorted(by_seed)
        found = t_interval([by_seed[seed] for seed in seeds])
        summary.append(
            SummaryRow(
                suite=stream.suite,
                model=stream.model,
                benchmark=named[place],
                tasks=len(orders[place]),
                method=stream.method,
                order=stream.order,
                metric=metric,
                value=found.mean,
                low=found.low,
                high=found.high,
                n=found.n,
                seed=MEAN,
                seeds=" ".join(map(str, seeds)),
                interval=SEEDS if found.available else "",
                reason=found.reason.replace("1 seeds", "1 seed") if by_seed else reasons[stream, metric],
            )
        )
    return sorted(
        summary,
        key=lambda row: (row.suite, row.model, by_order(row.order), _METRICS.index(row.metric), by_method(row.method)),
    )


def rank_methods(summary: Sequence[SummaryRow]) -> list[RankRow]:
    """One row for each run, group of orders, method and metric: the mean over orders and the mean rank.

    Args:
        summary: of `summarise_streams`.
    """
    runs: dict[tuple[str, str], list[SummaryRow]] = defaultdict(list)
    for row in summary:
        runs[row.suite, row.model].append(row)
    found: list[RankRow] = []
    for rows in runs.values():
        for group, orders in _groups(rows).items():
            metrics: dict[str, list[SummaryRow]] = defaultdict(list)
            for row in rows:
                if row.order in orders:
                    metrics[row.metric].append(row)
            for own in metrics.values():
                found += _of_group(own, group, orders)

    def place(row: RankRow) -> tuple[Any, ...]:
        last = row.orders in (ALL_ORDERS, COMMON)
        return row.suite, row.model, last, row.orders, _METRICS.index(row.metric), by_method(row.method)

    return sorted(found, key=place)


def _of_streams(rows: Sequence[StreamRow], orders: Sequences) -> Iterator[tuple[Stream, str, float, str]]:
    """Every stream with each metric that it may have: its value, NaN with the reason."""
    accuracy, inferred = matrices(rows, orders, "accuracy"), matrices(rows, orders, "identification")
    for stream, matrix in accuracy.items():
        own = alone(accuracy, stream)
        for metric, value in stream_measures(matrix, own).items():
            if metric == "CL" and stream.method == SINGLE_TASK:
                # There is no last stage: every task has a model of its own.
                value = learned(matrix)
            yield stream, metric, value, _missing(stream.method, metric, own)
        if stream in inferred:
            yield stream, "identification", float(inferred[stream][-1].mean()), "not every task was seen"
    costs: dict[tuple[Stream, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        if row.metric in _COSTS and row.value is not None and (row.suite, row.order) in orders:
            costs[row.stream, row.metric][row.stage] = row.value
    for (stream, metric), stages in costs.items():
        yield stream, metric, fmean(stages.values()) if metric == "trainable" else stages[max(stages)], ""


def _missing(method: str, metric: str, own: Alone | None) -> str:
    """Why a measure of accuracies is NaN."""
    if method in (SINGLE_TASK, JOINT) and metric != "FG":
        return "it learns no stream"
    if metric == "FG" and own is None:
        return "Per-Task FT was not run on this order with this seed"
    return (
        "needs accuracies that were not measured, or are 0 in Per-Task FT"
        if metric == "FG"
        else "needs accuracies that were not measured"
    )


def _groups(rows: Sequence[SummaryRow]) -> dict[str, list[str]]:
    """The orders of each benchmark, all of them, and those that all methods share, each group of orders once."""
    groups: dict[str, set[str]] = defaultdict(set)
    methods: dict[str, set[str]] = defaultdict(set)
    for row in rows:
        groups[row.benchmark].add(row.order)
        if not METHODS[row.method].is_bound:
            methods[row.method].add(row.order)
    groups[ALL_ORDERS] = set.union(*groups.values())
    groups[COMMON] = set.intersection(*methods.values()) if methods else set()
    found: dict[str, list[str]] = {}
    for name, orders in groups.items():
        if orders and sorted(orders, key=by_order) not in found.values():
            found[name] = sorted(orders, key=by_order)
    return found


def _of_group(rows: Sequence[SummaryRow], group: str, orders: Sequence[str]) -> Iterator[RankRow]:
    """The methods of one metric on a group of orders."""
    metric = rows[0].metric
    values: dict[str, dict[str, float]] = {}
    for row in rows:
        own = values.setdefault(row.method, {})
        if row.value is not None:
            own[row.order] = row.value
    names = [name for name in values if not METHODS[name].is_bound] if metric in BETTER else []
    scores = np.array([[values[name].get(order, np.nan) for name in names] for order in orders])
    test = rank_test(scores.reshape(len(orders), len(names)) * BETTER.get(metric, 1))
    ranks = {name: rank for name, rank in zip(names, test.ranks, strict=True) if rank is not None}
    best = min(ranks, key=lambda name: ranks[name]) if ranks else ""
    for name, own in values.items():
        found = t_interval(list(own.values()))
        rank = RankRow(
            suite=rows[0].suite,
            model=rows[0].model,
            orders=group,
            method=name,
            metric=metric,
            value=found.mean,
            low=found.low,
            high=found.high,
            n=found.n,
            interval=ORDERS if found.available else "",
            reason=found.reason.replace("1 seeds", "1 seed").replace("seed", "order"),
        )
        if metric in BETTER:
            rank = replace(
                rank,
                ranked=test.methods,
                ranked_orders=test.units,
                statistic=test.statistic,
                p_value=test.p_value,
                critical_difference=test.critical_difference,
                rank_reason=test.reason.replace("unit", "order").replace("1 orders", "1 order"),
            )
        if name in ranks:
            rank = replace(rank, mean_rank=ranks[name], best=best)
            if test.critical_difference is not None and test.available:
                further = ranks[name] - ranks[best] > test.critical_difference + 1e-9
                rank = replace(rank, told_from_best=further)
        elif metric in BETTER:
            bound = METHODS[name].is_bound
            left_out = "a bound is not ranked" if bound else f"has {len(own)} of {len(orders)} orders"
            rank = replace(rank, rank_reason=left_out)
        yield rank
