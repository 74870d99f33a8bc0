"""The page about the layers study names tests, files and figures that exist, and numbers that stand in the tables."""

import csv
import re
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "layers.md").read_text(encoding="utf-8")


def test_every_test_that_is_named_exists():
    named = set(re.findall(r"`(test_\w+)`", PAGE))
    known = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.M)
    }
    assert len(named) > 15
    assert not named - known


def test_every_link_leads_somewhere():
    targets = re.findall(r"\]\(([^)#]+)\)", PAGE)
    assert len(targets) >= 4
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []


@pytest.mark.parametrize("model, column", [("llama", 0), ("bloom", 1)])
def test_gains_and_verdicts_are_those_of_the_tables(model, column):
    """Of the default's own tables: the numbers of the page follow them, or this fails."""
    tables = ROOT / "results" / "tables"
    gains = {
        row["layer"]: row
        for row in csv.DictReader((tables / "layers_summary.csv").open())
        if (row["model"], row["suite"], row["role"], row["metric"], row["group"])
        == (model, "wide", "experimental", "cka_unbiased", "")
    }
    (verdict,) = (
        row
        for row in csv.DictReader((tables / "layers_map.csv").open())
        if (row["model"], row["suite"], row["role"], row["scope"], row["metric"])
        == (model, "wide", "experimental", "all", "cka_unbiased")
    )
    lines = {
        line.split("|")[1].strip()[:26]: line.split("|")[2 + column] for line in PAGE.splitlines() if line[:4] == "| Z2"
    }
    for start, layer in (("Z2: E is *below* the base i", "1"), ("Z2: E is above the base in", "4")):
        row = gains[layer]
        told = f"{float(row['gain']):.2f} [{float(row['gain_low']):.2f}, {float(row['gain_high']):.2f}]"
        assert told in lines[start[:26]]
    assert f"`{verdict['verdict']}`" in lines["Z2: three groups of layers"]
    base = " ".join(f"{float(gains[layer]['base']):.2f}" for layer in ("1", "4"))
    (first,) = (line.split("|")[2 + column] for line in PAGE.splitlines() if line.startswith("| Z1: the base is like"))
    assert " ".join(re.findall(r"\d\.\d\d", first)) == base
