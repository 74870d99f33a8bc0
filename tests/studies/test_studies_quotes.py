"""Pages that quote results: a cell is the one row that fits, with the digits that the page asks for."""

from dataclasses import dataclass
from pathlib import Path

import pytest

from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.studies import quotes
from taskneurons.table import Table

QUOTE = """\
# A page

<!-- quote
table: leads
where: {kind: classification, percent: 10}
head: own less
rows:
  random: {against: random}
  "the sibling's": {against: sibling}
columns:
  Llama: {model: llama}
  Bloom: {model: bloom}
cell: "{value:.1f}[ ({low:.1f} to {high:.1f})]"
-->
old
<!-- end of quote -->
the end
"""
LEADS = """\
model,kind,against,percent,value,low,high
llama,classification,random,10.0,1.26,-0.01,2.0
llama,classification,random,3.0,7.0,6.0,8.0
llama,classification,sibling,10.0,-0.04,-0.06,
bloom,classification,random,10.0,20.06,,
"""


@dataclass(frozen=True)
class Lead:
    model: str
    kind: str
    against: str
    percent: float
    value: float | None
    low: float | None
    high: float | None


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(quotes, "all_tables", lambda: {"leads": Table(Lead)})
    quotes._rows.cache_clear()
    for name, text in (("results/tables/leads.csv", LEADS), ("docs/page.md", QUOTE), ("docs/other.md", "# Other\n")):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path


def test_a_cell_is_the_one_row_that_fits_with_its_digits_and_its_interval_where_there_is_one():
    (made,) = quotes.pages().values()
    head, _, table = made.partition("-->\n")
    assert head == QUOTE.partition("-->\n")[0]
    assert table.splitlines() == [
        "",
        "| own less | Llama | Bloom |",
        "| --- | --- | --- |",
        "| random | 1.3 (0.0 to 2.0) | 20.1 |",
        "| the sibling's | 0.0 | – |",
        "",
        "<!-- end of quote -->",
        "the end",
    ]
    assert quotes.quoted(made, "docs/page.md") == made


def test_a_row_may_ask_for_something_else_in_one_column():
    row = "  random: {against: random, columns: {Llama: {percent: 3.0}}}"
    made = quotes.quoted(QUOTE.replace("  random: {against: random}", row), "docs/page.md")
    assert "| random | 7.0 (6.0 to 8.0) | 20.1 |" in made


def test_a_quote_may_be_of_the_study_in_another_folder(folder):
    other = folder / "examples/mine/results/tables/leads.csv"
    other.parent.mkdir(parents=True)
    other.write_text(LEADS.replace("1.26", "3.38"))
    made = quotes.quoted(QUOTE.replace("table: leads", "in: examples/mine\ntable: leads"), "docs/page.md")
    assert "| random | 3.4 (0.0 to 2.0) | 20.1 |" in made
    assert "| random | 1.3 (0.0 to 2.0) | 20.1 |" in quotes.quoted(QUOTE, "docs/page.md")


def test_a_page_whose_table_was_made_anew_is_stale_until_its_quotes_are(folder, capsys):
    assert main(["tables", "docs"]) == 0
    assert main(["tables", "docs", "--check"]) == 0
    leads = folder / "results/tables/leads.csv"
    leads.write_text(leads.read_text().replace("1.26", "1.44"))
    quotes._rows.cache_clear()
    assert main(["tables", "docs", "--check"]) == 1
    assert "docs/page.md: stale. Run `taskneurons tables docs`" in capsys.readouterr().out
    assert (folder / "docs/other.md").read_text() == "# Other\n"


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (", percent: 10}", "}", "docs/page.md, random: 2 rows of leads.csv fit, which differ in percent, value"),
        ("table: leads", "table: lead", "there is no table lead.csv"),
        ("{value:", "{mean:", "leads.csv has no column mean"),
        ("against: sibling", "againts: sibling", "leads.csv has no column againts"),
        ("table: leads\n", "", "a quote needs 'table'"),
        (
            "columns:",
            "column:",
            "a quote needs rows and columns, and knows cell, columns, head, in, rows, table, where",
        ),
        ("where: {", "where: {{", "docs/page.md: a quote is no YAML"),
        ("<!-- end of quote -->\n", "", "a quote without its end"),
    ],
)
def test_a_mistake_in_a_quote_is_one_sentence(old, new, said):
    with pytest.raises(InputError) as caught:
        quotes.quoted(QUOTE.replace(old, new), "docs/page.md")
    assert said in str(caught.value) and "\n" not in str(caught.value)
