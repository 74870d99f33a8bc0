"""Tables 2 and 7 as a figure: what each task gains when its own, other or all neurons are trained."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.evidence.bar_chart import Bar, Line, Look, Panel, draw_bars
from taskneurons.evidence.chance import at_chance
from taskneurons.evidence.intervals import TASKS
from taskneurons.evidence.style import BLUE, GREEN, GREY, SKY, VERMILLION, Words, seeds_in_words, shortened, signed
from taskneurons.evidence.tasks import MEANS, SCORE, DescribedTask, Kind, by_kind
from taskneurons.evidence.trained import Trained
from taskneurons.evidence.words import CONDITIONS
from taskneurons.studies.training.rows import Setting, SummaryRow, of_setting
from taskneurons.studies.training.summary import arms, training_summary

Measure = Literal["score", "loss"]
Summary = Mapping[tuple[str, str, str], SummaryRow]
"""The rows by task, metric and condition."""
LOOKS: dict[str, Look] = {
    "random": Look(GREY, "o", f"{CONDITIONS['random']} (small: each draw)"),
    "other_task": Look(GREEN, "^", CONDITIONS["other_task"]),
    "task": Look(VERMILLION, "D", CONDITIONS["task"]),
    "ffn": Look(SKY, "s", CONDITIONS["ffn"]),
    "full": Look(BLUE, "v", CONDITIONS["full"]),
}
"""In the order of the rows of a task."""
_UNITS = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)", "loss": "loss (nats an answer token)"}
_NAMES = {"accuracy": "accuracy", "rougeL": "ROUGE-L"}
_RATES_OF = {"random": "random", "other_task": "another's", "task": "own", "ffn": "all FFN", "full": "whole model"}


def draw_gains(
    rows: Iterable[Trained],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    setting: Setting,
    measure: Measure = "score",
    dpi: int = 200,
) -> None:
    """Draw one model's scores, or losses, under each condition, tied to those of the untrained model by a line.

    Points lie at the untrained mean plus the mean gain, intervals are those of the gain paired by seed. Chance is
    dashed where it lies inside the panel; a task whose best mean score is not above it is marked in its label.

    Args:
        rows: of the study; those of other models and settings are left aside.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        suite, model, setting: which rows.
        measure: accuracy and ROUGE-L, or the loss.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the setting or the untrained model has no rows.
    """
    chosen = of_setting(rows, suite=suite, model=model, setting=setting)
    summary: Summary = {(row.task, row.metric, row.condition): row for row in training_summary(chosen, tasks)}
    metrics: dict[Kind, str] = {kind: score if measure == "score" else "loss" for kind, score in SCORE.items()}
    groups = {
        kind: measured
        for kind, group in by_kind(tasks).items()
        if (measured := [task for task in group if (task.name, metrics[kind], "zero_shot") in summary])
    }
    if not groups:
        raise InputError(f"the untrained {model} has no {measure} on {suite}")
    looks = {name: look for name, look in LOOKS.items() if any(row.condition == name for row in chosen)}
    used = [row for row in summary.values() if row.metric in metrics.values() and row.condition in LOOKS]
    of = f"{setting.percent:g} % of the neurons of {'the model' if setting.selection == 'model' else 'each layer'}"
    draws = max((row.draws for row in used if row.condition == "random"), default=0)
    chance = measure == "score" and any(task.chance is not None for group in groups.values() for task in group)
    caption = (
        f"{model}, {suite}. Trained from the pre-trained model, all else frozen: {of} by {setting.estimator}. Black "
        f"line: the untrained model. {_range({row.n for row in chosen})} test examples a task"
        + (f", {draws} random draws a seed. " if draws else ". ")
        + _interval_words(used, len({row.seed for row in chosen}))
        + (" Dashed: chance, the best constant answer, where the panel reaches it." if chance else "")
        + f" Learning rates, chosen on validation: {_rates(used)}."
    )
    panels = [_panel(kind, metrics[kind], group, summary, chosen) for kind, group in groups.items()]
    words = Words(_title(summary, {kind: metrics[kind] for kind in groups}), caption)
    draw_bars(panels, looks, words, paths, untouched="untrained", dpi=dpi)


def _panel(kind: Kind, metric: str, tasks: Sequence[DescribedTask], summary: Summary, rows: Sequence[Trained]) -> Panel:
    lines = [_line(task.name, metric, summary, rows, chance=task.chance) for task in tasks]
    if len(tasks) > 1 and (MEANS[kind], metric, "zero_shot") in summary:
        lines.append(_line(MEANS[kind], metric, summary, rows, average=True))
    # Chance far below every score would take the width from what differs; it is drawn where the panel reaches.
    return Panel(kind, _UNITS[metric], lines, percent=metric != "loss", reaches_chance=False)


def _line(
    name: str,
    metric: str,
    summary: Summary,
    rows: Sequence[Trained],
    *,
    chance: float | None = None,
    average: bool = False,
) -> Line:
    """A task, or the average over tasks."""
    untrained = summary[name, metric, "zero_shot"]
    start = float(untrained.value or 0.0)
    sign = -1.0 if metric == "loss" else 1.0
    bars: dict[str, Bar] = {}
    for condition in LOOKS:
        row = summary.get((name, metric, condition))
        if row is None or row.gain is None:
            continue
        limits = sorted(start + sign * limit for limit in (row.gain_low, row.gain_high) if limit is not None)
        low, high = limits or (None, None)
        dots = _draws(start, name, metric, rows) if condition == "random" else None
        bars[condition] = Bar(start + sign * row.gain, low, high, dots)
    label = "average" if average else shortened(name)
    chance = None if metric == "loss" else chance
    if chance is not None and at_chance(max([start, *(bar.end for bar in bars.values())]), untrained.n, chance):
        label += "\n(at chance)"
    return Line(label, start, bars, chance, average)


def _draws(start: float, name: str, metric: str, rows: Sequence[Trained]) -> tuple[float, ...]:
    """Each random draw, as far from the untrained mean as from the untrained model of its seed."""
    of_task = [row for row in rows if (row.test_task, row.metric) == (name, metric)]
    untrained = {row.seed: row.value for row in of_task if row.condition == "zero_shot"}
    return tuple(
        start + row.value - untrained[row.seed]
        for row in arms(of_task)
        if row.condition == "random" and row.seed in untrained
    )


def _title(summary: Summary, metrics: Mapping[Kind, str]) -> str:
    parts = []
    for kind, metric in metrics.items():
        row = summary.get((MEANS[kind], metric, "task"))
        if row is None or row.gain is None:
            continue
        part = f"{_NAMES.get(metric, f'{kind} loss')} {_change(row.gain, metric)}"
        if row.over_random is not None:
            part += f", against random ones {_change(row.over_random, metric)}"
            if row.over_random_low is not None and row.over_random_high is not None:
                limits = [row.over_random_low, row.over_random_high]
                first, last = limits if metric != "loss" else reversed(limits)
                part += f" (95 %: {_change(first, metric)} to {_change(last, metric)})"
        parts.append(part)
    return "Training the task's own neurons: " + "; ".join(parts) if parts else "Scores after training neurons"


def _change(gain: float, metric: str) -> str:
    """A gain as the change of the score, or of the loss."""
    return signed(-gain, 2) if metric == "loss" else signed(gain)


def _interval_words(used: Sequence[SummaryRow], seeds: int) -> str:
    if seeds >= 3:
        return f"Bars: 95 % t intervals of the gain over {seeds} seeds; none where they agree exactly."
    over_tasks = any(row.gain_interval == TASKS for row in used)
    return f"{seeds_in_words(seeds)}: no interval of a task" + (
        "; bars of the averages: 95 % t intervals of the gain over tasks as if independent." if over_tasks else "."
    )


def _rates(used: Sequence[SummaryRow]) -> str:
    rates: dict[str, str | None] = {row.condition: row.learning_rate for row in used}
    return ", ".join(f"{name} {rates[condition]}" for condition, name in _RATES_OF.items() if rates.get(condition))


def _range(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"
