"""Table 5 of Leng & Xiong 2025 as a figure: mean accuracy after the last task of a stream, every method."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.evidence.style import BLACK, GREY, SMALL, Words, sheet, shortened
from taskneurons.studies.continual.look import FAMILY_LOOK, benchmarks_in, family_handles, methods_in, of_run
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import (
    JOINT,
    RATES_OF,
    SCORINGS,
    MeasureRow,
    MethodRow,
    PublishedRow,
    Rate,
)
from taskneurons.studies.continual.summary import ALL_ORDERS

_STEP = 0.26  # inches a method
_NAMED = ("ncft", "wncft", "seqft")
_SHIFT: Mapping[Rate, float] = {"own": -0.14, "equal": 0.22}

Means = Mapping[tuple[str, Rate], MethodRow]
"""The mean over bases of each method at each rate."""
Dots = Mapping[tuple[str, Rate], Sequence[float]]
"""The mean over orders in each base."""


def draw_methods(
    measures: Sequence[MeasureRow],
    means: Sequence[MethodRow],
    published: Sequence[PublishedRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw CL of every method, one row a benchmark and one panel a scoring, at both rates.

    Each base, their mean with its interval.

    Args:
        measures: of all streams.
        means: of all methods.
        published: our values beside the printed ones.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in of_run(measures, suite, model) if row.metric == "CL" and row.value is not None]
    ends = [row for row in of_run(means, suite, model) if row.metric == "CL" and row.value is not None]
    methods = methods_in(own)
    printed = {
        (row.benchmark, row.method): row.published
        for row in published
        if (row.suite, row.model, row.order) == (suite, model, ALL_ORDERS)
    }
    benchmarks = list(benchmarks_in(own))
    bases = len({row.seed for row in own})
    caption = (
        f"{model}, {suite}. Mean accuracy over all tasks of a stream after its last task (CL); free: what is written "
        "is the answer; restricted: the likeliest of the task's options is. Large, filled: at the learning rate that "
        "the method has chosen on an order that is not shown; hollow, below: at the rate that all have. Small "
        f"dots: {bases} base model{'s' if bases > 1 else ''}, each the mean of its orders; bars: 95 % t intervals over "
        "them, from three on. Crossed out: just after its stage a task was not learned well enough to speak of "
        "forgetting (docs/continual.md). Bold: the methods themselves; others are variants of theirs. "
        + ("Grey diamonds: Leng & Xiong 2025, Table 5 (Llama-2-7b, the real tasks)." if printed else "")
    )
    handles = family_handles(methods)
    handles.append(Line2D([], [], color=BLACK, marker="o", mfc="white", markersize=4.5, lw=0, label="equal rate"))
    handles.append(Line2D([], [], color=BLACK, marker="x", markersize=5, lw=0, label="has not learned"))
    if printed:
        handles.append(Line2D([], [], color=GREY, marker="D", mfc="none", markersize=4.5, lw=0, label="the paper"))
    with sheet(
        (_STEP * len(methods) + 0.75) * len(benchmarks), Words(_title(ends), caption), paths, dpi, handles
    ) as figure:
        grid = figure.subplots(len(benchmarks), len(SCORINGS), sharex=True, sharey=True, squeeze=False)
        for line, name in zip(grid, benchmarks, strict=True):
            for axis, scoring in zip(line, SCORINGS, strict=True):
                found = {(row.method, row.rate): row for row in ends if (row.orders, row.scoring) == (name, scoring)}
                dots = _dots([row for row in own if (row.benchmark, row.scoring) == (name, scoring)])
                theirs = {method: value for (benchmark, method), value in printed.items() if benchmark == name}
                _panel(axis, methods, found, dots, theirs if scoring == "free" else {})
                axis.set_title(f"{shortened(name, 18)}, {scoring}")
            labels = line[0].set_yticks(range(len(methods)), [METHODS[method].label for method in methods])
            for tick, method in zip(labels, methods, strict=True):
                tick.label1.set_fontweight("bold" if METHODS[method].main else "normal")
        for axis in grid[-1]:
            axis.set_xlabel("mean accuracy after the last task (%)")
        # All panels share it. An interval may reach beyond what an accuracy can be.
        limits = [limit for row in ends for limit in (row.low, row.high) if limit is not None]
        grid[0, 0].set_xlim(min([0.0, *limits]) - 1, max([100.5, *limits]) + 1)


def _dots(rows: Iterable[MeasureRow]) -> dict[tuple[str, Rate], list[float]]:
    found: dict[tuple[str, Rate], dict[int, list[float]]] = {}
    for row in rows:
        if row.value is not None:
            found.setdefault((row.method, row.rate), {}).setdefault(row.seed, []).append(row.value)
    return {key: [fmean(values) for values in by_seed.values()] for key, by_seed in found.items()}


def _panel(axis: Axes, methods: Sequence[str], means: Means, dots: Dots, printed: Mapping[str, float]) -> None:
    for place, method in enumerate(methods):
        if method in printed:
            axis.plot(printed[method], place, marker="D", markersize=5, mfc="none", mec=GREY, mew=0.9, zorder=2.5)
        for rate in RATES_OF:
            row = means.get((method, rate))
            if row is not None and row.value is not None:
                bound = METHODS[method].is_bound
                _point(axis, row, row.value, dots.get((method, rate), ()), place + (0 if bound else _SHIFT[rate]))
    families = [METHODS[method].family for method in methods]
    for place in range(1, len(methods)):
        if families[place] != families[place - 1]:
            axis.axhline(place - 0.5, color="#C8C8C8", linewidth=0.6)
    axis.set_ylim(len(methods) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0, labelsize=SMALL)
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines["left"].set_visible(False)


def _point(axis: Axes, row: MethodRow, value: float, dots: Sequence[float], height: float) -> None:
    colour, marker = FAMILY_LOOK[METHODS[row.method].family]
    equal = row.rate == "equal"
    axis.scatter(dots, [height] * len(dots), s=6, color=colour, alpha=0.5, linewidths=0, zorder=3)
    if row.low is not None and row.high is not None:
        # An interval may reach beyond what an accuracy can be.
        ends = [max(row.low, 0), min(row.high, 100)]
        axis.plot(ends, [height, height], color=colour, linewidth=0.7 if equal else 1.1, zorder=2)
    axis.plot(
        value, height, marker=marker, markersize=4.2 if equal else 5.2, color=colour,
        mfc="white" if equal else colour, mec=colour if equal else "white", mew=0.9 if equal else 0.5, zorder=4,
    )  # fmt: skip
    if row.has_learned is False:
        axis.plot(value, height, marker="x", markersize=5.5, color=BLACK, mew=0.9, zorder=5)


def _title(means: Sequence[MethodRow]) -> str:
    parts = []
    for name in dict.fromkeys(row.orders for row in means if row.orders != ALL_ORDERS):
        found = {
            row.method: row.value
            for row in means
            if (row.orders, row.scoring, row.rate) == (name, "restricted", "own") and row.value is not None
        }
        ranked = {method: value for method, value in found.items() if not METHODS[method].is_bound}
        if not ranked:
            continue
        best = max(ranked, key=lambda method: ranked[method])
        said = [f"{METHODS[best].label} is best, {ranked[best]:.1f} %"]
        said += [f"{METHODS[m].label} {found[m]:.1f}" for m in (*_NAMED, JOINT) if m in found and m != best]
        parts.append(f"{name}: {', '.join(said)}")
    if not parts:
        return "Mean accuracy after the last task of a stream"
    return "After the last task, among the options and at own rates, " + "; ".join(parts)
