"""The numbers that the papers print, read from `published/` with checks."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_csv


@dataclass(frozen=True)
class PublishedTable:
    """The form of one published table.

    Args:
        file: its name under `published/leng2025/`.
        key: columns that name a value; no two rows share them.
        values: numeric columns with the lowest and highest possible value.
    """

    file: str
    key: tuple[str, ...]
    values: Mapping[str, tuple[float, float]]


_PERCENT = (0.0, 100.0)
_CONDITIONS = ("model", "condition", "task", "task_type", "metric")
_CONTROLLED = ("overlap_percent", "trained_percent")
LENG2025 = {
    "T1": PublishedTable("table1_deactivation_llama2_7b.csv", _CONDITIONS, {"value": _PERCENT}),
    "T2": PublishedTable("table2_neuron_tuning_llama2_7b.csv", _CONDITIONS, {"value": _PERCENT}),
    "T4": PublishedTable(
        "table4_similarity_correlation.csv", ("test_task", "coefficient"), {"r": (-1.0, 1.0), "p_value": (0.0, 1.0)}
    ),
    "T5": PublishedTable("table5_continual_learning.csv", ("method", "order"), {"value": _PERCENT}),
    "T6": PublishedTable("table6_deactivation_bloom_7b1.csv", _CONDITIONS, {"value": _PERCENT}),
    "T7": PublishedTable("table7_neuron_tuning_bloom_7b1.csv", _CONDITIONS, {"value": _PERCENT}),
    "T8": PublishedTable("table8_overlap.csv", ("train_test", "percent"), {"overlap": _PERCENT}),
    "T9": PublishedTable("table9_controlled_overlap_cls_cls.csv", _CONTROLLED, {"value": _PERCENT}),
    "T10": PublishedTable("table10_controlled_overlap_gen_gen.csv", _CONTROLLED, {"value": _PERCENT}),
    "T11": PublishedTable("table11_controlled_overlap_gen_cls.csv", _CONTROLLED, {"value": _PERCENT}),
    "T14": PublishedTable("table14_task_orders.csv", ("order", "benchmark", "tasks"), {}),
}


def read_published(folder: str | Path, table: str) -> list[dict[str, Any]]:
    """The rows of one table of Leng & Xiong 2025, numeric columns as floats.

    Args:
        folder: `published/leng2025`.
        table: `T1`, `T2`, `T4` to `T11` or `T14`.

    Raises:
        InputError: no such table, other columns, a repeated key, an empty key cell or an impossible value; the message
            names the file and the line.
    """
    if table not in LENG2025:
        raise InputError(f"there is no published table `{table}`; there are {', '.join(LENG2025)}")
    form = LENG2025[table]
    path = Path(folder) / form.file
    rows: list[dict[str, Any]] = []
    seen: dict[tuple[str, ...], int] = {}
    for line, cells in enumerate(read_csv(path), start=2):
        where = f"{path}:{line}"
        if tuple(cells) != (*form.key, *form.values):
            raise InputError(f"columns must be {', '.join((*form.key, *form.values))}", where=where)
        key = tuple(cells[column] for column in form.key)
        if not all(key):
            raise InputError("a cell that names the value is empty", where=where)
        if key in seen:
            raise InputError(f"repeats line {seen[key]}: {', '.join(key)}", where=where)
        seen[key] = line
        numbers = {column: _number(cells, column, limits, where) for column, limits in form.values.items()}
        rows.append({**{column: cells[column] for column in form.key}, **numbers})
    if not rows:
        raise InputError("holds no values", where=str(path))
    return rows


def published_task(name: str, source: str, published: list[dict[str, Any]]) -> str | None:
    """The task of the paper that one of ours is, or mirrors: None when there is none.

    It is the one with our task's name, else the one that its source names (`mirrors SST-2`, `stanfordnlp/sst2`), both
    without regard to case and punctuation.

    Args:
        name, source: of our task.
        published: rows of T1 or T6.
    """
    theirs = {_plain(row["task"]): row["task"] for row in published if not row["task"].startswith("mean_")}
    if _plain(name) in theirs:
        return theirs[_plain(name)]
    # Longest first, so that a name inside another one does not win.
    named = [plain for plain in sorted(theirs, key=len, reverse=True) if plain in _plain(source)]
    return theirs[named[0]] if named else None


def _plain(name: str) -> str:
    return re.sub(r"[^a-z0-9]", "", name.lower())


def _number(cells: Mapping[str, str], column: str, limits: tuple[float, float], where: str) -> float:
    try:
        number = float(cells[column])
    except (TypeError, ValueError):
        number = math.nan
    if not limits[0] <= number <= limits[1]:
        raise InputError(
            f"`{column}` is `{cells[column]}`, not a number from {limits[0]:g} to {limits[1]:g}", where=where
        )
    return number
