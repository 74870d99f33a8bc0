"""Figure 4 of Leng & Xiong 2025: what is left of the earlier tasks, stage by stage."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.evidence.style import BLACK, GREY, Words, sheet
from taskneurons.measures.continual import retention
from taskneurons.studies.continual.look import LINE_LOOK, listed, of_run
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import SCORINGS, StreamRow
from taskneurons.studies.continual.streams import Benchmarks, alone, benchmark_of, matrices, sequences

# Free and restricted stand side by side.
_ACROSS = 2

Lines = Mapping[str, Mapping[str, np.ndarray]]
"""Retention by stage, of each method and order, mean over seeds."""


def draw_retention(
    rows: Sequence[StreamRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    benchmarks: Benchmarks,
    dpi: int = 200,
) -> None:
    """Draw the retention FG of the main variant of every method against the stage, at its own learning rate.

    One panel a benchmark and scoring.

    Args:
        rows: of all streams; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        benchmarks: the orders of each benchmark of the suite.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = of_run(rows, suite, model)
    orders = sequences(own)
    named = benchmark_of(orders, {suite: benchmarks})
    found: dict[str, dict[str, dict[str, list[np.ndarray]]]] = defaultdict(lambda: defaultdict(dict))
    for scoring in SCORINGS:
        accuracy = matrices(own, orders, scoring)
        for stream, matrix in accuracy.items():
            limits, method, order = alone(accuracy, stream), stream.method, stream.order
            if method in LINE_LOOK and limits is not None and stream.rate == "own":
                panel = f"{named[suite, order]}, {scoring}"
                found[panel][method].setdefault(order, []).append(retention(matrix, limits))
    panels: dict[str, Lines] = {
        name: {
            method: {order: np.mean(some, axis=0) for order, some in by_order.items()}
            for method, by_order in sorted(methods.items(), key=lambda item: by_method(item[0]))
        }
        for name, methods in sorted(found.items(), key=lambda item: _tasks(item[1]))
    }
    drawn = sorted({method for lines in panels.values() for method in lines}, key=by_method)
    seeds = len({row.seed for row in own})
    caption = (
        f"{model}, {suite}. Retention FG (Leng & Xiong 2025, Eq. 5; their Figure 4): after each stage, the mean over "
        "the tasks learned before it of accuracy there and then over that of training on the task alone (Per-Task FT), "
        "both from the same base. 100 %: nothing is lost. Lines: means over the orders of the tasks; bands: from the "
        f"lowest to the highest order, no interval. {'One seed' if seeds == 1 else f'Up to {seeds} seeds, averaged'}. "
        "Free: what a model writes is compared with the answer; restricted: the likeliest of the task's options. Each "
        "method has its own learning rate. The paper prints no numbers."
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.4, label=METHODS[method].label)
        for method, (colour, marker) in LINE_LOOK.items()
        if method in drawn
    ]
    lines = -(-len(panels) // _ACROSS)
    with sheet(2.6 * max(lines, 1), Words(_title(panels), caption), paths, dpi, handles) as figure:
        if not panels:
            axis = figure.subplots()
            axis.text(0.5, 0.5, "Per-Task FT was not run", transform=axis.transAxes, ha="center", color=GREY)
            axis.set_axis_off()
            return
        grid = figure.subplots(lines, _ACROSS, sharey=True, squeeze=False)
        for axis, (name, own_lines) in zip(grid.flat, panels.items(), strict=True):
            _panel(axis, own_lines)
            axis.set_title(f"{name}: {_tasks(own_lines)} tasks")
        for line in grid:
            line[0].set_ylabel("retention of earlier tasks (%)")
        # Panels share their limits, which a limit set in one of them would freeze.
        grid[0, 0].set_ylim(bottom=0)


def _panel(axis: Axes, lines: Lines) -> None:
    stages = np.arange(_tasks(lines) + 1)
    axis.axhline(100, color=BLACK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    for method, by_order in lines.items():
        colour, marker = LINE_LOOK[method]
        values = np.array(list(by_order.values()))
        if len(values) > 1:
            axis.fill_between(
                stages[2:], values[:, 2:].min(axis=0), values[:, 2:].max(axis=0), color=colour, alpha=0.13, linewidth=0
            )
        axis.plot(
            stages[2:], values[:, 2:].mean(axis=0), color=colour, marker=marker, markersize=4, linewidth=1.4,
            markeredgecolor="white", markeredgewidth=0.4, zorder=3,
        )  # fmt: skip
    axis.set_xticks(stages[2:])
    axis.set_xlabel("tasks learned so far")
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _tasks(lines: Mapping[str, Mapping[str, object]]) -> int:
    values = next(iter(next(iter(lines.values())).values()))
    first = values[0] if isinstance(values, list) else values
    return len(np.asarray(first)) - 1


def _title(panels: Mapping[str, Lines]) -> str:
    parts = []
    for panel, lines in panels.items():
        name, _, scoring = panel.rpartition(", ")
        if scoring == "free":
            continue
        last = {m: float(np.mean([v[-1] for v in by_order.values()])) for m, by_order in lines.items()}
        last = {method: value for method, value in last.items() if np.isfinite(value)}
        if last:
            ordered = sorted(last, key=lambda method: -last[method])
            chosen = list(dict.fromkeys([ordered[0], *(m for m in ("ncft", "wncft") if m in last), ordered[-1]]))
            chosen.sort(key=lambda method: -last[method])
            parts.append(f"{name}: {listed([f'{METHODS[method].label} {last[method]:.0f} %' for method in chosen])}")
    if not parts:
        return "Retention of earlier tasks by stage"
    return "What is left of the earlier tasks at the end, among the options. " + "; ".join(parts)
