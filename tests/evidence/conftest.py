from collections.abc import Callable
from typing import Any

import pytest
from made_up_results import make_rows, make_tasks


@pytest.fixture
def tasks() -> list[dict[str, Any]]:
    return make_tasks()


@pytest.fixture
def rows_of() -> Callable[..., list[dict[str, Any]]]:
    return make_rows
