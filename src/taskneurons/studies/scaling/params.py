"""Parameters of the study of scale: models of several sizes and architectures side by side."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveFloat

from taskneurons.params.section import Inconsistency, Line, Section, Slug, described, repeated
from taskneurons.params.selection import shares

# The measures that figures show.
Drawn = Literal[
    "own", "own_less_sibling", "own_less_other_family", "own_less_random", "own_share", "half_share", "keystone_share",
    "gini", "overlap_sibling", "overlap_other_family", "transfer_sibling", "transfer_other_family",
    "transfer_sibling_points", "transfer_other_family_points",
]  # fmt: skip


class KnownValue(Section):
    """A value of a model that this run does not make: it is shown beside the trend, and not fitted."""

    model: Line = described("name of the model", "-")
    parameters: PositiveFloat = described("number of its parameters", "parameters")
    measure: Drawn = described("what was measured, as in the table `scaling`", "-")
    value: float = described("the value, at the share that is shown", "as the measure")


class Scaling(Section):
    """What is compared over sizes of one architecture, and over architectures of one size."""

    sizes: tuple[Slug, ...] = described("models of one architecture, through which the trend over sizes goes", "-")
    architectures: tuple[Slug, ...] = described("models of different architectures that are compared", "-")
    percents: tuple[float, ...] = described(
        "shares of the neurons at which tops are compared; what deactivation costs is read at its own shares",
        "% of the neurons",
    )
    shown_percent: float = described("the share that figures show", "% of the neurons", gt=0, le=100)
    learned_percent: float = described(
        "lowest mean score over its tasks (accuracy or ROUGE-L) of a model that has learned them; another one decides "
        "nothing",
        "%",
        ge=0,
        le=100,
    )
    predicted_parameters: PositiveFloat = described("size for which the trend says what it predicts", "parameters")
    known: tuple[KnownValue, ...] = described("values of other models, which are shown and not fitted", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Nothing is named twice; the shown share is among the shares."""
        yield from repeated(self.sizes, "sizes")
        yield from repeated(self.architectures, "architectures")
        yield from shares(self.percents, "percents")
        if self.shown_percent not in self.percents:
            yield Inconsistency(
                ("shown_percent",), f"{self.shown_percent:g} is not among the shares", "Choose one of `percents`"
            )
