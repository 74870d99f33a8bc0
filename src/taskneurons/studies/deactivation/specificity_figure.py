"""The headline of deactivation: what a task's own neurons cost it beyond those of others, over shares."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.errors import InputError
from taskneurons.evidence.studied import studied
from taskneurons.evidence.style import BLACK, GREEN, GREY, VERMILLION, Words, interval_words, sheet, signed
from taskneurons.evidence.tasks import KINDS, SCORE, Kind
from taskneurons.job import Job
from taskneurons.measures.stats import Interval, t_interval
from taskneurons.neurons.selection import Selection
from taskneurons.studies.deactivation.rows import SPECIFICITY, Against, SpecificityRow

_LOOKS: Mapping[Against, tuple[str, str, str]] = {
    "random": (GREY, "o", "random neurons"),
    "other_family": (GREEN, "^", "neurons of other families' tasks"),
    "sibling": (VERMILLION, "D", "neurons of the family's other task (sibling)"),
}
_SHORT: Mapping[Against, str] = {"random": "random", "other_family": "other family", "sibling": "sibling"}
_NAMES = {"accuracy": "accuracy", "rougeL": "ROUGE-L"}
_APART = 1.06  # factor of the share between two lines, so that their intervals do not hide each other

Means = Mapping[tuple[Kind, Against, float], Interval]
"""The mean over tasks, with its interval over seeds, by kind, whose neurons are compared, and share in percent."""


def means_over_tasks(rows: Iterable[SpecificityRow]) -> dict[tuple[Kind, Against, float], Interval]:
    """Own less other of each kind and share: the mean over tasks above chance within a seed, then over seeds.

    Where no task of a kind is above chance, all of them are averaged: there is a figure, which tells nothing.

    Args:
        rows: of one run and one way to rank and to deactivate; only scores count.
    """
    rows = list(rows)
    guessed = _at_chance(rows)
    parts: dict[tuple[Kind, Against, float], dict[int, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        used = not row.at_chance or row.kind in guessed
        if row.metric == SCORE[row.kind] and used and row.percent and row.difference is not None:
            parts[row.kind, row.against, float(row.percent)][row.seed].append(row.difference)
    return {
        key: t_interval([fmean(values) for _, values in sorted(seeds.items())]) for key, seeds in sorted(parts.items())
    }


def _at_chance(rows: Iterable[SpecificityRow]) -> set[Kind]:
    """The kinds of which no task is above chance."""
    rows = list(rows)
    return {row.kind for row in rows} - {row.kind for row in rows if not row.at_chance}


def draw_specificity(rows: Sequence[SpecificityRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw own less other over shares, one panel a kind of tasks, with 95 % t intervals over seeds.

    Args:
        rows: as for `means_over_tasks`.
        run: model, its tuning and suite, in words.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: there is nothing to draw.
    """
    means = means_over_tasks(rows)
    kinds = [kind for kind in KINDS if any(key[0] == kind for key in means)]
    if not kinds:
        raise InputError("no task was measured without its own and without other neurons", where=run)
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2, label=f"less {label}")
        for against, (colour, marker, label) in _LOOKS.items()
        if any(key[1] == against for key in means)
    ]
    seeds = len({row.seed for row in rows})
    drawn = sum(one.low is not None for one in means.values())
    caption = (
        f"{run}. Drop of a task's score when its own neurons are set to zero, less its drop when as many others are; "
        "mean over the tasks of a kind that the untouched model does better than by chance, paired by seed and task. "
        "Above 0: the task's own neurons cost it more. Neurons that matter to any task raise the grey line alone. "
        + interval_words(seeds, drawn)
    )
    with sheet(2.3, Words(_title(means, kinds), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(kinds), squeeze=False)[0]
        for axis, kind in zip(axes, kinds, strict=True):
            _panel(axis, kind, means)
            axis.set_title(f"{kind} (every task at chance: tells nothing)" if kind in _at_chance(rows) else kind)


def _panel(axis: Axes, kind: Kind, means: Means) -> None:
    shares = sorted({share for own, _, share in means if own == kind})
    axis.axhline(0, color=BLACK, linewidth=0.8)
    for place, (against, (colour, marker, _)) in enumerate(_LOOKS.items()):
        points = [(share, means[kind, against, share]) for share in shares if (kind, against, share) in means]
        points = [(share * _APART ** (place - 1), one) for share, one in points]
        heights = [np.nan if one.mean is None else one.mean for _, one in points]
        axis.plot(
            [x for x, _ in points], heights, color=colour, marker=marker, markersize=4.2, linewidth=1.2,
            markeredgecolor="white", markeredgewidth=0.4, zorder=4,
        )  # fmt: skip
        for x, one in points:
            if one.low is not None and one.high is not None:
                axis.plot([x, x], [one.low, one.high], color=colour, linewidth=0.9, zorder=3)
    axis.set_xscale("log")
    axis.set_xticks(shares, [f"{share:g}" for share in shares])
    axis.minorticks_off()
    axis.set_xlim(shares[0] / 1.4, shares[-1] * 1.4)
    axis.set_xlabel("share of the neurons set to zero (%)")
    axis.set_ylabel(f"own less other (points of {_NAMES[SCORE[kind]]})")
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _title(means: Means, kinds: Sequence[Kind]) -> str:
    """What is compared, with the numbers at the largest share."""
    largest = max(share for _, _, share in means)
    parts = []
    for kind in kinds:
        told = [
            f"{_SHORT[against]} {signed(one.mean)}"
            for against in reversed(list(_LOOKS))
            if (one := means.get((kind, against, largest))) is not None and one.mean is not None
        ]
        parts.append(f"{kind}: {', '.join(told)}")
    return f"Lost without a task's own neurons less lost without others (points, {largest:g} %). {'; '.join(parts)}"


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        selection: whose estimator and ranking are drawn, at every share.
        tuned: whether models are tuned on all tasks of their suites; else they are studied as they are.
        dpi: dots an inch of the PNG.
    """

    selection: Selection
    tuned: bool
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw own less other over shares."""
    chosen = job.settings.selection.estimator, job.settings.selection.within, "zero"
    rows = [
        row
        for row in SPECIFICITY.read(job.inputs.one("rows"))
        if (row.suite, row.model) == (job.suite, job.model)
        and (row.estimator, row.selection, row.intervention) == chosen
    ]
    run = studied(job.model, job.suite, tuned=job.settings.tuned)
    draw_specificity(rows, run, job.outputs["figure"], dpi=job.settings.dpi)
