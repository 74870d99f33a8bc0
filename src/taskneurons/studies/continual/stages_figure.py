"""What a model can do after every stage of a stream: one stage x task matrix a method."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from textwrap import fill
from typing import Any

import numpy as np
from matplotlib.axes import Axes

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, NORMAL, SEQUENTIAL, SMALL, Words, sheet, shortened
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.continual.look import of_run
from taskneurons.studies.continual.methods import METHODS, by_method
from taskneurons.studies.continual.rows import StreamRow
from taskneurons.studies.continual.streams import matrices, sequences

_ACROSS = 5
# A title of more letters is broken.
_LETTERS = 20


def draw_stages(
    rows: Sequence[StreamRow],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    order: str,
    dpi: int = 200,
) -> None:
    """Draw accuracy above chance after every stage of one order, one panel a method, mean over seeds.

    The accuracy is that of the likeliest option, at the method's own learning rate: whether a task is still known, and
    not whether its label words are still written.

    Args:
        rows: of all streams; those of other models and orders are left aside.
        tasks: of the suite, for the level of chance.
        paths: where to write, `.png` and `.svg`.
        suite, model, order: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows of this order.
    """
    own = [row for row in of_run(rows, suite, model) if row.order == order and row.rate == "own"]
    sequence = sequences(own).get((suite, order))
    if sequence is None:
        raise InputError(f"no stream of {model} on {suite} learns order `{order}`")
    levels = {task.name: task.chance for task in tasks}
    chance = np.array([levels.get(task) or 0.0 for task in sequence])
    by_seed: dict[str, list[np.ndarray]] = {}
    for stream, matrix in sorted(matrices(own, sequences(own), "restricted").items(), key=lambda item: item[0].seed):
        by_seed.setdefault(stream.method, []).append(matrix)
    found = {method: np.mean(by_seed[method], axis=0) - chance for method in sorted(by_seed, key=by_method)}
    counts = {row.n for row in own if row.metric == "accuracy" and row.n is not None}
    seeds = len({row.seed for row in own})
    caption = (
        f"{model}, {suite}, order {order}. A row: after that many tasks were learned (0: before the stream). A column: "
        "the tested task; numbers: its place in the stream, "
        + ", ".join(f"{place} {shortened(task, 20)}" for place, task in enumerate(sequence, 1))
        + ". Colour: accuracy of the likeliest option, at the method's own learning rate, less that of the best "
        "constant answer or of guessing, in points; below it: as zero. "
        "Below the stair the task was learned before or at that stage; it should stay dark. Per-Task FT tests each "
        "task's own model alone, joint training all tasks at the end. "
        f"{'One seed' if seeds == 1 else f'Mean over the seeds of a method, up to {seeds}'}, "
        f"{min(counts)}{f' to {max(counts)}' if len(counts) > 1 else ''} test examples a task; no interval is drawn."
    )
    lines = -(-len(found) // _ACROSS)
    with sheet(1.42 * lines + 0.2, Words(_title(found), caption), paths, dpi) as figure:
        grid = figure.subplots(lines, _ACROSS, squeeze=False)
        for place, axis in enumerate(grid.flat):
            if place >= len(found):
                axis.set_visible(False)
                continue
            method = list(found)[place]
            image = _panel(axis, found[method], METHODS[method].label)
            if place % _ACROSS:
                axis.set_yticklabels([])
            else:
                axis.set_ylabel("tasks learned", fontsize=SMALL)
            if place + _ACROSS < len(found):
                axis.set_xticklabels([])
            else:
                axis.set_xlabel("tested task", fontsize=SMALL)
        scale = figure.colorbar(image, ax=grid, shrink=0.6, pad=0.015, aspect=30)
        scale.set_label("accuracy above chance (points)", fontsize=NORMAL)
        scale.outline.set_linewidth(0.4)


def _panel(axis: Axes, matrix: np.ndarray, label: str) -> Any:
    stages, tasks = matrix.shape
    colours = SEQUENTIAL.with_extremes(bad="#F2F2F2")
    image = axis.imshow(matrix, cmap=colours, vmin=0, vmax=100, aspect="auto", interpolation="nearest")
    # Task j is learned at stage j: the stair runs above the cells of learned tasks.
    steps = [(x, place + 0.5) for place in range(tasks) for x in (place - 0.5, place + 0.5)]
    axis.plot(*zip(*steps, strict=True), color=BLACK, linewidth=1.1, solid_joinstyle="miter")
    every = 1 if tasks <= 8 else 2
    axis.set_xticks(range(0, tasks, every), [str(place + 1) for place in range(0, tasks, every)])
    axis.set_yticks(range(0, stages, 2 if stages > 5 else 1))
    axis.tick_params(length=0)
    axis.set_title(fill(label, _LETTERS), fontsize=SMALL, fontweight="normal")
    for spine in axis.spines.values():
        spine.set_visible(True)
        spine.set_linewidth(0.4)
    return image


def _title(found: Mapping[str, np.ndarray]) -> str:
    """How much of what is learned first is left at the end."""
    parts = []
    for method in ("seqft", "olora", "ncft", "wncft"):
        if method in found:
            just, last = found[method][1, 0], found[method][-1, 0]
            if np.isfinite([just, last]).all():
                parts.append(f"{METHODS[method].label} {max(just, 0):.0f}\u00a0→\u00a0{max(last, 0):.0f}")
    if not parts:
        return "Accuracy on every task after every stage"
    return "The first task's accuracy above chance, just after it was learned → at the end: " + ", ".join(parts)
