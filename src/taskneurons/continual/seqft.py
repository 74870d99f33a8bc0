"""SeqFT: all weights are trained on one task after another, with nothing against forgetting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.whole import learn_whole, stage_weights, weight_bytes


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

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train all weights from where the last stage left them."""
        examples = {task: tuner.training(task)}
        return learn_whole(tuner, task, examples, seen[-1] if seen else None, tuner.recipe.schedule(self.learning_rate))

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with the weights that the last stage left."""
        with stage_weights(tuner, seen[-1] if seen else None):
            for task in tasks:
                yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """The new weights."""
        return weight_bytes(tuner)


def make(given: Given) -> SeqFT:
    """Fine-tuning of all weights in sequence."""
    return SeqFT(given.learning_rate)
