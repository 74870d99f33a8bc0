"""What the figures of streams share: colours and markers of methods, and how benchmarks and orders are named."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import cycle
from types import MappingProxyType
from typing import TypeVar

from matplotlib.lines import Line2D

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, BLUE, GREEN, GREY, ORANGE, PURPLE, SKY, VERMILLION
from taskneurons.studies.continual.methods import FAMILIES, METHODS, Family, by_method
from taskneurons.studies.continual.rows import MeasureRow, MethodRow, PublishedRow, RateRow, StreamRow, SummaryRow
from taskneurons.studies.continual.streams import by_order

Row = TypeVar("Row", StreamRow, MeasureRow, SummaryRow, MethodRow, PublishedRow, RateRow)
Look = tuple[str, str]
"""Colour and marker."""

FAMILY_LOOK: dict[Family, Look] = {
    "sequential": (GREY, "o"),
    "stored": (BLUE, "s"),
    "neurons": (VERMILLION, "D"),
    "static": (ORANGE, "^"),
    "dynamic": (GREEN, "v"),
    "bound": (BLACK, "P"),
}
_LINES: tuple[Look, ...] = (
    (GREY, "o"), (BLACK, "s"), (SKY, "v"), (GREEN, "P"), (BLUE, "^"), (PURPLE, "X"), (VERMILLION, "D"), (ORANGE, "o"),
    # A ninth colour, which differs from the others in its darkness.
    ("#5C3A00", "*"),
)  # fmt: skip
LINE_LOOK: Mapping[str, Look] = MappingProxyType(
    dict(zip((name for name, method in METHODS.items() if method.main and not method.is_bound), cycle(_LINES)))
)
"""Of the lines of the main variants."""


def of_run(rows: Iterable[Row], suite: str, model: str) -> list[Row]:
    """The rows of one model on one suite.

    Raises:
        InputError: there are none.
    """
    own = [row for row in rows if (row.suite, row.model) == (suite, model)]
    if not own:
        raise InputError(f"no stream of tasks of {model} on {suite} was measured")
    return own


def benchmarks_in(summary: Sequence[SummaryRow] | Sequence[MeasureRow]) -> dict[str, list[str]]:
    """The orders of each benchmark, the one with the fewest tasks first."""
    tasks = {row.benchmark: row.tasks for row in summary}
    return {
        name: sorted({row.order for row in summary if row.benchmark == name}, key=by_order)
        for name in sorted(tasks, key=lambda name: (tasks[name], name))
    }


def methods_in(rows: Iterable[Row]) -> list[str]:
    """The methods that the rows have, in the order of METHODS."""
    return sorted({row.method for row in rows}, key=by_method)


def seeds_in_words(summary: Iterable[SummaryRow]) -> str:
    """How many seeds are behind the means."""
    counts = sorted({row.n for row in summary if row.n})
    if counts in ([], [1]):
        return "One seed."
    return f"{counts[0]} seeds." if len(counts) == 1 else f"{counts[0]} to {counts[-1]} seeds, by method and order."


def family_handles(methods: Iterable[str]) -> list[Line2D]:
    """A legend of the families of the methods."""
    there = {METHODS[method].family for method in methods}
    return [
        Line2D([], [], color=colour, marker=marker, markersize=4.5, linewidth=0, label=FAMILIES[family])
        for family, (colour, marker) in FAMILY_LOOK.items()
        if family in there
    ]


def listed(parts: Sequence[str]) -> str:
    """In words: a, b and c."""
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
