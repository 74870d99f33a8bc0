"""The time that methods took to train, apart from what they reached: it is never the same twice."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import fsum
from pathlib import Path
from typing import Any

from taskneurons.measures.stats import Interval, t_interval
from taskneurons.studies.continual.methods import by_method
from taskneurons.studies.continual.rows import COST_ROWS, CostRow, CostSummaryRow
from taskneurons.studies.continual.streams import by_order
from taskneurons.studies.continual.summary import ALL_ORDERS, ORDERS, SEEDS

Benchmarks = Mapping[str, Mapping[str, Sequence[str]]]
"""The tasks of each order, by its name, of each benchmark of a suite."""


def gather_costs(files: Iterable[str | Path]) -> list[CostRow]:
    """The rows of all files, sorted by what they measure so that the order of the files does not matter.

    Raises:
        InputError: as `Table.gather`, or there is no such method.
    """
    return sorted(
        COST_ROWS.gather(files),
        key=lambda row: (row.suite, row.model, by_order(row.order), by_method(row.method), row.seed, row.stage),
    )


@dataclass(frozen=True)
class _Place:
    """What a mean is of; an order, or all orders of a benchmark or of all benchmarks."""

    suite: str
    model: str
    benchmark: str
    order: str
    method: str

    @property
    def rank(self) -> tuple[Any, ...]:
        every = ALL_ORDERS
        return (
            self.suite, self.model, self.benchmark == every, self.benchmark, self.order == every, by_order(self.order),
            by_method(self.method),
        )  # fmt: skip


def summarise_costs(rows: Sequence[CostRow], benchmarks: Mapping[str, Benchmarks]) -> list[CostSummaryRow]:
    """The seconds of a stage of each method on each order, mean over seeds, and the means of these over orders.

    Args:
        rows: of all stages.
        benchmarks: of each suite.
    """
    orders = {
        (suite, order): (benchmark, len(tasks))
        for suite, own in benchmarks.items()
        for benchmark, named in own.items()
        for order, tasks in named.items()
    }
    streams: dict[_Place, dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        place = _Place(row.suite, row.model, orders[row.suite, row.order][0], row.order, row.method)
        streams[place][row.seed].append(row.seconds)
    found: list[tuple[_Place, CostSummaryRow]] = []
    means: dict[_Place, list[float]] = defaultdict(list)
    for place, seeds in streams.items():
        tasks = orders[place.suite, place.order][1]
        interval = t_interval([fsum(seeds[seed]) / tasks for seed in sorted(seeds)])
        found.append((place, _row(place, interval, SEEDS)))
        for benchmark in (place.benchmark, ALL_ORDERS):
            if interval.mean is not None:
                means[_Place(place.suite, place.model, benchmark, ALL_ORDERS, place.method)].append(interval.mean)
    found += [(place, _row(place, t_interval(values), ORDERS, "order")) for place, values in means.items()]
    return [row for _, row in sorted(found, key=lambda one: one[0].rank)]


def _row(place: _Place, found: Interval, words: str, unit: str = "seed") -> CostSummaryRow:
    return CostSummaryRow(
        suite=place.suite,
        model=place.model,
        benchmark=place.benchmark,
        method=place.method,
        order=place.order,
        seconds=found.mean,
        seconds_low=found.low,
        seconds_high=found.high,
        n=found.n,
        interval=words if found.available else "",
        reason=found.reason.replace("1 seeds", "1 seed").replace("seed", unit),
    )
