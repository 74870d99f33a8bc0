"""Figures 2 and 6 of Leng & Xiong 2025: scores while a growing share of the neurons is trained."""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.style import (
    BLACK,
    GREY,
    SMALL,
    VERMILLION,
    Words,
    p_in_words,
    seeds_in_words,
    sheet,
    signed,
)
from taskneurons.evidence.tasks import SCORE, Kind
from taskneurons.evidence.trained import TRAINED, Trained
from taskneurons.job import Job
from taskneurons.measures.stats import MINIMUM_SEEDS
from taskneurons.studies.proportion.rows import CONDITIONS, Condition, How, Scope, SummaryRow, TrendRow
from taskneurons.studies.proportion.scopes import Groups, Scoped, TaskGroups, scoped
from taskneurons.studies.proportion.tables import proportion_summary, proportion_trend, rates_of

Measure = Literal["score", "loss"]
Thin = Literal["seed", "tested task", "trained task"]
_LOOK: Mapping[Condition, tuple[str, str, str]] = {
    "random": (GREY, "o", "random neurons"),
    "task": (VERMILLION, "D", "the tasks' own neurons"),
}
"""Colour, marker and legend."""
_PANELS: Mapping[How, tuple[tuple[tuple[Kind, Scope], ...], ...]] = {
    "joint": (
        (("classification", "ID-CLS"), ("classification", "OOD-CLS"), ("classification", "OOD-GEN")),
        (("generation", "ID-GEN"), ("generation", "OOD-GEN"), ("generation", "OOD-CLS")),
    ),
    "single": ((("classification", "ID-CLS"), ("generation", "ID-GEN")),),
}
"""The trained kind and the scope of each panel, line by line."""
_TESTED: Mapping[Scope, Kind] = {
    "ID-CLS": "classification",
    "OOD-CLS": "classification",
    "ID-GEN": "generation",
    "OOD-GEN": "generation",
}
_SCOPES: Mapping[Scope, str] = {
    "ID-CLS": "trained tasks",
    "OOD-CLS": "unseen classification",
    "ID-GEN": "trained tasks",
    "OOD-GEN": "unseen generation",
}
_NAMES = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)", "loss": "loss (nats)"}
_DASHED = (0, (4, 2))


def draw_proportion(
    rows: Iterable[Trained],
    groups: Groups,
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    how: How,
    measure: Measure = "score",
    dpi: int = 200,
) -> None:
    """Draw the mean score, or loss, of each scope against the share of the trained neurons.

    Joint training has one row of panels a trained kind. Thin lines are the single seeds, with one seed the single
    tasks. The band is the interval of the change over the untrained model, as far as a score or loss can lie.

    Args:
        rows: of the study; those of other models are left aside.
        groups: tasks that are trained on and that only test, by suite.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        how: `joint` (Figure 2) or `single` (Figure 6).
        measure: accuracy and ROUGE-L, or the loss.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no such rows.
    """
    own = [row for row in rows if (row.suite, row.model) == (suite, model)]
    metrics = {*SCORE.values()} if measure == "score" else {"loss"}
    shown = [value for value in scoped(own, groups) if value.how == how and value.row.metric in metrics]
    if not shown:
        raise InputError(f"no {how} training of {model} on {suite} has a {measure}")
    means = [row for row in proportion_summary(own, groups) if row.how == how and row.metric in metrics]
    trends = [row for row in proportion_trend(own, groups) if row.how == how and row.metric in metrics]
    kinds = {value.trained for value in shown}
    lines = [line for line in _PANELS[how] if any(trained in kinds for trained, _ in line)]
    thin = _thin(shown, how)
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.6, label=label)
        for condition in reversed(CONDITIONS)
        if any(value.condition == condition for value in shown)
        for colour, marker, label in (_LOOK[condition],)
    ]
    handles.append(Line2D([], [], color=BLACK, linewidth=1.1, linestyle=_DASHED, label="untrained"))
    words = Words(_title(trends, how, measure), f"{model}, {suite}. {_caption(shown, means, how, thin, measure)}")
    with sheet(1.75 * len(lines) + 0.25, words, paths, dpi, handles) as figure:
        grid = figure.subplots(len(lines), len(lines[0]), squeeze=False)
        for axes, line in zip(grid, lines, strict=True):
            for axis, (kind, scope) in zip(axes, line, strict=True):
                # Room for the words below it.
                axis.set_title(_SCOPES[scope], pad=15)
                name = _NAMES[SCORE[_TESTED[scope]] if measure == "score" else "loss"]
                axis.set_ylabel(f"{kind} trained\n{name}" if scope.startswith("ID") else name)
                _panel(
                    axis,
                    [value for value in shown if (value.trained, value.scope) == (kind, scope)],
                    [row for row in means if (row.trained, row.scope) == (kind, scope)],
                    [row for row in trends if (row.trained, row.scope) == (kind, scope)],
                    thin=thin,
                    better=-1.0 if measure == "loss" else 1.0,
                )
        for axis in grid[-1]:
            axis.set_xlabel("neurons trained (%)")


