"""Tables of typed rows: what is written is read again, and a cell that breaks its column is named."""

import csv
from dataclasses import dataclass
from typing import Annotated, Literal

import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.table import Column, Table


@dataclass(frozen=True)
class Line:
    """A row with every type that a column can have.

    Attributes:
        name: text.
        note: text or nothing.
        seed: a seed, or all.
        share: a whole number stays one.
        value: measured.
        exact: a truth value or nothing.
        kind: one of two words.
    """

    name: str
    note: str | None
    seed: int | Literal["all"]
    share: Annotated[int | float | None, Column(unit="%", low=0, high=100)]
    value: Annotated[float | None, Column(unit="nats", measured=True)]
    exact: bool | None
    kind: Literal["cls", "gen"]


LINES = Table(Line, order=lambda row: (str(row.seed), row.name))
# Carriage returns are refused; a text that is empty is read as the empty text.
TEXT = st.text(st.characters(exclude_characters="\r\x00", exclude_categories=["Cs"]), min_size=1, max_size=12)
ROWS = st.builds(
    Line,
    name=TEXT,
    note=st.none() | TEXT,
    seed=st.integers(-5, 5) | st.just("all"),
    share=st.none() | st.integers(0, 100) | st.floats(0, 100),
    value=st.none() | st.floats(allow_nan=False, allow_infinity=False),
    exact=st.none() | st.booleans(),
    kind=st.sampled_from(["cls", "gen"]),
)
GOOD = {"name": "a", "note": "", "seed": "0", "share": "10", "value": "1.5", "exact": "True", "kind": "cls"}


def lay(path, *lines, columns=LINES.columns):
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file, lineterminator="\n").writerows([columns, *lines])
    return path


@given(st.lists(ROWS, max_size=5))
def test_what_is_written_is_read_again_and_written_alike(tmp_path_factory, rows):
    folder = tmp_path_factory.mktemp("table")
    LINES.write(folder / "one.csv", rows)
    read = LINES.read(folder / "one.csv")
    assert read == rows and [type(row.share) for row in read] == [type(row.share) for row in rows]
    LINES.write(folder / "two.csv", read)
    assert (folder / "one.csv").read_bytes() == (folder / "two.csv").read_bytes()


def test_pandas_reads_the_same_values(tmp_path):
    rows = [Line("a", None, 0, 10, 1 / 3, True, "cls"), Line("b", "x, y", 1, 2.5, None, None, "gen")]
    LINES.write(tmp_path / "t.csv", rows)
    frame = pd.read_csv(tmp_path / "t.csv")
    assert list(frame.columns) == list(LINES.columns)
    assert frame["value"][0] == rows[0].value and pd.isna(frame["value"][1]) and frame["note"][1] == "x, y"


@pytest.mark.parametrize(
    ("column", "cell", "said"),
    [
        ("seed", "one", "`seed`: is `one`; expected a whole number or one of all"),
        ("seed", "", "`seed`: is empty; expected a whole number"),
        ("share", "101", "`share`: is `101`; expected a whole number or a number or nothing or in [0, 100]"),
        ("share", "x", "`share`: is `x`"),
        ("value", "nan", "`value`: is `nan`; expected a number"),
        ("value", "1e999", "`value`: is `1e999`"),
        ("exact", "yes", "`exact`: is `yes`; expected True or False"),
        ("kind", "other", "`kind`: is `other`; expected one of cls, gen"),
    ],
)
def test_a_cell_that_breaks_its_column_is_named_with_file_line_and_what_was_expected(tmp_path, column, cell, said):
    path = lay(tmp_path / "bad.csv", list(GOOD.values()), list((GOOD | {column: cell}).values()))
    with pytest.raises(InputError) as caught:
        LINES.read(path)
    assert f"{path}:3" in str(caught.value) and said in str(caught.value)


def test_other_columns_and_short_rows_are_refused(tmp_path):
    with pytest.raises(InputError, match="columns must be name, note"):
        LINES.read(lay(tmp_path / "a.csv", ["x"], columns=["name"]))
    with pytest.raises(InputError, match=r"b.csv:2: has 2 cells, the header 7"):
        LINES.read(lay(tmp_path / "b.csv", ["x", "y"]))
    (tmp_path / "c.csv").write_text("")
    with pytest.raises(InputError, match="not none"):
        LINES.read(tmp_path / "c.csv")


def test_the_contract_of_a_row_is_checked_with_its_place(tmp_path):
    @dataclass(frozen=True)
    class Ordered:
        """Attributes:
        low: not above high.
        high: the other end.
        """

        low: float
        high: float

        def __post_init__(self):
            if self.low > self.high:
                raise ValueError("`low` is above `high`")

    path = lay(tmp_path / "o.csv", ["2", "1"], columns=["low", "high"])
    with pytest.raises(InputError, match=r"o.csv:2: `low` is above `high`"):
        Table(Ordered).read(path)


def test_files_are_gathered_in_one_order_whatever_theirs_and_nothing_is_measured_twice(tmp_path):
    first, second = [Line("b", None, 0, None, 1.0, None, "cls")], [Line("a", None, 0, None, 2.0, None, "cls")]
    LINES.write(tmp_path / "1.csv", first)
    LINES.write(tmp_path / "2.csv", second)
    paths = [tmp_path / "1.csv", tmp_path / "2.csv"]
    assert LINES.gather(paths) == LINES.gather(paths[::-1]) == second + first
    LINES.write(tmp_path / "3.csv", [Line("a", None, 0, None, 3.0, None, "cls")])
    with pytest.raises(InputError, match=r"3.csv: measures again what .*2.csv holds: name a, seed 0, kind cls"):
        LINES.gather([*paths, tmp_path / "3.csv"])


def test_a_carriage_return_is_refused(tmp_path):
    with pytest.raises(ValueError, match="carriage return"):
        LINES.write(tmp_path / "r.csv", [Line("a\rb", None, 0, None, None, None, "cls")])
