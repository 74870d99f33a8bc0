"""What each method reaches: in each stream, on each order over seeds, and over the orders of a benchmark.

The unit of every interval is the base model: its orders share their tasks, so a mean over them comes first.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.measures.continual import MEASURES, Alone, stream_measures
from taskneurons.measures.stats import t_interval
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import (
    JOINT,
    MEAN,
    RATES_OF,
    SCORINGS,
    SINGLE_TASK,
    MeasureRow,
    MethodRow,
    Rate,
    Scoring,
    Stream,
    StreamRow,
    SummaryRow,
)
from taskneurons.studies.continual.streams import (
    Benchmarks,
    Sequences,
    alone,
    benchmark_of,
    by_order,
    matrices,
    sequences,
)

SEEDS, BASES = "95 % t over seeds", "95 % t over bases, each the mean of its orders"
ALL_ORDERS = "all"
REFERENCE = "ncft"
_OF_STAGES, _OF_THE_END = ("trainable", "passes"), ("storage",)
_METRICS = (*MEASURES, "learned_share", "identification", *_OF_STAGES, *_OF_THE_END)


@dataclass(frozen=True)
class _Key:
    """What is measured of a method, on an order or on several."""

    suite: str
    model: str
    orders: str
    method: str
    rate: Rate
    metric: str
    scoring: Scoring | None

    @property
    def place(self) -> tuple[Any, ...]:
        return (
            self.suite, self.model, self.orders == ALL_ORDERS, by_order(self.orders), _METRICS.index(self.metric),
            (None, *SCORINGS).index(self.scoring), by_method(self.method), RATES_OF.index(self.rate),
        )  # fmt: skip


def measure_streams(rows: Sequence[StreamRow], benchmarks: Mapping[str, Benchmarks]) -> list[MeasureRow]:
    """One row for each stream and measure.

    Args:
        rows: of all streams.
        benchmarks: the orders of each benchmark of each suite.

    Raises:
        InputError: as `sequences` and `benchmark_of`.
    """
    orders = sequences(rows)
    named = benchmark_of(orders, benchmarks)
    found = [
        MeasureRow(
            suite=stream.suite,
            model=stream.model,
            benchmark=named[stream.suite, stream.order],
            tasks=len(orders[stream.suite, stream.order]),
            method=stream.method,
            rate=stream.rate,
            order=stream.order,
            seed=stream.seed,
            metric=metric,
            scoring=scoring,
            value=value if np.isfinite(value) else None,
            reason="" if np.isfinite(value) else reason,
        )
        for stream, metric, scoring, value, reason in _of_streams(rows, orders)
    ]
    return sorted(found, key=lambda row: (*_key(row, row.order).place, row.seed))


def summarise_streams(measures: Sequence[MeasureRow]) -> list[SummaryRow]:
    """One row for each run, method, rate, order and measure: the mean over seeds with its t interval."""
    groups: dict[_Key, list[MeasureRow]] = defaultdict(list)
    for row in measures:
        groups[_key(row, row.order)].append(row)
    summary = []
    for key in sorted(groups, key=lambda key: key.place):
        own = sorted(groups[key], key=lambda row: row.seed)
        values = {row.seed: row.value for row in own if row.value is not None}
        found = t_interval(list(values.values()))
        summary.append(
            SummaryRow(
                suite=key.suite,
                model=key.model,
                benchmark=own[0].benchmark,
                tasks=own[0].tasks,
                method=key.method,
                rate=key.rate,
                order=key.orders,
                metric=key.metric,
                scoring=key.scoring,
                value=found.mean,
                low=found.low,
                high=found.high,
                n=found.n,
                seed=MEAN,
                seeds=" ".join(map(str, values)),
                interval=SEEDS if found.available else "",
                reason=_reason(found.reason, "seed") if values else own[0].reason,
            )
        )
    return summary


def average_methods(measures: Sequence[MeasureRow], learned_percent: float) -> list[MethodRow]:
    """One row for each run, group of orders, method, rate and measure, with the paired difference from NCFT.

    Args:
        measures: of `measure_streams`.
        learned_percent: the share of Per-Task FT from which on a method has learned its tasks.
    """
    bases = _over_orders(measures)
    shares = {
        key: fmean(values.values()) for key, values in bases.items() if key.metric == "learned_share" and values
    }  # fmt: skip
    rows = []
    for key in sorted(bases, key=lambda key: key.place):
        values = bases[key]
        found = t_interval([values[seed] for seed in sorted(values)])
        share = shares.get(replace(key, metric="learned_share", scoring=key.scoring or "free"))
        row = MethodRow(
            suite=key.suite,
            model=key.model,
            orders=key.orders,
            method=key.method,
            rate=key.rate,
            metric=key.metric,
            scoring=key.scoring,
            has_learned=None if share is None else share >= learned_percent,
            value=found.mean,
            low=found.low,
            high=found.high,
            n=found.n,
            interval=BASES if found.available else "",
            reason=_reason(found.reason, "base"),
        )
        other = bases.get(replace(key, method=REFERENCE), {})
        both = [values[seed] - other[seed] for seed in sorted(set(values) & set(other))]
        if both and key.method != REFERENCE:
            less = t_interval(both)
            row = replace(row, less_ncft=less.mean, less_ncft_low=less.low, less_ncft_high=less.high)
        rows.append(row)
    return rows


def _over_orders(measures: Sequence[MeasureRow]) -> dict[_Key, dict[int, float]]:
    """For each measure of a method the mean over orders in each base that has all of them."""
    orders: dict[tuple[str, str, str], set[str]] = defaultdict(set)
    values: dict[_Key, dict[int, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in measures:
        for group in (row.benchmark, ALL_ORDERS):
            orders[row.suite, row.model, group].add(row.order)
            own = values[_key(row, group)]
            if row.value is not None:
                own[row.seed][row.order] = row.value
    single = {run[:2] for run in orders if orders[run] == orders[*run[:2], ALL_ORDERS] and run[2] != ALL_ORDERS}
    return {
        key: {
            seed: fmean(found.values())
            for seed, found in by_seed.items()
            if set(found) == orders[key.suite, key.model, key.orders]
        }
        for key, by_seed in values.items()
        # All orders of one benchmark are that benchmark.
        if not (key.orders == ALL_ORDERS and (key.suite, key.model) in single)
    }


def _key(row: MeasureRow, orders: str) -> _Key:
    return _Key(row.suite, row.model, orders, row.method, row.rate, row.metric, row.scoring)


def _reason(said: str, unit: str) -> str:
    """What `t_interval` says of seeds, said of some unit."""
    return said.replace("1 seeds", "1 seed").replace("seed", unit)


def _of_streams(
    rows: Sequence[StreamRow], orders: Sequences
) -> Iterator[tuple[Stream, str, Scoring | None, float, str]]:
    """Every stream with each measure that it may have: its value, NaN with the reason."""
    for scoring in SCORINGS:
        accuracy = matrices(rows, orders, scoring)
        for stream, matrix in accuracy.items():
            own = alone(accuracy, stream)
            found = stream_measures(matrix, own)
            if stream.method == SINGLE_TASK:
                # There is no last stage: every task has a model of its own.
                found["CL"] = found["learned"]
            elif stream.method == JOINT:
                found["learned"] = found["CL"]
            limit = np.nan if own is None else own.mean()
            found["learned_share"] = 100 * found["learned"] / limit if limit > 0 else np.nan
            for metric, value in found.items():
                yield stream, metric, scoring, value, _missing(stream.method, metric, own)
    for stream, matrix in matrices(rows, orders, None).items():
        yield stream, "identification", None, float(matrix[-1].mean()), "not every task was seen"
    yield from _costs(rows, orders)


def _costs(rows: Iterable[StreamRow], orders: Sequences) -> Iterator[tuple[Stream, str, None, float, str]]:
    """What each stream took and keeps."""
    costs: dict[tuple[Stream, str], dict[int, float]] = defaultdict(dict)
    for row in rows:
        known = (row.suite, row.order) in orders
        if row.metric in (*_OF_STAGES, *_OF_THE_END) and row.value is not None and known:
            costs[row.stream, row.metric][row.stage] = row.value
    for (stream, metric), stages in costs.items():
        if metric in _OF_THE_END:
            value = stages[max(stages)]
        else:
            # Joint training has one stage for all tasks.
            value = sum(stages.values()) / (max(stages) if metric == "passes" else len(stages))
        yield stream, metric, None, value, ""


def _missing(method: str, metric: str, own: Alone | None) -> str:
    """Why a measure of accuracies is NaN."""
    needs_alone = metric in ("FG", "learned_share")
    if METHODS[method].is_bound and not needs_alone:
        return "it learns no stream"
    if needs_alone and own is None:
        return "Per-Task FT was not run on this order with this seed"
    zero = ", or are 0 in Per-Task FT" if needs_alone else ""
    return f"needs accuracies that were not measured{zero}"
