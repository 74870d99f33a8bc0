"""The table of the models: what they score before anything is done to them."""

from typing import Any

from taskneurons.evidence.measurements import MEASUREMENTS
from taskneurons.table import Table

TABLES: dict[str, Table[Any]] = {"models": MEASUREMENTS}
