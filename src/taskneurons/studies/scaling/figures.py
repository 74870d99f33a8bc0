"""Measures over the number of parameters, and over architectures of one size."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import log10
from pathlib import Path
from typing import NamedTuple

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullLocator

from taskneurons.evidence.style import BLACK, BLUE, GREY, ORANGE, PURPLE, VERMILLION, Words, say_in_panel, sheet
from taskneurons.job import Job
from taskneurons.measures.line import fit_line
from taskneurons.studies.scaling.rows import MODELS, SUMMARY, TREND, Measure, ModelRow, SummaryRow, TrendRow


class Shown(NamedTuple):
    """What a panel shows: its title, the label of its axis, and measures with a colour, a marker and a name."""

    title: str
    label: str
    lines: tuple[tuple[Measure, str, str, str], ...]


PANELS = (
    Shown("lost without own neurons", "nats a token", (("own", ORANGE, "D", "own"),)),
    Shown(
        "own less other neurons",
        "nats a token",
        (
            ("own_less_sibling", PURPLE, "s", "own less the sibling's"),
            ("own_less_other_family", VERMILLION, "^", "own less another family's"),
            ("own_less_random", GREY, "o", "own less random"),
        ),
    ),
    Shown("part of it that is own", "%", (("own_share", VERMILLION, "^", "own less another family's"),)),
    Shown("half of the scores is in", "% of the neurons", (("half_share", BLUE, "o", "half"),)),
    Shown("concentration of scores", "Gini coefficient", (("gini", BLUE, "o", "Gini"),)),
    Shown("in the top of every task", "% of a top", (("keystone_share", BLACK, "v", "keystone"),)),
    Shown(
        "overlap beyond chance",
        "Jaccard index",
        (
            ("overlap_sibling", PURPLE, "s", "with the sibling"),
            ("overlap_other_family", VERMILLION, "^", "with another family"),
        ),
    ),
    Shown(
        "gained from another task",
        "nats a token",
        (
            ("transfer_sibling", PURPLE, "s", "of the same family"),
            ("transfer_other_family", VERMILLION, "^", "of another family"),
        ),
    ),
    Shown(
        "the same, in score",
        "points",
        (
            ("transfer_sibling_points", PURPLE, "s", "of the same family"),
            ("transfer_other_family_points", VERMILLION, "^", "of another family"),
        ),
    ),
)
_ROWS, _COLUMNS = 3, 3
_BENT = 0.05  # p of a bend below which the title says that the line does not hold
_LEGEND = (
    ("own_less_sibling", PURPLE, "s", "the task of the same family (sibling)"),
    ("own_less_other_family", VERMILLION, "^", "tasks of other families, same kind"),
    ("own_less_random", GREY, "o", "random neurons"),
)


@dataclass(frozen=True)
class Known:
    """A value of a model that was not made here.

    Attributes:
        model: its name.
        parameters: their number.
        measure: what was measured.
        value: of the measure.
    """

    model: str
    parameters: float
    measure: Measure
    value: float


def draw_sizes(
    rows: Sequence[SummaryRow],
    trends: Sequence[TrendRow],
    known: Sequence[Known],
    paths: Iterable[str | Path],
    *,
    suite: str,
    sizes: Sequence[str],
    percent: float,
    dpi: int = 200,
) -> None:
    """Draw each measure over the number of parameters, with its line and the band of its prediction.

    Args:
        rows: of the summary.
        trends: of the measures.
        known: values of other models; they are drawn and not fitted.
        paths: where to write, `.png` and `.svg`.
        suite: whose rows.
        sizes: names of the models that the lines go through.
        percent: the share of a top that is drawn.
        dpi: dots an inch of the PNG.
    """
    own = [row for row in rows if (row.suite, row.percent or percent) == (suite, percent) and row.model in sizes]
    found = {row.measure: row for row in trends if (row.suite, row.percent or percent) == (suite, percent)}
    there = [row for row in own if row.value is not None]
    names = sorted({one.model for one in known})
    handles = [_handle(*one[1:]) for one in _LEGEND]
    if names:
        handles.append(_handle(BLACK, "*", f"{', '.join(names)}, other tasks: not fitted"))
    caption = (
        f"{suite}; {len({row.model for row in there})} models of one architecture that have learned their tasks; means "
        f"over tasks and seeds. A top: the {percent:g} % of the neurons with the highest scores (Eq. 3). Gained: by "
        "training the whole pre-trained model on another task, of the same family or of another one. Lines: least "
        "squares over the logarithm of the number of parameters, broken where there is no model. Bands: 95 % "
        "prediction intervals for one more model, if the line goes on; whether it does is not known. A band may pass "
        "the possible range. Dotted: the size for which the table says what is predicted."
    )
    with sheet(6.6, Words(_title(found), caption), paths, dpi, handles) as figure:
        for axis, shown in zip(figure.subplots(_ROWS, _COLUMNS).flat, PANELS, strict=True):
            axis.set_title(shown.title)
            axis.set_ylabel(shown.label)
            _over_sizes(axis, own, found, shown)
            for measure, colour, _, _ in shown.lines:
                stars = [(one.parameters, one.value) for one in known if one.measure == measure]
                for across, up in stars:
                    axis.plot([across], [up], "*", color=colour, markeredgecolor=BLACK, markersize=8, zorder=6)


def _over_sizes(axis: Axes, rows: Sequence[SummaryRow], trends: Mapping[Measure, TrendRow], shown: Shown) -> None:
    values = []
    for measure, colour, marker, _ in shown.lines:
        points = sorted((row for row in rows if row.measure == measure and row.value is not None), key=_size)
        for row in points:
            if row.low is not None and row.high is not None:
                axis.plot([row.parameters] * 2, [row.low, row.high], color=colour, linewidth=0.8, zorder=3)
        heights = [row.value for row in points if row.value is not None]
        values += heights
        axis.plot([row.parameters for row in points], heights, marker, color=colour, markersize=4, zorder=5)
        trend = trends.get(measure)
        line = fit_line([log10(row.parameters) for row in points], heights)
        if line is None or trend is None or trend.predicted_parameters is None:
            continue
        inside = np.linspace(log10(points[0].parameters), log10(points[-1].parameters), 20)
        beyond = np.linspace(log10(points[-1].parameters), log10(trend.predicted_parameters), 30)
        axis.plot(10**inside, [line.at(x).value for x in inside], color=colour, linewidth=1.2, zorder=4)
        axis.plot(10**beyond, [line.at(x).value for x in beyond], color=colour, linewidth=1, dashes=(3, 2), zorder=4)
        every = np.concatenate([inside, beyond])
        band = [line.at(x) for x in every]
        axis.fill_between(
            10**every, [one.low for one in band], [one.high for one in band], color=colour, alpha=0.12, linewidth=0
        )
        axis.axvline(trend.predicted_parameters, color=GREY, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    if not values:
        say_in_panel(axis, "no model has learned its tasks" if _measured(shown, rows) else "not measured")
        axis.set_xticks([])
        return
    axis.set_xscale("log")
    axis.axhline(0, color=BLACK, linewidth=0.6, zorder=1)
    axis.xaxis.set_major_locator(LogLocator(base=100))
    axis.xaxis.set_major_formatter(FuncFormatter(_number))
    axis.xaxis.set_minor_locator(NullLocator())
    axis.set_xlabel("parameters")


def _measured(shown: Shown, rows: Iterable[SummaryRow]) -> bool:
    return not {measure for measure, *_ in shown.lines}.isdisjoint(row.measure for row in rows)


def _number(value: float, _: int) -> str:
    """A number of parameters as people say it: 10 k, 1 M, 7 B."""
    for size, letter in ((1e9, "B"), (1e6, "M"), (1e3, "k")):
        if value >= size:
            return f"{value / size:g} {letter}"
    return f"{value:g}"


def _size(row: SummaryRow) -> float:
    return row.parameters


def _handle(colour: str, marker: str, name: str) -> Line2D:
    return Line2D([], [], color=colour, marker=marker, markersize=5, linestyle="", label=name)


def _title(trends: Mapping[Measure, TrendRow]) -> str:
    words = []
    for measure, name, digits in (
        ("own_less_other_family", "own less another family's", 2),
        ("half_share", "half of the scores", 1),
        ("keystone_share", "keystone neurons", 1),
    ):
        trend = trends.get(measure)  # type: ignore[call-overload]
        if trend is not None and trend.slope is not None and trend.low is not None and trend.high is not None:
            clear = "" if trend.low > 0 or trend.high < 0 else " (not clear of 0)"
            if trend.curvature_p is not None and trend.curvature_p < _BENT:
                clear = " (but it bends)"
            words.append(f"{name} {trend.slope:+.{digits}f}{clear}".replace("-", "−"))
    return (
        f"Change with each factor of ten in parameters: {'; '.join(words)}" if words else "Too few models for a trend"
    )


def draw_architectures(
    rows: Sequence[SummaryRow],
    models: Sequence[ModelRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    compared: Sequence[str],
    percent: float,
    dpi: int = 200,
) -> None:
    """Draw each measure of models of different architectures, one line a model.

    Args:
        rows: of the summary.
        models: with their scores.
        paths: where to write, `.png` and `.svg`.
        suite: whose rows.
        compared: names of the models, from top to bottom.
        percent: the share of a top that is drawn.
        dpi: dots an inch of the PNG.
    """
    own = [row for row in rows if (row.suite, row.percent or percent) == (suite, percent) and row.model in compared]
    names = [name for name in compared if any(row.model == name for row in own)]
    learned = {one.model for one in models if one.suite == suite and one.learned}
    seeds = max((row.of for row in own), default=0)
    caption = (
        f"{suite}; means over tasks and up to {seeds} seeds, 95 % t intervals over seeds where there are at least 3. A "
        f"top is the {percent:g} % of the neurons with the highest scores (Eq. 3). Sibling: the other task of the "
        "family; another family: of the same kind. Gained: by training the whole pre-trained model on another task. "
        "Models that have not learned their tasks are named and have no dots."
    )
    handles = [_handle(*one[1:]) for one in _LEGEND]
    with sheet(1.3 + 0.26 * len(names) * _ROWS, Words(_compared(own, names), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(_ROWS, _COLUMNS, sharey=True)
        for axis, shown in zip(axes.flat, PANELS, strict=True):
            axis.set_title(shown.title)
            axis.set_xlabel(shown.label)
            axis.axvline(0, color=BLACK, linewidth=0.6, zorder=1)
            if own and not _measured(shown, own):
                say_in_panel(axis, "not measured")
            for place, (measure, colour, marker, _) in enumerate(shown.lines):
                shift = 0.18 * (place - (len(shown.lines) - 1) / 2)
                for row in own:
                    if row.measure != measure or row.value is None:
                        continue
                    height = names.index(row.model) + shift
                    if row.low is not None and row.high is not None:
                        axis.plot([row.low, row.high], [height] * 2, color=colour, linewidth=0.8, zorder=3)
                    axis.plot([row.value], [height], marker, color=colour, markersize=4.4, zorder=5)
            words = [name if name in learned else f"{name} (not learned)" for name in names]
            axis.set_yticks(range(len(names)), words)
            axis.set_ylim(len(names) - 0.5, -0.5)
            axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
            axis.set_axisbelow(True)


def _compared(rows: Sequence[SummaryRow], names: Sequence[str]) -> str:
    """In how many architectures the own neurons are special."""
    there = [row for row in rows if row.measure == "own_less_other_family" and row.value is not None]
    clear = [row for row in there if row.low is not None and row.low > 0]
    if not there:
        return "No architecture has learned its tasks"
    return (
        f"A task loses more without its own neurons than without another family's in {len(clear)} of {len(there)} "
        "architectures (interval above 0)"
    )


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        suite: whose models are drawn.
        sizes: models that the trend goes through.
        architectures: models that are compared.
        percent: the share of a top that is drawn.
        known: values of other models.
        dpi: dots an inch of the PNG.
    """

    suite: str
    sizes: tuple[str, ...]
    architectures: tuple[str, ...]
    percent: float
    known: tuple[Known, ...]
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw each measure over sizes, and over architectures."""
    chosen, rows = job.settings, SUMMARY.read(job.inputs.one("summary"))
    draw_sizes(
        rows,
        TREND.read(job.inputs.one("trend")),
        chosen.known,
        job.outputs["sizes"],
        suite=chosen.suite,
        sizes=chosen.sizes,
        percent=chosen.percent,
        dpi=chosen.dpi,
    )
    draw_architectures(
        rows,
        MODELS.read(job.inputs.one("models")),
        job.outputs["architectures"],
        suite=chosen.suite,
        compared=chosen.architectures,
        percent=chosen.percent,
        dpi=chosen.dpi,
    )
