"""Grid searches of learning rates and other settings: what was tried, and which choices lie at the edge of the grid."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar, Protocol, TypeVar


class Searched(Protocol):
    """A row of any table of a grid search: it says whether it was chosen, and whether at the edge of the grid."""

    __dataclass_fields__: ClassVar[dict[str, Any]]

    @property
    def chosen(self) -> bool:
        """Whether the study uses this point of the grid."""
        ...

    @property
    def at_edge(self) -> bool:
        """Whether it lies at an end of a grid, beyond which a better point may lie."""
        ...


Row = TypeVar("Row", bound=Searched)


def with_edges(rows: Sequence[Row], *searched: str) -> list[Row]:
    """The rows of one grid, those marked that were chosen at its edge: a better choice may lie beyond it.

    Args:
        rows: of trainings that were tried with the same grid.
        searched: the columns that the grid is over, such as `learning_rate`. A column with one value has no edge.
    """
    edges: dict[str, set[float]] = {}
    for column in searched:
        grid = sorted({value for row in rows if (value := getattr(row, column)) is not None})
        edges[column] = {grid[0], grid[-1]} if len(grid) > 1 else set()
    return [
        replace(row, at_edge=row.chosen and any(getattr(row, column) in edges[column] for column in searched))
        for row in rows
    ]
