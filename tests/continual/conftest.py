"""A tiny checkpoint and a tiny stream on disk, and workshops that stand on them."""

import pytest
from small_checkpoint import lay_checkpoint
from small_stream import STREAM, lay_stream_task

from taskneurons.continual.workshop import Workshop
from taskneurons.engine.cells import Recipe


@pytest.fixture(scope="session")
def stream(tmp_path_factory):
    """A folder with the checkpoint `model` and the data folder of each task of `STREAM`."""
    folder = tmp_path_factory.mktemp("stream")
    lay_checkpoint(folder / "model")
    for name, task in STREAM.items():
        lay_stream_task(folder / name, task)
    return folder


@pytest.fixture
def workshop(stream, tmp_path):
    """Makes workshops on the stream; settings of the recipe can be changed."""

    def make(*, resume=tmp_path / "resume.safetensors", checkpoint_minutes=5.0, dtype="float32", **recipe):
        settings = {"steps": 6, "batch_size": 4, "warmup": 1, "seed": 0}
        evaluation = {"batch_size": 6, "max_new_tokens": 4}
        return Workshop.load(
            stream / "model",
            {name: stream / name for name in STREAM},
            Recipe(**(settings | {"evaluation": evaluation} | recipe)),
            device="cpu",
            dtype=dtype,
            resume=resume,
            checkpoint_minutes=checkpoint_minutes,
        )

    return make
