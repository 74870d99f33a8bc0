"""Figure 5 a-b: what deactivating each task's neurons does to every task."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from taskneurons.errors import InputError
from taskneurons.evidence.style import (
    NORMAL,
    SEQUENTIAL,
    SMALL,
    WIDTH,
    Words,
    by_kind,
    sheet,
    shortened,
    signed,
)
from taskneurons.evidence.tables import SCORE, drop_matrix
from taskneurons.evidence.tidy import Row, of_setting


def draw_matrix(
    rows: Iterable[Row],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    estimator: str,
    percent: float,
    selection: str,
    intervention: str = "zero",
    dpi: int = 200,
) -> None:
    """Draw one model's drops, mean over seeds, rows = whose neurons are deactivated, columns = the tested task.

    The blocks on the diagonal of kinds are Figure 5 a (classification) and b (generation) of Leng & Xiong 2025. Drops
    are points of accuracy in the columns of classification tasks, of ROUGE-L in those of generation tasks. A drop that
    was not measured in every seed is left empty.

    Args, Raises: as `drops.draw_drops`.
    """
    setting = (estimator, percent, selection, intervention)
    chosen = of_setting(rows, suite=suite, model=model, setting=setting)
    seeds = sorted({row["seed"] for row in chosen if row["condition"] in ("task", "other_task")})
    tested = {row["test_task"] for row in chosen}
    ordered = [task for group in by_kind(tasks).values() for task in group if task["name"] in tested]
    if not seeds or not ordered:
        raise InputError(f"no set of {model} on {suite} was deactivated and tested on a described task")
    names = [task["name"] for task in ordered]
    metrics = {task["name"]: SCORE[task["kind"]] for task in ordered}
    matrix = np.mean([drop_matrix(chosen, names, metrics, seed) for seed in seeds], axis=0)
    n = {row["n"] for row in chosen}
    caption = (
        f"{model}, {suite}. {percent:g} % of the neurons of {'the model' if selection == 'model' else 'each layer'} by "
        f"{estimator}, intervention: {intervention}. Drop in points against the original model: accuracy for "
        f"classification, ROUGE-L for generation columns. Mean over {len(seeds)} seed{'s' if len(seeds) > 1 else ''}, "
        f"{min(n)}{f' to {max(n)}' if len(n) > 1 else ''} test examples a task; no interval is drawn. Thick lines part "
        "the kinds, thin ones the families."
        + (" Upper left block: Figure 5 a of Leng & Xiong 2025, lower right: 5 b." if len(by_kind(ordered)) > 1 else "")
    )
    # Square cells: the labels and the colour bar take about 2.2 inches of the width.
    cell = min(0.42, (WIDTH - 2.2) / len(names))
    with sheet(max(1.4, cell * len(names)) + 1.35, Words(_title(matrix, ordered), caption), paths, dpi) as figure:
        measured = matrix[np.isfinite(matrix)]
        highest = max(1.0, float(measured.max())) if measured.size else 1.0
        # Gains are rare and small: they take the colour of zero, and their sign in the cell.
        matrix_panel(
            figure.subplots(), matrix, ordered, colours=SEQUENTIAL, limits=(0, highest), rows="neurons deactivated",
            columns="tested task", bar="drop (points)",
        )  # fmt: skip


def relation_means(matrix: np.ndarray, tasks: Sequence[Mapping[str, Any]]) -> dict[str, float]:
    """Mean of a task x task matrix over the own task, its family, its kind and the other kind, where all is measured.

    Args:
        matrix: rows and columns in the order of the tasks.
        tasks: family and kind of each.
    """
    family = np.array([task["family"] for task in tasks])
    kind = np.array([task["kind"] for task in tasks])
    same_family, same_kind = family[:, None] == family, kind[:, None] == kind
    own = np.eye(len(tasks), dtype=bool)
    relations = {
        "own task": own,
        "same family": same_family & ~own,
        "same kind": same_kind & ~same_family,
        "other kind": ~same_kind,
    }
    return {
        name: float(matrix[cells].mean())
        for name, cells in relations.items()
        if cells.any() and np.isfinite(matrix[cells]).all()
    }


def _title(matrix: np.ndarray, tasks: Sequence[Mapping[str, Any]]) -> str:
    means = relation_means(matrix, tasks)
    parts = [f"{name} {signed(-mean)}" for name, mean in means.items()]
    return (
        "Deactivating a task's neurons, mean change in points: " + ", ".join(parts)
        if parts
        else "Drops of every task without every task's neurons"
    )


def _readable_on(colour: tuple[float, float, float, float]) -> str:
    """Black or white, whichever stands out more (relative luminance of WCAG 2, whose two contrasts meet at 0.18)."""
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in colour[:3]]
    return "black" if np.dot(linear, (0.2126, 0.7152, 0.0722)) > 0.18 else "white"


def matrix_panel(
    axis: Axes,
    matrix: np.ndarray,
    tasks: Sequence[Mapping[str, Any]],
    *,
    colours: Colormap,
    limits: tuple[float, float],
    rows: str,
    columns: str,
    bar: str,
) -> None:
    """Draw a task x task matrix with its numbers; the diagonal is bold, lines part families and kinds.

    Args:
        axis: the panel.
        matrix: rows and columns in the order of the tasks; NaN is left empty.
        tasks: name, family and kind of each.
        colours, limits: of the cells; a value beyond the limits takes the colour of the nearest one.
        rows, columns, bar: what the rows, the columns and the colours say.
    """
    size = len(tasks)
    low, high = limits
    colours = colours.with_extremes(bad="white")
    image = axis.imshow(matrix, cmap=colours, vmin=low, vmax=high, aspect="equal", interpolation="nearest")
    for row in range(size):
        for column in range(size):
            value = matrix[row, column]
            if np.isfinite(value):
                axis.text(
                    column, row, f"{value:.0f}".replace("-0", "0").replace("-", "−"), ha="center", va="center",
                    fontsize=SMALL, color=_readable_on(colours(float(np.clip((value - low) / (high - low), 0, 1)))),
                    fontweight="bold" if row == column else "normal",
                )  # fmt: skip
    labels = [shortened(task["name"]) for task in tasks]
    axis.set_xticks(range(size), labels, rotation=40, ha="right", rotation_mode="anchor")
    axis.set_yticks(range(size), labels)
    axis.tick_params(length=0)
    for edge in range(1, size):
        before, after = tasks[edge - 1], tasks[edge]
        if before["kind"] != after["kind"]:
            width = 1.8
        elif before["family"] != after["family"]:
            width = 0.6
        else:
            continue
        axis.axhline(edge - 0.5, color="black", linewidth=width)
        axis.axvline(edge - 0.5, color="black", linewidth=width)
    for spine in axis.spines.values():
        spine.set_visible(True)
    axis.set_xlabel(columns)
    axis.set_ylabel(rows)
    scale = axis.figure.colorbar(image, ax=axis, shrink=0.7, pad=0.02, aspect=28)
    scale.set_label(bar, fontsize=NORMAL)
    scale.outline.set_linewidth(0.4)
