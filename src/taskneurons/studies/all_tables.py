"""Every table below results/tables, by the stem of its file: the `TABLES` of the rows of each study."""

from functools import cache
from importlib import import_module
from typing import Any

from taskneurons.studies.registry import STUDIES
from taskneurons.table import Table


def tables_of(study: str) -> dict[str, Table[Any]]:
    """The tables of a study, by its name."""
    found: dict[str, Table[Any]] = import_module(f"taskneurons.studies.{study}.rows").TABLES
    return found


@cache
def all_tables() -> dict[str, Table[Any]]:
    """The tables, study by study."""
    return {stem: table for study in STUDIES for stem, table in tables_of(study.name).items()}
