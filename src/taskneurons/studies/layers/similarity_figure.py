"""Z1 and Z2 of Zhao et al. 2024: how like the models of one task the base and the model of all tasks are, by layer."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.evidence.style import BLACK, GREY, SMALL, Words, layer_axis, sheet
from taskneurons.measures.stats import Interval, t_interval
from taskneurons.studies.layers.curves import Curves, role_curves
from taskneurons.studies.layers.look import ROLE_COLOURS, ROLE_NAMES, compared_rows, not_available, over_seeds
from taskneurons.studies.layers.rows import ComparedRow, Role

_SHORT: dict[Role, str] = {
    "base": "base",
    "experimental": "all tasks",
    "held_out": "seen tasks",
    "control": "one task",
}
_COMPARED: tuple[Role, ...] = ("base", "experimental")
ByTask = Mapping[str, Mapping[int, float]]
"""Task -> layer -> value."""


def draw_similarity(
    rows: Iterable[ComparedRow], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw the distribution over tasks of the unbiased CKA with the control models, and the effective ranks.

    The mean over tasks has a t interval over tasks; shuffled pairs are the null. Where there is nothing to draw, a
    panel says why.

    Args:
        rows: of all runs; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = compared_rows(rows, suite=suite, model=model)
    metrics = ("cka_unbiased", "cka_biased", "effective_rank")
    curves = {metric: role_curves(own, metric) for metric in metrics}
    similar = curves["cka_unbiased"]
    counts = sorted({row.n for row in own if row.metric == "cka_unbiased" and row.n})
    caption = (
        f"{model}, {suite}. Linear CKA of hidden states with those of the model that was tuned on the task alone, "
        f"{_range(counts)} test prompts a task; {over_seeds(own)}. Thin: one of "
        f"{len({row.task for row in own})} tasks; thick: their mean with its 95 % t interval over tasks; band: the "
        "middle half of the tasks. Grey: the same with shuffled pairs, its mean and 95 % quantile (mean over tasks). "
        "Right: effective rank of the same states, mean over tasks with its interval. Intervals over examples: "
        "layers.csv."
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=BLACK, linewidth=1.8, label="unbiased CKA, mean of tasks"),
        Line2D([], [], color=BLACK, linewidth=1.1, linestyle=":", label="biased CKA, mean of tasks"),
        Patch(color=GREY, alpha=0.35, linewidth=0, label="shuffled pairs"),
    ]
    with sheet(2.5, Words(_title(similar), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, 3, squeeze=False)[0]
        limits = _limits(similar.values())
        for axis, role in zip(axes, _COMPARED, strict=False):
            axis.set_title(ROLE_NAMES[role])
            axis.set_ylim(*limits)
            if similar.get(role):
                _distribution(axis, similar[role], ROLE_COLOURS[role])
                layers, biased, _ = task_means(curves["cka_biased"].get(role, {}))
                axis.plot(layers, biased, color=ROLE_COLOURS[role], linewidth=1.1, linestyle=":")
                _null(axis, [row for row in own if row.role == role and row.metric == "cka_unbiased"])
            else:
                not_available(axis, own, "cka_unbiased")
        axes[0].set_ylabel("CKA with the model of one task")
        axes[1].tick_params(labelleft=False)
        axes[2].set_title("effective rank")
        drawn = False
        for number, (role, by_task) in enumerate(curves["effective_rank"].items()):
            # Side by side, so that no interval hides another.
            _mean_line(axes[2], by_task, ROLE_COLOURS[role], 1.4, shift=0.05 * number)
            drawn = True
        if drawn:
            axes[2].set_ylim(0, None)
            _label_ends(axes[2], {role: task_means(c)[1][-1] for role, c in curves["effective_rank"].items()})
        else:
            not_available(axes[2], own, "effective_rank")
        for axis in axes:
            layer_axis(axis)


def task_means(by_task: ByTask) -> tuple[list[int], list[float], list[Interval]]:
    """The layers that any task has, the mean over tasks and its t interval over tasks."""
    layers = sorted({layer for curve in by_task.values() for layer in curve})
    at = [[curve[layer] for curve in by_task.values() if layer in curve] for layer in layers]
    return layers, [fmean(values) for values in at], [t_interval(values) for values in at]


def _limits(curves: Iterable[ByTask]) -> tuple[float, float]:
    """One scale for all panels of CKA: its own, and what intervals reach beyond it."""
    ends = [
        end for by_task in curves for one in task_means(by_task)[2] for end in (one.low, one.high) if end is not None
    ]
    return min([0.0, *ends]) - 0.08, max([1.0, *ends]) + 0.03


def _distribution(axis: Axes, by_task: ByTask, colour: str) -> None:
    layers, _, _ = task_means(by_task)
    for curve in by_task.values():
        axis.plot(list(curve), list(curve.values()), color=colour, linewidth=0.5, alpha=0.35)
    at = [[c[layer] for c in by_task.values() if layer in c] for layer in layers]
    low, high = ([float(np.quantile(values, q)) for values in at] for q in (0.25, 0.75))
    axis.fill_between(layers, low, high, color=colour, alpha=0.2, linewidth=0)
    _mean_line(axis, by_task, colour, 1.8)


def _mean_line(axis: Axes, by_task: ByTask, colour: str, width: float, shift: float = 0.0) -> None:
    layers, means, intervals = task_means(by_task)
    places = [layer + shift for layer in layers]
    axis.plot(places, means, color=colour, linewidth=width, marker="o", markersize=3)
    for place, one in zip(places, intervals, strict=True):
        if one.low is not None and one.high is not None:
            axis.plot([place, place], [one.low, one.high], color=colour, linewidth=1.0, solid_capstyle="butt")


def _null(axis: Axes, rows: Sequence[ComparedRow]) -> None:
    at: dict[int, list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        if row.layer is not None and row.null is not None and row.null_high is not None:
            at[row.layer].append((row.null, row.null_high))
    layers = sorted(at)
    low, high = ([fmean(pair[side] for pair in at[layer]) for layer in layers] for side in (0, 1))
    axis.fill_between(layers, low, high, color=GREY, alpha=0.35, linewidth=0)


def _label_ends(axis: Axes, ends: Mapping[Role, float]) -> None:
    """Names of the curves, right of their last points, apart from each other and none above the panel."""
    lowest, highest = axis.get_ylim()
    gap = 0.085 * (highest - lowest)
    places: dict[Role, float] = {}
    last = -np.inf
    for role, value in sorted(ends.items(), key=lambda item: item[1]):
        places[role] = last = max(value, last + gap)
    top = highest
    for role in reversed(places):
        places[role] = min(places[role], top)
        top = places[role] - gap
    for role, place in places.items():
        axis.annotate(
            _SHORT[role], (1.0, place), xycoords=("axes fraction", "data"), xytext=(3, 0), textcoords="offset points",
            va="center", color=ROLE_COLOURS[role], annotation_clip=False, fontsize=SMALL,
        )  # fmt: skip


def _title(curves: Curves) -> str:
    parts = []
    for role in _COMPARED:
        if curves.get(role):
            layers, means, _ = task_means(curves[role])
            parts.append(f"{ROLE_NAMES[role]} {means[0]:.2f} to {means[-1]:.2f}")
            ends = f"layer {layers[0]} to {layers[-1]}"
    if not parts:
        return "CKA with models of one task"
    return f"CKA with models of one task, mean of tasks, {ends}: {', '.join(parts)}"


def _range(counts: Sequence[int]) -> str:
    if not counts:
        return "no"
    return f"{counts[0]}" if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