def _thin(shown: Sequence[Scoped], how: How) -> Thin:
    """What each thin line stands for."""
    if len({value.row.seed for value in shown}) > 1:
        return "seed"
    return "tested task" if how == "joint" else "trained task"


def _caption(shown: Sequence[Scoped], means: Sequence[SummaryRow], how: How, thin: Thin, measure: Measure) -> str:
    seeds = len({value.row.seed for value in shown})
    better, worse = ("above", "below") if measure == "score" else ("below", "above")
    draws = max((row.draws for row in means if row.condition == "random"), default=0)
    return (
        "Trained from the pre-trained model, all else frozen. "
        + (
            "Joint: the union of the neurons of a group's tasks on their mixed data; in brackets its true share. "
            if how == "joint"
            else "Single: each task's neurons on its own data; mean over the tasks of the group. "
        )
        + "The paper calls trained tasks ID, and unseen ones, which only test, OOD. "
        + seeds_in_words(seeds)
        + (f", {draws} random draw{'s' if draws > 1 else ''}" if draws else "")
        + f", {_range({value.row.n for value in shown})} test examples a task. Thin: each {thin}. Band: 95 % t "
        "interval of the change of the tasks' own neurons over the untrained model, over "
        f"{'seeds' if seeds >= MINIMUM_SEEDS else 'tasks'}. "
        + (
            f"Unseen tasks generalise where the whole band is {better} the dashed line, and are forgotten where it is "
            f"{worse}. "
            if how == "joint"
            else ""
        )
        + "ρ: mean rank correlation with the share of their own neurons; p: permutation of the shares among models, "
        f"each test by itself. Learning rate, one for all shares: {rates_of(shown)}. "
        + ("Random neurons of the same layers stand beside at most half of all neurons. " if draws else "")
        + "The paper prints no numbers."
    )


