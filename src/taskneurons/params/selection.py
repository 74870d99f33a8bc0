"""Which neurons: the scores that rank them, over what they are ranked, and which share of them is taken."""

from collections.abc import Iterator
from typing import Literal

from taskneurons.params.section import Inconsistency, Section, described, repeated

Estimator = Literal[
    "taylor", "taylor_token", "taylor_global", "taylor_all_tokens", "activation", "integrated_gradients"
]
DerivedEstimator = Literal["contrast", "entropy"]
# Both are computed from the Taylor scores of all tasks of the suite.
DERIVED_FROM = "taylor"
Within = Literal["model", "layer"]


class Selection(Section):
    """A rule that makes a set of task neurons of scores."""

    estimator: Estimator | DerivedEstimator = described("the scores that rank the neurons", "-")
    percent: float = described("share of the neurons that is selected", "% of the neurons", gt=0, le=100)
    within: Within = described("neurons are ranked over the whole model or inside each layer", "-")

    @property
    def slug(self) -> str:
        """The name of this selection in paths and tables, such as `taylor-10-model`."""
        return f"{self.estimator}-{self.percent:g}-{self.within}"


def shares(values: tuple[float, ...], key: str) -> Iterator[Inconsistency]:
    """Yield what is wrong with a list of percentages: outside (0, 100], or named twice."""
    for index, value in enumerate(values):
        if not 0 < value <= 100:
            yield Inconsistency((key, index), f"{value:g} is not a share: above 0, at most 100 was expected")
    yield from repeated(values, key)
