"""The page about training neurons says what stands in the tables of the embedded default."""

import csv
import re
from pathlib import Path

import pytest

from taskneurons.evidence.tasks import SCORE

ROOT = Path(__file__).resolve().parents[1]
TABLES = ROOT / "results" / "tables"
PAGE = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
LINES = {line.split("|")[1].strip(): line.split("|")[2:-1] for line in PAGE.splitlines() if line.startswith("| ")}
MODELS = ("llama_early", "bloom_early")
NULLS = {
    "random, same layers": "random",
    "random, any layer": "uniform",
    "keystone neurons": "keystone",
    "another family's": "other_task",
    "its sibling's": "sibling",
}


def the_row(table: str, **wanted: str) -> dict[str, str]:
    """The only row of a table with these cells."""
    with (TABLES / f"{table}.csv").open(encoding="utf-8") as lines:
        (row,) = (row for row in csv.DictReader(lines) if all(row[name] == cell for name, cell in wanted.items()))
    return row


def told(*numbers: str, digits: int = 1) -> str:
    """A value with its interval as the page writes it."""
    first, low, high = (re.sub(r"^-(0\.0+)$", r"\1", f"{float(number):.{digits}f}") for number in numbers)
    return f"{first} ({low} to {high})"


@pytest.mark.parametrize("kind", ["classification", "generation"])
@pytest.mark.parametrize("model", MODELS)
def test_leads_of_own_neurons_are_those_of_the_table(model, kind):
    column = 2 * (kind == "generation") + MODELS.index(model)
    for name, against in NULLS.items():
        row = the_row(
            "training_advantage", model=model, kind=kind, metric=SCORE[kind], scope="centre", condition="task",
            against=against, seed="mean",
        )  # fmt: skip
        expected = told(row["value"], row["low"], row["high"]) if row["value"] else "–"
        assert LINES[f"{name}; rate 0.001"][column].strip() == expected
    decided = f"{row['decided']} of {row['readings']}"
    assert LINES["readings that decide; rate 0.001"][column].strip() == decided


@pytest.mark.parametrize("model", MODELS)
def test_verdicts_on_what_the_settings_could_show_are_those_of_the_table(model):
    column = 2 + 3 * MODELS.index(model)
    for name, table in (("growing shares", "proportion_setting"), ("set overlap", "overlap_controlled_setting")):
        rows = [line for line in LINES if line.startswith(f"{name}: ")]
        assert len(rows) >= 3
        for line in rows:
            trained, tested = line.removeprefix(f"{name}: ").split(" → ")
            row = the_row(table, model=model, trained=trained, tested=tested)
            assert LINES[line][column].strip() == row["verdict"]


@pytest.mark.parametrize("model", MODELS)
def test_overlaps_beyond_chance_are_those_of_the_table(model):
    column = 1 + 2 * MODELS.index(model)
    kinds = {"CLS": "classification", "GEN": "generation"}
    for trained, one in kinds.items():
        for tested, other in kinds.items():
            rows = TABLES / "overlap_summary.csv"
            with rows.open(encoding="utf-8") as lines:
                (row,) = (
                    row
                    for row in csv.DictReader(lines)
                    if (row["model"], row["scope"], row["group"], row["layer"], row["seed"], float(row["percent"]))
                    == (model, "unions", f"{trained}-{tested}", "", "mean", 10)
                )
            value = f"{float(row['excess_layer']):.0f}"
            assert LINES[f"{one}, {other}"][column].split()[0] == value
