"""Resources of Snakemake's jobs as numbers. Every job imports this, so that nothing else is imported here."""

from typing import Any


def amount(value: Any) -> float:
    """A resource as a number; what is not said, or follows from inputs that are not made yet, counts as nothing."""
    return value if isinstance(value, int | float) else 0
