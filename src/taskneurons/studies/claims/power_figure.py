"""The papers' inconclusive claims: how far each is from its margin, and with how many seeds it would be decided."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.evidence.style import BLUE, GREY, SMALL, VERMILLION, Words, say_in_panel, sheet
from taskneurons.job import Job
from taskneurons.studies.claims.power import CHANCE, MOST_SEEDS
from taskneurons.studies.claims.rows import POWER, PowerRow

_LINE = 0.155  # inches
_LOOK = {"holds": (BLUE, "o", "towards holds"), "fails": (VERMILLION, "X", "towards fails")}
_NEVER = f"more than {MOST_SEEDS} seeds"
_TICKS = (-30, -10, -3, -1, 0, 1, 3, 10, 30)
_END = 40.0


def draw_power(rows: Iterable[PowerRow], paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw effect and interval of each of the papers' inconclusive claims in units of its margin, and the seeds needed.

    The axis is turned so that right is as claimed, and linear within one margin of 0. Claims without an interval over
    seeds are left out, and counted in the caption.

    Args:
        rows: of `power.power_rows`.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.
    """
    own = [row for row in rows if row.role == "claim"]
    shown = sorted((row for row in own if row.sd is not None), key=lambda row: (row.needed or MOST_SEEDS + 1, row.id))
    soon = sum(row.needed is not None and row.needed <= 10 for row in shown)
    left_out = len(own) - len(shown)
    words = Words(
        f"With ten seeds {soon} of the papers' {len(own)} inconclusive claims would be decided "
        f"({100 * CHANCE:g} % chance)",
        "Effect and 95 % interval over seeds of each inconclusive claim of the papers, as multiples of its margin "
        "(black line), turned so that right is as claimed. Right: seeds that there are, and seeds with which the "
        "verdict on the effect's side of the margin is reached with that chance, if effect and spread are as they were "
        "seen; in brackets with the limits of the spread (80 %). An effect that is large by chance needs more. "
        f"Without an interval over seeds, and left out: {left_out}. See `taskneurons claims power`.",
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.1, label=label)
        for colour, marker, label in (*_LOOK.values(), (GREY, "s", _NEVER))
    ]
    with sheet(_LINE * max(len(shown), 4) + 0.75, words, paths, dpi, handles) as figure:
        axis = figure.subplots(1, 1)
        if not shown:
            say_in_panel(axis, "no claim of the papers is inconclusive with an interval over seeds")
            return
        _lines(axis, shown)


def _lines(axis: Axes, rows: Sequence[PowerRow]) -> None:
    for place, row in enumerate(rows):
        colour, marker = (GREY, "s") if row.needed is None else _LOOK[row.towards or "fails"][:2]
        ends = [_drawn(row, limit) for limit in (row.low, row.high) if limit is not None]
        axis.plot(ends, [place, place], color=colour, linewidth=1.1, zorder=3)
        axis.plot(_drawn(row, row.effect or 0.0), place, marker, color=colour, markersize=4, zorder=4)
        for margin in (-row.margin, row.margin) if row.direction == "within" else (row.margin,):
            axis.plot([_drawn(row, margin)] * 2, [place - 0.4, place + 0.4], color="black", linewidth=1.2, zorder=2)
        axis.text(1.01, place, _needed(row), transform=axis.get_yaxis_transform(), va="center", fontsize=SMALL)
    axis.text(
        1.01, -1, "seeds → seeds needed", transform=axis.get_yaxis_transform(), va="center", fontsize=SMALL,
        fontweight="bold",
    )  # fmt: skip
    axis.axvline(0, color="#B0B0B0", linewidth=0.7, zorder=1)
    axis.set_yticks(range(len(rows)), [f"{row.id} ({row.model})" for row in rows])
    axis.tick_params(axis="y", length=0)
    axis.set_ylim(len(rows) - 0.4, -0.6)
    axis.set_xticks([_squeezed(tick) for tick in _TICKS], [f"{tick}".replace("-", "−") for tick in _TICKS])
    axis.set_xlim(_squeezed(-_END), _squeezed(_END))
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.5)
    axis.set_axisbelow(True)
    axis.set_xlabel("effect, in margins (← against, as claimed →)")


def _needed(row: PowerRow) -> str:
    if row.needed is None:
        return f"{row.seeds} → {_NEVER}"
    most = f"{MOST_SEEDS}+" if row.needed_high is None else str(row.needed_high)
    return f"{row.seeds} → {row.needed} ({row.needed_low} to {most})"


def _drawn(row: PowerRow, value: float) -> float:
    turned = -value if row.direction == "below" else value
    return _squeezed(turned / (abs(row.margin) or 1.0))


def _squeezed(value: float) -> float:
    return float(np.arcsinh(np.clip(value, -_END, _END)))


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        dpi: dots an inch of the PNG.
    """

    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw how far the papers' inconclusive claims are from a verdict."""
    draw_power(POWER.read(job.inputs.one("table")), job.outputs["figure"], dpi=job.settings.dpi)
