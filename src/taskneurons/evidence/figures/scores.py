"""How unevenly the attribution of each task is spread over the neurons."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.style import FAMILY_COLOURS, GREY, Words, by_kind, sheet, shortened
from taskneurons.neurons.scores import NeuronScores

_POINTS = 200
_DECADES = 6  # shown below the highest score
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))


def draw_scores(
    scores: Iterable[NeuronScores],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    percent: float,
    dpi: int = 200,
) -> None:
    """Draw the sorted scores of each task on logarithmic axes, relative to the task's mean score.

    x is the rank from the top in percent of the neurons, so a curve read from the other side is the share of neurons
    above a score. With several seeds the score at each rank is the mean over them. Scores that can be negative
    (`contrast`) are drawn as far as they are positive. The legend gives the share of the positive scores that the top
    `percent` % hold.

    Args:
        scores: of one estimator and one model shape, for every task and seed.
        tasks: of the suite: name, family, kind.
        paths: where to write, `.png` and `.svg`.
        suite, model: named in the caption.
        percent: the share of neurons that is selected, marked by a line.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: no scores, of several estimators or shapes, of unknown tasks, or a task without a positive score.
    """
    curves: dict[str, list[np.ndarray]] = defaultdict(list)
    kinds = set()
    for one in scores:
        ordered = np.sort(one.scores.astype(np.float64), axis=None)[::-1]
        positive = np.clip(ordered, 0, None)
        if positive[0] == 0:
            raise InputError("no neuron has a positive score", where=one.task)
        curves[one.task].append(positive / positive.mean())
        kinds.add((one.estimator, one.shape, one.examples))
    if len({kind[:2] for kind in kinds}) != 1:
        raise InputError("a figure of scores needs the scores of one estimator and one model shape")
    unknown = sorted(curves.keys() - {task["name"] for task in tasks})
    if unknown:
        raise InputError(f"scores of tasks without a description: {', '.join(unknown)}")
    estimator, shape = next(iter(kinds))[:2]
    counts = {kind[2] for kind in kinds}
    means = {task: np.mean(values, axis=0) for task, values in curves.items()}
    size = shape[0] * shape[1]
    cut = max(1, int(np.floor(percent * size / 100 + 0.5)))
    held = {task: 100 * curve[:cut].sum() / curve.sum() for task, curve in means.items()}
    seeds = max(map(len, curves.values()))
    lowest, highest_held = f"{min(held.values()):.0f}", f"{max(held.values()):.0f}"
    spread = lowest if lowest == highest_held else f"{lowest} to {highest_held}"
    title = f"The top {percent:g} % of neurons hold {spread} % of a task's attribution"
    caption = (
        f"{model}, {suite}. Scores by {estimator}, sorted, divided by the task's mean; mean over {seeds} "
        f"seed{'s' if seeds > 1 else ''} at each rank; {shape[0]} layers of {shape[1]} neurons; {min(counts)}"
        f"{f' to {max(counts)}' if len(counts) > 1 else ''} examples a task. Dotted: the cut at {percent:g} %. In "
        f"brackets: share of the attribution above the cut. No interval is drawn."
    )
    ranks = np.unique(np.round(np.geomspace(1, size, _POINTS)).astype(int))
    highest = max(float(curve[0]) for curve in means.values())
    groups = by_kind([task for task in tasks if task["name"] in means])
    with sheet(2.9, Words(title, caption), paths, dpi) as figure:
        axes = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
        for axis, (kind, group) in zip(axes, groups.items(), strict=True):
            families = list(dict.fromkeys(task["family"] for task in group))
            seen: dict[str, int] = defaultdict(int)
            for task in group:
                name, family = task["name"], task["family"]
                axis.plot(
                    100 * ranks / size,
                    np.where(means[name][ranks - 1] > 0, means[name][ranks - 1], np.nan),
                    color=FAMILY_COLOURS[families.index(family) % len(FAMILY_COLOURS)],
                    linestyle=_DASHES[seen[family] % len(_DASHES)],
                    linewidth=1.2,
                    label=f"{shortened(name)} ({held[name]:.0f} %)",
                )
                seen[family] += 1
            axis.axvline(percent, color=GREY, linewidth=0.9, linestyle=":")
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xlim(100 / size, 100)
            axis.set_ylim(highest / 10**_DECADES, 2 * highest)
            for side in (axis.xaxis, axis.yaxis):
                side.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_xlabel("rank from the top (% of neurons)")
            axis.set_title(kind)
            axis.legend(loc="lower left", handlelength=2.2, labelspacing=0.3)
        axes[0].set_ylabel("score / mean score")
