"""The chart of a task x task matrix."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap

from taskneurons.evidence.style import NORMAL, SMALL, shortened


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
