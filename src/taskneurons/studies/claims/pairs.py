"""Which results of a claim belong together, where several files `claims.json` have decided it."""

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple, TypeVar

from taskneurons.studies.claims.tables import Decider

_SHAPES = {"llama": "Llama", "bloom": "Bloom"}
_T = TypeVar("_T")


class Place(NamedTuple):
    """What tells the results of one claim apart.

    Attributes:
        shape: architecture of the model; empty where there is none.
        run: `suite/model`; empty where the architecture alone tells the results apart.
    """

    shape: str
    run: str = ""

    @property
    def words(self) -> str:
        """The place for readers."""
        shape = _SHAPES.get(self.shape, self.shape)
        return f"{shape} ({self.run})" if self.run else shape


def by_place(sides: Sequence[Mapping[Decider, _T]]) -> list[dict[Place, _T]]:
    """What several files have on one claim, by what tells its results apart in all of them.

    That is the architecture, since a claim may be decided on another model of the same shape. Where one of the files
    has several results of an architecture, suite and model tell them apart in every file.

    Args:
        sides: of each file what belongs to each decider of the claim.
    """
    counts = [Counter(decider.architecture for decider in side) for side in sides]
    several = {shape for count in counts for shape, number in count.items() if number > 1}
    return [{_place(decider, several): one for decider, one in side.items()} for side in sides]


def decider_of(result: Mapping[str, Any]) -> Decider:
    """Which model decided a result of `claims.json`, on which suite.

    Raises:
        KeyError: the result does not say it.
    """
    return Decider(result["suite"], result["model"], result["architecture"])


def _place(decider: Decider, several: set[str]) -> Place:
    shape = decider.architecture
    return Place(shape, f"{decider.suite}/{decider.model}" if shape in several else "")
