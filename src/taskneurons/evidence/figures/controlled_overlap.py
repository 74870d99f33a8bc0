"""Tables 9 to 11 of Leng & Xiong 2025 as a figure: scores against the overlap that was set, ours above the printed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.controlled_overlap import (
    CHOICES,
    TABLES,
    Published,
    controlled_rows,
    controlled_summary,
    controlled_trend,
    printed,
)
from taskneurons.evidence.style import BLUE, GREEN, GREY, ORANGE, SMALL, VERMILLION, Words, sheet
from taskneurons.evidence.tables import SCORE, Tasks
from taskneurons.evidence.tuned import Row

_COLOURS = (BLUE, ORANGE, GREEN, VERMILLION)
_MARKERS = ("o", "s", "D", "^")
_NAMES = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)", "loss": "loss (nats)"}
_CLEAR = 0.05


def draw_controlled_overlap(
    rows: Iterable[Row],
    tasks: Tasks,
    published: Published,
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw score and loss of one model against the overlap, a column for each combination; below, the printed values.

    A small point is one random choice of neurons: the mean over the test tasks. Bars are intervals of
    `controlled_overlap.controlled_summary`.

    Args:
        rows: of `tuned.gather_tuned`; those of other models are left aside.
        tasks: of the suite: name and kind.
        published: the rows of `T9`, `T10` and `T11`.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: no overlap of the model was set.
    """
    own = [row for row in rows if (row["suite"], row["model"]) == (suite, model)]
    described = [{**task, "suite": suite} for task in tasks]
    points = controlled_rows(own, described)
    if not points:
        raise InputError(f"no overlap of {model} on {suite} was set")
    cells = controlled_summary(own, described, published)
    trends = controlled_trend(own, described, published)
    combinations = [pair for pair in TABLES if any((row["trained"], row["tested"]) == pair for row in points)]
    percents = sorted({row["percent"] for row in points})
    colours = {percent: _COLOURS[place % len(_COLOURS)] for place, percent in enumerate(percents)}
    markers = {percent: _MARKERS[place % len(_MARKERS)] for place, percent in enumerate(percents)}
    rates = {p: sorted({row["learning_rate"] for row in cells if row["percent"] == p}) for p in percents}
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colours[p], marker=markers[p], markersize=4, linewidth=1.4,
               label=f"{p:g} % trained, learning rate {', '.join(rates[p])}")
        for p in percents
    ]  # fmt: skip
    seeds = len({row["seed"] for row in points})
    over = "the random choices" if any(row["interval"] == CHOICES for row in cells) else f"{seeds} seeds"
    counts = {row["n"] for row in points}
    caption = (
        f"{model}, {suite}. Random neurons, a set share of which lies in the test task's set, trained on the tasks of "
        "a group together, from the pre-trained model; tested on a task that was not trained on, mean over "
        f"{max(row['tasks'] for row in cells)} such tasks. Small points: each choice of neurons"
        + (" and seed" if seeds > 1 else "")
        + f"; bars: 95 % t intervals over {over}, none where there is one choice. "
        f"{seeds} seed{'s' if seeds > 1 else ''}, {max(row['choices'] for row in cells)} choices, "
        f"{min(counts)}{f' to {max(counts)}' if len(counts) > 1 else ''} test examples a task. Bottom row: as printed "
        "(Llama-2-7b), no interval given there. More overlap with one task's set also means more neurons that matter "
        "to any task: layers are matched, importance is not. Slopes for each trained share: "
        "overlap_controlled_trend.csv."
    )
    with sheet(4.6, Words(_title(trends), caption), paths, dpi, handles) as figure:
        grid = figure.subplots(3, len(combinations), squeeze=False, sharex=True)
        for place, (trained, tested) in enumerate(combinations):
            table = TABLES[trained, tested]
            top, middle, bottom = grid[:, place]
            top.set_title(f"{trained} →\n{tested}", pad=14)
            for axis, metric in ((top, SCORE[tested]), (middle, "loss")):
                match = {"trained": trained, "tested": tested, "metric": metric}
                of = [[row for row in some if _matches(row, match)] for some in (points, cells)]
                _panel(axis, *of, colours=colours, markers=markers, places=2 if metric == "loss" else 1)
                axis.set_ylabel(_NAMES[metric])
            for percent in percents:
                values = printed(published[table], percent)
                bottom.plot([x for x, _ in values], [y for _, y in values], color=colours[percent],
                            marker=markers[percent], markersize=3, linewidth=0.9)  # fmt: skip
            bottom.set_title(f"as printed, Table {table[1:]}", fontweight="normal", fontsize=SMALL)
            bottom.set_ylabel(_NAMES[SCORE[tested]])
            bottom.set_xlabel("overlap (% of trained neurons)")
            bottom.grid(axis="y", color="#EBEBEB", linewidth=0.6)
            bottom.set_xlim(0, 108)
            for axis in (top, middle, bottom):
                axis.yaxis.set_major_locator(MaxNLocator(nbins=4))


