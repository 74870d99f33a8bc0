"""One model per task: each task alone, from the base, with weights of its own. Forgetting is measured against it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.whole import learn_whole, stage_weights, weight_bytes


@dataclass(frozen=True)
class PerTask:
    """Fine-tuning of all weights on one task alone; the task of a test example is known.

    Args:
        learning_rate: of every task.
    """

    learning_rate: float
    name: str = "pertask"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """The newest task alone."""
        return tasks[-1:]

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train all weights from the base."""
        return learn_whole(tuner, task, {task: tuner.training(task)}, None, tuner.recipe.schedule(self.learning_rate))

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer the newest task with its own weights; those of the others have not changed."""
        if seen and seen[-1].task in tasks:
            with stage_weights(tuner, seen[-1]):
                yield seen[-1].task, tuner.score(seen[-1].task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """New weights for each task."""
        return len(seen) * weight_bytes(tuner)


def make(given: Given) -> PerTask:
    """Fine-tuning on each task alone."""
    return PerTask(given.learning_rate)
