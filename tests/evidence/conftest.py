from typing import Any

import pytest
from made_up_results import make_tasks


@pytest.fixture
def tasks() -> list[dict[str, Any]]:
    return make_tasks()
