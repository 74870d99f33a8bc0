"""Parameters of the deactivation of neurons."""

from collections.abc import Iterator
from typing import Literal

from taskneurons.params.section import Inconsistency, Section, described, repeated


class Deactivation(Section):
    """What is switched off, and how. Everything is measured on the whole test split."""

    interventions: tuple[Literal["zero", "parameters", "mean"], ...] = described(
        "ways to deactivate a task's neurons on its own task: activation zero, parameters zero, mean activation", "-"
    )
    matrix: bool = described("also measure every task under every other task's neurons, by activation zero", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Activation zero is the reference and always measured; nothing is measured twice."""
        if "zero" not in self.interventions:
            yield Inconsistency(("interventions",), "`zero` is missing", "Add it: controls and matrix rest on it")
        yield from repeated(self.interventions, "interventions")
