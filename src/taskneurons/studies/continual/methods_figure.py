"""Table 5 of Leng & Xiong 2025 as a figure: mean accuracy after the last task of a stream, every method."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.evidence.style import BLACK, SMALL, Words, sheet
from taskneurons.measures.stats import t_interval
from taskneurons.studies.continual.look import (
    FAMILY_LOOK,
    benchmarks_in,
    family_handles,
    methods_in,
    of_run,
    seeds_in_words,
)
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import JOINT, PublishedRow, StreamRow, SummaryRow
from taskneurons.studies.continual.streams import matrices, sequences
from taskneurons.studies.continual.summary import ALL_ORDERS

_STEP = 0.165  # inches a method
_NAMED = ("ncft", "wncft", "seqft")

Ends = Mapping[str, Mapping[str, float]]
"""CL of each method by order."""


def draw_methods(
    rows: Sequence[StreamRow],
    summary: Sequence[SummaryRow],
    published: Sequence[PublishedRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw CL of every method, one panel a benchmark: each order, their mean with its interval, the printed mean.

    Args:
        rows: of all streams, for the model before the stream.
        summary: of all methods, orders and metrics.
        published: our values beside the printed ones.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in of_run(summary, suite, model) if row.metric == "CL" and row.value is not None]
    benchmarks = benchmarks_in(own)
    methods = methods_in(own)
    ends = {
        method: {row.order: row.value for row in own if row.method == method and row.value is not None}
        for method in methods
    }
    base = _base(of_run(rows, suite, model))
    printed = {
        (row.benchmark, row.method): row.published
        for row in published
        if (row.suite, row.model, row.order) == (suite, model, ALL_ORDERS)
    }
    caption = (
        f"{model}, {suite}. Mean accuracy over all tasks of a stream after its last task (CL). Small dots: single "
        "orders of the tasks; large: their mean, pale where a method has not all orders of the panel. "
        f"{seeds_in_words(own)} Bars: 95 % t intervals across orders, from three on, as if these were independent; "
        "they share their tasks. Dotted: the model before the stream. Learning rates were chosen on an order that is "
        "not shown. " + ("Hollow diamonds: Leng & Xiong 2025, Table 5 (Llama-2-7b, the real tasks)." if printed else "")
    )
    handles = family_handles(methods)
    if printed:
        handles.append(Line2D([], [], color=BLACK, marker="D", mfc="none", markersize=4.5, lw=0, label="the paper"))
    with sheet(_STEP * len(methods) + 0.75, Words(_title(ends, benchmarks), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(benchmarks), sharex=True, sharey=True, squeeze=False)[0]
        for axis, (name, orders) in zip(axes, benchmarks.items(), strict=True):
            values = [base[order] for order in orders if order in base]
            if values:
                axis.axvline(fmean(values), color=BLACK, linewidth=0.9, linestyle=(0, (1, 1.5)), zorder=1)
            _panel(axis, ends, orders, {m: printed[name, m] for m in methods if (name, m) in printed})
            tasks = next(row.tasks for row in own if row.benchmark == name)
            axis.set_title(f"{name}: {tasks} tasks, {len(orders)} order{'s' if len(orders) > 1 else ''}")
        labels = axes[0].set_yticks(range(len(methods)), [METHODS[method].label for method in methods])
        for tick, method in zip(labels, methods, strict=True):
            tick.label1.set_fontweight("bold" if METHODS[method].main else "normal")


def _panel(axis: Axes, ends: Ends, orders: Sequence[str], printed: Mapping[str, float]) -> None:
    methods = list(ends)
    for place, method in enumerate(methods):
        colour, marker = FAMILY_LOOK[METHODS[method].family]
        some = [value for order, value in ends[method].items() if order in orders]
        if method in printed:
            axis.plot(
                printed[method], place, marker="D", markersize=5, mfc="white", mec=BLACK, mew=0.9, zorder=2.5
            )  # fmt: skip
        if not some:
            continue
        axis.scatter(some, [place] * len(some), s=7, color=colour, alpha=0.55, linewidths=0, zorder=3)
        found = t_interval(some)
        whole = len(some) == len(orders)
        if found.low is not None and found.high is not None:
            axis.plot([found.low, found.high], [place, place], color=colour, linewidth=1.1, zorder=2)
        axis.plot(
            fmean(some), place, marker=marker, color=colour, markersize=5.2, alpha=1 if whole else 0.5,
            markeredgecolor="white", markeredgewidth=0.5, zorder=4,
        )  # fmt: skip
    families = [METHODS[method].family for method in methods]
    for place in range(1, len(methods)):
        if families[place] != families[place - 1]:
            axis.axhline(place - 0.5, color="#C8C8C8", linewidth=0.6)
    axis.set_ylim(len(methods) - 0.4, -0.6)
    axis.tick_params(axis="y", length=0, labelsize=SMALL)
    low, high = axis.get_xlim()
    axis.set_xlim(max(low, 0), min(high, 101))
    axis.set_xlabel("mean accuracy after the last task (%)")
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.spines["left"].set_visible(False)


def _base(rows: Sequence[StreamRow]) -> dict[str, float]:
    """Mean accuracy of the model before the stream, by order."""
    found: dict[str, float] = {}
    for stream, matrix in matrices(rows, sequences(rows)).items():
        # NaN where a method does not test it.
        if (value := float(matrix[0].mean())) == value:
            found.setdefault(stream.order, value)
    return found


def _title(ends: Ends, benchmarks: Mapping[str, Sequence[str]]) -> str:
    parts = []
    for name, orders in benchmarks.items():
        values = {method: [own[order] for order in orders if order in own] for method, own in ends.items()}
        means = {method: fmean(some) for method, some in values.items() if len(some) == len(orders)}
        ranked = {method: mean for method, mean in means.items() if not METHODS[method].is_bound}
        if not ranked:
            continue
        best = max(ranked, key=lambda method: ranked[method])
        others = [method for method in (*_NAMED, JOINT) if method in means and method != best]
        said = [f"{METHODS[method].label} {means[method]:.1f}" for method in others]
        parts.append(f"{name}: {', '.join([f'{METHODS[best].label} is best, {ranked[best]:.1f} %', *said])}")
    return "After the last task, " + "; ".join(parts) if parts else "Mean accuracy after the last task of a stream"
