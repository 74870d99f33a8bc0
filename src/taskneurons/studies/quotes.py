"""Tables inside pages that quote results: made from results/tables, so that no number is copied by hand.

A quote begins with a comment in YAML and ends with another one; what stands between them is made anew:

    <!-- quote
    table: training_advantage
    where: {suite: transfer, scope: centre, condition: task, seed: mean}
    head: own less
    rows:
      random neurons: {against: random}
      the sibling's: {against: sibling}
    columns:
      Llama: {model: llama}
      Bloom: {model: bloom}
    cell: "{value:.1f}[ ({low:.1f} to {high:.1f})]"
    -->
    <!-- end of quote -->

`in` names the folder of another study, such as `examples/smollm2`, whose `results/tables` is quoted then.
Each cell shows the one row of the table that has what `where`, its row and its column ask for. A row or a column may
name another `table` or `cell`; a row names in `columns` what it asks for in one column alone. What stands in square
brackets is left out where a number in it is missing. A cell without a row, or without its number, is a dash.
"""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

from taskneurons.errors import InputError
from taskneurons.files import read_text
from taskneurons.studies.all_tables import all_tables

TABLES = Path("results/tables")
PAGES = "docs/*.md"
KEYS = {"in", "table", "where", "head", "rows", "columns", "cell"}
_QUOTE = re.compile(r"<!-- quote\n(?P<asked>.*?)-->\n(?P<made>.*?)<!-- end of quote -->", re.DOTALL)
_OPTIONAL = re.compile(r"\[([^\]]*)\]")
_PLAIN = str.maketrans("", "", "[]")
_ABSENT = "–"


def pages() -> dict[str, str]:
    """Every page that quotes results, with its quotes made anew, by its path.

    Raises:
        InputError: as `quoted`.
    """
    found = {}
    for path in sorted(Path().glob(PAGES)):
        text = read_text(path)
        if "<!-- quote\n" in text:
            found[path.as_posix()] = quoted(text, path.as_posix())
    return found


def quoted(text: str, where: str) -> str:
    """A page with its quotes made anew.

    Args:
        text: of the page.
        where: its path, for messages.

    Raises:
        InputError: a quote is not of this form, names no table or column, or several rows fit one of its cells.
    """
    if text.count("<!-- quote\n") != text.count("<!-- end of quote -->"):
        raise InputError("a quote without its end, or an end without its quote", where=where)
    return _QUOTE.sub(
        lambda one: f"<!-- quote\n{one['asked']}-->\n{_table(one['asked'], where)}<!-- end of quote -->", text
    )


def _table(asked: str, where: str) -> str:
    """The table in Markdown."""
    try:
        quote = yaml.safe_load(asked)
    except yaml.YAMLError as error:
        raise InputError(f"a quote is no YAML ({str(error).splitlines()[0]})", where=where) from None
    if not isinstance(quote, dict) or not {"rows", "columns"} <= set(quote) <= KEYS:
        raise InputError(f"a quote needs rows and columns, and knows {', '.join(sorted(KEYS))}", where=where)
    shared = {key: quote[key] for key in ("in", "table", "cell") if key in quote} | (quote.get("where") or {})
    lines = [[str(quote.get("head", "")), *map(str, quote["columns"])], ["---"] * (1 + len(quote["columns"]))]
    for name, of_row in quote["rows"].items():
        row = dict(of_row or {})
        alone = row.pop("columns", {})
        cells = (shared | (ofs or {}) | row | alone.get(column, {}) for column, ofs in quote["columns"].items())
        lines.append([str(name), *(_cell(one, f"{where}, {name}") for one in cells)])
    return "\n" + "".join(f"| {' | '.join(line)} |\n" for line in lines) + "\n"


def _cell(asked: Mapping[str, Any], where: str) -> str:
    wanted = dict(asked)
    tables = Path(str(wanted.pop("in", ""))) / TABLES
    try:
        stem, cell = str(wanted.pop("table")), str(wanted.pop("cell"))
    except KeyError as missing:
        raise InputError(f"a quote needs {missing}", where=where) from None
    if stem not in all_tables():
        raise InputError(f"there is no table {stem}.csv", where=where)
    columns = all_tables()[stem].columns
    if unknown := [name for name in (*wanted, *_fields(cell.translate(_PLAIN))) if name not in columns]:
        raise InputError(f"{stem}.csv has no column {', '.join(unknown)}", where=where)
    fitting = [
        row
        for row in _rows(tables / f"{stem}.csv")
        if all(getattr(row, name) == value for name, value in wanted.items())
    ]
    if len(fitting) > 1:
        differ = [name for name in columns if len({getattr(row, name) for row in fitting}) > 1]
        raise InputError(
            f"{len(fitting)} rows of {stem}.csv fit, which differ in {', '.join(differ[:6])}",
            where=where,
            remedy="Name the value of one of these columns",
        )
    return _told(cell, {name: getattr(fitting[0], name) for name in columns}) if fitting else _ABSENT


def _told(cell: str, row: Mapping[str, Any]) -> str:
    """A cell: what is in brackets only where all its numbers are there."""

    def full(text: str) -> bool:
        return all(row[name] is not None for name in _fields(text))

    text = _OPTIONAL.sub(lambda part: part[1] if full(part[1]) else "", cell)
    # No minus before a number that rounds to zero.
    return re.sub(r"-(?=0(\.0+)?(?![\d.]))", "", text.format_map(row)) if full(text) else _ABSENT


def _fields(text: str) -> Iterator[str]:
    return (name for _, name, _, _ in Formatter().parse(text) if name)


@cache
def _rows(path: Path) -> list[Any]:
    return all_tables()[path.stem].read(path)
