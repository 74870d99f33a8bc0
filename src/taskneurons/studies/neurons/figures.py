"""Figures of one model's neurons: how unevenly attribution is spread over them, and in which layers the sets lie."""

from collections import defaultdict
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.studied import studied
from taskneurons.evidence.style import (
    BLACK,
    FAMILY_COLOURS,
    GREY,
    KIND_COLOURS,
    SMALL,
    Words,
    seeds_in_words,
    sheet,
    shortened,
)
from taskneurons.evidence.tasks import DescribedTask, by_kind, described_tasks
from taskneurons.job import Job
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.studies.neurons.rows import LAYER_SHARES, LayerShare

_POINTS = 200
# Two columns of names with their shares are as wide as a panel.
_LEGEND_COLUMNS, _LEGEND_LETTERS = 2, 15
_DECADES = 6  # shown below the highest score
_DASHES = ("-", (0, (4, 1.5)), (0, (1, 1)), (0, (4, 1, 1, 1)))
_COLUMNS = 4


def draw_scores(
    scores: Iterable[NeuronScores],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    tuned: bool,
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
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        suite, model: named in the caption.
        tuned: whether the model was tuned on all tasks of the suite; else it is studied as it is.
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
    unknown = sorted(curves.keys() - {task.name for task in tasks})
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
        f"{studied(model, suite, tuned=tuned)}. Scores by {estimator}, sorted, divided by the task's mean; mean over "
        f"{seeds_in_words(seeds)} at each rank; {shape[0]} layers of {shape[1]} neurons; {min(counts)}"
        f"{f' to {max(counts)}' if len(counts) > 1 else ''} examples a task. Dotted: the cut at {percent:g} %. In "
        f"brackets: share of the attribution above the cut. No interval is drawn."
    )
    ranks = np.unique(np.round(np.geomspace(1, size, _POINTS)).astype(int))
    highest = max(float(curve[0]) for curve in means.values())
    groups = by_kind([task for task in tasks if task.name in means])
    lines = -(-max(map(len, groups.values())) // _LEGEND_COLUMNS)
    with sheet(2.5 + 0.16 * lines, Words(title, caption), paths, dpi) as figure:
        axes = figure.subplots(1, len(groups), squeeze=False, sharey=True)[0]
        for axis, (kind, group) in zip(axes, groups.items(), strict=True):
            families = list(dict.fromkeys(task.family for task in group))
            seen: dict[str, int] = defaultdict(int)
            for task in group:
                mean, number = means[task.name], families.index(task.family)
                axis.plot(
                    100 * ranks / size,
                    np.where(mean[ranks - 1] > 0, mean[ranks - 1], np.nan),
                    color=FAMILY_COLOURS[number % len(FAMILY_COLOURS)],
                    linestyle=_DASHES[seen[task.family] % len(_DASHES)],
                    # A family more than there are colours has a thinner line of the first colour.
                    linewidth=1.2 / (1 + number // len(FAMILY_COLOURS)),
                    label=f"{shortened(task.name, _LEGEND_LETTERS)} ({held[task.name]:.0f} %)",
                )
                seen[task.family] += 1
            axis.axvline(percent, color=GREY, linewidth=0.9, linestyle=":")
            axis.set_xscale("log")
            axis.set_yscale("log")
            axis.set_xlim(100 / size, 100)
            axis.set_ylim(highest / 10**_DECADES, 2 * highest)
            for side in (axis.xaxis, axis.yaxis):
                side.set_major_formatter(lambda value, _: f"{value:g}")
            axis.set_xlabel("rank from the top (% of neurons)")
            axis.set_title(kind)
            # Below the panel, where any number of tasks covers no curve.
            axis.legend(
                loc="upper left", bbox_to_anchor=(-0.08, -0.2), ncols=_LEGEND_COLUMNS,
                handlelength=1.5, handletextpad=0.4, labelspacing=0.3, columnspacing=0.5, borderpad=0, borderaxespad=0,
            )  # fmt: skip
        axes[0].set_ylabel("score / mean score")


def draw_layers(
    rows: Iterable[LayerShare],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    tuned: bool,
    selection: Selection,
    dpi: int = 200,
) -> None:
    """Draw, for each task, the share of its set in every layer.

    Bars are for the sets ranked over the whole model, a line is for those ranked within layers. Both are means over
    seeds; dots are the single seeds.

    Args:
        rows: those of other models, estimators and percentages are left aside.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        tuned: whether the model was tuned on all tasks of the suite; else it is studied as it is.
        selection: its estimator and percentage say which rows; both rankings are drawn.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: no row belongs to the asked sets.
    """
    estimator, percent = selection.estimator, selection.percent
    # ranking -> task -> seed -> layer -> share
    shares: dict[str, dict[str, dict[int, dict[int, float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    for row in rows:
        if (row.suite, row.model, row.estimator, row.percent) == (suite, model, estimator, percent):
            shares[row.selection][row.train_task][row.seed][row.layer] = row.value
    drawn = {task for by_task in shares.values() for task in by_task}
    ordered = [task for group in by_kind(tasks).values() for task in group if task.name in drawn]
    if not ordered:
        raise InputError(f"no sets to draw for {model} on {suite}: {estimator}, {percent:g} %")
    means = {
        ranking: {
            task: np.mean([[layers[i] for i in sorted(layers)] for layers in seeds.values()], axis=0)
            for task, seeds in by_task.items()
        }
        for ranking, by_task in shares.items()
    }
    depth = max(len(mean) for by_task in means.values() for mean in by_task.values())
    seeds = len({seed for by_task in shares.values() for s in by_task.values() for seed in s})
    caption = (
        f"{studied(model, suite, tuned=tuned)}. The top {percent:g} % by {estimator}; share of each set in every "
        f"layer, layer 0 is nearest to the input. Mean over {seeds_in_words(seeds)}"
        + (", small dots: each seed" if seeds > 1 else "")
        + "; no interval is drawn."
    )
    wide = min(_COLUMNS, len(ordered))
    tall = -(-len(ordered) // wide)
    handles = _handles(means, ordered)
    with sheet(0.95 * tall + 0.35, Words(_title_of_layers(means, depth), caption), paths, dpi, handles) as figure:
        grid = figure.subplots(tall, wide, squeeze=False, sharex=True, sharey=True)
        for place, axis in enumerate(grid.flat):
            if place >= len(ordered):
                axis.set_visible(False)
                continue
            task = ordered[place]
            if task.name in means.get("model", {}):
                single = shares["model"][task.name].values() if seeds > 1 else ()
                _bars(axis, means["model"][task.name], single, KIND_COLOURS[task.kind])
            if task.name in means.get("layer", {}):
                axis.step(
                    np.arange(-1, depth + 1), np.pad(means["layer"][task.name], 1, mode="edge"), where="mid",
                    color=BLACK, linewidth=0.9,
                )  # fmt: skip
            axis.set_title(shortened(task.name, 24), fontsize=SMALL, fontweight="normal")
            axis.set_xlim(-0.6, depth - 0.4)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axis.yaxis.set_major_locator(MaxNLocator(nbins=3))
            # A panel with none below it carries the axis of its column.
            axis.tick_params(labelbottom=place + wide >= len(ordered))
            if place + wide >= len(ordered):
                axis.set_xlabel("layer")
            if place % wide == 0:
                axis.set_ylabel("share (%)")
        # All panels share one axis: its height is that of the highest bar of all of them.
        grid[0, 0].set_ylim(0, None)


def _handles(selections: Container[str], tasks: Sequence[DescribedTask]) -> list[Patch | Line2D]:
    """The legend: a patch for each kind of task, a line for the selection within layers."""
    handles: list[Patch | Line2D] = []
    if "model" in selections:
        handles += [
            Patch(color=KIND_COLOURS[kind], alpha=0.55, linewidth=0, label=f"{kind}, ranked over the model")
            for kind in by_kind(tasks)
        ]
    if "layer" in selections:
        handles.append(Line2D([], [], color=BLACK, linewidth=0.9, label="ranked within each layer"))
    return handles


def _bars(axis: Axes, mean: np.ndarray, single: Iterable[Mapping[int, float]], colour: str) -> None:
    """A bar for the mean share of each layer, and a dot for each seed's."""
    axis.bar(range(len(mean)), mean, width=0.8, color=colour, alpha=0.55, linewidth=0)
    for layers in single:
        # A share of zero lies on the edge of the panel: its dot is drawn whole.
        axis.plot(sorted(layers), [layers[i] for i in sorted(layers)], ".", color=colour, markersize=2.5, clip_on=False)


def _title_of_layers(means: Mapping[str, Mapping[str, np.ndarray]], depth: int) -> str:
    if "model" not in means:
        return f"Sets ranked within each layer take the same share of each of the {depth} layers"
    average = np.mean(list(means["model"].values()), axis=0)
    fullest = int(average.argmax())
    return (
        f"Ranked over the model, {average[fullest]:.0f} % of a task's neurons lie in layer {fullest} "
        f"(an even share is {100 / depth:.0f} %)"
    )


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        scores: for each figure of scores, by its file's stem, the selection whose estimator is shown and whose cut is
            marked.
        layers: for each figure of layers, by its file's stem, a selection whose estimator and percentage are shown,
            over the model and within layers together.
        tuned: whether models are tuned on all tasks of their suites; else they are studied as they are.
        dpi: dots an inch of the PNG.
    """

    scores: dict[str, Selection]
    layers: dict[str, Selection]
    tuned: bool
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw the scores of each task, and in which layers its neurons lie."""
    tasks = described_tasks(job.inputs["tasks"])
    figures: dict[str, list[Path]] = defaultdict(list)
    for path in job.outputs["figures"]:
        figures[path.stem].append(path)
    for stem, selection in job.settings.scores.items():
        draw_scores(
            # Scores lie in a folder for each estimator.
            [NeuronScores.load(path) for path in job.inputs["scores"] if path.parent.name == selection.estimator],
            tasks,
            figures[stem],
            suite=job.suite,
            model=job.model,
            tuned=job.settings.tuned,
            percent=selection.percent,
            dpi=job.settings.dpi,
        )
    rows = LAYER_SHARES.read(job.inputs.one("shares"))
    for stem, selection in job.settings.layers.items():
        draw_layers(
            rows,
            tasks,
            figures[stem],
            suite=job.suite,
            model=job.model,
            tuned=job.settings.tuned,
            selection=selection,
            dpi=job.settings.dpi,
        )
