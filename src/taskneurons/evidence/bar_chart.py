"""The chart of what each condition makes of every task: bars from the untouched model's value to the condition's."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.evidence.style import BLACK, GREY, Words, sheet

_STEP = 0.115  # inches between the conditions of one task
_GAP = 1.2  # between two tasks, in conditions
_DASHED = (0, (2, 1.5))


@dataclass(frozen=True)
class Look:
    """How a condition looks.

    Attributes:
        colour, marker: of its bars.
        label: in the legend.
    """

    colour: str
    marker: str
    label: str


@dataclass(frozen=True)
class Bar:
    """One condition of one task.

    Attributes:
        end: the value under the condition.
        low, high: limits of its interval; None: it has none.
        dots: single values behind it, such as those of random draws; None: none are drawn.
    """

    end: float
    low: float | None = None
    high: float | None = None
    dots: tuple[float, ...] | None = None


@dataclass(frozen=True)
class Line:
    """A task, or the average over tasks.

    Attributes:
        label: its name.
        start: the value of the untouched model.
        bars: of each condition that was measured.
        chance: the level of chance; None: it is not drawn.
        average: whether it is the average over the lines above it.
    """

    label: str
    start: float
    bars: Mapping[str, Bar]
    chance: float | None = None
    average: bool = False


@dataclass(frozen=True)
class Panel:
    """The lines of one kind of tasks.

    Attributes:
        title: above the panel.
        unit: below its axis.
        lines: from top to bottom.
        percent: whether values are percentages, so that the axis ends near 100.
        reaches_chance: whether the axis is widened to every level of chance; else it is drawn only where bars reach.
    """

    title: str
    unit: str
    lines: Sequence[Line]
    percent: bool = True
    reaches_chance: bool = True


def draw_bars(
    panels: Sequence[Panel],
    looks: Mapping[str, Look],
    words: Words,
    paths: Iterable[str | Path],
    *,
    untouched: str,
    dpi: int,
) -> None:
    """Draw panels side by side, each line with the same conditions in the same order.

    Args:
        panels: one a kind of tasks.
        looks: of the conditions that are drawn, in their order.
        words: around the panels.
        paths: where to write, `.png` and `.svg`.
        untouched: what the legend calls the untouched model.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: see `sheet`.
    """
    longest = max(sum(not line.average for line in panel.lines) for panel in panels) + 1
    handles = [Line2D([], [], color=BLACK, linewidth=1.4, label=untouched)]
    for look in looks.values():
        handles.append(
            Line2D([], [], color=look.colour, marker=look.marker, markersize=4, linewidth=1.2, label=look.label)
        )
    with sheet(longest * (len(looks) + _GAP) * _STEP + 0.55, words, paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(panels), squeeze=False)[0]
        for axis, panel in zip(axes, panels, strict=True):
            _panel(axis, panel, looks)


def _panel(axis: Axes, panel: Panel, looks: Mapping[str, Look]) -> None:
    band = len(looks) + _GAP
    for place, line in enumerate(panel.lines):
        top = place * band
        ends = (top - 0.6, top + len(looks) - 0.4)
        axis.vlines(line.start, *ends, color=BLACK, linewidth=1.4, zorder=3, clip_on=False)
        for offset, (condition, look) in enumerate(looks.items()):
            if condition in line.bars:
                _bar(axis, top + offset, line.start, line.bars[condition], look)
        if panel.reaches_chance:
            _chance(axis, top, line, looks)
    low, high = axis.get_xlim()
    if not panel.reaches_chance:
        for place, line in enumerate(panel.lines):
            _chance(axis, place * band, line, looks)
    centres = [place * band + (len(looks) - 1) / 2 for place in range(len(panel.lines))]
    axis.set_yticks(centres, [line.label for line in panel.lines])
    axis.tick_params(axis="y", length=0)
    for place, line in enumerate(panel.lines[1:], start=1):
        colour, width = ("#B0B0B0", 0.8) if line.average else ("#E2E2E2", 0.6)
        axis.axhline(place * band - 1.1, color=colour, linewidth=width)
    axis.set_ylim(len(panel.lines) * band - 1.1, -1.1)
    axis.set_xlim(max(0.0, low), min(101.0, high) if panel.percent else high)
    axis.set_xlabel(panel.unit)
    axis.set_title(panel.title)
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _bar(axis: Axes, height: float, start: float, bar: Bar, look: Look) -> None:
    # A value of zero lies on the edge of the panel: its marker is drawn whole.
    axis.plot(
        [start, bar.end], [height, height], color=look.colour, linewidth=2.0, alpha=0.35, solid_capstyle="butt",
        zorder=2,
    )  # fmt: skip
    axis.plot(
        bar.end, height, marker=look.marker, color=look.colour, markersize=4.6, markeredgecolor="white",
        markeredgewidth=0.5, zorder=5, clip_on=False,
    )  # fmt: skip
    if bar.low is not None and bar.high is not None:
        axis.errorbar(
            bar.end, height, xerr=[[bar.end - bar.low], [bar.high - bar.end]], color=look.colour, elinewidth=0.9,
            capsize=1.6, capthick=0.9, zorder=4,
        )  # fmt: skip
    if bar.dots is not None:
        axis.scatter(
            bar.dots, [height] * len(bar.dots), s=4, color=GREY, alpha=0.6, linewidths=0, zorder=2.5, clip_on=False
        )


def _chance(axis: Axes, top: float, line: Line, looks: Mapping[str, Look]) -> None:
    if line.chance is not None:
        ends = (top - 0.6, top + len(looks) - 0.4)
        axis.vlines(line.chance, *ends, color=GREY, linewidth=0.9, linestyle=_DASHED)
