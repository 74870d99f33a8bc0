"""Effects over shares with the health of the model below them, and the layers in which keystone neurons lie."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FuncFormatter

from taskneurons.errors import InputError
from taskneurons.evidence.intervals import SEEDS
from taskneurons.evidence.studied import studied
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SKY,
    VERMILLION,
    Words,
    layer_axis,
    say_in_panel,
    seeds_in_words,
    sheet,
    signed,
)
from taskneurons.job import Job
from taskneurons.studies.keystone.rows import LAYERS, SUMMARY, Condition, LayerRow, SummaryRow

DRAWN = "loss"
_APART = 1.05  # factor of the share between two lines, so that their intervals do not hide each other
_PANELS = 3


class Look(NamedTuple):
    """A line: its colour, marker and name."""

    colour: str
    marker: str
    name: str


OTHER = Look(SKY, "s", "another task's highest scores")
LOOKS: Mapping[Condition, Look] = {
    "random": Look(GREY, "o", "random neurons"),
    "keystone": Look(BLACK, "v", "keystone neurons"),
    "top": Look(ORANGE, "D", "the task's highest scores"),
    "top_less_keystone": Look(VERMILLION, "^", "… without keystone neurons"),
    "top_less_others": Look(PURPLE, "P", "… without other tasks' highest scores"),
    "contrast": Look(GREEN, "X", "highest contrast with other tasks"),
    "signed": Look(BLUE, "d", "highest signed scores"),
}
Value = Callable[[SummaryRow], tuple[float | None, float | None, float | None]]
"""What is drawn of a row, with the limits of its interval."""


def draw_effects(
    rows: Sequence[SummaryRow], run: str, paths: Iterable[str | Path], *, seeds: int, health: float, dpi: int = 200
) -> None:
    """Draw what tasks lose over shares, what of it is their own, and the rise of the loss on neutral text.

    Args:
        rows: of one run; only those of the loss are drawn.
        run: model, its tuning and suite, in words.
        paths: where to write, `.png` and `.svg`.
        seeds: number of seeds behind the rows.
        health: largest rise of the loss on neutral text of a healthy model, %.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: there is nothing to draw.
    """
    drawn = [row for row in rows if row.metric == DRAWN]
    if not drawn:
        raise InputError("nothing was deactivated", where=run)
    tasks = max(row.tasks for row in drawn)
    over = "seeds" if any(row.interval == SEEDS for row in drawn) else "tasks as if independent"
    bars = f" Bars: 95 % t intervals over {over}." if any(row.low is not None for row in drawn) else ""
    parted: tuple[Condition, ...] = ("top", "keystone", "top_less_keystone", "random")
    special = [name for name in LOOKS if any(row.condition == name and row.difference is not None for row in drawn)]
    handles = [_handle(LOOKS[name]) for name in LOOKS if any(row.condition == name for row in drawn)]
    handles.append(_handle(OTHER))
    caption = (
        f"{run}; means over {tasks} tasks and {seeds_in_words(seeds)}. Neurons are set to zero: of each share those "
        "with the highest scores for the task (Eq. 3), and sets that are made of them. Keystone neurons: those in "
        "the top of every task and of neutral text; at small shares there may be none. Left: what the task's loss "
        "rises by. Right: the same, less what it rises by without another task's set that is made alike; what is "
        "above 0 is the task's own. Below: the rise of the loss on neutral text without these sets. Where it is "
        f"above {health:g} % (grey) for any task, the model is not healthy, and markers are hollow. Scales with large "
        f"values are linear around 0 and logarithmic beyond.{bars}"
    )
    with sheet(4.6, Words(_title(drawn), caption), paths, dpi, handles) as figure:
        grid = figure.subplots(2, 2, sharex=True, height_ratios=[1.6, 1])
        for axis, names, value, label, title in (
            (grid[0, 0], parted, _own, "rise of the loss (nats a token)", "what a task loses"),
            (grid[0, 1], special, _difference, "own less other (nats a token)", "what of it is the task's own"),
        ):
            _effects(axis, drawn, names, value)
            axis.set_title(title)
            axis.set_ylabel(label)
        _line(grid[0, 0], [row for row in drawn if row.condition == "top"], _other, OTHER, 0)
        for axis in grid[0]:
            _scaled(axis, 0.1)
        for axis, names in ((grid[1, 0], parted), (grid[1, 1], special)):
            _health(axis, drawn, names, health)
        shares = sorted({row.percent for row in drawn})
        for axis in grid[1]:
            axis.set_xticks(shares, [f"{share:g}" for share in shares])
            axis.minorticks_off()
            axis.set_xlim(shares[0] / 1.5, shares[-1] * 1.5)
            axis.set_xlabel("share of the neurons (%)")


def _effects(axis: Axes, rows: Sequence[SummaryRow], names: Sequence[Condition], value: Value) -> None:
    axis.set_xscale("log")
    axis.axhline(0, color=BLACK, linewidth=0.8)
    for place, name in enumerate(names):
        _line(axis, [row for row in rows if row.condition == name], value, LOOKS[name], place - len(names) / 2)


def _scaled(axis: Axes, linear: float) -> None:
    """A scale that is logarithmic beyond some values, where there are much larger ones; with a grid."""
    if max(map(abs, axis.dataLim.intervaly)) > 5 * linear:
        axis.set_yscale("symlog", linthresh=linear, linscale=0.6)
        axis.yaxis.set_major_formatter(FuncFormatter(_plain))
        axis.autoscale(axis="y")
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _line(axis: Axes, rows: Sequence[SummaryRow], value: Value, look: Look, place: float) -> None:
    heights, shares = [], []
    for row in sorted(rows, key=lambda row: row.percent):
        height, low, high = value(row)
        if height is None:
            continue
        share = row.percent * _APART**place
        heights.append(height)
        shares.append(share)
        if low is not None and high is not None:
            axis.plot([share, share], [low, high], color=look.colour, linewidth=0.8, zorder=3)
        axis.plot(
            [share], [height], color=look.colour, marker=look.marker, markersize=4.4, markeredgewidth=0.8,
            markerfacecolor=look.colour if row.healthy else "white", zorder=5,
        )  # fmt: skip
    axis.plot(shares, heights, color=look.colour, linewidth=1.2, zorder=4)


def _health(axis: Axes, rows: Sequence[SummaryRow], names: Sequence[Condition], health: float) -> None:
    axis.axhline(0, color=BLACK, linewidth=0.8)
    for place, name in enumerate(names):
        own = [row for row in rows if row.condition == name]
        _line(axis, own, lambda row: (row.neutral_rise, None, None), LOOKS[name], place - len(names) / 2)
    _scaled(axis, health)
    low, high = axis.get_ylim()
    high = max(high, 1.5 * health)
    axis.axhspan(health, high, color="#EDEDED", zorder=0)
    axis.set_ylim(low, high)
    axis.set_ylabel("neutral text:\nrise of the loss (%)")


def _plain(value: float, _: object) -> str:
    return f"{value:g}".replace("-", "−")


def _own(row: SummaryRow) -> tuple[float | None, float | None, float | None]:
    return row.value, row.low, row.high


def _other(row: SummaryRow) -> tuple[float | None, float | None, float | None]:
    return row.other, None, None


def _difference(row: SummaryRow) -> tuple[float | None, float | None, float | None]:
    return row.difference, row.difference_low, row.difference_high


def _handle(look: Look) -> Line2D:
    return Line2D([], [], color=look.colour, marker=look.marker, markersize=4.4, linewidth=1.2, label=look.name)


def _rounded(value: float) -> str:
    """A number with two digits; what rounds to zero has no sign."""
    return signed(value, 2).removeprefix("+")


def _title(rows: Sequence[SummaryRow]) -> str:
    best = next((row for row in rows if row.headline), None)
    if best is None or best.difference is None:
        return "What a task loses without its own neurons, less without another's: no share leaves the model healthy"
    name = LOOKS[best.condition].name.removeprefix("… ")
    if best.condition in ("top_less_keystone", "top_less_others"):
        name = f"{LOOKS['top'].name} {name}"
    low, high = best.difference_low, best.difference_high
    limits = "" if low is None or high is None else f" ({_rounded(low)} to {_rounded(high)})"
    return (
        f"Without its own neurons a task loses at most {_rounded(best.difference)}{limits} nats a token more than "
        f"without another's in a healthy model ({name}, {best.percent:g}\N{NO-BREAK SPACE}%)"
    )


# Layers


def draw_layers(rows: Sequence[LayerRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw keystone neurons and the other neurons of tops by layer, for up to three shares that have keystone neurons.

    Args:
        rows: of one run.
        run: model, its tuning and suite, in words.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: there is nothing to draw.
    """
    if not rows:
        raise InputError("no neurons were described", where=run)
    counts = {
        share: sum(row.keystone for row in rows if row.percent == share) for share in {row.percent for row in rows}
    }
    shares = sorted(share for share, count in counts.items() if count)
    if len(shares) > _PANELS:
        shares = [shares[0], shares[len(shares) // 2], shares[-1]]
    seeds = len({row.seed for row in rows})
    most = max(counts)
    width, layers = rows[0].width, len({row.layer for row in rows})
    caption = (
        f"{run}; {layers} layers of {width} neurons, mean over {seeds} seed{'s' if seeds != 1 else ''}. Keystone "
        "neurons: those in the top of every task and of neutral text. Grey: the other neurons of a task's top, mean "
        "over tasks. Each panel is one share of the neurons that a top takes; its numbers are over all layers."
    )
    told = f"{counts[most] / seeds:.0f} of the {width * layers * most / 100:.0f}"
    title = f"Where the keystone neurons lie: at {most:g} % they are {told} neurons of a top"
    handles = [
        Patch(color=BLACK, label="keystone neurons"),
        Patch(color="#BDBDBD", label="other neurons of a task's top"),
    ]
    with sheet(2.1, Words(title, caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, max(1, len(shares)), squeeze=False)[0]
        if not shares:
            say_in_panel(axes[0], "no neuron is in the top of every task and of neutral text")
        for axis, share in zip(axes, shares, strict=False):
            own = [row for row in rows if row.percent == share]
            places = sorted({row.layer for row in own})
            keystone = [np.mean([row.keystone for row in own if row.layer == layer]) for layer in places]
            other = [np.mean([row.top_less_keystone or 0 for row in own if row.layer == layer]) for layer in places]
            axis.bar(places, keystone, color=BLACK, width=0.8)
            axis.bar(places, other, bottom=keystone, color="#BDBDBD", width=0.8)
            axis.set_title(f"{share:g} %: {sum(keystone):.0f} keystone, {sum(other):.0f} other", fontweight="normal")
            layer_axis(axis)
        axes[0].set_ylabel("neurons of the layer")


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        health: largest rise of the loss on neutral text of a healthy model, %.
        tuned: whether models are tuned on all tasks of their suites; else they are studied as they are.
        dpi: dots an inch of the PNG.
    """

    health: float
    tuned: bool
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw the effects of one run over shares, and its keystone neurons by layer."""
    run, dpi = studied(job.model, job.suite, tuned=job.settings.tuned), job.settings.dpi
    summary, layers = SUMMARY.read(job.inputs.one("summary")), LAYERS.read(job.inputs.one("layers"))
    own = [row for row in summary if (row.suite, row.model) == (job.suite, job.model)]
    here = [row for row in layers if (row.suite, row.model) == (job.suite, job.model)]
    seeds = len({row.seed for row in here})
    draw_effects(own, run, job.outputs["effects"], seeds=seeds, health=job.settings.health, dpi=dpi)
    draw_layers(here, run, job.outputs["layers"], dpi=dpi)
