"""The tasks of `made_up_tasks` as mappings, for studies without rows of their own type."""

from dataclasses import asdict
from typing import Any

from made_up_tasks import make_tasks as described


def make_tasks(suite: str = "synthetic") -> list[dict[str, Any]]:
    """The twelve tasks of the paper's design: six families of two."""
    return [
        {name: value for name, value in asdict(task).items() if name != "constant"} | {"options": list(task.options)}
        for task in described(suite)
    ]
