"""What a method's accuracy at the end of a stream costs: storage besides the base, and passes through the model."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patheffects import withStroke
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator
from matplotlib.transforms import Bbox

from taskneurons.evidence.style import BLACK, GREY, SMALL, Words, sheet
from taskneurons.studies.continual.look import (
    FAMILY_LOOK,
    benchmarks_in,
    family_handles,
    listed,
    methods_in,
    of_run,
    seeds_in_words,
)
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import SummaryRow

_COSTS = {"storage": ("kept besides the base (MB)", 1e-6), "passes": ("examples forward and backward (a stage)", 1.0)}
# Places of a label around its point: x and y in points, horizontal and vertical alignment.
_SPOTS = (
    (5, 0, "left", "center"), (-5, 0, "right", "center"), (0, 5, "center", "bottom"), (0, -5, "center", "top"),
    (4, 4, "left", "bottom"), (4, -4, "left", "top"), (-4, 4, "right", "bottom"), (-4, -4, "right", "top"),
    (10, 10, "left", "bottom"), (10, -10, "left", "top"), (-10, 10, "right", "bottom"), (-10, -10, "right", "top"),
)  # fmt: skip

Point = tuple[float, float]
"""Cost and CL."""


@dataclass(frozen=True)
class _Value:
    """What a method reached, or cost, on an order."""

    method: str
    order: str
    metric: str
    value: float


def draw_cost(
    summary: Sequence[SummaryRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw CL against storage and against passes, one row a benchmark, with the methods that none dominates.

    CL is that of what a method writes, at its own learning rate.

    Args:
        summary: of all methods, orders and metrics.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in of_run(summary, suite, model) if row.rate == "own" and row.scoring != "restricted"]
    benchmarks = benchmarks_in(own)
    values = [_Value(row.method, row.order, row.metric, row.value) for row in own if row.value is not None]
    points = {
        (name, cost): _points(values, orders, cost) for name, orders in benchmarks.items() for cost in _COSTS
    }  # fmt: skip
    caption = (
        f"{model}, {suite}. Mean accuracy after the last task (CL, free answers, each method at its own learning rate) "
        "against what is kept besides the base after it, and against the examples that a stage sends forward and "
        "backward through the model (of joint training: its share of them). Means over orders. "
        f"{seeds_in_words(own)} No interval is drawn. "
        "Line: the methods that no other one beats in both; bounds are left out of it. "
        "Named: these, base variants and bounds, where there is room. Pale: not on all orders of the "
        "row. A method that keeps nothing stands at 0. Weightings of the same patches share their training and storage."
    )
    handles = family_handles(methods_in(own))
    handles.append(Line2D([], [], color=BLACK, linewidth=0.9, label="beaten by none in both"))
    with sheet(2.9 * len(benchmarks), Words(_title(points), caption), paths, dpi, handles) as figure:
        grid = figure.subplots(len(benchmarks), len(_COSTS), squeeze=False, sharey="row")
        labelled: list[tuple[Axes, Mapping[str, Point]]] = []
        for line, (name, orders) in zip(grid, benchmarks.items(), strict=True):
            whole = {
                method for method in methods_in(own)
                if {row.order for row in own if row.method == method} >= set(orders)
            }  # fmt: skip
            for axis, (cost, (label, _)) in zip(line, _COSTS.items(), strict=True):
                axis.set_xlabel(label)
                labelled.append((axis, _panel(axis, points[name, cost], whole)))
            tasks = next(row.tasks for row in own if row.benchmark == name)
            line[0].set_ylabel("mean accuracy at the end (%)")
            line[0].set_title(f"{name}: {tasks} tasks")
        # Labels are placed where the panels end up.
        figure.draw_without_rendering()
        for axis, shown in labelled:
            _label(axis, shown)


def front(points: Mapping[str, Point]) -> list[str]:
    """The methods that no other one beats: lower or equal cost and higher or equal CL, one of them strictly."""
    kept = [
        name
        for name, (cost, value) in points.items()
        if not any(
            other_cost <= cost and other >= value and (other_cost, other) != (cost, value)
            for other_cost, other in points.values()
        )
    ]
    return sorted(kept, key=lambda name: points[name])


def _points(values: Sequence[_Value], orders: Sequence[str], cost: str) -> dict[str, Point]:
    found = {}
    for method in sorted({one.method for one in values}, key=by_method):
        own = [one for one in values if one.method == method and one.order in orders]
        costs, ends = ([one.value for one in own if one.metric == metric] for metric in (cost, "CL"))
        if costs and ends:
            found[method] = (fmean(costs) * _COSTS[cost][1], fmean(ends))
    return found


def _panel(axis: Axes, points: Mapping[str, Point], whole: set[str]) -> dict[str, Point]:
    """Draw the points; where they were put."""
    if not points:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", color=GREY)
        axis.set_xticks([])
        return {}
    positive = [cost for cost, _ in points.values() if cost > 0]
    least, most = (min(positive), max(positive)) if positive else (0.1, 1.0)
    # Zero has no place on a logarithmic axis: it gets one, left of a gap.
    zero = least / 10 ** (0.18 * math.log10(max(most / least, 10)) + 0.1)
    placed = {name: (cost if cost > 0 else zero, value) for name, (cost, value) in points.items()}
    ranked = {name: point for name, point in placed.items() if not METHODS[name].is_bound}
    line = [ranked[name] for name in front(ranked)]
    if line:
        axis.step(*zip(*line, strict=True), where="post", color=BLACK, linewidth=0.9, zorder=2)
    for name, (cost, value) in placed.items():
        colour, marker = FAMILY_LOOK[METHODS[name].family]
        axis.plot(
            cost, value, marker=marker, color=colour, markersize=5, markeredgecolor="white", markeredgewidth=0.5,
            alpha=1 if name in whole else 0.55, zorder=4,
        )  # fmt: skip
    axis.set_xscale("log")
    wide = math.log10(most / zero if min(c for c, _ in placed.values()) == zero else most / least)
    left = min(cost for cost, _ in placed.values())
    axis.set_xlim(left / 10 ** (0.12 * wide + 0.08), most * 10 ** (0.22 * wide + 0.12))
    # A third of a decade may have one power of ten or none.
    several = LogLocator(subs=(1.0,) if wide > 1.2 else (1.0, 2.0, 5.0))
    axis.xaxis.set_major_locator(several if wide > 0.4 else MaxNLocator(4))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if left == zero:
        ticks = [tick for tick in axis.get_xticks() if least / 1.5 <= tick <= most * 3]
        axis.set_xticks([zero, *ticks], ["0", *(f"{tick:g}" for tick in ticks)])
        axis.axvline(math.sqrt(zero * least), color="#C8C8C8", linewidth=0.6, linestyle=(0, (4, 3)), zorder=1)
    axis.margins(y=0.12)
    axis.grid(color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)
    return placed


def _label(axis: Axes, points: Mapping[str, Point]) -> None:
    """Name the front, the base variants and the bounds, where there is room."""
    ranked = {name: point for name, point in points.items() if not METHODS[name].is_bound}
    named = [*front(ranked), *(name for name in points if METHODS[name].main)]
    inside = axis.get_window_extent()
    taken = []
    for point in points.values():
        x, y = axis.transData.transform(point)
        taken.append(Bbox.from_extents(x - 4, y - 4, x + 4, y + 4))
    taken += _along(axis, [ranked[name] for name in front(ranked)])
    for name in dict.fromkeys(named):
        for dx, dy, across, along in _SPOTS:
            text = axis.annotate(
                METHODS[name].label, points[name], (dx, dy), textcoords="offset points", ha=across, va=along,
                fontsize=SMALL, color=FAMILY_LOOK[METHODS[name].family][0], zorder=5,
            )  # fmt: skip
            text.set_path_effects([withStroke(linewidth=1.6, foreground="white")])
            # A name must not move the panels among which it was placed.
            text.set_in_layout(False)
            box = text.get_window_extent()
            fits = inside.x0 <= box.x0 and box.x1 <= inside.x1 and inside.y0 <= box.y0 and box.y1 <= inside.y1
            if fits and not any(box.overlaps(other) for other in taken):
                taken.append(box)
                break
            text.remove()


def _along(axis: Axes, line: Sequence[Point]) -> list[Bbox]:
    """Boxes that cover the line through some points, which a name must not cross."""
    corners = [corner for one, other in pairwise(line) for corner in (one, (other[0], one[1]))] + list(line[-1:])
    found = []
    for one, other in pairwise(axis.transData.transform(corners) if corners else []):
        (x0, x1), (y0, y1) = sorted((one[0], other[0])), sorted((one[1], other[1]))
        found.append(Bbox.from_extents(x0 - 1, y0 - 1, x1 + 1, y1 + 1))
    return found


def _title(points: Mapping[tuple[str, str], Mapping[str, Point]]) -> str:
    parts = []
    for (name, cost), found in points.items():
        if cost == "storage" and found:
            ranked = {method: point for method, point in found.items() if not METHODS[method].is_bound}
            parts.append(f"{name}: {listed([METHODS[method].label for method in front(ranked)])}")
    if not parts:
        return "Accuracy at the end of a stream against its costs"
    return "No method ends higher and keeps less than these, from cheap to good. " + "; ".join(parts)
