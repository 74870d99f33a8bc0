"""Fixtures of a tiny stream."""

from stream_fixtures import few_garbage, make_tuner, stream

__all__ = ["few_garbage", "make_tuner", "stream"]
