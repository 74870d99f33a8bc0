"""How long, in which steps and at which rate something is trained."""

from collections.abc import Iterator

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.section import Inconsistency, Section, described


def warmup_fits(warmup: int, steps: int) -> Iterator[Inconsistency]:
    """The warm-up is shorter than the training."""
    if warmup >= steps:
        yield Inconsistency(("warmup",), f"warm-up of {warmup} steps in a training of {steps}", "Choose a shorter one")


class Schedule(Section):
    """Course of a fine-tuning."""

    steps: PositiveInt = described("optimizer steps", "steps")
    batch_size: PositiveInt = described("examples of one step, drawn evenly from the tasks", "examples")
    learning_rate: PositiveFloat = described("highest learning rate of the schedule", "-", le=1)
    warmup: int = described("steps of linear warm-up at the beginning", "steps", ge=0)

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The warm-up ends before the training does."""
        yield from warmup_fits(self.warmup, self.steps)
