"""The open choices of the paper, and every specification that a grid of them has."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Literal, get_args

Score = Literal["taylor", "taylor_token", "taylor_global", "signed", "activation"]
"""What ranks the neurons: an estimator of `engine.attribution`, or `signed`, Eq. 3 with its sign kept."""
Loss = Literal["answer", "all_tokens", "none"]
"""The loss that a score is the gradient of. `none`: the score has no gradient."""
Specificity = Literal["top", "top_less_keystone", "top_less_others", "contrast"]
"""How a task's set is made of scores; see `neurons.special`."""
Within = Literal["model", "layer"]
Intervention = Literal["zero", "mean"]
Control = Literal["layer", "uniform", "magnitude", "other_task"]
"""What a task's own set is held against: as many random neurons, or the set of another task that is made alike.

- layer: random, as many in each layer.
- uniform: random over the whole model.
- magnitude: random, as many in each layer, with like activations.
- other_task: the set of another task.
"""
CHOICES = ("score", "loss", "specificity", "within", "percent", "intervention", "control")
"""The choices, in the order in which they are made."""
WITHOUT_GRADIENT: tuple[Score, ...] = ("activation",)
RANDOM: tuple[Control, ...] = ("layer", "uniform", "magnitude")
LEVELS = {
    "score": get_args(Score),
    "loss": get_args(Loss),
    "specificity": get_args(Specificity),
    "within": get_args(Within),
    "intervention": get_args(Intervention),
    "control": get_args(Control),
}
"""What each choice may be, in the order of tables; shares go by their size."""


@dataclass(frozen=True)
class Reading:
    """A score and the loss that it is of.

    Attributes:
        score: what ranks the neurons.
        loss: that it is the gradient of.
    """

    score: Score
    loss: Loss

    @property
    def slug(self) -> str:
        """The name of this reading in paths."""
        return f"{self.score}-{self.loss}"


@dataclass(frozen=True)
class Making:
    """How a task's set is made.

    Attributes:
        reading: scores.
        specificity: how the set is made of them.
        within: neurons are ranked over the whole model or in each layer.
        percent: share of the neurons of a top.
    """

    reading: Reading
    specificity: Specificity
    within: Within
    percent: float


@dataclass(frozen=True)
class Grid:
    """What each choice may be.

    Attributes:
        scores: see `Score`.
        losses: see `Loss`, of scores with a gradient.
        specificities: see `Specificity`.
        within: over what neurons are ranked.
        percents: shares.
        interventions: what neurons become.
        controls: see `Control`.
    """

    scores: tuple[Score, ...]
    losses: tuple[Loss, ...]
    specificities: tuple[Specificity, ...]
    within: tuple[Within, ...]
    percents: tuple[float, ...]
    interventions: tuple[Intervention, ...]
    controls: tuple[Control, ...]

    def readings(self) -> list[Reading]:
        """Every score with every loss; a score without a gradient once."""
        return [
            Reading(score, loss)
            for score in self.scores
            for loss in (("none",) if score in WITHOUT_GRADIENT else self.losses)
        ]

    def makings(self) -> Iterator[Making]:
        """Every way in which a task's set is made. A contrast of signed scores has no meaning and is left out."""
        for making in product(self.readings(), self.specificities, self.within, self.percents):
            if (making[0].score, making[1]) != ("signed", "contrast"):
                yield Making(*making)
