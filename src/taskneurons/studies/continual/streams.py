"""Streams of tasks as they were learned: the order of the tasks, and stage x task matrices of what was scored."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.measures.continual import Alone, Matrix
from taskneurons.studies.continual.methods import by_method
from taskneurons.studies.continual.rows import (
    COSTS,
    RATES_OF,
    SCORES,
    SCORINGS,
    SINGLE_TASK,
    STREAMS,
    Score,
    Scoring,
    Stream,
    StreamRow,
)

Sequences = Mapping[tuple[str, str], tuple[str, ...]]
"""The tasks of each (suite, order), in the order in which they are learned."""
Benchmarks = Mapping[str, Sequence[str]]
"""The orders of each benchmark of a suite."""


def gather_streams(files: Iterable[str | Path]) -> list[StreamRow]:
    """The rows of all files, sorted by what they measure so that the order of the files does not matter.

    Raises:
        InputError: as `Table.gather`, `by_method` and `sequences`.
    """
    rows = STREAMS.gather(files)
    sequences(rows)
    return sorted(rows, key=_place)


def sequences(rows: Iterable[StreamRow]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The tasks of every order, as its stages trained them.

    An order that was only trained jointly has no sequence and is left out.

    Raises:
        InputError: two streams of an order trained different tasks at a stage, a task comes twice, a stage is missing,
            or a task is tested that the order does not train.
    """
    found: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    tested: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        order = row.suite, row.order
        if row.test_task is not None:
            tested[order].add(row.test_task)
        if row.train_task is None:
            continue
        if found[order].setdefault(row.stage, row.train_task) != row.train_task:
            before = found[order][row.stage]
            raise InputError(
                f"stage {row.stage} of order `{order[1]}` of suite `{order[0]}` trained {before} and, with method "
                f"{row.method}, {row.train_task}"
            )
    made = {}
    for order, stages in found.items():
        named = f"order `{order[1]}` of suite `{order[0]}`"
        if sorted(stages) != list(range(1, len(stages) + 1)):
            raise InputError(f"{named} has stages {', '.join(map(str, sorted(stages)))}, not 1 to {len(stages)}")
        tasks = tuple(stages[stage] for stage in sorted(stages))
        if len(set(tasks)) < len(tasks):
            raise InputError(f"{named} trains a task twice: {', '.join(tasks)}")
        if unknown := sorted(tested[order] - set(tasks)):
            raise InputError(f"{named} tests {', '.join(unknown)}, which it does not train")
        made[order] = tasks
    return made


def benchmark_of(orders: Sequences, benchmarks: Mapping[str, Benchmarks]) -> dict[tuple[str, str], str]:
    """The benchmark of each (suite, order).

    Args:
        orders: of `sequences`.
        benchmarks: of each suite.

    Raises:
        InputError: an order is in no benchmark or in several, or orders of one benchmark have different tasks.
    """
    named: dict[tuple[str, str], str] = {}
    for suite, members in benchmarks.items():
        for benchmark, own in members.items():
            for order in own:
                if before := named.get((suite, order)):
                    raise InputError(f"order `{order}` of suite `{suite}` is in benchmark `{before}` and `{benchmark}`")
                named[suite, order] = benchmark
    tasks: dict[tuple[str, str], tuple[str, frozenset[str]]] = {}
    for (suite, order), sequence in orders.items():
        if (suite, order) not in named:
            raise InputError(f"order `{order}` of suite `{suite}` is in no benchmark")
        benchmark = named[suite, order]
        first, expected = tasks.setdefault((suite, benchmark), (order, frozenset(sequence)))
        if expected != set(sequence):
            raise InputError(f"orders `{first}` and `{order}` of benchmark `{benchmark}` have different tasks")
    return {place: named[place] for place in orders}


def matrices(rows: Iterable[StreamRow], orders: Sequences, scoring: Scoring | None) -> dict[Stream, Matrix]:
    """The stage x task matrix of each stream; NaN is what was not measured.

    Args:
        rows: of streams; those of an order without a sequence are left aside.
        orders: of `sequences`.
        scoring: of the accuracies in the cells; None: identification instead.
    """
    metric: Score = "accuracy" if scoring else "identification"
    found: dict[Stream, np.ndarray] = {}
    for row in rows:
        sequence = orders.get((row.suite, row.order))
        if (row.metric, row.scoring) != (metric, scoring) or sequence is None or row.test_task is None:
            continue
        if row.stream not in found:
            found[row.stream] = np.full((len(sequence) + 1, len(sequence)), np.nan)
        found[row.stream][row.stage, sequence.index(row.test_task)] = row.value
    return found


def alone(found: Mapping[Stream, Matrix], stream: Stream) -> Alone | None:
    """Accuracy on each task of a stream after training on it alone, with the same seed; None where it was not run.

    Training alone has one learning rate, its own.

    Args:
        found: of `matrices`.
        stream: whose suite, model, order and seed are taken.
    """
    matrix = found.get(replace(stream, method=SINGLE_TASK, rate="own"))
    return None if matrix is None else np.diagonal(matrix, offset=-1)


def by_order(order: str) -> tuple[bool, int, str]:
    """Sort key of the names of orders: numbers by their size, before all others."""
    return (not order.isdecimal(), int(order) if order.isdecimal() else 0, order)


def _place(row: StreamRow) -> tuple[Any, ...]:
    return (
        row.suite, row.model, by_order(row.order), by_method(row.method), RATES_OF.index(row.rate), row.seed, row.stage,
        (*SCORES, *COSTS).index(row.metric), (None, *SCORINGS).index(row.scoring), row.train_task or "",
        row.test_task or "",
    )  # fmt: skip
