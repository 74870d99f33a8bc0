"""The specification curve: what every specification finds, sorted, above the choices that it makes."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import ListedColormap
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.papers import SCORES, PaperScore, printed_rows
from taskneurons.evidence.style import BLACK, BLUE, GREEN, SMALL, VERMILLION, Words, say_in_panel, sheet, signed
from taskneurons.evidence.tasks import MEANS
from taskneurons.job import Job
from taskneurons.studies.multiverse.grid import CHOICES, RANDOM
from taskneurons.studies.multiverse.rows import (
    CHOICE_SHARES,
    LEVEL_MEANS,
    SPECIFICATIONS,
    ChoiceRow,
    LevelRow,
    Metric,
    SpecificationRow,
)
from taskneurons.studies.multiverse.tables import Pattern

UNITS: Mapping[Metric, str] = {"score": "points", "loss": "nats a token"}
COLOURS = {"random": VERMILLION, "other_task": BLUE}
NAMES = {"random": "less random neurons", "other_task": "less another task's set"}
PALE = {"random": "#F3C9AE", "other_task": "#B9D5E8"}
HEADINGS = {
    "score": "neurons ranked by",
    "loss": "gradient of loss on",
    "specificity": "special to the task",
    "within": "ranked over",
    "percent": "share of the neurons",
    "intervention": "activations become",
    "control": "held against",
}
LEVEL_WORDS = {
    "score": {
        "taylor": "Eq. 3, each example's sum",
        "taylor_token": "Eq. 3, each token",
        "taylor_global": "Eq. 3, sum of all examples",
        "signed": "Eq. 3 with its sign",
        "activation": "mean |activation|",
    },
    "loss": {"answer": "the answer", "all_tokens": "prompt and answer"},
    "specificity": {
        "top": "not: the highest scores",
        "top_less_keystone": "less what every task has",
        "top_less_others": "less what any other task has",
        "contrast": "by scores less others' scores",
    },
    "within": {"model": "the whole model", "layer": "each layer"},
    "intervention": {"zero": "zero", "mean": "their mean"},
    "control": {
        "layer": "random, same layers",
        "uniform": "random, any layer",
        "magnitude": "random, like activations",
        "other_task": "another task's set",
    },
}


@dataclass(frozen=True)
class Curve:
    """What one figure shows.

    Attributes:
        run: model and suite, in words.
        metric: score or loss.
        rows: its specifications, by rank.
        choices: how much each choice explains.
        levels: what specifications with each level find.
        health: largest rise of the loss on neutral text of a healthy model, %.
        pattern: what counts as the paper's.
        printed: what the paper prints of own neurons beyond random ones, in points, by its model.
    """

    run: str
    metric: Metric
    rows: Sequence[SpecificationRow]
    choices: Sequence[ChoiceRow]
    levels: Sequence[LevelRow]
    health: float
    pattern: Pattern
    printed: Mapping[str, float]


def draw_curve(curve: Curve, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw one specification curve with the choices below it.

    Args:
        curve: what is shown.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.
    """
    if not curve.rows:
        with sheet(1.0, Words(_title(curve), _caption(curve)), paths, dpi) as figure:
            say_in_panel(figure.subplots(), "no scores were measured, the loss alone")
        return
    lines = _lines(curve)
    handles: list[Line2D | Patch] = []
    for kind in COLOURS:
        if any(_kind(row) == kind for row in curve.rows):
            handles.append(_dot(COLOURS[kind], f"{NAMES[kind]}, model healthy"))
            handles.append(_dot(PALE[kind], f"{NAMES[kind]}, not healthy"))
    if curve.metric == "score":
        handles.append(Patch(color=GREEN, alpha=0.35, label="the paper's"))
    height = 2.2 + 0.125 * len(lines)
    with sheet(height, Words(_title(curve), _caption(curve)), paths, dpi, handles) as figure:
        above, below = figure.subplots(2, 1, sharex=True, height_ratios=[2.2, 0.125 * len(lines)])
        _differences(above, curve)
        _dashboard(below, curve, lines)


