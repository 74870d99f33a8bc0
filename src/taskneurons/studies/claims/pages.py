"""Which claims stand on which page of their picture, and under which heading.

A page is one file, so that its name must be known before anything is decided: it follows from the file of claims alone.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from taskneurons.errors import InputError

PAPERS = {"leng2025": "Leng & Xiong 2025", "zhao2024": "Zhao, Ziser & Cohen 2024"}
# The first word of a table's name is its study.
STUDIES = {
    "deactivation": "neurons switched off",
    "training": "neurons trained",
    "proportion": "growing shares of neurons trained",
    "overlap": "overlap of neuron sets",
    "similarity": "parameters of neurons",
    "dial": "a suite in which true transfer is known",
    "continual": "continual learning",
    "published": "the printed numbers themselves",
    "layers": "layer by layer",
}
DESIGNED = "The suite was designed until this was so; in no count"
# As many studies a page as can be printed on one, with two models each.
PAGES = {
    "claims-1": ("deactivation",),
    "claims-2": ("training", "proportion"),
    "claims-3": ("overlap", "similarity"),
    "claims-4": ("dial", "published"),
    "claims-5": ("layers",),
    "claims-6": ("continual",),
}


@dataclass(frozen=True)
class Page:
    """One page: the stem of its file, and the claims under each heading.

    Raises:
        InputError: there is no heading, or one without claims.
    """

    name: str
    headings: Mapping[str, tuple[Mapping[str, Any], ...]]

    def __post_init__(self) -> None:
        if not self.headings or not all(self.headings.values()):
            raise InputError("a page needs headings with claims", where=self.name)

    @property
    def title(self) -> str:
        """What its claims are about."""
        return " and ".join(STUDIES[study] for study in PAGES[self.name])

    @property
    def claims(self) -> tuple[Mapping[str, Any], ...]:
        """All claims of the page, in their order."""
        return tuple(claim for members in self.headings.values() for claim in members)


def pages_of(claims: Iterable[Mapping[str, Any]]) -> tuple[Page, ...]:
    """The pages that have claims; checks of a design stand below the claims of their study, under their own heading.

    Args:
        claims: with paper and role, and their table as `table` or in their `estimand`.

    Raises:
        InputError: the study of a claim is on no page.
    """
    found: dict[str, dict[str, list[Mapping[str, Any]]]] = {name: {} for name in PAGES}
    for claim in sorted(claims, key=_place):
        study = _study(claim)
        heading = f"{PAPERS[claim['paper']]}: {STUDIES[study]}"
        if claim["role"] == "design":
            heading = DESIGNED
        page = next(name for name, studies in PAGES.items() if study in studies)
        found[page].setdefault(heading, []).append(claim)
    return tuple(
        Page(name, {heading: tuple(members) for heading, members in headings.items()})
        for name, headings in found.items()
        if headings
    )


def _study(claim: Mapping[str, Any]) -> str:
    table = claim["table"] if "table" in claim else claim["estimand"]["table"]
    study = str(table).removesuffix(".csv").partition("_")[0]
    if study not in STUDIES:
        raise InputError(f"study `{study}` is on no page of the claims", where=str(table))
    return study


def _place(claim: Mapping[str, Any]) -> tuple[int, bool]:
    return list(STUDIES).index(_study(claim)), claim["role"] == "design"
