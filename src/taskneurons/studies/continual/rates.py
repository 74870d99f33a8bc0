"""What was tried on the development order: learning rates, strengths and temperatures of each method."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

from taskneurons.errors import InputError
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import TRIALS, RateRow

Knob = Literal["learning_rate", "strength", "temperature"]
KNOBS: tuple[Knob, ...] = ("learning_rate", "strength", "temperature")


def rate_table(files: Iterable[str | Path]) -> list[RateRow]:
    """Every trial of every method, sorted.

    Args:
        files: `.../<suite>/<model>/rates/<group>.csv`.

    Raises:
        InputError: as `Table.read`; a method is unknown or is in two files of a run, or not exactly one trial of a
            method is chosen.
    """
    rows: list[RateRow] = []
    methods: dict[tuple[str, str, str], str] = {}
    for path in map(Path, files):
        suite, model = path.parts[-4:-2]
        own: dict[str, list[RateRow]] = defaultdict(list)
        for trial in TRIALS.read(path):
            own[trial.method].append(RateRow(suite, model, path.stem, **asdict(trial), at_edge=False))
        for method, tried in own.items():
            if method not in METHODS:
                raise InputError(f"there is no method `{method}`", where=str(path))
            chosen = [row for row in tried if row.chosen]
            if len(chosen) != 1:
                raise InputError(f"{len(chosen)} trials of {method} are chosen, not one", where=str(path))
            if before := methods.get((suite, model, method)):
                raise InputError(f"{method} was tried in {before}, too", where=str(path))
            methods[suite, model, method] = path.stem
            rows += with_edges(tried)
    return sorted(rows, key=_place)


def with_edges(tried: Sequence[RateRow]) -> list[RateRow]:
    """The trials of one method, those marked that were chosen at the edge of their grid: a better one may lie beyond.

    A strength is tried at one rate: the edges of each knob are those of all trials. A knob with one value has no edge.
    """
    edges: dict[Knob, set[float]] = {}
    for knob in KNOBS:
        grid = sorted({value for row in tried if (value := value_of(row, knob)) is not None})
        edges[knob] = {grid[0], grid[-1]} if len(grid) > 1 else set()
    return [
        replace(row, at_edge=row.chosen and any(value_of(row, knob) in edges[knob] for knob in KNOBS)) for row in tried
    ]


def value_of(row: RateRow, knob: Knob) -> float | None:
    """What was tried of a rate, strength or temperature; None where the method has none."""
    value: float | None = getattr(row, knob)
    return value


def _place(row: RateRow) -> tuple[Any, ...]:
    knobs = [value_of(row, knob) for knob in KNOBS]
    return row.suite, row.model, by_method(row.method), [(value is not None, value or 0.0) for value in knobs]
