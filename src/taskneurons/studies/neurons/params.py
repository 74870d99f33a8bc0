"""Parameters of the scores of neurons and of the sets that are made of them."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveInt

from taskneurons.params.section import Inconsistency, Section, described, repeated
from taskneurons.params.selection import Estimator, Selection


class Attribution(Section):
    """Scores of all FFN neurons for each task."""

    estimators: tuple[Estimator, ...] = described("estimators of a neuron's relevance that are computed", "-")
    examples: PositiveInt = described("training examples of each task that are scored, at most", "examples")
    batch_size: PositiveInt = described("examples of one forward and backward pass", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """At least one estimator, each named once."""
        if not self.estimators:
            yield Inconsistency(("estimators",), "no estimator is named", "Name at least `taylor`")
        yield from repeated(self.estimators, "estimators")


class Neurons(Section):
    """Sets of task neurons and their controls."""

    selections: tuple[Selection, ...] = described("which sets of task neurons are made", "-")
    random_draws: PositiveInt = described("random control sets of each task and selection", "draws")
    random_matching: Literal["layer", "magnitude", "uniform"] = described(
        "random sets match the task set's layers, its layers and activation magnitudes, or only its size", "-"
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """At least one selection; no two of them share their name."""
        if not self.selections:
            yield Inconsistency(("selections",), "no selection is given", "Give at least one")
        yield from repeated(tuple(selection.slug for selection in self.selections), "selections")
