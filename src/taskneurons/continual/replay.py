"""Experience replay: sequential fine-tuning; half of each batch repeats a few kept examples of earlier tasks."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.whole import learn_whole, stage_weights, weight_bytes
from taskneurons.engine.batches import permutation
from taskneurons.models.encoding import Encoded

# It cannot be the name of a task.
REPLAYED = "(replayed)"
TOKEN_BYTES = 4


@dataclass(frozen=True)
class Replay:
    """Replay from a buffer (after Chaudhry et al. 2019, "On tiny episodic memories in continual learning").

    Args:
        learning_rate: of every stage.
        kept: training examples of each earlier task in the buffer. With none it is SeqFT.
    """

    learning_rate: float
    kept: int
    name: str = "replay"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All tasks so far."""
        return tasks

    def buffer(self, tuner: StreamTuner, task: str) -> list[Encoded]:
        """The examples of a task that are kept: random ones, always the same."""
        examples = tuner.training(task)
        return [examples[index] for index in permutation(len(examples), tuner.recipe.seed)[: self.kept]]

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train all weights; the buffer gives every other example of a batch."""
        examples = {task: tuner.training(task)}
        if buffer := [example for learned in seen for example in self.buffer(tuner, learned.task)]:
            examples[REPLAYED] = buffer
        return learn_whole(tuner, task, examples, seen[-1] if seen else None, tuner.recipe.schedule(self.learning_rate))

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with the weights that the last stage left."""
        with stage_weights(tuner, seen[-1] if seen else None):
            for task in tasks:
                yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """The new weights and the buffer's tokens."""
        kept = [example for learned in seen for example in self.buffer(tuner, learned.task)]
        tokens = sum(len(example.prompt) + len(example.target) for example in kept)
        return weight_bytes(tuner) + TOKEN_BYTES * tokens


def make(given: Given) -> Replay:
    """Replay with the buffer of `replay`."""
    return Replay(given.learning_rate, **given.parameters["replay"])
