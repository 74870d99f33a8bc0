"""The page about the layers study names tests, files and figures that exist, and numbers that stand in the tables."""

import csv
import re
from pathlib import Path

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
    assert len(targets) >= 2
    assert [target for target in targets if not (ROOT / "docs" / target).exists()] == []


TABLES = ROOT / "results" / "tables"
MODEL = "llama_deep"


def _rows(table, **where):
    return [
        row for row in csv.DictReader((TABLES / table).open()) if all(row[key] == value for key, value in where.items())
    ]


def _cells(start, count=1):
    """What the page says beside a finding: the second cell of each of its rows."""
    found = [line.split("|")[2] for line in PAGE.splitlines() if line.startswith(f"| {start}")]
    assert len(found) == count, start
    return found


def test_gains_and_verdicts_are_those_of_the_tables():
    """Of the default's own tables: the numbers of the page follow them, or this fails."""
    one = {"model": MODEL, "suite": "wide", "metric": "cka_unbiased"}
    gains = {row["layer"]: row for row in _rows("layers_summary.csv", **one, role="experimental", group="")}
    unseen = {row["layer"]: row for row in _rows("layers_summary.csv", **one, scope="unseen", group="")}

    def told(row):
        return f"{float(row['gain']):.2f} [{float(row['gain_low']):.2f}, {float(row['gain_high']):.2f}]"

    for start, layer in (("Z2: E is *below* the base in", "1"), ("Z2: E is above the base in", "8")):
        assert told(gains[layer]) in _cells(start)[0]
    assert f"{told(unseen['1'])}, then {told(unseen['8'])}" in _cells("Z4: E is below the base")[0]
    base = [f"{float(gains[layer]['base']):.2f}" for layer in ("1", "8")]
    assert re.findall(r"\d\.\d\d", _cells("Z1: the base is like")[0]) == base
    for start, role, scope in (
        ("Z2: three groups of layers", "experimental", "all"),
        ("Z4: unseen tasks have no", "held_out", "unseen"),
    ):
        (found,) = _rows("layers_map.csv", **one, seed="mean", role=role, scope=scope)
        cell = _cells(start)[0]
        assert f"`{found['verdict']}`" in cell
        for name in ("p_value", "p_border", "power"):
            assert not found[name] or re.search(rf"\b{float(found[name]):.2g}\b", cell), (start, name)


def test_families_are_those_of_the_tables():
    one = {"model": MODEL, "suite": "wide", "metric": "cka_unbiased", "role": "experimental", "layer": "mean"}
    families = {row["group"]: row for row in _rows("layers_summary.csv", **one)}
    for start, column, groups in (
        ("Z3: sentiment and paraphrase", "base", ("sentiment", "paraphrase")),
        ("Z3: so are closed-book", "base", ("closed_book", "commonsense", "")),
        (
            "Z3: coreference and reading", "gain",
            ("coreference", "reading", "summary", "translation", "data_to_text", "", "commonsense"),
        ),
    ):  # fmt: skip
        told = [float(number) for number in re.findall(r"[+-]?\d\.\d\d", _cells(start)[0])]
        assert told == [round(float(families[group][column]), 2) for group in groups], start


def test_correlations_over_pairs_are_those_of_the_tables():
    both = "family, tested task"
    given = _cells("the same, given family and tested task", 2)
    for cell, measure, selection, condition in (
        (_cells("shared neurons with similar representations")[0], "excess~cka", "taylor-10-layer", ""),
        (_cells("shared neurons with transfer")[0], "excess~transfer_loss", "taylor-10-layer", ""),
        (given[0], "excess~transfer_loss", "taylor-10-layer", both),
        (_cells("similar representations with transfer")[0], "cka~transfer_loss", "", ""),
        (given[1], "cka~transfer_loss", "", both),
    ):
        rows = _rows("layers_joint.csv", model=MODEL, measure=measure, selection=selection, given=condition)
        assert cell.strip() == ", ".join(f"{float(row['value']):.2f}" for row in rows), measure
