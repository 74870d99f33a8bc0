"""The parameters that a job reads, as one text.

It is a Snakemake param of the rule, so that a change of a value makes the job run again, and nothing else does: not
the order of keys in a parameter file, not a comment.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def settings(**values: Any) -> str:
    """The values that a job reads as one canonical JSON text: sorted keys, no spaces, no NaN.

    Values are JSON values, tuples, paths, and pydantic models (dumped with all their fields). It is one text because
    Snakemake compares the params of a rule as an unordered set: two that swap their values would not be seen.

    Raises:
        TypeError: a value has no JSON form.
        ValueError: a number is NaN or infinite.
    """
    return json.dumps(
        values, default=_plain, sort_keys=True, ensure_ascii=False, allow_nan=False, separators=(",", ":")
    )


def _plain(value: Any) -> Any:
    if hasattr(value, "model_dump"):
        return value.model_dump(mode="json")
    if isinstance(value, Mapping):
        return dict(value)
    if isinstance(value, Path):
        return value.as_posix()
    raise TypeError(f"settings of a job are JSON values or pydantic models, not {type(value).__name__}")
