"""All claims in a few pages: what each says, its effect and interval against the margin, the verdict."""

import textwrap
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, BLUE, GREY, ORANGE, PURPLE, SMALL, VERMILLION, Words, sheet
from taskneurons.evidence.words import VERDICTS
from taskneurons.files import read_json
from taskneurons.job import Job
from taskneurons.studies.claims.pages import BELOW, LINE, Page, lines_of, pages_of
from taskneurons.studies.claims.words import said_words, shown

# Colour and marker of each verdict.
LOOK = {
    "holds": (BLUE, "o"),
    "fails": (VERMILLION, "X"),
    "opposite": (PURPLE, "<"),
    "inconclusive": (ORANGE, "s"),
    "the setting cannot tell": (BLACK, "P"),
    "not tested": (GREY, "_"),
}
_BAND = "#E4EEF6"
# Everything is drawn in hundredths of what can be reached; a slope over the whole range of the overlap.
_HUNDREDTHS = {"points": 1.0, "slope": 10.0, "percent": 1.0, "layers": 1.0, "correlation": 100.0, "similarity": 100.0}
_TICKS = (-100, -10, 0, 10, 100)
_MINOR = (-30, -3, 3, 30)
_END = 130
LINEAR = 3.0  # the scale is linear up to about here and logarithmic beyond
# Where the names of models end in the right column: room for a dozen letters.
_NAMES = 0.36
_REASONS = 26


@dataclass(frozen=True)
class _Place:
    """Where a claim stands: from `top`, in inches, `height` of them."""

    claim: Mapping[str, Any]
    lines: tuple[str, ...]
    top: float
    height: float


