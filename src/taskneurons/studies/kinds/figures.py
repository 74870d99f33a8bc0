"""What two tasks share beside what training on one gives the other, as matrices, and how the two correlate."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import matplotlib as mpl
import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import Colormap
from matplotlib.lines import Line2D
from matplotlib.patches import Rectangle

from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREY,
    ORANGE,
    SEQUENTIAL,
    SMALL,
    VERMILLION,
    Words,
    p_in_words,
    say_in_panel,
    seeds_in_words,
    sheet,
    shortened,
    signed,
)
from taskneurons.job import Job
from taskneurons.studies.kinds.rows import (
    CORRELATIONS,
    OUTCOMES,
    PAIR,
    TASKS,
    CorrelationRow,
    Outcome,
    PairRow,
    Pairs,
    Predictor,
    TaskRow,
)

_NAMES: dict[tuple[Pairs, Predictor], str] = {
    ("all", "same_family"): "both of one kind, all pairs",
    ("all", "jaccard"): "neurons, all pairs",
    ("across", "jaccard"): "neurons, across kinds",
    ("across", "prompt_words"): "words of prompts, across kinds",
    ("across", "answer_words"): "words of answers, across kinds",
}
_COLOURS: dict[Predictor, str] = {
    "same_family": GREY,
    "jaccard": VERMILLION,
    "prompt_words": BLUE,
    "answer_words": ORANGE,
}
_OUTCOMES: dict[Outcome, str] = {"loss_gain": "with what the loss gains", "gain": "with what the score gains"}


def draw_pairs(
    rows: Sequence[PairRow],
    tasks: Sequence[TaskRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw three matrices of training x test tasks: shared neurons, shared words, gain of the loss.

    Args:
        rows: pairs of tasks.
        tasks: which of them can tell.
        paths: where to write, `.png` and `.svg`.
        suite, model: whose rows.
        dpi: dots an inch of the PNG.
    """
    own = [row for row in rows if (row.suite, row.model) == (suite, model)]
    silent = {task.task for task in tasks if (task.suite, task.model) == (suite, model) and not task.tells}
    train = sorted({(row.train_family, row.train_task) for row in own})
    test = sorted({(row.test_family, row.test_task) for row in own})
    shape = len(train), len(test)
    shared, words, gain, same = (np.zeros(shape) for _ in range(4))
    for i, (family, one) in enumerate(train):
        for j, (other_family, other) in enumerate(test):
            there = [row for row in own if (row.train_task, row.test_task) == (one, other)]
            shared[i, j] = fmean(row.jaccard for row in there)
            words[i, j] = fmean(row.answer_words for row in there)
            gain[i, j] = fmean(row.loss_gain for row in there)
            same[i, j] = family == other_family
    largest = float(np.abs(gain).max()) or 1.0
    caption = (
        f"{model}, {suite}, {seeds_in_words(len({row.seed for row in own}))}. A row is a model that was tuned as a "
        "whole on that task, a column a task that it was not tuned on. Framed: both tasks are of one kind. Left: "
        "Jaccard index of the tops on the pre-trained model. Middle: Jaccard index of the words of their answers. "
        "Right: loss of the untuned model less that of the tuned one, nats a token; red is worse than untuned."
        + (" In brackets: in no test, since the task was not learned or has nothing to gain." if silent else "")
    )
    words_of = Words("What two tasks share, and what training on one gives the other", caption)
    rising: Colormap = SEQUENTIAL
    falling = mpl.colormaps["RdBu"]
    with sheet(3.3, words_of, paths, dpi) as figure:
        panels = figure.subplots(1, 3, sharey=True)
        shown = (
            ("shared neurons", shared, rising, (0.0, float(shared.max()) or 1.0)),
            ("shared words of answers", words, rising, (0.0, float(words.max()) or 1.0)),
            ("loss gained (nats)", gain, falling, (-largest, largest)),
        )
        for axis, (title, matrix, colours, limits) in zip(panels, shown, strict=True):
            axis.set_title(title)
            _matrix(axis, matrix, same, colours, limits)
            axis.set_xticks(
                range(len(test)),
                [_label(name, silent) for _, name in test],
                rotation=60,
                ha="right",
                rotation_mode="anchor",
            )
        panels[0].set_yticks(range(len(train)), [_label(name, silent) for _, name in train])
        panels[0].set_ylabel("trained on")
        panels[1].set_xlabel("tested")


def _label(task: str, silent: set[str]) -> str:
    return f"({shortened(task)})" if task in silent else shortened(task)


