"""Streams of tasks: the methods that learn them, their rows, and the stage x task matrices that the rows make."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.stream_rows import COLUMNS
from taskneurons.files import read_csv

Row = dict[str, Any]
Family = Literal["bound", "sequential", "stored", "neurons", "static", "dynamic"]
FAMILIES: dict[Family, str] = {
    "sequential": "one set of weights",
    "stored": "something kept of earlier tasks",
    "neurons": "neurons of each task alone",
    "static": "patches of neurons, weights of a known task",
    "dynamic": "patches of neurons, weights by the prompt",
    "bound": "no stream: a bound",
}


@dataclass(frozen=True)
class Method:
    """A way to learn a stream of tasks.

    Args:
        label: what figures call it.
        family: which kind of method it is; a `bound` learns no stream and is not ranked.
        base: whether it is the base variant of a method, which every figure shows.
        published: its name in Table 5 of Leng & Xiong 2025, where it is there.
    """

    label: str
    family: Family
    base: bool = False
    published: str = ""

    def __post_init__(self) -> None:
        if not self.label or self.family not in FAMILIES:
            raise InputError(f"a method needs a label and a family, not {self.label!r} of {self.family!r}")


METHODS = {
    "seqft": Method("SeqFT", "sequential", True, "SeqFT"),
    "seqlora": Method("SeqLoRA", "sequential", True, "SeqLoRA"),
    "ewc": Method("EWC", "stored", True),
    "replay": Method("Replay", "stored", True),
    "olora": Method("O-LoRA", "stored", True, "O-LoRA"),
    "epi": Method("EPI", "stored", True, "EPI"),
    "ncft": Method("NCFT", "neurons", True, "NCFT"),
    "ncft_base": Method("NCFT, base sets", "neurons"),
    "ncft_disjoint": Method("NCFT, disjoint", "neurons"),
    "ncft_random": Method("NCFT, random", "neurons"),
    "ncft_same_random": Method("NCFT, same random", "neurons"),
    "ncft_random_disjoint": Method("NCFT, random disjoint", "neurons"),
    "wncft": Method("W-NCFT (task known)", "static", True, "W-NCFT"),
    "wncft_literal": Method("W-NCFT, Eq. 12 (task known)", "static"),
    "wncft_averaged": Method("W-NCFT, i × Sim (task known)", "static"),
    "wncft_max": Method("W-NCFT, largest Sim (task known)", "static"),
    "wncft_inferred": Method("W-NCFT, inferred", "dynamic"),
    "wncft_prototype": Method("W-NCFT, prototypes", "dynamic"),
    "wncft_gate": Method("W-NCFT, gate", "dynamic"),
    "wncft_online": Method("W-NCFT, online", "dynamic"),
    "wncft_rewind": Method("NCFT, rewound", "dynamic", True),
    "pertask": Method("Per-Task FT", "bound", True, "PerTaskFT"),
    "multitask": Method("Joint training", "bound", True),
}
"""In the order of legends and rows."""
SCORES = ("accuracy", "identification")
COSTS = ("seconds", "trainable", "storage", "loss")
_KEY = tuple(column for column in COLUMNS if column not in ("value", "n"))

Stream = tuple[str, str, str, str, int]
"""Suite, model, method, order and seed."""
Sequences = Mapping[tuple[str, str], tuple[str, ...]]
"""The tasks of each (suite, order), in the order in which they are learned."""
Benchmarks = Mapping[str, Sequence[str]]
"""The orders of each benchmark of a suite."""


def read_streams(path: str | Path) -> list[Row]:
    """The rows of streams with their types; an empty cell becomes None.

    Raises:
        InputError: other columns, an unknown method or metric, or a cell that breaks what the contract of a row says;
            the message names the file and the line.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != COLUMNS:
            raise InputError(f"columns must be {', '.join(COLUMNS)}, not {', '.join(map(str, cells))}", where=where)
        if None in cells.values():
            raise InputError("has fewer cells than the header", where=where)
        row: Row = {column: cells[column] or None for column in COLUMNS}
        for column in ("seed", "stage", "n"):
            row[column] = _whole(column, cells[column], where)
        row["value"] = _number(cells["value"], where)
        _check(row, where)
        rows.append(row)
    return rows


def gather_streams(files: Iterable[str | Path]) -> list[Row]:
    """The rows of all files, sorted by what they measure so that the order of the files does not matter.

    Raises:
        InputError: as `read_streams` and `sequences`, or two rows measure the same thing.
    """
    origin: dict[tuple[Any, ...], str] = {}
    rows = []
    for path in files:
        for row in read_streams(path):
            key = tuple(row[column] for column in _KEY)
            if key in origin:
                named = ", ".join(f"{column} {row[column]}" for column in _KEY if row[column] is not None)
                raise InputError(f"measures again what {origin[key]} holds: {named}", where=str(path))
            origin[key] = str(path)
            rows.append(row)
    sequences(rows)
    return sorted(rows, key=_place)


