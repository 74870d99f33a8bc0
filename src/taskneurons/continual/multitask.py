"""Multi-task training: all tasks of a stream at once, which continual learning may not do: its upper bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.whole import learn_whole, stage_weights, weight_bytes


@dataclass(frozen=True)
class Multitask:
    """One training of all weights on all tasks, of as many steps as the stages of a stream have together.

    Args:
        learning_rate: of the training.
        tasks: how many the stream has: earlier stages only gather them.
    """

    learning_rate: float
    tasks: int
    name: str = "multitask"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All tasks, in whatever order they came."""
        return tuple(sorted(tasks))

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Gather the task; after the last one train on all of them from the base."""
        names = self.depends((*(learned.task for learned in seen), task))
        if len(names) < self.tasks:
            return Learned(task, {})
        examples = {name: tuner.training(name) for name in names}
        schedule = tuner.recipe.schedule(self.learning_rate)
        return learn_whole(tuner, task, examples, None, replace(schedule, steps=len(names) * schedule.steps))

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with the weights of the training, once there are some."""
        if len(seen) == self.tasks:
            with stage_weights(tuner, seen[-1]):
                for task in tasks:
                    yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """The new weights."""
        return weight_bytes(tuner)


def make(given: Given) -> Multitask:
    """Joint training on all tasks of the stream."""
    return Multitask(given.learning_rate, given.tasks)
