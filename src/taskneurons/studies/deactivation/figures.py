"""Tables 1 and 6 and Figure 5 a-b of Leng & Xiong 2025: what is left of the scores when neurons are deactivated."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.bar_chart import Bar, Line, Look, Panel, draw_bars
from taskneurons.evidence.matrix_chart import matrix_panel, relation_means
from taskneurons.evidence.measurements import (
    Condition,
    Measurement,
    Setting,
    gather_measurements,
    of_setting,
)
from taskneurons.evidence.studied import studied
from taskneurons.evidence.style import (
    GREEN,
    GREY,
    SEQUENTIAL,
    SKY,
    VERMILLION,
    WIDTH,
    Words,
    interval_words,
    seeds_in_words,
    sheet,
    shortened,
    signed,
)
from taskneurons.evidence.tasks import MEANS, SCORE, DescribedTask, Kind, by_kind, described_tasks
from taskneurons.evidence.words import CONDITIONS
from taskneurons.job import Job
from taskneurons.neurons.selection import Selection
from taskneurons.studies.deactivation.chance import at_chance
from taskneurons.studies.deactivation.rows import SummaryRow
from taskneurons.studies.deactivation.summary import summarise_deactivation
from taskneurons.studies.deactivation.tables import drop_matrix

_LOOKS: dict[Condition, Look] = {
    "bottom": Look(SKY, "s", CONDITIONS["bottom"]),
    "random": Look(GREY, "o", f"{CONDITIONS['random']} (small: each draw)"),
    "other_task": Look(GREEN, "^", f"{CONDITIONS['other_task']} (mean over them)"),
    "task": Look(VERMILLION, "D", CONDITIONS["task"]),
}
_NAMES = {"accuracy": "accuracy", "rougeL": "ROUGE-L"}
# The conditions that the title names.
_BESIDE = {"task": "the task's own", "other_task": "another task's", "random": "random ones"}

Summary = Mapping[tuple[str, str, str], SummaryRow]
"""Rows by task, metric and condition."""


def draw_drops(
    rows: Iterable[Measurement],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    setting: Setting,
    tuned: bool,
    dpi: int = 200,
) -> None:
    """Draw one model's scores under each condition, every one tied to the original score of its task by a line.

    Points lie at the original mean minus the mean drop, intervals are those of the drop paired by seed. Chance is
    dashed; a task whose original score is not above it is marked in its label.

    Args:
        rows: those of other models and settings are left aside.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        suite, model, setting: which rows.
        tuned: whether the model was tuned on all tasks of the suite; else it is studied as it is.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the setting or the original model has no rows.
    """
    chosen = of_setting(rows, suite=suite, model=model, setting=setting)
    conditions = [condition for condition in _LOOKS if any(row.condition == condition for row in chosen)]
    summary: Summary = {(row.task, row.metric, row.condition): row for row in summarise_deactivation(chosen, tasks)}
    groups = {
        kind: measured
        for kind, group in by_kind(tasks).items()
        if (measured := [task for task in group if (task.name, SCORE[kind], "original") in summary])
    }
    if not groups:
        raise InputError(f"the original {model} has no accuracy or ROUGE-L on {suite}")
    seeds = len({row.seed for row in chosen})
    used = [row for (_, metric, condition), row in summary.items() if metric in _NAMES and condition in conditions]
    drawn = sum(row.drop_low is not None for row in used)
    draws = max((row.draws for row in used if row.condition == "random"), default=0)
    caption = (
        f"{studied(model, suite, tuned=tuned)}. {_what(setting)} Black line: original score; dots: score with the "
        f"neurons deactivated. {_range({row.n for row in chosen})} test examples a task"
        + (f", {draws} random draws a seed. " if draws else ". ")
        + interval_words(seeds, drawn)
        + (" They are cut at 0 and 100 %." if drawn else "")
        + (
            " Dashed: chance, the best constant answer."
            if any(task.chance is not None for group in groups.values() for task in group)
            else ""
        )
    )
    panels = [
        Panel(kind, f"{_NAMES[SCORE[kind]]} (%)", _lines(kind, group, conditions, summary, chosen))
        for kind, group in groups.items()
    ]
    looks: dict[str, Look] = {condition: _LOOKS[condition] for condition in conditions}
    draw_bars(panels, looks, Words(_title(summary, groups), caption), paths, untouched="original", dpi=dpi)


def _lines(
    kind: Kind,
    tasks: Sequence[DescribedTask],
    conditions: Sequence[Condition],
    summary: Summary,
    rows: Sequence[Measurement],
) -> list[Line]:
    """A line for each task, and one for their average."""
    metric, mean = SCORE[kind], MEANS[kind]
    lines = []
    above = ""
    for task in tasks:
        original = summary[task.name, metric, "original"]
        bars = _bars(task.name, metric, conditions, summary)
        if "random" in bars:
            dots = _draws(task.name, metric, original.value, rows)
            bars["random"] = Bar(bars["random"].end, bars["random"].low, bars["random"].high, dots)
        label = shortened(task.name)
        if at_chance(original.value, original.n, task):
            label += "\n(at chance)"
            above = "\n(above chance)"
        lines.append(Line(label, original.value, bars, task.chance))
    if len(tasks) > 1 and (mean, metric, "original") in summary:
        start = summary[mean, metric, "original"].value
        lines.append(Line(f"average{above}", start, _bars(mean, metric, conditions, summary), average=True))
    return lines


def _bars(name: str, metric: str, conditions: Sequence[Condition], summary: Summary) -> dict[str, Bar]:
    """The bar of each condition that has a drop; the panels show scores alone, which a drop lowers."""
    start = summary[name, metric, "original"].value
    bars: dict[str, Bar] = {}
    for condition in conditions:
        row = summary.get((name, metric, condition))
        if row is None or row.drop is None:
            continue
        low = None if row.drop_high is None else start - row.drop_high
        high = None if row.drop_low is None else start - row.drop_low
        bars[condition] = Bar(start - row.drop, low, high)
    return bars


def _draws(name: str, metric: str, start: float, rows: Sequence[Measurement]) -> tuple[float, ...]:
    """Each random draw, as far from the original mean as from the original model of its seed."""
    of_task = [row for row in rows if (row.test_task, row.metric) == (name, metric)]
    originals = {row.seed: row.value for row in of_task if row.condition == "original"}
    return tuple(
        start - (originals[row.seed] - row.value)
        for row in of_task
        if row.condition == "random" and row.seed in originals
    )


def _title(summary: Summary, kinds: Collection[Kind]) -> str:
    """The mean change of each kind, beside that of the controls, so that no effect looks more special than it is."""
    parts = []
    for kind in kinds:
        rows = {condition: summary.get((MEANS[kind], SCORE[kind], condition)) for condition in _BESIDE}
        drops = {condition: row.drop for condition, row in rows.items() if row is not None and row.drop is not None}
        if "task" in drops:
            controls = [f"{_BESIDE[name]}: {signed(-drop)}" for name, drop in drops.items() if name != "task"]
            beside = f" ({', '.join(controls)})" if controls else ""
            parts.append(f"{_NAMES[SCORE[kind]]} {signed(-drops['task'])} points{beside}")
    return "Without the task's own neurons: " + ", ".join(parts) if parts else "Scores with neurons deactivated"


def draw_matrix(
    rows: Iterable[Measurement],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    setting: Setting,
    tuned: bool,
    dpi: int = 200,
) -> None:
    """Draw one model's drops, mean over seeds, rows = whose neurons are deactivated, columns = the tested task.

    The blocks on the diagonal of kinds are Figure 5 a (classification) and b (generation) of Leng & Xiong 2025. Drops
    are points of accuracy in the columns of classification tasks, of ROUGE-L in those of generation tasks. A drop that
    was not measured in every seed is left empty.

    Args, Raises: as `draw_drops`.
    """
    chosen = of_setting(rows, suite=suite, model=model, setting=setting)
    seeds = sorted({row.seed for row in chosen if row.condition in ("task", "other_task")})
    tested = {row.test_task for row in chosen}
    ordered = [task for group in by_kind(tasks).values() for task in group if task.name in tested]
    if not seeds or not ordered:
        raise InputError(f"no set of {model} on {suite} was deactivated and tested on a described task")
    metrics: dict[str, str] = {task.name: task.score for task in ordered}
    matrix = np.mean([drop_matrix(chosen, list(metrics), metrics, seed) for seed in seeds], axis=0)
    caption = (
        f"{studied(model, suite, tuned=tuned)}. {_what(setting)} Drop in points against the original model: accuracy "
        f"for classification, ROUGE-L for generation columns. Mean over {seeds_in_words(len(seeds))}, "
        f"{_range({row.n for row in chosen})} test examples a task; no interval is drawn. Thick lines part "
        "the kinds, thin ones the families."
        + (" Upper left block: Figure 5 a of Leng & Xiong 2025, lower right: 5 b." if len(by_kind(ordered)) > 1 else "")
    )
    # Square cells: the labels and the colour bar take about 2.2 inches of the width.
    height = max(1.4, min(0.42, (WIDTH - 2.2) / len(ordered)) * len(ordered)) + 1.35
    with sheet(height, Words(_title_of_matrix(matrix, ordered), caption), paths, dpi) as figure:
        measured = matrix[np.isfinite(matrix)]
        highest = max(1.0, float(measured.max())) if measured.size else 1.0
        # Gains are rare and small: they take the colour of zero, and their sign in the cell.
        matrix_panel(
            figure.subplots(), matrix, ordered, colours=SEQUENTIAL, limits=(0, highest), rows="neurons deactivated",
            columns="tested task", bar="drop (points)",
        )  # fmt: skip


def _title_of_matrix(matrix: np.ndarray, tasks: Sequence[DescribedTask]) -> str:
    parts = [f"{name} {signed(-mean)}" for name, mean in relation_means(matrix, tasks).items()]
    return (
        "Deactivating a task's neurons, mean change in points: " + ", ".join(parts)
        if parts
        else "Drops of every task without every task's neurons"
    )


def _what(setting: Setting) -> str:
    whole = "the model" if setting.selection == "model" else "each layer"
    return (
        f"{setting.percent:g} % of the neurons of {whole} by {setting.estimator}, intervention: {setting.intervention}."
    )


def _range(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot_drops` and `plot_matrix`.

    Attributes:
        selection: of the sets that were deactivated, by activation zero.
        tuned: whether models are tuned on all tasks of their suites; else they are studied as they are.
        dpi: dots an inch of the PNG.
    """

    selection: Selection
    tuned: bool
    dpi: int

    @property
    def setting(self) -> Setting:
        """Which rows are drawn."""
        return Setting(self.selection.estimator, self.selection.percent, self.selection.within, "zero")


def plot_drops(job: Job[PlotSettings]) -> None:
    """Draw what each condition leaves of every task."""
    draw_drops(
        gather_measurements(job.inputs["rows"], "deactivation"),
        described_tasks(job.inputs["tasks"]),
        job.outputs["figure"],
        suite=job.suite,
        model=job.model,
        setting=job.settings.setting,
        tuned=job.settings.tuned,
        dpi=job.settings.dpi,
    )


def plot_matrix(job: Job[PlotSettings]) -> None:
    """Draw what the neurons of each task mean for every task."""
    draw_matrix(
        gather_measurements(job.inputs["rows"], "deactivation"),
        described_tasks(job.inputs["tasks"]),
        job.outputs["figure"],
        suite=job.suite,
        model=job.model,
        setting=job.settings.setting,
        tuned=job.settings.tuned,
        dpi=job.settings.dpi,
    )
