"""Fixtures of a tiny stream."""

from stream_fixtures import make_tuner, stream

__all__ = ["make_tuner", "stream"]
