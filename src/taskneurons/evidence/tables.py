"""Tasks as mappings, for tables without rows of their own type."""

from collections.abc import Mapping, Sequence
from typing import Any

Tasks = Sequence[Mapping[str, Any]]