def sequences(rows: Iterable[Row]) -> dict[tuple[str, str], tuple[str, ...]]:
    """The tasks of every order, as its stages trained them.

    An order that was only trained jointly has no sequence and is left out.

    Raises:
        InputError: two streams of an order trained different tasks at a stage, a task comes twice, a stage is missing,
            or a task is tested that the order does not train.
    """
    found: dict[tuple[str, str], dict[int, str]] = defaultdict(dict)
    tested: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        order = row["suite"], row["order"]
        if row["test_task"] is not None:
            tested[order].add(row["test_task"])
        if row["train_task"] is None:
            continue
        if found[order].setdefault(row["stage"], row["train_task"]) != row["train_task"]:
            before = found[order][row["stage"]]
            raise InputError(
                f"stage {row['stage']} of order `{order[1]}` of suite `{order[0]}` trained {before} and, with method "
                f"{row['method']}, {row['train_task']}"
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


def matrices(rows: Iterable[Row], orders: Sequences, metric: str = "accuracy") -> dict[Stream, np.ndarray]:
    """The stage x task matrix of each stream; NaN is what was not measured.

    Args:
        rows: of `read_streams`; those of an order without a sequence are left aside.
        orders: of `sequences`.
        metric: one of SCORES.
    """
    found: dict[Stream, np.ndarray] = {}
    for row in rows:
        sequence = orders.get((row["suite"], row["order"]))
        if row["metric"] != metric or sequence is None:
            continue
        key = row["suite"], row["model"], row["method"], row["order"], row["seed"]
        if key not in found:
            found[key] = np.full((len(sequence) + 1, len(sequence)), np.nan)
        found[key][row["stage"], sequence.index(row["test_task"])] = row["value"]
    return found


def alone(found: Mapping[Stream, np.ndarray], stream: Stream) -> np.ndarray | None:
    """Accuracy on each task of a stream after training on it alone, with the same seed; None where it was not run.

    Args:
        found: of `matrices`.
        stream: whose suite, model, order and seed are taken.
    """
    suite, model, _, order, seed = stream
    matrix = found.get((suite, model, "pertask", order, seed))
    return None if matrix is None else np.diagonal(matrix, offset=-1)


def by_order(order: str) -> tuple[bool, int, str]:
    """Sort key of the names of orders: numbers by their size, before all others."""
    return (not order.isdecimal(), int(order) if order.isdecimal() else 0, order)


def by_method(method: str) -> int:
    """Sort key of methods: their place in METHODS."""
    return list(METHODS).index(method)


def _place(row: Row) -> tuple[Any, ...]:
    return (
        row["suite"], row["model"], by_order(row["order"]), by_method(row["method"]), row["seed"], row["stage"],
        (*SCORES, *COSTS).index(row["metric"]), row["train_task"] or "", row["test_task"] or "",
    )  # fmt: skip


def _whole(column: str, text: str, where: str) -> int | None:
    if not text:
        return None
    if not (text.isascii() and text.isdecimal()):
        raise InputError(f"`{column}` is `{text}`, not a whole number", where=where)
    return int(text)


def _number(text: str, where: str) -> float | None:
    if not text:
        return None
    try:
        number = float(text)
    except ValueError:
        number = math.nan
    if not math.isfinite(number):
        raise InputError(f"`value` is `{text}`, not a finite number", where=where)
    return number


def _check(row: Row, where: str) -> None:
    if row["method"] not in METHODS:
        raise InputError(f"method is `{row['method'] or ''}`, not one of {', '.join(METHODS)}", where=where)
    if row["metric"] not in (*SCORES, *COSTS):
        raise InputError(f"metric is `{row['metric'] or ''}`, not one of {', '.join((*SCORES, *COSTS))}", where=where)
    score = row["metric"] in SCORES
    needed = ["suite", "model", "seed", "order", "stage", *(["test_task", "n"] if score else [])]
    # A training that diverges has no loss.
    needed += [] if row["metric"] == "loss" else ["value"]
    for column in needed:
        if row[column] is None:
            raise InputError(f"`{column}` is empty in a row of {row['metric']}", where=where)
    if not score and (row["test_task"] is not None or row["n"] is not None):
        raise InputError(f"{row['metric']} is of a stage and has neither test_task nor n", where=where)
    if score and not (0 <= row["value"] <= 100 and row["n"] > 0):
        raise InputError(f"a {row['metric']} of {row['value']:g} % of {row['n']} examples", where=where)
    if not score and row["value"] is not None and row["value"] < 0:
        raise InputError(f"`{row['metric']}` is {row['value']:g}, below 0", where=where)
    if row["stage"] == 0 and row["train_task"] is not None:
        raise InputError(f"stage 0, before anything is learned, has train_task `{row['train_task']}`", where=where)
    if row["stage"] and row["train_task"] is None and row["method"] != "multitask":
        raise InputError(f"`train_task` is empty at stage {row['stage']}", where=where)
    if row["method"] == "pertask" and score and row["stage"] and row["train_task"] != row["test_task"]:
        raise InputError(
            f"pertask trains {row['train_task']} and tests {row['test_task']}; each task is trained alone", where=where
        )