def _differences(axis: Axes, curve: Curve) -> None:
    """The sorted differences with their intervals."""
    if curve.metric == "score" and curve.printed:
        low, high = min(curve.printed.values()), max(curve.printed.values())
        axis.axhspan(low, high, color=GREEN, alpha=0.35, linewidth=0, zorder=1)
    axis.axhline(0, color=BLACK, linewidth=0.8, zorder=2)
    limits = np.array([(row.rank, row.low, row.high) for row in curve.rows if row.low is not None], dtype=float)
    if len(limits):
        width = 0.5 if len(curve.rows) > 100 else 1.2
        axis.vlines(*limits.T, color="#DDDDDD", linewidth=width, zorder=0)
    size = 2.0 if len(curve.rows) > 100 else 4.0
    for healthy in (False, True):
        for kind in COLOURS:
            own = [row for row in curve.rows if _kind(row) == kind and row.healthy == healthy]
            axis.plot(
                [row.rank for row in own], [row.difference for row in own], linestyle="none", marker="o",
                markersize=size, markeredgewidth=0, color=(COLOURS if healthy else PALE)[kind], zorder=3 + healthy,
            )  # fmt: skip
    axis.set_ylabel(f"own less control\n({UNITS[curve.metric]})")
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)
    axis.set_xlim(0, len(curve.rows) + 1)


def _dashboard(axis: Axes, curve: Curve, lines: Sequence[tuple[str, str | None]]) -> None:
    """One line for each level, dark where a specification has it; its mean difference stands to the right."""
    order = list(curve.rows)
    cells = np.zeros((len(lines), len(order)))
    for line, (choice, level) in enumerate(lines):
        for place, row in enumerate(order):
            if level is not None and str(getattr(row, choice)) == level:
                cells[line, place] = 2 if row.healthy else 1
    axis.imshow(
        cells, cmap=ListedColormap(["#FFFFFF", "#C4C4C4", "#202020"]), vmin=0, vmax=2, aspect="auto",
        interpolation="nearest", extent=(0.5, len(order) + 0.5, len(lines) - 0.5, -0.5),
    )  # fmt: skip
    axis.set_yticks(range(len(lines)), [_label(curve, *line) for line in lines], fontsize=SMALL)
    axis.tick_params(axis="y", length=0)
    for tick, (_, level) in zip(axis.get_yticklabels(), lines, strict=True):
        tick.set_fontweight("bold" if level is None else "normal")
    means = {(row.choice, row.level): row.difference for row in curve.levels}
    beside = axis.secondary_yaxis("right")
    labels = ["mean" if line == 0 else "" for line in range(len(lines))]
    for line, (choice, level) in enumerate(lines):
        if level is not None:
            labels[line] = signed(means[choice, level], 1 if curve.metric == "score" else 2)
    beside.set_yticks(range(len(lines)), labels, fontsize=SMALL)
    beside.tick_params(length=0)
    beside.spines["right"].set_visible(False)
    for spine in axis.spines.values():
        spine.set_visible(False)
    axis.set_xlabel("specifications, sorted by what they find")


def _lines(curve: Curve) -> list[tuple[str, str | None]]:
    """A heading for each choice and a line for each of its levels."""
    lines: list[tuple[str, str | None]] = []
    for choice in CHOICES:
        levels = [row.level for row in curve.levels if row.choice == choice and row.level != "none"]
        if len(levels) > 1:
            lines += [(choice, None), *((choice, level) for level in levels)]
    return lines


def _label(curve: Curve, choice: str, level: str | None) -> str:
    if level is not None:
        return f"{level} %" if choice == "percent" else LEVEL_WORDS[choice][level]
    share = next(
        (row.eta_squared for row in curve.choices if (row.outcome, row.choice) == ("difference", choice)), None
    )
    return HEADINGS[choice] + ("" if share is None else f" ({100 * share:.0f} %)")