def draw_claims(decided: Mapping[str, Any], name: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw the claims of a page, each a few lines: statement, effect with its interval, verdict, numbers of each run.

    The axis is turned so that right is as claimed. It is linear around 0 and logarithmic beyond; correlations and
    similarities are drawn in hundredths, beside points of accuracy or ROUGE-L.

    Args:
        decided: the content of `claims.json`.
        name: of the page, one of `pages_of`.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the page has no claims.
    """
    page = next((page for page in pages_of(decided["claims"]) if page.name == name), None)
    if page is None:
        raise InputError("there are no claims to draw", where=name)
    headings, places, height = _places(page)
    level, alpha, digest = (decided["rules"][key] for key in ("level", "alpha", "digest"))
    caption = (
        f"A line is one model's answer to one claim. Bars: {100 * level:g} % intervals, over seeds where there are "
        "three, else across tasks or families (claims.csv says which). Blue band: where the claim holds, from its "
        "margin on. It holds when its whole interval lies there and p, Holm-corrected within its family, is at most "
        f"{alpha:g}; it fails when the whole interval lies outside, and is the opposite when it lies beyond the margin "
        "on the other side, with a p as small. Nothing is drawn where the positive control did "
        "not pass. The axis is turned so that right is as claimed; the numbers beside it are not. Points of accuracy "
        "or ROUGE-L; correlations and similarities are drawn in hundredths, slopes over the whole range of overlap. "
        "Control: what must also be so "
        f"for a claim to mean what it seems. Digest of the rules: {digest[:12]}. {_all_pages(decided)}"
    )
    handles = [
        *(
            Line2D([], [], color=colour, marker=marker, linestyle="", markersize=5, label=verdict)
            for verdict, (colour, marker) in LOOK.items()
        ),
        Line2D(
            [], [], marker="D", linestyle="", markersize=4.5, markerfacecolor="white", markeredgecolor=BLACK,
            markeredgewidth=0.8, label="as published",
        ),
        Patch(facecolor=_BAND, edgecolor=BLACK, linewidth=0.4, label="where the claim holds"),
    ]  # fmt: skip
    with sheet(height + 0.45, Words(_title(decided, page), caption), paths, dpi, handles) as figure:
        said, axis, found = figure.subplots(1, 3, gridspec_kw={"width_ratios": [3.3, 1.65, 2.15], "wspace": 0.0})
        for one in (said, found):
            one.set_axis_off()
        for one in (said, axis, found):
            one.set_ylim(height, 0)
            one.set_xlim(0, 1)
        _scale(axis)
        for top, words in headings:
            said.text(0, top, words, va="center", fontweight="bold", fontsize=SMALL + 0.5)
            axis.axhspan(top - 0.1, top + 0.1, color="white", linewidth=0, zorder=2)
            for side, turned in ((-0.4, "← against"), (0.4, "as claimed →")):
                axis.text(side * _squeezed(_END), top, turned, ha="center", va="center", fontsize=SMALL, color=GREY)
        for number, place in enumerate(places):
            _claim(said, axis, found, place, shaded=number % 2 == 0)
        # Words may be wider than their column; the columns stay where they are.
        for text in (*said.texts, *axis.texts, *found.texts):
            text.set_in_layout(False)


def _places(page: Page) -> tuple[list[tuple[float, str]], list[_Place], float]:
    """Headings with their heights, the places of the claims below them, and the height of all, in inches."""
    headings, places, top = [], [], 0.0
    for heading, members in page.headings.items():
        headings.append((top + 0.13, heading))
        top += 0.26
        for claim in members:
            lines = tuple(lines_of(claim))
            height = LINE * max(len(lines), len(claim["results"])) + BELOW
            places.append(_Place(claim, lines, top, height))
            top += height
        top += 0.05
    return headings, places, top


def _claim(said: Axes, axis: Axes, found: Axes, place: _Place, *, shaded: bool) -> None:
    claim, middle = place.claim, place.top + place.height / 2
    if shaded:
        for one in (said, axis, found):
            one.axhspan(place.top, place.top + place.height, color="#F5F5F5", linewidth=0, zorder=0)
    said.text(0.008, middle, "\n".join(place.lines), va="center", fontsize=SMALL, linespacing=1.15)
    results = claim["results"]
    first = middle - LINE * (len(results) - 1) / 2
    if claim["test"] != "words":
        _band(axis, claim, place)
    for number, result in enumerate(results):
        height = first + number * LINE
        colour, marker = LOOK[result["verdict"]]
        told = result["verdict"] != "the setting cannot tell"
        if result["effect"] is not None and claim["test"] != "words" and told:
            _effect(axis, claim, result, height)
        found.plot(_NAMES + 0.035, height, marker=marker, color=colour, markersize=4.2, clip_on=False)
        found.text(_NAMES, height, result["model"], va="center", ha="right", fontsize=SMALL, color="#404040")
        found.text(_NAMES + 0.07, height, _numbers(claim, result), va="center", fontsize=SMALL, color="#202020")


def _band(axis: Axes, claim: Mapping[str, Any], place: _Place) -> None:
    """Where the claim holds, with its margin; and the published value."""
    top, height = place.top + 0.025, place.height - 0.05
    ends = _drawn(claim, claim["margin"]), _drawn(claim, -claim["margin"])
    low, high = (min(ends), max(ends)) if claim["direction"] == "within" else (ends[0], _squeezed(_END))
    axis.fill_betweenx([top, top + height], low, high, color=_BAND, linewidth=0, zorder=1)
    for end in {low, high} if claim["direction"] == "within" else {low}:
        axis.plot([end, end], [top, top + height], color=BLACK, linewidth=0.7, zorder=2)
    if claim["published"] is not None:
        axis.plot(
            _drawn(claim, claim["published"]), place.top + place.height / 2, marker="D", markersize=4.5,
            markerfacecolor="white", markeredgecolor=BLACK, markeredgewidth=0.8, linestyle="", zorder=4,
        )  # fmt: skip


def _effect(axis: Axes, claim: Mapping[str, Any], result: Mapping[str, Any], height: float) -> None:
    colour, marker = LOOK[result["verdict"]]
    if result["low"] is not None:
        ends = sorted(_drawn(claim, result[side]) for side in ("low", "high"))
        axis.plot(ends, [height, height], color=colour, linewidth=1.1, zorder=5, solid_capstyle="butt")
        for end in ends:
            axis.plot([end, end], [height - 0.025, height + 0.025], color=colour, linewidth=1.1, zorder=5)
    axis.plot(
        _drawn(claim, result["effect"]), height, marker=marker, color=colour, markersize=4.8, markeredgecolor="white",
        markeredgewidth=0.5, zorder=6,
    )  # fmt: skip


def _scale(axis: Axes) -> None:
    axis.set_xlim(_squeezed(-_END), _squeezed(_END))
    axis.set_xticks([_squeezed(tick) for tick in _TICKS], [f"{tick}".replace("-", "−") for tick in _TICKS])
    axis.axvline(0, color="#B0B0B0", linewidth=0.7, zorder=1.5)
    axis.set_xticks([_squeezed(tick) for tick in _MINOR], minor=True)
    axis.tick_params(axis="x", which="both", top=True, labeltop=True)
    axis.set_yticks([])
    axis.spines["left"].set_visible(False)
    axis.spines["top"].set_visible(True)
    axis.grid(axis="x", which="both", color="#EBEBEB", linewidth=0.5)
    axis.set_axisbelow(True)


def _drawn(claim: Mapping[str, Any], value: float) -> float:
    """Where a value stands on the axis: in hundredths, turned so that right is as claimed."""
    turned = -value if claim["direction"] == "below" else value
    return _squeezed(turned * _HUNDREDTHS[claim["unit"]])


def _squeezed(value: float) -> float:
    return float(np.arcsinh(np.clip(value, -_END, _END) / LINEAR))


def _numbers(claim: Mapping[str, Any], result: Mapping[str, Any]) -> str:
    if result["verdict"] in ("not tested", "the setting cannot tell"):
        return str(result["verdict"])
    if result["words"]:
        return said_words(result["words"])
    if result["effect"] is None:
        return textwrap.shorten(result["reason"], _REASONS, placeholder="…")
    limits = [shown(result[side], claim["unit"]) for side in ("low", "high") if result[side] is not None]
    return shown(result["effect"], claim["unit"]) + (f" [{', '.join(limits)}]" if limits else "")


def _title(decided: Mapping[str, Any], page: Page) -> str:
    names = [one.name for one in pages_of(decided["claims"])]
    # A page of several studies has them as headings.
    topic = "" if " and " in page.title else f" on {page.title}"
    place = f"page {names.index(page.name) + 1} of {len(names)}"
    return f"The papers' claims{topic}, {place}: {_counted(page.claims)}"


def _all_pages(decided: Mapping[str, Any]) -> str:
    return f"The papers' claims on all pages, without controls: {_counted(decided['claims'])}."


def _counted(claims: Iterable[Mapping[str, Any]]) -> str:
    """The verdicts on what a paper says itself; controls and checks are not its claims."""
    own = [claim for claim in claims if claim["role"] == "claim"]
    counts = Counter(result["verdict"] for claim in own for result in claim["results"])
    if not own:
        return "only checks here"
    return ", ".join(f"{counts[verdict]} {several}" for verdict, (_, several, _) in VERDICTS.items() if counts[verdict])


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        dpi: dots an inch of the PNG.
    """

    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw all claims in a few pages: effect and interval against the margin, the verdict, the published value."""
    decided = read_json(job.inputs.one("json"))
    for page in pages_of(decided["claims"]):
        paths = [path for path in job.outputs["pages"] if path.stem == page.name]
        draw_claims(decided, page.name, paths, dpi=job.settings.dpi)
