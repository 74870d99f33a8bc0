"""docs/tables.md says of every column of every table what it is, and cannot be stale."""

import csv
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, Literal

import pytest
from markdown_it import MarkdownIt

from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.studies.all_tables import all_tables
from taskneurons.studies.registry import STUDIES
from taskneurons.studies.tables_page import PAGE_FILE, meanings, page, type_words
from taskneurons.table import Column, Table

TABLES = all_tables()


@dataclass(frozen=True)
class Base:
    """What both have.

    Attributes:
        model, suite: the run.
    """

    model: str
    suite: str


@dataclass(frozen=True)
class Row(Base):
    """A row of a made-up table: it goes on
    in a second line.

    Attributes:
        score: percent; 100 | 0: all or
            nothing. note: no column of its own.
        low, high, a_long_name_that_leaves_no_room:
            limits of the interval.

    Raises:
        ValueError: never.
    """

    score: float
    low: float
    high: float
    a_long_name_that_leaves_no_room: float


def test_a_meaning_is_what_stands_behind_the_name_in_the_docstring() -> None:
    assert meanings(Row, Table(Row).columns) == {
        "model": "the run.",
        "suite": "the run.",
        "score": "percent; 100 | 0: all or nothing. note: no column of its own.",
        "low": "limits of the interval.",
        "high": "limits of the interval.",
        "a_long_name_that_leaves_no_room": "limits of the interval.",
    }


def test_a_column_without_a_meaning_and_a_meaning_without_a_column_are_refused_by_name() -> None:
    with pytest.raises(InputError, match=r"page\.Row: no meaning of the column n, reason\. Say it below `Attributes:`"):
        meanings(Row, [*Table(Row).columns, "n", "reason"])
    with pytest.raises(InputError, match=r"page\.Row: the docstring describes high, which is no column"):
        meanings(Row, ["model", "suite", "score", "low", "a_long_name_that_leaves_no_room"])


@pytest.mark.parametrize(
    ("kind", "column", "words"),
    [
        (str, Column(), "text"),
        (int | None, Column(low=0), "whole number ≥ 0 or empty"),
        (int | float, Column(low=-1, high=1), "number from -1 to 1"),
        (float, Column(high=0.5), "number ≤ 0.5"),
        (bool | None, Column(), "`True` or `False` or empty"),
        (Literal["a", "b"], Column(), "`a`, `b`"),
        (int | Literal["all"], Column(low=0), "whole number ≥ 0 or `all`"),
        (Literal["a", ""], Column(), "`a`, empty"),
        (str | None, Column(), "text or empty"),
    ],
)
def test_types_are_said_as_tables_read_them(kind: Any, column: Column, words: str) -> None:
    """Against the table itself: it takes what the words say, and refuses what they do not."""
    assert type_words(kind, column) == words

    @dataclass(frozen=True)
    class One:
        cell: Annotated[kind, column]  # type: ignore[valid-type]

    one = Table(One)

    def taken(cell: str, folder: Path = Path("/nowhere")) -> bool:
        try:
            one._parsers["cell"](cell)
        except ValueError:
            return False
        return True

    assert taken("") == ("empty" in words or "text" in words)
    assert taken("0") == ("number" in words or "text" in words)
    assert taken("0.25") == (words.startswith("number") or "text" in words)
    assert taken("-7") == (("≥" not in words and "from" not in words and "number" in words) or "text" in words)
    assert taken("True") == ("True" in words or "text" in words)
    assert taken("a") == ("`a`" in words or "text" in words)
    assert taken("all") == ("`all`" in words or "text" in words)


@pytest.mark.parametrize("stem", TABLES)
def test_every_column_of_a_table_has_a_meaning(stem: str) -> None:
    assert set(TABLES[stem].columns) <= set(meanings(TABLES[stem].row, TABLES[stem].columns))


def test_every_table_of_results_has_a_row_class_with_its_columns(root: Path) -> None:
    found = {path.stem: next(csv.reader(path.open(newline=""))) for path in (root / "results/tables").glob("*.csv")}
    assert len(found) > 30
    assert {stem: list(TABLES[stem].columns) if stem in TABLES else None for stem in found} == found


def test_every_table_has_a_heading_in_its_study() -> None:
    """So that the page and the report say in words what it is."""
    assert set(TABLES) == {stem for study in STUDIES for stem, _ in study.tables}


def test_the_page_has_a_line_for_every_column_of_every_row_class() -> None:
    """Read by a parser of Markdown, which a bar or a line break in a meaning would lead astray."""
    tokens = MarkdownIt("commonmark").enable("table").parse(page())
    rows: list[list[str]] = []
    for place, token in enumerate(tokens):
        if token.type == "tr_open":
            rows.append([])
        elif token.type == "td_open":
            rows[-1].append(tokens[place + 1].content)
    lines = [row for row in rows if row]
    classes = {table.row: table for table in TABLES.values()}
    assert [row[0] for row in lines] == [f"`{name}`" for table in classes.values() for name in table.columns]
    assert {len(row) for row in lines} == {4}
    assert all(row[1] and row[3] for row in lines)


def test_the_page_is_that_of_the_row_classes(root: Path) -> None:
    assert (root / PAGE_FILE).read_text() == page(), "stale: run `taskneurons tables docs`"


def test_the_command_writes_the_page_and_says_when_it_is_stale(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "docs").mkdir()
    assert main(["tables", "docs"]) == 0
    assert (tmp_path / PAGE_FILE).read_text() == page()
    assert main(["tables", "docs", "--check"]) == 0
    (tmp_path / PAGE_FILE).write_text(page() + "\n")
    assert main(["tables", "docs", "--check"]) == 1
    assert f"{PAGE_FILE}: stale. Run `taskneurons tables docs`" in capsys.readouterr().out
    assert (tmp_path / PAGE_FILE).read_text() == page() + "\n", "a check writes nothing"
