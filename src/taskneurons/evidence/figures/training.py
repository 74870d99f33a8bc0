"""Tables 2 and 7 as a figure: what each task gains when its own, other or all neurons are trained."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.errors import InputError
from taskneurons.evidence.chance import at_chance, chance_level
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    SKY,
    VERMILLION,
    Words,
    by_kind,
    sheet,
    shortened,
    signed,
)
from taskneurons.evidence.tables import KINDS, SCORE
from taskneurons.evidence.training import SETTING, UNSELECTED, arms, training_summary
from taskneurons.evidence.training_intervals import TASKS
from taskneurons.evidence.tuned import Row

Measure = Literal["score", "loss"]
# Colour, marker and legend of each condition, in the order of the rows of a task.
_LOOK = {
    "random": (GREY, "o", "random neurons (small: each draw)"),
    "other_task": (GREEN, "^", "another task's neurons"),
    "task": (VERMILLION, "D", "the task's own neurons"),
    "ffn": (SKY, "s", "all FFN neurons"),
    "full": (BLUE, "v", "the whole model"),
}
_UNITS = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)", "loss": "loss (nats an answer token)"}
_STEP = 0.115  # inches between the conditions of one task


def draw_training(
    rows: Iterable[Row],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    estimator: str,
    percent: float,
    selection: str,
    measure: Measure = "score",
    dpi: int = 200,
) -> None:
    """Draw one model's scores, or losses, under each condition, tied to those of the untrained model by a line.

    Points lie at the untrained mean plus the mean gain, intervals are those of the gain paired by seed. Chance is
    dashed where it lies inside the panel; a task whose best mean score is not above it is marked in its label.

    Args:
        rows: of `tuned.gather_tuned`; those of other models and settings are left aside.
        tasks: of the suite: name, family, kind, and `options` and `constant` for the level of chance.
        paths: where to write, `.png` and `.svg`.
        suite, model, estimator, percent, selection: which rows.
        measure: accuracy and ROUGE-L, or the loss.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the setting or the untrained model has no rows.
    """
    chosen = of_setting(rows, suite=suite, model=model, setting=(estimator, percent, selection))
    conditions = [c for c in _LOOK if any(row["condition"] == c for row in chosen)]
    described = [{**task, "suite": suite} for task in tasks]
    summary = {(row["task"], row["metric"], row["condition"]): row for row in training_summary(chosen, described)}
    metrics = {kind: score if measure == "score" else "loss" for kind, score in SCORE.items()}
    groups = {
        kind: [task for task in group if (task["name"], metrics[kind], "zero_shot") in summary]
        for kind, group in by_kind(described).items()
    }
    groups = {kind: group for kind, group in groups.items() if group}
    if not groups:
        raise InputError(f"the untrained {model} has no {measure} on {suite}")

    used = [row for (_, metric, condition), row in summary.items() if metric in metrics.values() and condition in _LOOK]
    n = {row["n"] for row in chosen}
    draws = max((row["draws"] for row in used if row["condition"] == "random"), default=0)
    caption = (
        f"{model}, {suite}. Trained from the pre-trained model, all else frozen: {percent:g} % of the neurons of "
        f"{'the model' if selection == 'model' else 'each layer'} by {estimator}. Black line: the untrained model. "
        f"{_range(n)} test examples a task"
        + (f", {draws} random draws a seed. " if draws else ". ")
        + _interval_words(used, len({row["seed"] for row in chosen}))
        + (
            " Dashed: chance, the best constant answer, where the panel reaches it."
            if measure == "score" and _known_chance(groups)
            else ""
        )
        + f" Learning rates, chosen on validation: {_rates(used)}."
    )
    longest = max(len(group) for group in groups.values()) + 1
    height = longest * (len(conditions) + 1.2) * _STEP + 0.55
    handles = [Line2D([], [], color=BLACK, linewidth=1.4, label="untrained")]
    for condition in conditions:
        colour, marker, label = _LOOK[condition]
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2, label=label))
    with sheet(height, Words(_title(summary, groups, metrics), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(groups), squeeze=False)[0]
        for axis, (kind, group) in zip(axes, groups.items(), strict=True):
            _panel(axis, kind, metrics[kind], group, conditions, summary, chosen)


def of_setting(rows: Iterable[Row], *, suite: str, model: str, setting: Sequence[Any]) -> list[Row]:
    """The rows of one model under one setting, with those that have none, of the same seeds.

    Args:
        setting: estimator, percent, selection.

    Raises:
        InputError: the untrained model, or the setting, has no rows.
    """
    own = [row for row in rows if (row["suite"], row["model"]) == (suite, model)]
    trained = [row for row in own if tuple(row[column] for column in SETTING) == tuple(setting)]
    seeds = {row["seed"] for row in trained}
    beside = [row for row in own if row["condition"] in UNSELECTED and row["seed"] in seeds]
    untrained = [row for row in beside if row["condition"] == "zero_shot"]
    for found, what in ((trained, ", ".join(map(str, setting))), (untrained, "the untrained model")):
        if not found:
            raise InputError(f"there are no results of {model} on {suite} for {what}")
    return beside + trained


def _title(summary: Mapping[tuple[str, str, str], Row], groups: Mapping[str, Any], metrics: Mapping[str, str]) -> str:
    parts = []
    for kind in groups:
        metric = metrics[kind]
        row = summary.get((KINDS[kind], metric, "task"), {})
        if row.get("gain") is None:
            continue
        name = {"accuracy": "accuracy", "rougeL": "ROUGE-L"}.get(metric, f"{kind} loss")
        told = f"{name} {_change(row['gain'], metric)}"
        if row["over_random"] is not None:
            told += f", against random ones {_change(row['over_random'], metric)}"
            limits = [row["over_random_low"], row["over_random_high"]]
            if None not in limits:
                first, last = limits if metric != "loss" else reversed(limits)
                told += f" (95 %: {_change(first, metric)} to {_change(last, metric)})"
        parts.append(told)
    return "Training the task's own neurons: " + "; ".join(parts) if parts else "Scores after training neurons"


def _change(gain: float, metric: str) -> str:
    """A gain as the change of the score, or of the loss."""
    return f"{-gain:+.2f}".replace("-", "−") if metric == "loss" else signed(gain)


def _interval_words(used: Sequence[Row], seeds: int) -> str:
    if seeds < 3:
        over_tasks = any(row["gain_interval"] == TASKS for row in used)
        told = f"{seeds} seed{'s' if seeds != 1 else ''}: no interval of a task"
        return told + (
            "; bars of the averages: 95 % t intervals of the gain over tasks as if independent." if over_tasks else "."
        )
    return f"Bars: 95 % t intervals of the gain over {seeds} seeds; none where they agree exactly."


def _rates(used: Sequence[Row]) -> str:
    names = {"random": "random", "other_task": "another's", "task": "own", "ffn": "all FFN", "full": "whole model"}
    rates = {row["condition"]: row["learning_rate"] for row in used}
    return ", ".join(f"{name} {rates[condition]}" for condition, name in names.items() if rates.get(condition))


def _known_chance(groups: Mapping[str, Sequence[Mapping[str, Any]]]) -> bool:
    return any(chance_level(task) is not None for group in groups.values() for task in group)


def _range(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _panel(
    axis: Axes,
    kind: str,
    metric: str,
    tasks: Sequence[Mapping[str, Any]],
    conditions: Sequence[str],
    summary: Mapping[tuple[str, str, str], Row],
    rows: Sequence[Row],
) -> None:
    sign = -1.0 if metric == "loss" else 1.0
    untrained = {
        (row["test_task"], row["seed"]): row["value"]
        for row in rows
        if row["condition"] == "zero_shot" and row["metric"] == metric
    }
    band = len(conditions) + 1.2
    labels = []
    # Chance far below every score would take the width from what differs; it is drawn where the panel reaches.
    levels: list[tuple[float, float, float]] = []
    names = [task["name"] for task in tasks]
    if len(tasks) > 1 and (KINDS[kind], metric, "zero_shot") in summary:
        names.append(KINDS[kind])
    described = {task["name"]: task for task in tasks}
    for place, name in enumerate(names):
        top = place * band
        ends = (top - 0.6, top + len(conditions) - 0.4)
        start = summary[name, metric, "zero_shot"]["value"]
        axis.vlines(start, *ends, color=BLACK, linewidth=1.4, zorder=3)
        reached = [start]
        for offset, condition in enumerate(conditions):
            row = summary.get((name, metric, condition))
            if row is None or row["gain"] is None:
                continue
            _condition(axis, top + offset, start, row, condition, sign)
            reached.append(start + sign * row["gain"])
            if condition == "random":
                _draws(axis, top + offset, start, name, metric, untrained, rows)
        label = shortened(name) if name in described else "average"
        chance = chance_level(described[name]) if name in described and metric != "loss" else None
        if chance is not None:
            levels.append((chance, *ends))
            if at_chance(max(reached), summary[name, metric, "zero_shot"]["n"], chance):
                label += "\n(at chance)"
        labels.append(label)
    low, high = axis.get_xlim()
    for chance, top, bottom in levels:
        axis.vlines(chance, top, bottom, color=GREY, linewidth=0.9, linestyle=(0, (2, 1.5)))
    axis.set_yticks([place * band + (len(conditions) - 1) / 2 for place in range(len(names))], labels)
    axis.tick_params(axis="y", length=0)
    for place in range(1, len(names)):
        heavier = names[place] not in described
        axis.axhline(place * band - 1.1, color="#B0B0B0" if heavier else "#E2E2E2", linewidth=0.8 if heavier else 0.6)
    axis.set_ylim(len(names) * band - 1.1, -1.1)
    axis.set_xlim(max(0.0, low), high if metric == "loss" else min(101.0, high))
    axis.set_xlabel(_UNITS[metric])
    axis.set_title(kind)
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _draws(
    axis: Axes,
    height: float,
    start: float,
    name: str,
    metric: str,
    untrained: Mapping[tuple[str, int], float],
    rows: Sequence[Row],
) -> None:
    """Each random draw, as far from the untrained mean as from the untrained model of its seed."""
    places = [
        start + row["value"] - untrained[name, row["seed"]]
        for row in arms(rows)
        if (row["condition"], row["test_task"], row["metric"]) == ("random", name, metric)
        and (name, row["seed"]) in untrained
    ]
    axis.scatter(places, [height] * len(places), s=4, color=GREY, alpha=0.6, linewidths=0, zorder=2.5)


def _condition(axis: Axes, height: float, start: float, row: Row, condition: str, sign: float) -> None:
    colour, marker, _ = _LOOK[condition]
    end = start + sign * row["gain"]
    axis.plot([start, end], [height, height], color=colour, linewidth=2.0, alpha=0.35, solid_capstyle="butt", zorder=2)
    axis.plot(
        end, height, marker=marker, color=colour, markersize=4.6, markeredgecolor="white", markeredgewidth=0.5,
        zorder=5, clip_on=False,
    )  # fmt: skip
    if row["gain_low"] is not None:
        ends = sorted(start + sign * row[limit] for limit in ("gain_low", "gain_high"))
        axis.errorbar(
            end, height, xerr=[[end - ends[0]], [ends[1] - end]], color=colour, elinewidth=0.9, capsize=1.6,
            capthick=0.9, zorder=4,
        )  # fmt: skip
