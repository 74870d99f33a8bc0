"""A tiny checkpoint and a tiny stream on disk, and tuners that stand on them.

torch is imported where it is used: tests of tables and figures, which stand beside others here, do without it.
"""

import pytest


@pytest.fixture(scope="session")
def stream(tmp_path_factory):
    """A folder with the checkpoint `model` and the data folder of each task of `STREAM`."""
    from small_checkpoint import lay_checkpoint
    from small_stream import STREAM, lay_stream_task

    folder = tmp_path_factory.mktemp("stream")
    lay_checkpoint(folder / "model")
    for name, task in STREAM.items():
        lay_stream_task(folder / name, task)
    return folder


@pytest.fixture
def make_tuner(stream, tmp_path):
    """Makes tuners on the stream; the checkpoint folder and settings of the recipe can be changed."""
    from small_stream import STREAM

    from taskneurons.continual.stream_tuner import StreamTuner
    from taskneurons.engine.evaluation import Evaluation
    from taskneurons.engine.execution import Execution
    from taskneurons.engine.fine_tuner import Recipe

    def make(
        *,
        base=stream / "model",
        checkpoint_minutes=5.0,
        dtype="float32",
        micro_batch_size=None,
        **recipe,
    ):
        settings = {"steps": 6, "batch_size": 4, "warmup": 1, "seed": 0}
        evaluation = Evaluation(batch_size=6, max_new_tokens=4)
        return StreamTuner.load(
            base,
            {name: stream / name for name in STREAM},
            Recipe(**(settings | {"evaluation": evaluation} | recipe)),
            Execution(
                dtype=dtype,
                resume=tmp_path / "resume",
                checkpoint_minutes=checkpoint_minutes,
                micro_batch_size=micro_batch_size,
            ),
        )

    return make
