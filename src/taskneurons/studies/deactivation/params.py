"""Parameters of the deactivation of neurons."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveInt

from taskneurons.params.section import Inconsistency, Section, described, repeated
from taskneurons.params.selection import shares


class Deactivation(Section):
    """What is switched off, and how: the selections of `neurons` with all controls, and further shares of one of them.

    A further share is ranked as the first selection over the whole model is. Its own set, random sets and the sets of
    the tasks of the same kind are measured, by activation zero.
    """

    percents: tuple[float, ...] = described("further shares", "% of the neurons")
    random_draws: PositiveInt = described("random sets of each task's size that are measured, at most", "draws")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")

    interventions: tuple[Literal["zero", "parameters", "mean"], ...] = described(
        "ways to deactivate a task's neurons on its own task: activation zero, parameters zero, mean activation", "-"
    )
    matrix: bool = described("also measure every task under every other task's neurons, by activation zero", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Activation zero is the reference and always measured; nothing is measured twice."""
        if "zero" not in self.interventions:
            yield Inconsistency(("interventions",), "`zero` is missing", "Add it: controls and matrix rest on it")
        yield from repeated(self.interventions, "interventions")
        if self.percents:
            yield from shares(self.percents, "percents")
