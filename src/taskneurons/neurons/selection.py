"""How a set of neurons is made of scores."""

from dataclasses import dataclass
from typing import get_args

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True)
class Selection:
    """A rule that makes a set of task neurons of scores.

    Attributes:
        estimator: of the scores that rank the neurons.
        percent: share of the neurons that is selected, in (0, 100].
        within: ranked over the whole model or in each layer.

    Raises:
        InputError: a value outside its range, or an estimator that cannot stand in a slug.
    """

    estimator: str
    percent: float
    within: Within

    def __post_init__(self) -> None:
        if not self.estimator or "-" in self.estimator:
            raise InputError(f"`{self.estimator}` is no name of an estimator", where="selection")
        if not 0 < self.percent <= 100:
            raise InputError(f"percent is {self.percent}; it must be above 0 and at most 100", where="selection")
        if self.within not in get_args(Within):
            raise InputError(f"within is `{self.within}`; it must be `model` or `layer`", where="selection")

    @property
    def slug(self) -> str:
        """The name of this selection in paths and tables, such as `taylor-10-model`."""
        return f"{self.estimator}-{self.percent:g}-{self.within}"

    @classmethod
    def parse(cls, slug: str) -> "Selection":
        """The selection with this slug.

        Raises:
            InputError: it is no slug of a selection.
        """
        try:
            estimator, percent, within = slug.split("-")
            return cls(estimator, float(percent), within)  # type: ignore[arg-type]
        except (ValueError, InputError):
            raise InputError(
                f"`{slug}` is no selection", where="selection", remedy="Write one such as `taylor-10-model`"
            ) from None

    def of(self, scores: NeuronScores) -> NeuronSet:
        """The set that this selection makes of scores.

        Raises:
            InputError: scores of another estimator.
        """
        self._check(scores)
        return scores.top(self.percent, self.within)

    def lowest(self, scores: NeuronScores) -> NeuronSet:
        """The set of the same size at the other end of the ranking.

        Raises:
            InputError: scores of another estimator.
        """
        self._check(scores)
        return scores.bottom(self.percent, self.within)

    def _check(self, scores: NeuronScores) -> None:
        if scores.estimator != self.estimator:
            raise InputError(
                f"the scores are those of `{scores.estimator}`, the selection {self.slug} needs others",
                where=f"task {scores.task}",
            )
