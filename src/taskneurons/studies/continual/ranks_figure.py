"""Ranks of the methods over orders with the critical difference (the diagram of Demšar 2006)."""

from collections.abc import Iterable, Sequence
from pathlib import Path

from matplotlib.axes import Axes

from taskneurons.evidence.style import BLACK, GREY, SMALL, Words, sheet
from taskneurons.measures.ranks import cliques
from taskneurons.studies.continual.look import FAMILY_LOOK, family_handles, listed, of_run
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import RankRow
from taskneurons.studies.continual.summary import ALL_ORDERS, COMMON

_STEP = 0.62  # between the heights of two names, where the axis is at 0 and down is positive
_BAR = 0.34
_INCH = 0.26

Ranked = tuple[float, str]
"""A mean rank and its method."""


def draw_ranks(
    methods: Sequence[RankRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    metric: str = "CL",
    dpi: int = 200,
) -> None:
    """Draw the mean ranks over all orders, and over those that every method has, where these are fewer.

    Args:
        methods: of all methods, groups of orders and metrics.
        paths: where to write, `.png` and `.svg`.
        suite, model, metric: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in of_run(methods, suite, model) if row.metric == metric]
    names = list(dict.fromkeys(row.orders for row in own))
    # One benchmark alone is all orders.
    chosen = [name for name in (ALL_ORDERS, COMMON) if name in names]
    panels = {name: [row for row in own if row.orders == name] for name in chosen or names}
    ranked = {name: _ranked(rows) for name, rows in panels.items()}
    counts = {
        name: f"{rows[0].ranked} methods on {_orders(rows[0].ranked_orders or 0, name)}"
        for name, rows in panels.items()
    }
    caption = (
        f"{model}, {suite}. Mean rank of {metric} over orders of the tasks, 1 is best; bounds are not ranked. Bars "
        "join methods whose ranks differ by less than the critical difference (CD; Nemenyi, 5 % over all pairs): the "
        "orders do not tell them apart. Orders share their tasks, so the tests are too sure. "
        + " ".join(f"{counts[name][0].upper()}{counts[name][1:]}: {_test(panels[name][0])}." for name in panels)
        + " A method without all orders of a panel is left out of it."
    )
    depths = {name: _depth(rows, panels[name][0].critical_difference) for name, rows in ranked.items()}
    drawn = {method for rows in ranked.values() for _, method in rows}
    heights = [_INCH * (depth + 1.9) for depth in depths.values()]
    with sheet(
        sum(heights) + 0.3 * len(heights), Words(_title(ranked, panels), caption), paths, dpi, family_handles(drawn)
    ) as figure:
        axes = figure.subplots(len(panels), 1, squeeze=False, height_ratios=heights)[:, 0]
        for axis, (name, rows) in zip(axes, ranked.items(), strict=True):
            axis.set_title(counts[name])
            _panel(axis, rows, panels[name][0].critical_difference, depths[name])


def _ranked(rows: Sequence[RankRow]) -> list[Ranked]:
    """The methods that have a rank, the best first."""
    return sorted(
        ((row.mean_rank, row.method) for row in rows if row.mean_rank is not None), key=lambda ranked: ranked[0]
    )


def _panel(axis: Axes, rows: Sequence[Ranked], difference: float | None, depth: float) -> None:
    axis.set_axis_off()
    if len(rows) < 2:
        axis.text(0.5, 0.5, "fewer than two methods were ranked", transform=axis.transAxes, ha="center", color=GREY)
        return
    ranks = [rank for rank, _ in rows]
    worst = len(rows)
    # Names stand beside the axis; the best on the left.
    side = 0.42 * (worst - 1) + 0.2
    axis.set_xlim(1 - side, worst + side)
    axis.set_ylim(depth, -1.9)
    axis.plot([1, worst], [0, 0], color=BLACK, linewidth=0.9)
    every = 1 if worst <= 12 else 2
    for tick in sorted({*range(1, worst + 1, every), worst}):
        axis.plot([tick, tick], [0, -0.18], color=BLACK, linewidth=0.9)
        axis.text(tick, -0.3, str(tick), ha="center", va="bottom", fontsize=SMALL)
    if difference is not None:
        shown = min(difference, worst - 1)
        axis.plot([1, 1 + shown], [-1.35, -1.35], color=BLACK, linewidth=1.2)
        for end in (1, 1 + shown):
            axis.plot([end, end], [-1.22, -1.48], color=BLACK, linewidth=1.2)
        said = f"CD {difference:.1f}" + ("" if shown == difference else ": more than all ranks there are")
        axis.text(1 + shown + 0.012 * worst, -1.35, said, ha="left", va="center", fontsize=SMALL)
    groups = cliques(ranks, difference) if difference is not None else []
    for level, (first, last) in enumerate(groups):
        height = _BAR * (level + 1)
        pad = 0.006 * worst
        axis.plot(
            [ranks[first] - pad, ranks[last] + pad], [height, height], color=BLACK, linewidth=2.6,
            solid_capstyle="butt", zorder=3,
        )  # fmt: skip
    left = -(-len(rows) // 2)
    for place, (rank, method) in enumerate(rows):
        on_left = place < left
        level = place if on_left else len(rows) - 1 - place
        height = _BAR * (len(groups) + 1) + _STEP * (level + 0.35)
        end = 1 - 0.04 * worst if on_left else worst + 0.04 * worst
        colour, marker = FAMILY_LOOK[METHODS[method].family]
        axis.plot([rank, rank, end], [0, height, height], color=colour, linewidth=0.9, zorder=2)
        axis.plot(rank, 0, marker=marker, color=colour, markersize=4.5, mec="white", mew=0.5, zorder=4)
        label = METHODS[method].label
        said = f"{label}  {rank:.1f}" if on_left else f"{rank:.1f}  {label}"
        axis.text(
            end + (-0.01 if on_left else 0.01) * worst, height, said, ha="right" if on_left else "left", va="center",
            fontsize=SMALL, color=colour,
        )  # fmt: skip


def _depth(rows: Sequence[Ranked], difference: float | None) -> float:
    """How far down names reach."""
    ranks = [rank for rank, _ in rows]
    bars = len(cliques(ranks, difference)) if difference is not None and len(rows) > 1 else 0
    return _BAR * (bars + 1) + _STEP * (-(-len(rows) // 2) + 0.35)


def _orders(count: int, name: str) -> str:
    said = f"{count} order{'s' if count != 1 else ''}"
    return f"the {said} that every method has" if name == COMMON else f"all {said}" if name == ALL_ORDERS else said


def _test(row: RankRow) -> str:
    if row.p_value is None:
        # Every row of a group says why there is no test, or why its own method is left out of it.
        return "no test" + (f", {row.rank_reason}" if row.rank_reason else "")
    p = row.p_value
    return f"Friedman's χ² = {row.statistic:.1f}, {'p < 0.001' if p < 0.001 else f'p = {p:.3f}'}"


def _title(ranked: dict[str, list[Ranked]], panels: dict[str, list[RankRow]]) -> str:
    name = next(iter(ranked))
    rows, difference = ranked[name], panels[name][0].critical_difference
    if len(rows) < 2 or difference is None:
        return "Ranks of the methods over orders of the tasks"
    best = [method for rank, method in rows if rank <= rows[0][0] + 1e-9]
    names = listed([METHODS[method].label for method in best])
    leads = f"{names} rank{'s' if len(best) == 1 else ''} best on average"
    apart = [method for rank, method in rows if rank - rows[0][0] > difference + 1e-9]
    if panels[name][0].p_value is None or not apart:
        return f"{leads}, but the orders tell no other method apart from {'it' if len(best) == 1 else 'them'}"
    others = listed([METHODS[method].label for method in apart])
    return f"{leads}; the orders tell only {others} apart from {'it' if len(best) == 1 else 'them'}"
