"""docs/faults.md names tests that exist, for every row."""

import ast
import re
from pathlib import Path

import pytest

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
    for letter, last in (("", 35), ("M", 10), ("T", 20), ("P", 16)):
        own = [number for number in numbers if re.fullmatch(letter + r"\d+", number)]
        assert own == [f"{letter}{n}" for n in range(1, last + 1)]
