"""Which claims stand on which page of their picture, and under which heading.

A page is one file, so that its name must be known before anything is decided: it follows from the file of claims alone.
"""

import textwrap
from collections.abc import Iterable, Iterator, Mapping, Sequence
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
    "dial": "tasks with known transfer",
    "continual": "continual learning",
    "published": "the printed numbers themselves",
    "layers": "layer by layer",
    "keystone": "neurons that every task needs",
}
DESIGNED = "The suite was designed until this was so; in no count"
# Inches of a line, of the space below a claim and of a heading, characters of a line, and how much one page holds.
LINE, BELOW, HEADING = 0.13, 0.06, 0.31
WRAP = 59
MOST = 7.7
# A claim about any architecture has a line for each of the two embedded shapes.
_RESULTS = 2


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
        return " and ".join(dict.fromkeys(STUDIES[_study(claim)] for claim in self.claims))

    @property
    def claims(self) -> tuple[Mapping[str, Any], ...]:
        """All claims of the page, in their order."""
        return tuple(claim for members in self.headings.values() for claim in members)


def pages_of(claims: Iterable[Mapping[str, Any]]) -> tuple[Page, ...]:
    """The pages that have claims; checks of a design stand below the claims of their study, under their own heading.

    Studies share a page as long as it can be printed; a study that is longer than a page goes on on the next one.

    Args:
        claims: with paper, role, statement and source, and their table as `table` or in their `estimand`.

    Raises:
        InputError: the study of a claim is on no page.
    """
    studies: dict[str, list[Mapping[str, Any]]] = {}
    for claim in sorted(claims, key=_place):
        studies.setdefault(_study(claim), []).append(claim)
    pages: list[list[Mapping[str, Any]]] = []
    for members in studies.values():
        for part in _parts(members):
            if pages and _inches([*pages[-1], *part]) <= MOST:
                pages[-1] += part
            else:
                pages.append(list(part))
    return tuple(Page(f"claims-{number}", _headed(part)) for number, part in enumerate(pages, start=1))


def lines_of(claim: Mapping[str, Any]) -> list[str]:
    """The statement and its source as the lines of a page."""
    control = "Control: " if claim["role"] == "control" else ""
    # A source and a number with its unit are not torn apart.
    source = claim["source"].replace(" ", "\N{NO-BREAK SPACE}")
    said = f"{control}{claim['statement']} ({source})".replace(" %", "\N{NO-BREAK SPACE}%")
    return textwrap.wrap(said, WRAP)


def _parts(claims: Sequence[Mapping[str, Any]]) -> Iterator[Sequence[Mapping[str, Any]]]:
    """A study's claims in parts of the same number, each of which fits a page."""
    for number in range(1, len(claims) + 1):
        size = -(-len(claims) // number)
        parts = [claims[start : start + size] for start in range(0, len(claims), size)]
        if number == len(claims) or all(_inches(part) <= MOST for part in parts):
            yield from parts
            return


def _inches(claims: Sequence[Mapping[str, Any]]) -> float:
    lines = sum(LINE * max(len(lines_of(claim)), _RESULTS) + BELOW for claim in claims)
    return lines + HEADING * len(_headed(claims))


def _headed(claims: Iterable[Mapping[str, Any]]) -> dict[str, tuple[Mapping[str, Any], ...]]:
    found: dict[str, list[Mapping[str, Any]]] = {}
    for claim in claims:
        heading = DESIGNED if claim["role"] == "design" else f"{PAPERS[claim['paper']]}: {STUDIES[_study(claim)]}"
        found.setdefault(heading, []).append(claim)
    return {heading: tuple(members) for heading, members in found.items()}


def _study(claim: Mapping[str, Any]) -> str:
    table = claim["table"] if "table" in claim else claim["estimand"]["table"]
    study = str(table).removesuffix(".csv").partition("_")[0]
    if study not in STUDIES:
        raise InputError(f"study `{study}` is on no page of the claims", where=str(table))
    return study


def _place(claim: Mapping[str, Any]) -> tuple[int, bool]:
    return list(STUDIES).index(_study(claim)), claim["role"] == "design"