def _panel(
    axis: Axes,
    values: Sequence[Scoped],
    means: Sequence[SummaryRow],
    trends: Sequence[TrendRow],
    *,
    thin: Thin,
    better: float,
) -> None:
    percents = sorted({value.percent for value in values})
    if not percents:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", va="center", color=GREY)
        axis.set_yticks([])
        axis.set_xticks([])
        return
    # Shares lie close together at the lower end: equal steps keep their labels apart.
    places = {percent: place for place, percent in enumerate(percents)}
    before = means[0].before
    if before is not None:
        axis.axhline(before, color=BLACK, linewidth=1.1, linestyle=_DASHED, zorder=3)
    for condition in CONDITIONS:
        colour, marker, _ = _LOOK[condition]
        for line in _thin_lines([value for value in values if value.condition == condition], thin).values():
            axis.plot(
                [places[percent] for percent in sorted(line)], [line[percent] for percent in sorted(line)],
                color=colour, linewidth=0.5, alpha=0.45, zorder=2,
            )  # fmt: skip
        own = sorted((row.percent, row.after) for row in means if row.condition == condition and row.after is not None)
        axis.plot(
            [places[percent] for percent, _ in own], [value for _, value in own], color=colour, linewidth=1.6,
            marker=marker, markersize=4, markeredgecolor="white", markeredgewidth=0.5, zorder=4,
        )  # fmt: skip
    _band(axis, places, [row for row in means if row.condition == "task"], 100.0 if better > 0 else math.inf)
    shares = {row.percent: row.share for row in means if row.condition == "task"}
    axis.set_xticks(list(places.values()), [_tick(percent, shares.get(percent)) for percent in percents])
    for trend in trends:
        if trend.condition == "task" and trend.correlation is not None and trend.p_value is not None:
            # Adding zero takes the sign from a zero.
            correlation = f"{round(better * trend.correlation, 2) + 0.0:+.2f}".replace("-", "−")
            axis.annotate(
                f"ρ = {correlation}, {p_in_words(trend.p_value)}", (0, 1), xycoords="axes fraction", xytext=(0, 3),
                textcoords="offset points", ha="left", va="bottom", fontsize=SMALL, color=VERMILLION,
            )  # fmt: skip
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _band(axis: Axes, places: Mapping[float, int], means: Sequence[SummaryRow], most: float) -> None:
    """The interval of the change around the mean, from 0 to the most that can be."""
    axis.margins(0.08)
    band = sorted(
        (row.percent, row.after, (row.change_high - row.change_low) / 2)
        for row in means
        if row.after is not None and row.change_low is not None and row.change_high is not None
    )
    axis.fill_between(
        [places[percent] for percent, _, _ in band],
        [max(value - half, 0.0) for _, value, half in band],
        [min(value + half, most) for _, value, half in band],
        color=VERMILLION, alpha=0.12, linewidth=0, zorder=1,
    )  # fmt: skip


def _thin_lines(values: Iterable[Scoped], thin: Thin) -> dict[object, dict[float, float]]:
    """For each seed or task the mean at each share."""
    found: dict[object, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for value in values:
        row = value.row
        line = {"seed": row.seed, "tested task": row.test_task, "trained task": row.train_task}[thin]
        found[line][value.percent].append(row.value)
    return {line: {percent: fmean(some) for percent, some in points.items()} for line, points in found.items()}


def _tick(percent: float, share: float | None) -> str:
    beside = share is not None and abs(share - percent) >= 0.5
    return f"{percent:g}\n({share:.0f})" if beside else f"{percent:g}"


def _range(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _title(trends: Sequence[TrendRow], how: How, measure: Measure) -> str:
    changes: dict[str, list[str]] = defaultdict(list)
    shares = set()
    for row in trends:
        if row.condition == "task":
            change = signed(row.change) if measure == "score" else signed(-row.change, 2)
            changes[row.trained].append(f"{_SCOPES[row.scope]} {change}")
            shares.add((row.first_percent, row.last_percent))
    if len(shares) != 1:
        return f"{'Scores' if measure == 'score' else 'Losses'} while a growing share of the neurons is trained, {how}"
    first, last = shares.pop()
    parts = "; ".join(f"on {trained}: {', '.join(some)}" for trained, some in changes.items())
    unit = "points" if measure == "score" else "nats"
    return f"Change from {first:g} to {last:g} % of the neurons ({unit}), {how} training {parts}"


# Jobs


@dataclass(frozen=True)
class Drawn:
    """What one figure shows.

    Attributes:
        how: tasks were trained jointly or singly.
        measure: scores or losses.
    """

    how: How
    measure: Measure


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        groups: tasks that are trained on and that only test, by suite.
        drawn: what each figure shows, by its name.
        dpi: dots an inch of the PNG.
    """

    groups: Mapping[str, TaskGroups]
    drawn: Mapping[str, Drawn]
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw Figures 2 and 6: scores and losses while a growing share of the neurons is trained."""
    rows = TRAINED.read(job.inputs.one("rows"))
    for name, figure in job.settings.drawn.items():
        draw_proportion(
            rows,
            job.settings.groups,
            [path for path in job.outputs["figures"] if path.stem == name],
            suite=job.suite,
            model=job.model,
            how=figure.how,
            measure=figure.measure,
            dpi=job.settings.dpi,
        )