def _title(curve: Curve) -> str:
    if not curve.rows:
        return "What tasks lose by their scores was not measured"
    if curve.metric == "loss":
        above = sum(row.low is not None and row.low > 0 for row in curve.rows)
        healthy = sum(row.healthy for row in curve.rows)
        return (
            f"What a task loses without its own neurons, less without others: clear of 0 in {above} of "
            f"{len(curve.rows)} readings of the paper; {healthy} leave the model healthy"
        )
    decided = [row for row in curve.rows if row.control in RANDOM]
    found = sum(bool(row.pattern) for row in decided)
    (low, high), (least, most) = curve.pattern.difference, curve.pattern.random
    return (
        f"{found} of {len(decided)} readings of the paper give its numbers: own neurons cost {low} to {high} points "
        f"more than random ones, which cost {least} to {most}, in a healthy model"
    )


def _caption(curve: Curve) -> str:
    rows = curve.rows
    if not rows:
        return f"{curve.run}."
    together = next(
        (row.eta_squared for row in curve.choices if (row.outcome, row.choice) == ("difference", "all")), None
    )
    explained = "" if together is None else (
        f" In brackets: the share of the variance among specifications that the choice explains alone; main effects "
        f"of all choices together explain {100 * together:.0f} %."
    )  # fmt: skip
    return (
        f"{curve.run}; means over {max(row.tasks for row in rows)} tasks, {len(rows)} specifications. Above: what a "
        f"task loses without its own neurons less what it loses without the control ({UNITS[curve.metric]}), with 95 % "
        f"t intervals over tasks as if independent. Below: which choice each specification makes, with the mean "
        f"difference of those that make it.{explained} Pale: without one of the sets the loss on neutral text rises "
        f"by more than {curve.health:g} % for some task or seed, so that the model is not healthy."
    )


def _kind(row: SpecificationRow) -> str:
    return "random" if row.control in RANDOM else "other_task"


def _dot(colour: str, label: str) -> Line2D:
    return Line2D([], [], linestyle="none", marker="o", markersize=4, markeredgewidth=0, color=colour, label=label)


def printed_differences(tables: Iterable[Sequence[PaperScore]]) -> dict[str, float]:
    """What the paper's tasks lose without their own neurons beyond random ones, mean over tasks, by its model.

    Args:
        tables: the values of Tables 1 and 6.
    """
    found = {}
    for rows in tables:
        scores = {(row.condition, row.task): row.value for row in rows}
        tasks = sorted({row.task for row in rows} - set(MEANS.values()))
        found[rows[0].model] = fmean(
            scores["deactivate_random", task] - scores["deactivate_task", task] for task in tasks
        )
    return found


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        health: largest rise of the loss on neutral text of a healthy model, %.
        pattern: what counts as the paper's.
        dpi: dots an inch of the PNG.
    """

    health: float
    pattern: Pattern
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw the specification curves of one run, for scores and for the loss.

    Raises:
        InputError: nothing was measured of the run.
    """
    here = (job.suite, job.model)
    rows = [row for row in SPECIFICATIONS.read(job.inputs.one("specifications")) if (row.suite, row.model) == here]
    choices = [row for row in CHOICE_SHARES.read(job.inputs.one("choices")) if (row.suite, row.model) == here]
    levels = [row for row in LEVEL_MEANS.read(job.inputs.one("levels")) if (row.suite, row.model) == here]
    printed = printed_differences(printed_rows(SCORES, job.inputs["published"], name) for name in ("T1", "T6"))
    if not rows:
        raise InputError("nothing was measured", where="/".join(here))
    for metric in UNITS:
        curve = Curve(
            f"{job.model}, {job.suite}",
            metric,
            [row for row in rows if row.metric == metric],
            [row for row in choices if row.metric == metric],
            [row for row in levels if row.metric == metric],
            job.settings.health,
            job.settings.pattern,
            printed,
        )
        draw_curve(curve, job.outputs[metric], dpi=job.settings.dpi)
