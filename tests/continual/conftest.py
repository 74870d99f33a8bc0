"""Fixtures of a tiny stream, and few collections of garbage in every test."""

import pytest
from stream_fixtures import few_garbage, make_tuner, stream

__all__ = ["few_garbage", "make_tuner", "stream"]


@pytest.fixture(scope="module", autouse=True)
def always_few(few_garbage):
    """In every test here."""
