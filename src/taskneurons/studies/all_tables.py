"""Every table below results/tables, by the stem of its file: the `TABLES` of the rows of each study."""

from functools import cache
from importlib import import_module
from typing import Any

from taskneurons.studies.registry import STUDIES
from taskneurons.table import Table


@cache
def all_tables() -> dict[str, Table[Any]]:
    """The tables, study by study."""
    found: dict[str, Table[Any]] = {}
    for study in STUDIES:
        found |= import_module(f"taskneurons.studies.{study.name}.rows").TABLES
    return found
