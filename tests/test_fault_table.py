"""docs/faults.md and docs/cases.md name tests that exist, for every row, and scores that come out."""

import ast
import re
from pathlib import Path

import pytest
from rouge_score.rouge_scorer import RougeScorer

from taskneurons.measures.metrics import rouge_l, rule_for

NAMED = re.compile(r"`([\w/]+\.py)::(\w+)`")
ROW = re.compile(r"\| (\w+) \| (.+) \| (.+) \| (.+) \|")


@pytest.fixture(scope="module")
def rows(root: Path) -> list[tuple[str, ...]]:
    lines = (root / "docs" / "faults.md").read_text().splitlines()
    found = [ROW.fullmatch(line) for line in lines if line.startswith("| ") and not line.startswith("| row ")]
    assert all(found)
    return [match.groups() for match in found if match]


def test_every_row_names_tests_that_exist(rows: list[tuple[str, ...]], root: Path) -> None:
    for number, _, _, cell in rows:
        named = NAMED.findall(cell)
        assert named, f"row {number} names no test"
        assert NAMED.sub("", cell).strip(", ") == "", f"row {number}: {cell}"
        for file, function in named:
            tree = ast.parse((root / "tests" / file).read_text())
            functions = {node.name for node in tree.body if isinstance(node, ast.FunctionDef)}
            assert function in functions, f"row {number}: tests/{file} has no {function}"


def test_every_row_is_there_once_and_in_order(rows: list[tuple[str, ...]]) -> None:
    numbers = [number for number, *_ in rows]
    for letter, last in (("", 39), ("M", 10), ("T", 20), ("P", 16)):
        own = [number for number in numbers if re.fullmatch(letter + r"\d+", number)]
        assert own == [f"{letter}{n}" for n in range(1, last + 1)]


def test_every_case_names_tests_that_exist_or_scores_that_come_out(root: Path) -> None:
    """What a score was before is what rouge_score itself gives."""
    before, scored, named = RougeScorer(["rougeL"]), 0, 0
    for line in (root / "docs" / "cases.md").read_text(encoding="utf-8").splitlines():
        cells = [cell.strip() for cell in line.strip("|").split("|")]
        for file, function in NAMED.findall(line):
            assert f"def {function}(" in (root / "tests" / file).read_text(), f"tests/{file} has no {function}"
            named += 1
        if len(cells) == 4 and re.fullmatch(r"[\d.]+", cells[2]):
            answer, output = cells[0], cells[0] if cells[1] == "the same" else cells[1]
            was = 100 * before.score(answer, output)["rougeL"].fmeasure
            now = rouge_l([output], [(answer,)], rule_for([answer]))
            assert [float(cell) for cell in cells[2:]] == [pytest.approx(was, abs=0.05), pytest.approx(now, abs=0.05)]
            scored += 1
    assert scored >= 15 and named >= 12
