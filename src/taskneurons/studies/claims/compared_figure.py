"""Several readings of the same claims side by side, such as those of other seeds: does a verdict come again?"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from taskneurons.errors import InputError
from taskneurons.evidence.style import GREY, SMALL, Words, sheet
from taskneurons.studies.claims.figures import LOOK
from taskneurons.studies.claims.pages import STUDIES
from taskneurons.studies.claims.pairs import Place, by_place, decider_of

# Inches of a claim and of a heading; all readings of a claim stand within 0.7 of its height.
ROW, HEADING = 0.2, 0.26
_SPREAD = 0.7
_MARKERS = ("o", "s", "D", "^")
# Correlations and similarities are drawn in hundredths, beside points.
_HUNDREDTHS = {"correlation": 100.0, "similarity": 100.0}
_ENDS = 100.0
# The scale is linear up to here.
_LINEAR = 2.0
_DRAWN = ("holds", "fails", "opposite", "inconclusive")


@dataclass(frozen=True)
class Reading:
    """A file of decided claims and what it is called.

    Attributes:
        label: in the legend.
        decided: the content of `claims.json`.
    """

    label: str
    decided: Mapping[str, Any]


@dataclass(frozen=True)
class _Row:
    """A claim in one place: its result in each reading, None where it has none that can be drawn."""

    claim: Mapping[str, Any]
    place: Place
    results: tuple[Mapping[str, Any] | None, ...]


def draw_compared(readings: Sequence[Reading], paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw how far beyond its margin each of the papers' own claims lies, in two to four readings.

    Claims that two things are equal have a margin on either side and are left out, as are results without an interval
    and those whose positive control did not pass.

    Args:
        readings: the first one says which claims there are.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: fewer than two readings or more than four; one is no file of decided claims; they have no claim in
            common that can be drawn.
    """
    if not 2 <= len(readings) <= len(_MARKERS):
        raise InputError(f"two to {len(_MARKERS)} files can be drawn together, not {len(readings)}", where="readings")
    try:
        studies = _studies(readings)
    except (KeyError, TypeError):
        raise InputError(
            "one of them is no file of decided claims",
            where=", ".join(reading.label for reading in readings),
            remedy="Give files that the study `claims` wrote, such as results/claims.json",
        ) from None
    if not studies:
        raise InputError("they have no claim with an interval in common", where="readings")
    height = sum(HEADING + ROW * len(rows) for rows in studies.values())
    rows = [row for members in studies.values() for row in members]
    same = sum(
        None not in row.results and len({result["verdict"] for result in row.results if result}) == 1 for row in rows
    )
    words = Words(
        f"The papers' claims in {len(readings)} readings: {same} of {len(rows)} verdicts are the same in all",
        "Effect less margin, turned so that right of the line is as claimed, with its 95 % interval: a claim holds "
        "where all of it lies right of the line, and fails where all of it lies left. The colour is the verdict, after "
        "correction for the number of claims; the marker is the reading. Points of accuracy or ROUGE-L; correlations "
        "and similarities in hundredths; slopes and percent as they are. Linear up to 2, logarithmic beyond; what lies "
        "beyond 100 is drawn at the border. Names are those of "
        "docs/claims.md.",
    )
    handles = [
        *(
            Line2D([], [], color=GREY, marker=marker, linestyle="", markersize=4.5, label=reading.label)
            for marker, reading in zip(_MARKERS, readings, strict=False)
        ),
        *(Patch(facecolor=LOOK[verdict][0], label=verdict) for verdict in _DRAWN),
    ]
    with sheet(height + 0.35, words, paths, dpi, handles) as figure:
        axis = figure.subplots()
        axis.set_xscale("symlog", linthresh=_LINEAR, linscale=1.0)
        axis.set_xlim(-_ENDS, _ENDS)
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        axis.set_ylim(height, 0)
        axis.axvline(0, color="#707070", linewidth=0.8)
        axis.grid(axis="x", color="#EBEBEB", linewidth=0.5)
        axis.set_axisbelow(True)
        axis.set_xlabel("beyond the margin: as claimed to the right")
        ticks = list(_draw(axis, studies))
        axis.set_yticks([middle for middle, _ in ticks], [name for _, name in ticks], fontsize=SMALL)
        axis.tick_params(axis="y", length=0)


def _draw(axis: Axes, studies: Mapping[str, Sequence[_Row]]) -> Iterator[tuple[float, str]]:
    """Draw every row below its heading; yield where it stands and what it is called."""
    top = 0.0
    for study, rows in studies.items():
        axis.text(-_ENDS, top + HEADING - 0.06, f" {STUDIES[study]}", fontweight="bold", fontsize=SMALL, va="bottom")
        top += HEADING
        for row in rows:
            middle = top + ROW / 2
            step = _SPREAD * ROW / len(row.results)
            for number, result in enumerate(row.results):
                if result is not None:
                    place = middle + step * (number - (len(row.results) - 1) / 2)
                    _interval(axis, row.claim, result, place, _MARKERS[number])
            yield middle, f"{row.claim['id']}, {row.place.words}"
            top += ROW


def _interval(axis: Axes, claim: Mapping[str, Any], result: Mapping[str, Any], place: float, marker: str) -> None:
    colour = LOOK[result["verdict"]][0]
    low, middle, high = (max(-_ENDS, min(_ENDS, _beyond(claim, result[name]))) for name in ("low", "effect", "high"))
    axis.plot([low, high], [place, place], color=colour, linewidth=0.9, solid_capstyle="butt", zorder=3)
    axis.plot(middle, place, marker=marker, color=colour, markersize=3.2, markeredgewidth=0, zorder=4)


def _beyond(claim: Mapping[str, Any], value: float) -> float:
    beyond = value - claim["margin"] if claim["direction"] == "above" else claim["margin"] - value
    return float(beyond) * _HUNDREDTHS.get(claim["unit"], 1.0)


def _studies(readings: Sequence[Reading]) -> dict[str, list[_Row]]:
    """The rows of each study, in the order of the first reading; at least two results each."""
    there = [
        {
            claim["id"]: {decider_of(result): result for result in claim["results"]}
            for claim in reading.decided["claims"]
        }
        for reading in readings
    ]
    found: dict[str, list[_Row]] = {}
    for claim in readings[0].decided["claims"]:
        if claim["role"] != "claim" or claim["direction"] == "within":
            continue
        sides = by_place([one.get(claim["id"], {}) for one in there])
        for place in sides[0]:
            results = tuple(_drawable(side.get(place)) for side in sides)
            if sum(result is not None for result in results) > 1:
                study = claim["table"].removesuffix(".csv").split("_")[0]
                found.setdefault(study, []).append(_Row(claim, place, results))
    return found


def _drawable(result: Mapping[str, Any] | None) -> Mapping[str, Any] | None:
    return result if result and result["low"] is not None and result["verdict"] in _DRAWN else None