def _matches(row: Row, wanted: Mapping[str, str]) -> bool:
    return all(row[column] == value for column, value in wanted.items())


def _panel(
    axis: Axes,
    rows: Sequence[Row],
    cells: Sequence[Row],
    *,
    colours: Mapping[float, str],
    markers: Mapping[float, str],
    places: int,
) -> None:
    for number, (percent, colour) in enumerate(colours.items()):
        # Beside each other, so that the bars of one overlap do not hide each other.
        shift = 2.2 * (number - (len(colours) - 1) / 2)
        choices: dict[tuple[float, int, int], list[float]] = defaultdict(list)
        for row in rows:
            if row["percent"] == percent:
                choices[row["overlap"], row["seed"], row["draw"]].append(row["value"])
        axis.scatter(
            [overlap + shift for overlap, *_ in choices], [fmean(values) for values in choices.values()], s=5,
            color=colour, alpha=0.55, linewidths=0, zorder=2,
        )  # fmt: skip
        means = sorted((row for row in cells if row["percent"] == percent), key=lambda row: row["overlap"])
        xs = [row["overlap"] + shift for row in means]
        axis.plot(xs, [row["value"] for row in means], color=colour, marker=markers[percent], markersize=4,
                  markeredgecolor="white", markeredgewidth=0.5, linewidth=1.4, zorder=4)  # fmt: skip
        for x, row in zip(xs, means, strict=True):
            if row["low"] is not None:
                axis.errorbar(
                    x, row["value"], yerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]], color=colour,
                    elinewidth=0.8, capsize=1.5, capthick=0.8, zorder=3,
                )  # fmt: skip
    untrained = [row["zero_shot"] for row in cells if row["zero_shot"] is not None]
    if untrained:
        # As a line it would take the scale from the overlaps, which differ by far less.
        axis.annotate(
            f"untrained: {untrained[0]:.{places}f}", (1, 1), xycoords="axes fraction", xytext=(0, 2),
            textcoords="offset points", ha="right", va="bottom", fontsize=SMALL, color="#404040",
        )  # fmt: skip
    if not cells:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", va="center", color=GREY)
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _title(trends: Sequence[Row]) -> str:
    parts = []
    for name, wanted in (("score", set(SCORE.values())), ("loss", {"loss"})):
        tested = [row for row in trends if row["metric"] in wanted and row["p_holm"] is not None]
        rising = sum(row["p_holm"] < _CLEAR and row["slope"] > 0 for row in tested)
        falling = sum(row["p_holm"] < _CLEAR and row["slope"] < 0 for row in tested)
        if tested:
            worse = f", worse in {falling}" if falling else ""
            parts.append(f"{name} better in {rising}{worse} of {len(tested)} cases")
    if not parts:
        return "Scores against the overlap with the test task's neurons"
    return f"With more overlap with the test task's neurons (p < {_CLEAR:g}, Holm): {', '.join(parts)}"