def _matrix(axis: Axes, matrix: np.ndarray, same: np.ndarray, colours: Colormap, limits: tuple[float, float]) -> None:
    image = axis.imshow(matrix, cmap=colours, vmin=limits[0], vmax=limits[1], aspect="auto", interpolation="nearest")
    for row, column in np.argwhere(same):
        axis.add_patch(Rectangle((column - 0.5, row - 0.5), 1, 1, fill=False, edgecolor=BLACK, linewidth=1))
    axis.tick_params(length=0)
    scale = axis.figure.colorbar(image, ax=axis, orientation="horizontal", location="top", shrink=0.8, aspect=24)
    scale.outline.set_linewidth(0.4)


def draw_correlation(
    rows: Sequence[CorrelationRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw how what two tasks share correlates with what training gives, beside the controls.

    Args:
        rows: of the tests.
        paths: where to write, `.png` and `.svg`.
        suite, model: whose rows.
        dpi: dots an inch of the PNG.
    """
    own = [row for row in rows if (row.suite, row.model) == (suite, model)]
    seeds = max((row.seeds for row in own), default=0)
    caption = (
        f"{model}, {suite}. Rank correlations within test tasks, each task's mean taken out. Dots: means over "
        f"{seeds_in_words(seeds)} with 95 % t intervals; the p beside it is of the mean values, by permutation of "
        "the tasks. Hollow: the words that both tasks have are taken out, too. The interval is of seeds alone: other "
        "tasks could give other values."
    )
    handles = [
        Line2D([], [], color=BLACK, marker="o", linestyle="", markersize=5, label="each task's mean taken out"),
        Line2D(
            [], [], color=BLACK, marker="o", linestyle="", markersize=5, markerfacecolor="white",
            label="shared words taken out, too",
        ),
    ]  # fmt: skip
    with sheet(2.9, Words(_title(own), caption), paths, dpi, handles) as figure:
        for axis, (outcome, title) in zip(figure.subplots(1, 2), _OUTCOMES.items(), strict=True):
            axis.set_title(title)
            _dots(axis, [row for row in own if row.outcome == outcome], named=outcome == OUTCOMES[0])
            axis.set_xlabel("rank correlation")


def _title(rows: Sequence[CorrelationRow]) -> str:
    asked = ("across", "jaccard", "loss_gain", "means of tasks, words")
    for row in rows:
        if (row.pairs, row.predictor, row.outcome, row.given) == asked and row.value is not None:
            return (
                f"Overlap of neurons and transfer between tasks of different kinds correlate by "
                f"{signed(row.value, 2)} beyond shared words"
            )
    return "Overlap of neurons and transfer between tasks of different kinds"


def _dots(axis: Axes, rows: Sequence[CorrelationRow], *, named: bool) -> None:
    drawn = False
    for place, (asked, _) in enumerate(_NAMES.items()):
        for row in rows:
            if (row.pairs, row.predictor) != asked or row.value is None or "means" not in row.given:
                continue
            drawn = True
            hollow = "words" in row.given
            height, colour = place + (0.16 if hollow else -0.16), _COLOURS[row.predictor]
            if row.low is not None and row.high is not None:
                axis.plot([row.low, row.high], [height] * 2, color=colour, linewidth=1)
            face = "white" if hollow else colour
            axis.plot(
                [row.value], [height], "o", color=colour, markersize=5, markerfacecolor=face, clip_on=False, zorder=4
            )
            if row.p_value is not None:
                beside = axis.get_yaxis_transform()
                axis.text(1.02, height, p_in_words(row.p_value), transform=beside, va="center", fontsize=SMALL)
    if not drawn:
        say_in_panel(axis, "no pairs of tasks can tell")
        return
    axis.axvline(0, color=GREY, linewidth=0.6)
    low, high = axis.get_xlim()
    axis.set_xlim(max(-1.0, min(low, -0.2)), min(1.0, max(high, 0.2)))
    axis.set_ylim(len(_NAMES) - 0.5, -0.5)
    axis.set_yticks(range(len(_NAMES)), list(_NAMES.values()) if named else [""] * len(_NAMES))


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        dpi: dots an inch of the PNG.
    """

    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw the pairs of tasks of one run, and the correlations."""
    suite, model, dpi = job.suite, job.model, job.settings.dpi
    pairs, tasks = PAIR.read(job.inputs.one("pairs")), TASKS.read(job.inputs.one("tasks"))
    draw_pairs(pairs, tasks, job.outputs["pairs"], suite=suite, model=model, dpi=dpi)
    tests = CORRELATIONS.read(job.inputs.one("correlation"))
    draw_correlation(tests, job.outputs["correlation"], suite=suite, model=model, dpi=dpi)
