"""SeqLoRA: one LoRA adapter, trained on from task to task; nothing keeps it from forgetting."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from taskneurons.continual.adapter_stage import adapter_of, learned_adapter, merged, tune_adapter
from taskneurons.continual.method import Given, Learned, Scores, nbytes
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.tuning import Lora


@dataclass(frozen=True)
class SeqLoRA:
    """The lower bound of the methods that train adapters.

    Args:
        learning_rate: the highest of the schedule.
        form: of the adapters.
    """

    learning_rate: float
    form: Lora = field(default_factory=Lora)
    name: str = "seqlora"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All: the adapter is trained on."""
        return tasks

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train the adapter that the stage before left, or a fresh one."""
        start = adapter_of(seen[-1]) if seen else None
        examples = {task: tuner.training(task)}
        result = tune_adapter(tuner, examples, learning_rate=self.learning_rate, form=self.form, start=start)
        return learned_adapter(tuner, task, result)

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer under the adapter of the last stage."""
        with merged(tuner.base.model, [adapter_of(seen[-1])] if seen else []):
            for task in tasks:
                yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """One adapter."""
        return nbytes(seen[-1]) if seen else 0


def make(given: Given) -> SeqLoRA:
    """SeqLoRA with the adapters of `lora`."""
    return SeqLoRA(given.learning_rate, Lora(**given.parameters["lora"]))
