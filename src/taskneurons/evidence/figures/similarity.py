"""Z1 and Z2 of Zhao et al. 2024: how like the models of one task the base and the model of all tasks are, by layer."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.figures.style import BLACK, BLUE, GREY, PURPLE, SMALL, VERMILLION, Words, seed_words, sheet
from taskneurons.evidence.layers import Row, role_curves

ROLE_COLOURS = {"base": BLUE, "experimental": VERMILLION, "held_out": PURPLE, "control": BLACK}
ROLE_NAMES = {
    "base": "base",
    "experimental": "tuned on all tasks",
    "held_out": "tuned on the seen tasks",
    "control": "tuned on one task",
}
_SHORT = {"base": "base", "experimental": "all tasks", "held_out": "seen tasks", "control": "one task"}
_COMPARED = ("base", "experimental")


def draw_similarity(
    rows: Iterable[Row], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw the distribution over tasks of the unbiased CKA with the control models, and the effective ranks.

    Where there is nothing to draw, a panel says why.

    Args:
        rows: of `layers.gather_layers`; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in rows if (row["model"], row["suite"]) == (model, suite)]
    if not own:
        raise InputError(f"no layers of {model} on {suite} were compared")
    metrics = ("cka_unbiased", "cka_biased", "effective_rank")
    curves = {metric: role_curves(own, model=model, suite=suite, metric=metric) for metric in metrics}
    similar = curves["cka_unbiased"]
    counts = sorted({row["n"] for row in own if row["metric"] == "cka_unbiased" and row["n"]})
    caption = (
        f"{model}, {suite}. Linear CKA of hidden states with those of the model that was tuned on the task alone, "
        f"{_range(counts)} test prompts a task; mean over {seed_words(own)}. Thin: one of "
        f"{len({row['task'] for row in own})} tasks; thick: median; band: middle half of the tasks. Grey: the same "
        "with shuffled pairs, its mean and 95 % quantile (mean over tasks). Right: effective rank of the same "
        "states, median over tasks. Intervals over examples: layers.csv."
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=BLACK, linewidth=1.8, label="unbiased CKA, median of tasks"),
        Line2D([], [], color=BLACK, linewidth=1.1, linestyle=":", label="biased CKA, median of tasks"),
        Patch(color=GREY, alpha=0.35, linewidth=0, label="shuffled pairs"),
    ]
    with sheet(2.5, Words(_title(similar), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, 3, squeeze=False)[0]
        for axis, role in zip(axes, _COMPARED, strict=False):
            axis.set_title(ROLE_NAMES[role])
            axis.set_ylim(-0.08, 1.03)
            if similar.get(role):
                _distribution(axis, similar[role], ROLE_COLOURS[role])
                _median_line(axis, curves["cka_biased"].get(role, {}), ROLE_COLOURS[role])
                _null(axis, [row for row in own if row["role"] == role and row["metric"] == "cka_unbiased"])
            else:
                not_available(axis, own, "cka_unbiased")
        axes[0].set_ylabel("CKA with the model of one task")
        axes[1].tick_params(labelleft=False)
        axes[2].set_title("effective rank")
        drawn = False
        for role, by_task in curves["effective_rank"].items():
            layers, middle = medians(by_task)
            axes[2].plot(layers, middle, color=ROLE_COLOURS[role], linewidth=1.4, marker="o", markersize=2.5)
            drawn = True
        if drawn:
            _label_ends(axes[2], {role: medians(c)[1][-1] for role, c in curves["effective_rank"].items()})
            axes[2].set_ylim(0, None)
        else:
            not_available(axes[2], own, "effective_rank")
        for axis in axes:
            layer_axis(axis)


def medians(by_task: Mapping[str, Mapping[int, float]]) -> tuple[list[int], list[float]]:
    """The layers that any task has, and the median over tasks."""
    layers = sorted({layer for curve in by_task.values() for layer in curve})
    return layers, [float(np.median([c[layer] for c in by_task.values() if layer in c])) for layer in layers]


def layer_axis(axis: Axes) -> None:
    """Layers as whole numbers on the x axis."""
    axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=8))
    axis.set_xlabel("layer")


def not_available(axis: Axes, rows: Sequence[Row], metric: str) -> None:
    """Say in an empty panel why it is empty."""
    reasons = sorted({row["reason"] for row in rows if row["metric"] == metric and row["reason"]})
    say_in_panel(axis, f"not available: {'; '.join(reasons) or 'nothing was measured'}")


def say_in_panel(axis: Axes, text: str) -> None:
    """Words in the middle of a panel that shows nothing else."""
    axis.text(
        0.5, 0.5, "\n".join(textwrap.wrap(text, 34)), transform=axis.transAxes, ha="center", va="center", color=GREY
    )
    axis.set_yticks([])


def _distribution(axis: Axes, by_task: Mapping[str, Mapping[int, float]], colour: str) -> None:
    layers, middle = medians(by_task)
    for curve in by_task.values():
        axis.plot(list(curve), list(curve.values()), color=colour, linewidth=0.5, alpha=0.35)
    at = [[c[layer] for c in by_task.values() if layer in c] for layer in layers]
    low, high = ([float(np.quantile(values, q)) for values in at] for q in (0.25, 0.75))
    axis.fill_between(layers, low, high, color=colour, alpha=0.2, linewidth=0)
    axis.plot(layers, middle, color=colour, linewidth=1.8, marker="o", markersize=3)


def _median_line(axis: Axes, by_task: Mapping[str, Mapping[int, float]], colour: str) -> None:
    layers, middle = medians(by_task)
    axis.plot(layers, middle, color=colour, linewidth=1.1, linestyle=":")


def _null(axis: Axes, rows: Sequence[Row]) -> None:
    layers = sorted({row["layer"] for row in rows if row["null"] is not None})
    at = [[row for row in rows if row["layer"] == layer and row["null"] is not None] for layer in layers]
    low = [fmean(row["null"] for row in some) for some in at]
    high = [fmean(row["null_high"] for row in some) for some in at]
    axis.fill_between(layers, low, high, color=GREY, alpha=0.35, linewidth=0)


def _label_ends(axis: Axes, ends: Mapping[str, float]) -> None:
    """Names of the curves, right of their last points, apart from each other."""
    lowest, highest = 0.0, max(axis.get_ylim()[1], 1e-9)
    gap, last = 0.085 * (highest - lowest), -np.inf
    for role, value in sorted(ends.items(), key=lambda item: item[1]):
        last = max(value, last + gap)
        axis.annotate(
            _SHORT[role], (1.0, last), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
            va="center", color=ROLE_COLOURS[role], annotation_clip=False, fontsize=SMALL,
        )  # fmt: skip


def _title(curves: Mapping[str, Mapping[str, Mapping[int, float]]]) -> str:
    parts = []
    for role in _COMPARED:
        if curves.get(role):
            layers, middle = medians(curves[role])
            parts.append(f"{ROLE_NAMES[role]} {middle[0]:.2f} to {middle[-1]:.2f}")
            ends = f"layer {layers[0]} to {layers[-1]}"
    if not parts:
        return "CKA with models of one task"
    return f"CKA with models of one task, median of tasks, {ends}: {', '.join(parts)}"


def _range(counts: Sequence[int]) -> str:
    if not counts:
        return "no"
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
