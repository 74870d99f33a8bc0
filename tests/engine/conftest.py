"""Fixtures of the tests that train."""

import pytest


@pytest.fixture
def fresh_accelerate():
    """accelerate allows one precision a process; a test of another one needs a clean state before and after."""
    # Here and not above: tests that train nothing do without torch.
    from accelerate.state import AcceleratorState

    AcceleratorState._reset_state(reset_partial_state=True)
    yield
    AcceleratorState._reset_state(reset_partial_state=True)
