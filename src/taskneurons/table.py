"""Tables of results. Each has a row class whose fields say the type, the unit and the meaning of a column.

`Table(Row)` alone parses, checks, gathers, sorts and writes rows.
"""

import csv
import io
import math
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, fields
from pathlib import Path
from types import NoneType, UnionType
from typing import Annotated, Any, Generic, Literal, TypeVar, Union, get_args, get_origin, get_type_hints

from taskneurons.errors import InputError
from taskneurons.files import read_text, write_text

Row = TypeVar("Row")


@dataclass(frozen=True)
class Column:
    """What a column is beside its type; its meaning stands in the `Attributes:` of the row class.

    Attributes:
        unit: of its numbers.
        low, high: limits, both included.
        measured: whether it is a measured value, and no part of what tells rows apart.
    """

    unit: str = "-"
    low: float = -math.inf
    high: float = math.inf
    measured: bool = False


class Table(Generic[Row]):
    """The table of one row class.

    Args:
        row: a frozen dataclass. A field is `str`, `int`, `float`, `bool`, a `Literal`, a union of them, or one of these
            with a `Column` in `Annotated`. An empty cell is None where the type allows it, else an empty text. A row
            class that has a contract of its own checks it in `__post_init__` and raises ValueError.
        order: sort key of rows; None: their order is kept.
    """

    def __init__(self, row: type[Row], order: Callable[[Row], Any] | None = None) -> None:
        self.row, self.order = row, order
        hints = get_type_hints(row, include_extras=True)
        self.columns: tuple[str, ...] = tuple(field.name for field in fields(row))  # type: ignore[arg-type]
        self.kinds = {name: _split(hints[name]) for name in self.columns}
        self._parsers = {name: _parser(*self.kinds[name]) for name in self.columns}
        self._key = tuple(name for name in self.columns if not self.kinds[name][1].measured)

    def read(self, path: str | Path) -> list[Row]:
        """Read and check every row.

        Raises:
            InputError: other columns, a cell of another type, beyond its limits or empty where it must not be, or a row
                that breaks the contract of its class; the message names file, line, column and what was expected.
        """
        lines = csv.reader(io.StringIO(read_text(path), newline=""))
        header = tuple(next(lines, ()))
        if header != self.columns:
            raise InputError(
                f"columns must be {', '.join(self.columns)}, not {', '.join(header) or 'none'}", where=f"{path}:1"
            )
        parsers = tuple(self._parsers.values())
        rows = []
        for cells in lines:
            try:
                rows.append(self.row(*[parse(cell) for parse, cell in zip(parsers, cells, strict=True)]))
            except (TypeError, ValueError) as error:
                raise InputError(self._wrong(cells, error), where=f"{path}:{lines.line_num}") from None
        return rows

    def gather(self, paths: Iterable[str | Path]) -> list[Row]:
        """The rows of all files, sorted, so that the order of the files does not matter.

        Raises:
            InputError: as `read`, or two rows measure the same thing.
        """
        origin: dict[tuple[Any, ...], str | Path] = {}
        rows = []
        for path in paths:
            for row in self.read(path):
                key = tuple(getattr(row, name) for name in self._key)
                if key in origin:
                    named = ", ".join(f"{n} {v}" for n, v in zip(self._key, key, strict=True) if v not in (None, ""))
                    raise InputError(f"measures again what {origin[key]} holds: {named}", where=str(path))
                origin[key] = path
                rows.append(row)
        return self.sorted(rows)

    def sorted(self, rows: Iterable[Row]) -> list[Row]:
        """The rows in the order of the table."""
        return sorted(rows, key=self.order) if self.order else list(rows)

    def write(self, path: str | Path, rows: Iterable[Row]) -> None:
        """Write the rows as they come; None is an empty cell, floats keep their shortest exact form.

        Raises:
            ValueError: a cell holds a carriage return, which readers take for the end of a line.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(self.columns)
        writer.writerows([getattr(row, name) for name in self.columns] for row in rows)
        if "\r" in text.getvalue():
            raise ValueError(f"{path}: a cell holds a carriage return")
        write_text(path, text.getvalue())

    def _wrong(self, cells: Sequence[str], error: Exception) -> str:
        if len(cells) != len(self.columns):
            return f"has {len(cells)} cells, the header {len(self.columns)}"
        for (name, parse), cell in zip(self._parsers.items(), cells, strict=True):
            try:
                parse(cell)
            except ValueError as wrong:
                return f"`{name}`: {wrong}"
        return str(error)


def _split(hint: Any) -> tuple[Any, Column]:
    """The type of a column and what is said of it."""
    if get_origin(hint) is Annotated:
        kind, *notes = get_args(hint)
        return kind, next((note for note in notes if isinstance(note, Column)), Column())
    return hint, Column()


def _parser(kind: Any, column: Column) -> Callable[[str], Any]:
    """How the text of a cell becomes a value."""
    kinds = get_args(kind) if get_origin(kind) in (Union, UnionType) else (kind,)
    empty = None if NoneType in kinds else "" if str in kinds else ...
    choices = {str(one): one for each in kinds if get_origin(each) is Literal for one in get_args(each)}
    expected = _expected(kinds, choices, column)
    whole, number, truth, text_too = int in kinds, float in kinds, bool in kinds, str in kinds

    def parse(text: str) -> Any:
        if not text:
            if empty is ... and "" not in choices:
                raise ValueError(f"is empty; expected {expected}")
            return "" if empty is ... else empty
        if text in choices:
            return choices[text]
        if truth and text in ("True", "False"):
            return text == "True"
        value = _number(text, whole, number)
        if value is not None and math.isfinite(value) and column.low <= value <= column.high:
            return value
        if text_too:
            return text
        raise ValueError(f"is `{text}`; expected {expected}")

    return parse


def _number(text: str, whole: bool, fraction: bool) -> float | None:
    """The number that a text stands for, where the type of the column allows it."""
    if whole and (text.isdecimal() or (text[0] == "-" and text[1:].isdecimal())) and text.isascii():
        return int(text)
    if fraction:
        try:
            return float(text)
        except ValueError:
            return None
    return None


def _expected(kinds: Sequence[Any], choices: Iterable[str], column: Column) -> str:
    words = {int: "a whole number", float: "a number", bool: "True or False", str: "text", NoneType: "nothing"}
    said = [words[kind] for kind in kinds if kind in words]
    if named := list(choices):
        said.append("one of " + ", ".join(named))
    if (math.isfinite(column.low) or math.isfinite(column.high)) and (int in kinds or float in kinds):
        said.append(f"in [{column.low:g}, {column.high:g}]")
    return " or ".join(said)
