"""Table 8 as figures: overlap beside chance and ceiling by share, by layer, and between every two tasks."""

import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import TypeVar

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.matrix_chart import matrix_panel, relation_means
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    SEQUENTIAL,
    SMALL,
    VERMILLION,
    WIDTH,
    Words,
    layer_axis,
    seeds_in_words,
    sheet,
    signed,
)
from taskneurons.evidence.tasks import DescribedTask, by_kind, described_tasks
from taskneurons.job import Job
from taskneurons.studies.overlap.rows import GROUPS, MEAN, PAIRS, SUMMARY, PairRow, SummaryRow

Row = TypeVar("Row", PairRow, SummaryRow)
_DIVERGING: Colormap = mpl.colormaps["RdBu_r"].resampled(256)
_OVERLAP = "overlap; below: beyond chance in layers"


def draw_overlap(
    rows: Iterable[SummaryRow], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw, for each kind of training and test tasks, the overlap of their neurons by share, and what is beyond chance.

    Args:
        rows: the summary; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = _of_model(rows, suite, model)
    unions = [row for row in _headline(own) if row.scope == "unions" and row.layer is None]
    published = any(row.published is not None for row in unions)
    caption = (
        f"{model}, {suite}; {_seeds(own)}. Upper row: Jaccard index of the union of the neurons of the "
        f"training tasks with that of the test tasks, {_ranked(own)}. Chance: every task's set lies at random, over "
        "the model (closed form) or keeping its number of neurons in each layer (line: mean, band: 95 % of "
        "permutations). Ceiling: the overlap that the same unions have with themselves, from one half of the examples "
        "to the other. Lower row: overlap less chance; for “groups as one” each union is moved whole inside the "
        f"layers, so that what tasks of one group share counts as given.{_bars(unions)}"
        + (" Published: Table 8 of Leng & Xiong 2025, its excess over the closed form." if published else "")
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=VERMILLION, marker="o", markersize=4, linewidth=1.4, label=_OVERLAP),
        Line2D(
            [], [], color=BLUE, marker="s", markersize=3.5, linewidth=1.2, label="below: beyond chance, groups as one"
        ),
        Line2D([], [], color=GREEN, linewidth=1.1, linestyle=(0, (4, 1.5)), label="ceiling: split halves"),
        Line2D([], [], color=BLACK, linewidth=0.9, linestyle=(0, (1.2, 1.2)), label="chance over the model"),
        Patch(color=GREY, alpha=0.5, linewidth=0, label="chance within layers"),
    ]
    if published:
        handles.append(
            Line2D([], [], color=BLACK, marker="D", markersize=3.5, markerfacecolor="none", linestyle="",
                   label="published"),
        )  # fmt: skip
    with sheet(3.5, Words(_title(unions), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(2, len(GROUPS), squeeze=False, sharex=True, sharey="row")
        for column, group in enumerate(GROUPS):
            part = sorted((row for row in unions if row.group == group), key=lambda row: row.percent)
            axes[0, column].set_title(f"{group.replace('-', ' → ')}")
            axes[1, column].set_xlabel("neurons (%)")
            known = [row for row in part if row.value is not None]
            if not known:
                _missing(axes[0, column], part)
                axes[1, column].tick_params(labelleft=False, labelbottom=False)
                continue
            _levels(axes[0, column], known)
            _excesses(axes[1, column], known)
        if any(row.value is not None for row in unions):
            axes[0, 0].set_ylabel("overlap (%)")
            axes[1, 0].set_ylabel("beyond chance (points)")
            axes[0, 0].set_ylim(0, 102)


def draw_overlap_layers(
    rows: Iterable[SummaryRow], paths: Iterable[str | Path], *, suite: str, model: str, percent: float, dpi: int = 200
) -> None:
    """Draw the overlap of training and test tasks by layer beside chance.

    Args:
        rows, paths, suite, model, dpi: as for `draw_overlap`.
        percent: share of the neurons.

    Raises:
        InputError: the model has no rows at this share.
    """
    own = _of_model(rows, suite, model, percent)
    unions = [row for row in _headline(own) if row.scope == "unions" and row.layer is not None]
    caption = (
        f"{model}, {suite}; {_seeds(own)}. Jaccard index of the unions of the neurons of training and "
        f"test tasks inside each layer (layer 0 is nearest to the input); {percent:g} % of the neurons, "
        f"{_ranked(own)}. Grey: every task's set permuted inside the layer, mean and 95 % of permutations. Chance is "
        f"high where most neurons of the tasks lie.{_bars(unions)}"
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=VERMILLION, marker="o", markersize=4, linewidth=1.4, label="overlap"),
        Patch(color=GREY, alpha=0.5, linewidth=0, label="chance within the layer"),
    ]
    with sheet(1.9, Words(_layer_title(unions, percent), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(GROUPS), squeeze=False, sharex=True, sharey=True)[0]
        for axis, group in zip(axes, GROUPS, strict=True):
            part = sorted((row for row in unions if row.group == group), key=lambda row: row.layer or 0)
            known = [row for row in part if row.value is not None]
            axis.set_title(f"{group.replace('-', ' → ')}")
            layer_axis(axis)
            if known:
                layers = _numbers(known, "layer")
                _null(axis, layers, known)
                _line(axis, layers, known, "value", VERMILLION, "o")
                _intervals(axis, layers, known, ("value", "low", "high"), VERMILLION)
            else:
                _missing(axis, part)
        if any(row.value is not None for row in unions):
            axes[0].set_ylabel("overlap (%)")
            axes[0].set_ylim(0, None)


def draw_overlap_pairs(
    pairs: Iterable[PairRow],
    summary: Iterable[SummaryRow],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    percent: float,
    dpi: int = 200,
) -> None:
    """Draw the overlap of every two tasks less chance within layers, mean over seeds; on the diagonal the split halves.

    Args:
        pairs: of every two tasks; those of other models and shares are left aside.
        summary: for the split halves and the tests.
        tasks: of the suite.
        paths, suite, model, percent, dpi: as for `draw_overlap_layers`.

    Raises:
        InputError: as `draw_overlap_layers`.
    """
    own = _of_model(pairs, suite, model, percent)
    found = _headline(_of_model(summary, suite, model, percent))
    compared = {task for row in own for task in (row.first_task, row.second_task)}
    ordered = [task for group in by_kind(tasks).values() for task in group if task.name in compared]
    matrix = _excess_matrix(own, found, [task.name for task in ordered])
    clear = fmean((row.p_layer_fdr or 1.0) < 0.05 and (row.excess_layer or 0.0) > 0 for row in own)
    p = {row.group: row.p_tasks for row in found if row.scope == "pairs" and row.layer is None}
    tests = [f"{name} p = {p[key]:.2g}" for key, name in _TESTED.items() if p.get(key) is not None]
    caption = (
        f"{model}, {suite}. {percent:g} % of the neurons, {_ranked(own)}. Jaccard index of two tasks' sets less what "
        "sets with as many neurons in each layer share by chance, in points. Diagonal: the same for two sets of one "
        f"task, each from half of the examples. Mean over {_seeds(own)}; no interval is drawn, see overlap.csv. "
        f"More than chance in {100 * clear:.0f} % of pairs and seeds (hypergeometric within layers, FDR 5 %)."
        + (f" Over task labels (Mantel): {', '.join(tests)}." if tests else "")
    )
    least, most = (
        (float(end) for end in (np.nanmin(matrix), np.nanmax(matrix))) if np.isfinite(matrix).any() else (0.0, 1.0)
    )
    both = least < -0.5
    most = max(1.0, most, -least if both else 0.0)
    cell = min(0.42, (WIDTH - 2.2) / max(1, len(ordered)))
    height = max(1.4, cell * len(ordered)) + 1.35
    with sheet(height, Words(_pairs_title(matrix, ordered), caption), paths, dpi) as figure:
        matrix_panel(
            figure.subplots(), matrix, ordered, colours=_DIVERGING if both else SEQUENTIAL,
            limits=(-most if both else 0.0, most), rows="neurons of", columns="neurons of",
            bar="overlap less chance (points)",
        )  # fmt: skip


_TESTED = {"same_family": "same family among tasks of one kind", "same_kind": "same kind among other families"}


def _excess_matrix(pairs: Sequence[PairRow], summary: Sequence[SummaryRow], names: Sequence[str]) -> np.ndarray:
    """What every two tasks share beyond chance, mean over seeds; NaN where it is not known in every seed."""
    places = {name: place for place, name in enumerate(names)}
    matrix = np.full((len(names), len(names)), np.nan)
    values: dict[tuple[int, int], list[float | None]] = {}
    for row in pairs:
        first, second = sorted((places[row.first_task], places[row.second_task]))
        values.setdefault((first, second), []).append(row.excess_layer)
    for (first, second), found in values.items():
        known = [value for value in found if value is not None]
        if len(known) == len(found):
            matrix[first, second] = matrix[second, first] = fmean(known)
    for half in summary:
        if half.scope == "halves" and half.excess_layer is not None:
            matrix[places[half.group], places[half.group]] = half.excess_layer
    return matrix


def _levels(axis: Axes, rows: Sequence[SummaryRow]) -> None:
    x = _numbers(rows, "percent")
    _null(axis, x, rows)
    axis.plot(x, _numbers(rows, "expected_model"), color=BLACK, linewidth=0.9, linestyle=(0, (1.2, 1.2)))
    axis.plot(x, _numbers(rows, "ceiling"), color=GREEN, linewidth=1.1, linestyle=(0, (4, 1.5)))
    _line(axis, x, rows, "value", VERMILLION, "o")
    _intervals(axis, x, rows, ("value", "low", "high"), VERMILLION)
    _published(axis, rows, "published")


def _excesses(axis: Axes, rows: Sequence[SummaryRow]) -> None:
    x = _numbers(rows, "percent")
    axis.axhline(0, color=BLACK, linewidth=0.6)
    _line(axis, x, rows, "excess_unions", BLUE, "s")
    _line(axis, x, rows, "excess_layer", VERMILLION, "o")
    _intervals(axis, x, rows, ("excess_layer", "excess_layer_low", "excess_layer_high"), VERMILLION)
    _published(axis, rows, "published_excess")


def _missing(axis: Axes, rows: Sequence[SummaryRow]) -> None:
    """Say why a narrow panel is empty; the table has all reasons."""
    reasons = rows[0].reason.split("; ") if rows else ["nothing was compared"]
    text = f"not available: {reasons[0]}" + (" …" if len(reasons) > 1 else "")
    axis.tick_params(labelleft=False, labelbottom=False)
    axis.text(
        0.5, 0.5, "\n".join(textwrap.wrap(text, 17)), transform=axis.transAxes, ha="center", va="center", color=GREY,
        fontsize=SMALL,
    )  # fmt: skip


def _numbers(rows: Sequence[SummaryRow], column: str) -> np.ndarray:
    """A column, NaN where it is empty."""
    return np.array([getattr(row, column) for row in rows], dtype=np.float64)


def _null(axis: Axes, x: np.ndarray, rows: Sequence[SummaryRow]) -> None:
    low, high = (_numbers(rows, f"null_layer_{end}") for end in ("low", "high"))
    axis.fill_between(x, low, high, color=GREY, alpha=0.5, linewidth=0)
    axis.plot(x, _numbers(rows, "null_layer"), color=GREY, linewidth=1.0)


def _line(axis: Axes, x: np.ndarray, rows: Sequence[SummaryRow], column: str, colour: str, marker: str) -> None:
    axis.plot(x, _numbers(rows, column), color=colour, linewidth=1.2, marker=marker, markersize=3.5)


def _intervals(
    axis: Axes, x: np.ndarray, rows: Sequence[SummaryRow], columns: tuple[str, str, str], colour: str
) -> None:
    """The intervals of some values; `columns` names value, low and high."""
    for place, value, low, high in zip(x, *(_numbers(rows, column) for column in columns), strict=True):
        if np.isfinite(low):
            axis.errorbar(
                place, value, yerr=[[value - low], [high - value]], color=colour, elinewidth=0.9, capsize=1.8,
                capthick=0.9,
            )  # fmt: skip


def _published(axis: Axes, rows: Sequence[SummaryRow], column: str) -> None:
    known = [row for row in rows if getattr(row, column) is not None]
    axis.plot(
        _numbers(known, "percent"), _numbers(known, column), color=BLACK, marker="D", markersize=3.5,
        markerfacecolor="none", markeredgewidth=0.8, linestyle="", zorder=5,
    )  # fmt: skip


def _of_model(rows: Iterable[Row], suite: str, model: str, percent: float | None = None) -> list[Row]:
    own = [row for row in rows if (row.model, row.suite) == (model, suite)]
    own = [row for row in own if percent is None or row.percent == percent]
    if not own:
        raise InputError(
            f"no overlap of {model} on {suite} was measured" + (f" at {percent:g} %" if percent is not None else "")
        )
    return own


def _headline(rows: Sequence[SummaryRow]) -> list[SummaryRow]:
    """The rows of the mean over seeds; of the one seed where there is no other."""
    means = [row for row in rows if row.seed == MEAN]
    return means or list(rows)


def _seeds(rows: Sequence[PairRow] | Sequence[SummaryRow]) -> str:
    return seeds_in_words(len({row.seed for row in rows if row.seed != MEAN}))


def _ranked(rows: Sequence[PairRow] | Sequence[SummaryRow]) -> str:
    """How the neurons were ranked."""
    first = rows[0]
    whole = "over the whole model" if first.selection == "model" else "within each layer"
    return f"ranked {whole} by {first.estimator} on the pre-trained model"


def _bars(rows: Sequence[SummaryRow]) -> str:
    if any(row.low is not None for row in rows):
        return " Bars: 95 % t intervals over seeds."
    reasons = sorted({row.interval.removeprefix("not available: ") for row in rows if row.interval})
    return f" No interval: {'; '.join(reasons)}." if reasons else ""


def _title(rows: Sequence[SummaryRow]) -> str:
    known = {
        (row.group, row.percent): (row.value, row.excess_layer)
        for row in rows
        if row.value is not None and row.excess_layer is not None
    }
    if not known:
        return "Overlap of the neurons of training and test tasks"
    least = min(percent for _, percent in known)
    chosen = 10.0 if any(percent == 10 for _, percent in known) else least
    parts = [
        f"{group} {known[group, chosen][0]:.0f} % ({signed(known[group, chosen][1])})"
        for group in GROUPS
        if (group, chosen) in known
    ]
    return f"Overlap of training and test neurons at {chosen:g} % (less chance within layers): {', '.join(parts)}"


def _layer_title(rows: Sequence[SummaryRow], percent: float) -> str:
    layers = sorted({row.layer for row in rows if row.layer is not None})
    parts = []
    for layer in dict.fromkeys(layers[:1] + layers[-1:]):
        known = [row.excess_layer for row in rows if row.layer == layer and row.excess_layer is not None]
        if known:
            parts.append(f"{signed(fmean(known))} points in layer {layer}")
    where = f"Overlap beyond chance at {percent:g} %, mean of the four kinds"
    return f"{where}: {', '.join(parts)}" if parts else where


def _pairs_title(matrix: np.ndarray, tasks: Sequence[DescribedTask]) -> str:
    means = relation_means(matrix, tasks)
    names = {"own task": "split halves"}
    parts = [f"{names.get(name, name)} {signed(mean)}" for name, mean in means.items()]
    return f"Overlap beyond chance in points: {', '.join(parts)}" if parts else "Overlap of tasks beyond chance"


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        percent: share of the neurons in the figures of one share.
        dpi: dots an inch of the PNG.
    """

    percent: float
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw one model's overlap of neurons: Table 8 beside chance, by layer, every two tasks."""
    percent, dpi = job.settings.percent, job.settings.dpi
    pairs, summary = PAIRS.read(job.inputs.one("pairs")), SUMMARY.read(job.inputs.one("summary"))
    tasks = described_tasks(job.inputs["tasks"])
    suite, model = job.suite, job.model
    draw_overlap(summary, job.outputs["shares"], suite=suite, model=model, dpi=dpi)
    draw_overlap_layers(summary, job.outputs["layers"], suite=suite, model=model, percent=percent, dpi=dpi)
    draw_overlap_pairs(pairs, summary, tasks, job.outputs["pairs"], suite=suite, model=model, percent=percent, dpi=dpi)
