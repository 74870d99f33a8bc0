"""SeqFT: all weights are trained on one task after another, with nothing against forgetting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskneurons.continual.method import Learned, Scores
from taskneurons.continual.whole import learn_whole, wearing, weight_bytes
from taskneurons.continual.workshop import Workshop


@dataclass(frozen=True)
class SeqFT:
    """Sequential fine-tuning.

    Args:
        learning_rate: of every stage.
    """

    learning_rate: float
    name: str = "seqft"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All tasks so far."""
        return tasks

    def learn(self, workshop: Workshop, seen: Sequence[Learned], task: str) -> Learned:
        """Train all weights from where the last stage left them."""
        examples = {task: workshop.training(task)}
        return learn_whole(workshop, task, examples, seen[-1] if seen else None, learning_rate=self.learning_rate)

    def test(self, workshop: Workshop, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with the weights that the last stage left."""
        with wearing(workshop, seen[-1] if seen else None):
            for task in tasks:
                yield task, workshop.score(task)

    def storage(self, workshop: Workshop, seen: Sequence[Learned]) -> int:
        """The new weights."""
        return weight_bytes(workshop)
