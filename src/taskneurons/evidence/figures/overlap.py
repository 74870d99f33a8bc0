"""Table 8 as figures: overlap beside chance and ceiling by share, by layer, and between every two tasks."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.figures.matrix import matrix_panel, relation_means
from taskneurons.evidence.overlap import GROUPS, Row
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
    by_kind,
    layer_axis,
    seed_words,
    sheet,
    signed,
)

_DIVERGING: Colormap = mpl.colormaps["RdBu_r"].resampled(256)
_OVERLAP = "overlap; below: beyond chance in layers"


def draw_overlap(rows: Iterable[Row], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200) -> None:
    """Draw, for each kind of training and test tasks, the overlap of their neurons by share, and what is beyond chance.

    Args:
        rows: of `overlap.read_overlap`; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = _of_model(rows, suite, model)
    unions = [row for row in _headline(own) if row["scope"] == "unions" and row["layer"] is None]
    published = any(row["published"] is not None for row in unions)
    caption = (
        f"{model}, {suite}; {seed_words(_single(own))}. Upper row: Jaccard index of the union of the neurons of the "
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
            part = sorted((row for row in unions if row["group"] == group), key=lambda row: row["percent"])
            axes[0, column].set_title(f"{group.replace('-', ' → ')}")
            axes[1, column].set_xlabel("neurons (%)")
            known = [row for row in part if row["value"] is not None]
            if not known:
                _missing(axes[0, column], part)
                axes[1, column].tick_params(labelleft=False, labelbottom=False)
                continue
            _levels(axes[0, column], known)
            _excesses(axes[1, column], known)
        if any(row["value"] is not None for row in unions):
            axes[0, 0].set_ylabel("overlap (%)")
            axes[1, 0].set_ylabel("beyond chance (points)")
            axes[0, 0].set_ylim(0, 102)


def draw_overlap_layers(
    rows: Iterable[Row], paths: Iterable[str | Path], *, suite: str, model: str, percent: float, dpi: int = 200
) -> None:
    """Draw the overlap of training and test tasks by layer beside chance.

    Args:
        rows, paths, suite, model, dpi: as for `draw_overlap`.
        percent: share of the neurons.

    Raises:
        InputError: the model has no rows at this share.
    """
    own = _of_model(rows, suite, model, percent)
    unions = [row for row in _headline(own) if row["scope"] == "unions" and row["layer"] is not None]
    caption = (
        f"{model}, {suite}; {seed_words(_single(own))}. Jaccard index of the unions of the neurons of training and "
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
            part = sorted((row for row in unions if row["group"] == group), key=lambda row: row["layer"])
            known = [row for row in part if row["value"] is not None]
            axis.set_title(f"{group.replace('-', ' → ')}")
            layer_axis(axis)
            if known:
                _null(axis, known, "layer")
                _line(axis, known, "layer", "value", VERMILLION, "o", ("low", "high"))
            else:
                _missing(axis, part)
        if any(row["value"] is not None for row in unions):
            axes[0].set_ylabel("overlap (%)")
            axes[0].set_ylim(0, None)


def draw_overlap_pairs(
    pairs: Iterable[Row],
    summary: Iterable[Row],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    percent: float,
    dpi: int = 200,
) -> None:
    """Draw the overlap of every two tasks less chance within layers, mean over seeds; on the diagonal the split halves.

    Args:
        pairs: of `overlap.read_overlap_pairs`; those of other models and shares are left aside.
        summary: of `overlap.read_overlap`, for the split halves and the tests.
        tasks: of the suite: name, family, kind.
        paths, suite, model, percent, dpi: as for `draw_overlap_layers`.

    Raises:
        InputError: as `draw_overlap_layers`.
    """
    own = _of_model(pairs, suite, model, percent)
    told = _headline(_of_model(summary, suite, model, percent))
    compared = {row[name] for row in own for name in ("first_task", "second_task")}
    ordered = [task for group in by_kind(tasks).values() for task in group if task["name"] in compared]
    places = {task["name"]: place for place, task in enumerate(ordered)}
    values: dict[tuple[int, int], list[float | None]] = {}
    for row in own:
        first, second = sorted((places[row["first_task"]], places[row["second_task"]]))
        values.setdefault((first, second), []).append(row["excess_layer"])
    matrix = np.full((len(ordered), len(ordered)), np.nan)
    for (first, second), found in values.items():
        if None not in found:
            matrix[first, second] = matrix[second, first] = fmean(value for value in found if value is not None)
    for row in told:
        if row["scope"] == "halves" and row["excess_layer"] is not None:
            matrix[places[row["group"]], places[row["group"]]] = row["excess_layer"]
    clear = fmean((row["p_layer_fdr"] or 1.0) < 0.05 and (row["excess_layer"] or 0.0) > 0 for row in own)
    p = {row["group"]: row["p_tasks"] for row in told if row["scope"] == "pairs" and row["layer"] is None}
    tests = [f"{name} p = {p[key]:.2g}" for key, name in _TESTED.items() if p.get(key) is not None]
    caption = (
        f"{model}, {suite}. {percent:g} % of the neurons, {_ranked(own)}. Jaccard index of two tasks' sets less what "
        "sets with as many neurons in each layer share by chance, in points. Diagonal: the same for two sets of one "
        f"task, each from half of the examples. Mean over {seed_words(own)}; no interval is drawn, see overlap.csv. "
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


def _levels(axis: Axes, rows: Sequence[Row]) -> None:
    _null(axis, rows, "percent")
    x = [row["percent"] for row in rows]
    axis.plot(x, [row["expected_model"] for row in rows], color=BLACK, linewidth=0.9, linestyle=(0, (1.2, 1.2)))
    axis.plot(x, [row["ceiling"] for row in rows], color=GREEN, linewidth=1.1, linestyle=(0, (4, 1.5)))
    _line(axis, rows, "percent", "value", VERMILLION, "o", ("low", "high"))
    _published(axis, rows, "published")


def _excesses(axis: Axes, rows: Sequence[Row]) -> None:
    axis.axhline(0, color=BLACK, linewidth=0.6)
    _line(axis, rows, "percent", "excess_unions", BLUE, "s", None)
    _line(axis, rows, "percent", "excess_layer", VERMILLION, "o", ("excess_layer_low", "excess_layer_high"))
    _published(axis, rows, "published_excess")


def _missing(axis: Axes, rows: Sequence[Row]) -> None:
    """Say why a narrow panel is empty; the table has all reasons."""
    reasons = rows[0]["reason"].split("; ") if rows else ["nothing was compared"]
    text = f"not available: {reasons[0]}" + (" …" if len(reasons) > 1 else "")
    axis.tick_params(labelleft=False, labelbottom=False)
    axis.text(
        0.5, 0.5, "\n".join(textwrap.wrap(text, 17)), transform=axis.transAxes, ha="center", va="center", color=GREY,
        fontsize=SMALL,
    )  # fmt: skip


def _null(axis: Axes, rows: Sequence[Row], place: str) -> None:
    x = [row[place] for row in rows]
    low, high = ([row[f"null_layer_{end}"] for row in rows] for end in ("low", "high"))
    axis.fill_between(x, low, high, color=GREY, alpha=0.5, linewidth=0)
    axis.plot(x, [row["null_layer"] for row in rows], color=GREY, linewidth=1.0)


def _line(
    axis: Axes, rows: Sequence[Row], place: str, name: str, colour: str, marker: str, limits: tuple[str, str] | None
) -> None:
    x, y = [row[place] for row in rows], [row[name] for row in rows]
    axis.plot(x, y, color=colour, linewidth=1.2, marker=marker, markersize=3.5)
    for row in rows if limits else ():
        low, high = (row[limit] for limit in limits or ())
        if low is not None:
            axis.errorbar(
                row[place], row[name], yerr=[[row[name] - low], [high - row[name]]], color=colour, elinewidth=0.9,
                capsize=1.8, capthick=0.9,
            )  # fmt: skip


def _published(axis: Axes, rows: Sequence[Row], name: str) -> None:
    known = [row for row in rows if row[name] is not None]
    axis.plot(
        [row["percent"] for row in known], [row[name] for row in known], color=BLACK, marker="D", markersize=3.5,
        markerfacecolor="none", markeredgewidth=0.8, linestyle="", zorder=5,
    )  # fmt: skip


def _of_model(rows: Iterable[Row], suite: str, model: str, percent: float | None = None) -> list[Row]:
    own = [row for row in rows if (row["model"], row["suite"]) == (model, suite)]
    own = [row for row in own if percent is None or row["percent"] == percent]
    if not own:
        raise InputError(
            f"no overlap of {model} on {suite} was measured" + (f" at {percent:g} %" if percent is not None else "")
        )
    return own


def _headline(rows: Sequence[Row]) -> list[Row]:
    """The rows of the mean over seeds; of the one seed where there is no other."""
    means = [row for row in rows if row["seed"] == "mean"]
    return means or list(rows)


def _single(rows: Sequence[Row]) -> list[Row]:
    return [row for row in rows if row["seed"] != "mean"]


def _ranked(rows: Sequence[Row]) -> str:
    """How the neurons were ranked."""
    first = rows[0]
    whole = "over the whole model" if first["selection"] == "model" else "within each layer"
    return f"ranked {whole} by {first['estimator']} on the pre-trained model"


def _bars(rows: Sequence[Row]) -> str:
    if any(row["low"] is not None for row in rows):
        return " Bars: 95 % t intervals over seeds."
    reasons = sorted({row["interval"].removeprefix("not available: ") for row in rows if row["interval"]})
    return f" No interval: {'; '.join(reasons)}." if reasons else ""


def _title(rows: Sequence[Row]) -> str:
    known = {(row["group"], row["percent"]): row for row in rows if row["value"] is not None}
    if not known:
        return "Overlap of the neurons of training and test tasks"
    least = min(percent for _, percent in known)
    chosen = 10.0 if any(percent == 10 for _, percent in known) else least
    parts = [
        f"{group} {known[group, chosen]['value']:.0f} % ({signed(known[group, chosen]['excess_layer'])})"
        for group in GROUPS
        if (group, chosen) in known
    ]
    return f"Overlap of training and test neurons at {chosen:g} % (less chance within layers): {', '.join(parts)}"


def _layer_title(rows: Sequence[Row], percent: float) -> str:
    layers = sorted({row["layer"] for row in rows})
    parts = []
    for layer in dict.fromkeys(layers[:1] + layers[-1:]):
        known = [row["excess_layer"] for row in rows if row["layer"] == layer and row["excess_layer"] is not None]
        if known:
            parts.append(f"{signed(fmean(known))} points in layer {layer}")
    where = f"Overlap beyond chance at {percent:g} %, mean of the four kinds"
    return f"{where}: {', '.join(parts)}" if parts else where


def _pairs_title(matrix: np.ndarray, tasks: Sequence[Mapping[str, Any]]) -> str:
    means = relation_means(matrix, tasks)
    names = {"own task": "split halves"}
    parts = [f"{names.get(name, name)} {signed(mean)}" for name, mean in means.items()]
    return f"Overlap beyond chance in points: {', '.join(parts)}" if parts else "Overlap of tasks beyond chance"
