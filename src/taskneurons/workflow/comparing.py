"""Snakemake compares the params of jobs without pandas, which it would import to see whether one of them is a table.

That takes a quarter of a second of each plan. A param can be a table only where pandas was imported already.
"""

import sys
from typing import Any

KNOWN = ("9.27.1",)
"""Versions of Snakemake whose comparison was read. Another version is left as it is."""


def install() -> None:
    """Let the running Snakemake import pandas only where a param may be a table; other versions stay as they are."""
    from snakemake import __version__
    from snakemake.persistence import PersistenceBase

    if __version__ not in KNOWN or hasattr(PersistenceBase._serialize_param_pandas, "of"):
        return
    serialize = PersistenceBase._serialize_param_pandas

    def serialize_if_needed(persistence: Any, value: Any) -> str | object:
        if "pandas" in sys.modules:
            return serialize(persistence, value)
        return persistence._serialize_param_builtin(value)

    serialize_if_needed.of = serialize  # type: ignore[attr-defined]
    PersistenceBase._serialize_param_pandas = serialize_if_needed
