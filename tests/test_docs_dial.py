"""The page about the dial says what stands in the table."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "dial.md").read_text(encoding="utf-8").split("## What was found")[1]
ROWS = [line.split("|")[2].strip() for line in PAGE.splitlines() if line.startswith("| ")][1:]
WITHIN, OVER = "taylor-10-layer", "taylor-10-model"


def _correlation(measure, sets, selection, against="shared", given=""):
    key = (measure, sets, selection, against, given, "", "all")
    names = ("measure", "sets", "selection", "against", "given", "shared", "seed")
    with (ROOT / "results" / "tables" / "dial_summary.csv").open() as file:
        (row,) = (row for row in csv.DictReader(file) if tuple(row[name] for name in names) == key)
    return row


def _told(row):
    low, high = (f"{float(row[side]):.2f}" for side in ("low", "high"))
    return f"{float(row['value']):.2f} ({low} to {high})"


@pytest.mark.parametrize(
    "place, measure, sets",
    [
        (0, "transfer_rougeL", ""),
        (1, "transfer_loss", ""),
        (2, "overlap", "base"),
        (3, "overlap", "shuffled"),
        (4, "overlap", "multitask"),
        (5, "overlap", "source"),
        (6, "masked_cosine", "base"),
        (7, "mean_cosine", "base"),
        (8, "mean_cosine_outside", "base"),
        (9, "best_match_outside", "base"),
        (10, "masked_cosine", "source"),
        (11, "change_cosine", ""),
    ],
)
def test_correlations_are_those_of_the_table(place, measure, sets):
    cell = ROWS[place]
    assert cell.split(" [")[0] == _told(_correlation(measure, sets, WITHIN if sets else ""))
    if over := re.search(r"\[(.*)\]", cell):
        assert over.group(1) == f"{float(_correlation(measure, sets, OVER)['value']):.2f}"


@pytest.mark.parametrize("measure, sets", [("overlap", "base"), ("change_cosine", "")])
@pytest.mark.parametrize("against", ["transfer_loss", "transfer_rougeL"])
def test_what_predicts_beyond_shared_skills_is_that_of_the_table(measure, sets, against):
    assert _told(_correlation(measure, sets, WITHIN if sets else "", against, "shared")) in " ".join(PAGE.split())
