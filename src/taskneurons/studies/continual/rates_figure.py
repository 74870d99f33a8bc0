"""How much the end of a stream depends on what was chosen on the development order: learning rates, temperatures."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from pathlib import Path
from textwrap import fill

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from taskneurons.evidence.style import BLACK, GREY, SMALL, Words, sheet
from taskneurons.studies.continual.look import FAMILY_LOOK, methods_in
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rates import KNOBS, Knob, value_of
from taskneurons.studies.continual.rows import RateRow

_ACROSS = 5
# A title of more letters is broken.
_LETTERS = 22
_NAMES: dict[Knob, str] = {"learning_rate": "learning rate", "temperature": "temperature", "strength": "strength"}

Curve = dict[float, float]
"""Accuracy by the value of a knob, the best over the others."""


def draw_rates(
    trials: Sequence[RateRow], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw accuracy on the development order against what was tried, one panel a method, the others faint behind it.

    A method stands over its learning rates; one that has only one, over its temperatures or else its strengths.

    Args:
        trials: on the development order; a model without trials gives a figure that says so.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.
    """
    own = [row for row in trials if (row.suite, row.model) == (suite, model)]
    methods: dict[Knob, dict[str, Sequence[RateRow]]] = defaultdict(dict)
    for method in methods_in(own):
        tried = [row for row in own if row.method == method]
        methods[_knob(tried)][method] = tried
    blocks = {knob: methods[knob] for knob in _NAMES if knob in methods}
    edges = sorted({METHODS[row.method].label for row in own if row.at_edge})
    caption = (
        f"{model}, {suite}. Mean accuracy over the tasks after the last stage of the development order, on validation "
        "examples; this order is in no other figure. Star: what was chosen, for all orders: the best value "
        "with which tasks were learned well enough just after their stages, if there is any. Grey: the other methods "
        "of the row of panels. Where several strengths were tried, at the best rate, the point is the best of them. "
        "Crosses at the bottom: training diverged. One run a point, no interval. "
        + (
            f"A rate, strength or temperature at an edge of its grid: {', '.join(edges)}."
            if edges
            else "None was chosen at an edge of its grid."
        )
    )
    lines = {knob: -(-len(found) // _ACROSS) for knob, found in blocks.items()}
    handles = [
        Line2D([], [], color=BLACK, linewidth=1.4, marker="o", markersize=3.5, label="the method"),
        Line2D([], [], color="#C4C4C4", linewidth=0.8, label="the others"),
        Line2D([], [], color=BLACK, linewidth=0, marker="*", markersize=8, label="chosen"),
    ]
    total = sum(lines.values())
    height = 1.2 * total + 0.5 * len(blocks) if blocks else 1.0
    with sheet(height, Words(_title(blocks), caption), paths, dpi, handles) as figure:
        if not blocks:
            axis = figure.subplots()
            axis.text(0.5, 0.5, "nothing was tried", transform=axis.transAxes, ha="center", color=GREY)
            axis.set_axis_off()
            return
        grid = figure.subplots(total, _ACROSS, squeeze=False)
        first = 0
        for knob, found in blocks.items():
            places = grid[first : first + lines[knob]].flat
            first += lines[knob]
            limits, values = _limits(found, knob)
            for place, axis in enumerate(places):
                if place >= len(found):
                    axis.set_visible(False)
                    continue
                _panel(axis, list(found)[place], found, knob)
                axis.set_xlim(limits)
                axis.set_ylim(values)
                axis.yaxis.set_major_locator(MaxNLocator(nbins=4, integer=True))
                if place % _ACROSS == 0:
                    axis.set_ylabel("accuracy (%)", fontsize=SMALL)
                else:
                    axis.set_yticklabels([])
                if place + _ACROSS >= len(found):
                    axis.set_xlabel(_NAMES[knob], fontsize=SMALL)
                else:
                    axis.set_xticklabels([])


def _limits(found: Mapping[str, Sequence[RateRow]], knob: Knob) -> tuple[tuple[float, float], tuple[float, float]]:
    """The same limits for all panels of a knob."""
    tried = [value for rows in found.values() for row in rows if (value := value_of(row, knob)) is not None]
    scores = [row.accuracy for rows in found.values() for row in rows if row.accuracy is not None] or [0.0]
    pad = 0.08 * (max(scores) - min(scores)) + 1
    across = (min(tried), max(tried)) if tried else (0.1, 1.0)
    if across[0] > 0:
        wide = 1.3 * (across[1] / across[0]) ** 0.05
        return (across[0] / wide, across[1] * wide), (min(scores) - pad, max(scores) + pad)
    side = 0.06 * (across[1] - across[0]) or 1.0
    return (across[0] - side, across[1] + side), (min(scores) - pad, max(scores) + pad)


def _panel(axis: Axes, method: str, found: Mapping[str, Sequence[RateRow]], knob: Knob) -> None:
    for other, tried in found.items():
        if other != method:
            curve = _best(tried, knob)
            axis.plot(list(curve), list(curve.values()), color="#C4C4C4", linewidth=0.7, zorder=1)
    colour, marker = FAMILY_LOOK[METHODS[method].family]
    rows = found[method]
    single: dict[object, Curve] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: value_of(row, knob) or 0.0):
        if row.accuracy is not None and (value := value_of(row, knob)) is not None:
            single[tuple(value_of(row, name) for name in KNOBS if name != knob)][value] = row.accuracy
    for curve in single.values() if len(single) > 1 else ():
        axis.plot(list(curve), list(curve.values()), color=colour, linewidth=0.6, alpha=0.6, zorder=2)
    curve = _best(rows, knob)
    axis.plot(
        list(curve), list(curve.values()), color=colour, linewidth=1.5, marker=marker, markersize=3.4,
        markeredgecolor="white", markeredgewidth=0.4, zorder=3,
    )  # fmt: skip
    _mark(axis, rows, knob, curve, colour)
    every = [value_of(row, knob) for tried in found.values() for row in tried]
    if all(value is None or value > 0 for value in every):
        axis.set_xscale("log")
        axis.xaxis.set_major_locator(LogLocator(numticks=4))
        axis.xaxis.set_minor_locator(NullLocator())
        axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axis.set_title(fill(METHODS[method].label, _LETTERS), fontsize=SMALL, fontweight="normal", color=colour)
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _mark(axis: Axes, rows: Sequence[RateRow], knob: Knob, curve: Curve, colour: str) -> None:
    """A star at what was chosen, a cross at the foot where every training with a value diverged."""
    for row in rows:
        value = value_of(row, knob)
        if value is None:
            continue
        if row.chosen and row.accuracy is not None:
            axis.plot(value, row.accuracy, marker="*", color=BLACK, markersize=8, mec="white", mew=0.5, zorder=5)
        if row.accuracy is None and value not in curve:
            axis.plot(
                value, 0.04, marker="x", color=colour, markersize=4, mew=1,
                transform=axis.get_xaxis_transform(), zorder=4,
            )  # fmt: skip


def _knob(tried: Sequence[RateRow]) -> Knob:
    """What a method stands over: the first knob of which several values were tried."""
    for knob in _NAMES:
        if len({value_of(row, knob) for row in tried} - {None}) > 1:
            return knob
    return "temperature" if any(row.temperature is not None for row in tried) else "learning_rate"


def _best(tried: Sequence[RateRow], knob: Knob) -> Curve:
    found: Curve = {}
    for row in sorted(tried, key=lambda row: value_of(row, knob) or 0.0):
        if row.accuracy is not None and (value := value_of(row, knob)) is not None:
            found[value] = max(row.accuracy, found.get(value, row.accuracy))
    return found


def _title(blocks: Mapping[Knob, Mapping[str, Sequence[RateRow]]]) -> str:
    found = {
        method: _best(rows, "learning_rate")
        for method, rows in blocks.get("learning_rate", {}).items()
        if not METHODS[method].is_bound
    }
    leaders: dict[float, str] = {}
    for rate in sorted({rate for curve in found.values() for rate in curve}):
        # A rate that some method was not tried with, or diverged at, still has a leader among the others.
        leaders[rate] = max((m for m in found if rate in found[m]), key=lambda m: found[m][rate])
    if len(leaders) < 2:
        return "What was tried on the development order, and what was chosen"
    said = []
    for method, some in groupby(leaders, key=leaders.__getitem__):
        rates = list(some)
        where = f"at {rates[0]:g}" if len(rates) == 1 else f"from {rates[0]:g} to {rates[-1]:g}"
        said.append(f"{METHODS[method].label} {where}")
    if len(set(leaders.values())) == 1:
        return f"{METHODS[next(iter(leaders.values()))].label} leads at every learning rate that was tried"
    return f"Which method leads turns with the learning rate, so each has its own: {', '.join(said)}"
