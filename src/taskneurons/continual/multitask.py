"""Multi-task training: all tasks of a stream at once, which continual learning may not do: its upper bound."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskneurons.continual.method import Learned, Scores
from taskneurons.continual.whole import learn_whole, wearing, weight_bytes
from taskneurons.continual.workshop import Workshop


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

    def learn(self, workshop: Workshop, seen: Sequence[Learned], task: str) -> Learned:
        """Gather the task; after the last one train on all of them from the base."""
        names = self.depends((*(learned.task for learned in seen), task))
        if len(names) < self.tasks:
            return Learned(task, {})
        examples = {name: workshop.training(name) for name in names}
        steps = len(names) * workshop.recipe.steps
        return learn_whole(workshop, task, examples, None, learning_rate=self.learning_rate, steps=steps)

    def test(self, workshop: Workshop, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with the weights of the training, once there are some."""
        if len(seen) == self.tasks:
            with wearing(workshop, seen[-1]):
                for task in tasks:
                    yield task, workshop.score(task)

    def storage(self, workshop: Workshop, seen: Sequence[Learned]) -> int:
        """The new weights."""
        return weight_bytes(workshop)
