"""Tables 1 and 6 as a figure: what is left of each task's score when neurons are deactivated."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.errors import InputError
from taskneurons.evidence.chance import at_chance, chance_level
from taskneurons.evidence.style import (
    BLACK,
    GREEN,
    GREY,
    SKY,
    VERMILLION,
    Words,
    by_kind,
    interval_words,
    sheet,
    shortened,
    signed,
)
from taskneurons.evidence.tables import KINDS, SCORE, summarise_deactivation
from taskneurons.evidence.tidy import Row, of_setting

# Colour, marker and legend of each condition, in the order of the rows of a task.
_LOOK = {
    "bottom": (SKY, "s", "lowest-scored neurons"),
    "random": (GREY, "o", "random neurons (small: each draw)"),
    "other_task": (GREEN, "^", "another task's neurons (mean over them)"),
    "task": (VERMILLION, "D", "the task's own neurons"),
}
_UNITS = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)"}
_STEP = 0.115  # inches between the conditions of one task


def draw_drops(
    rows: Iterable[Row],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    estimator: str,
    percent: float,
    selection: str,
    intervention: str = "zero",
    dpi: int = 200,
) -> None:
    """Draw one model's scores under each condition, every one tied to the original score of its task by a line.

    Points lie at the original mean minus the mean drop, intervals are those of the drop paired by seed. Chance is
    dashed; a task whose original score is not above it is marked in its label.

    Args:
        rows: of `tidy.gather`; those of other models and settings are left aside.
        tasks: of the suite: name, family, kind, and `options` and `constant` for the level of chance.
        paths: where to write, `.png` and `.svg`.
        suite, model, estimator, percent, selection, intervention: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the setting or the original model has no rows.
    """
    setting = (estimator, percent, selection, intervention)
    chosen = of_setting(rows, suite=suite, model=model, setting=setting)
    conditions = [c for c in _LOOK if any(row["condition"] == c for row in chosen)]
    described = [{**task, "suite": suite} for task in tasks]
    summary = {(row["task"], row["metric"], row["condition"]): row for row in summarise_deactivation(chosen, described)}
    groups = {
        kind: [task for task in group if (task["name"], SCORE[kind], "original") in summary]
        for kind, group in by_kind(described).items()
    }
    groups = {kind: group for kind, group in groups.items() if group}
    if not groups:
        raise InputError(f"the original {model} has no accuracy or ROUGE-L on {suite}")

    seeds = len({row["seed"] for row in chosen})
    used = [row for (_, metric, condition), row in summary.items() if metric in _UNITS and condition in conditions]
    drawn = sum(row["drop_low"] is not None for row in used)
    n = {row["n"] for row in chosen}
    draws = max((row["draws"] for row in used if row["condition"] == "random"), default=0)
    known_chance = [chance_level(task) is not None for group in groups.values() for task in group]
    caption = (
        f"{model}, {suite}. {percent:g} % of the neurons of {'the model' if selection == 'model' else 'each layer'} by "
        f"{estimator}, intervention: {intervention}. Black line: original score; dots: score with the neurons "
        f"deactivated. {_range(n)} test examples a task"
        + (f", {draws} random draws a seed. " if draws else ". ")
        + interval_words(seeds, drawn)
        + (" Dashed: chance, the best constant answer." if any(known_chance) else "")
    )
    longest = max(len(group) for group in groups.values()) + 1
    height = longest * (len(conditions) + 1.2) * _STEP + 0.55
    handles = [Line2D([], [], color=BLACK, linewidth=1.4, label="original")]
    for condition in conditions:
        colour, marker, label = _LOOK[condition]
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2, label=label))
    with sheet(height, Words(_title(summary, groups), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(groups), squeeze=False)[0]
        for axis, (kind, group) in zip(axes, groups.items(), strict=True):
            _panel(axis, kind, group, conditions, summary, chosen)


def _title(summary: Mapping[tuple[str, str, str], Row], groups: Mapping[str, Any]) -> str:
    parts = []
    for kind, name in (("classification", "accuracy"), ("generation", "ROUGE-L")):
        drops = {c: summary.get((KINDS[kind], SCORE[kind], c), {}).get("drop") for c in ("task", "random")}
        if kind in groups and drops["task"] is not None:
            beside = f" (random ones: {signed(-drops['random'])})" if drops["random"] is not None else ""
            parts.append(f"{name} {signed(-drops['task'])} points{beside}")
    return "Without the task's own neurons: " + ", ".join(parts) if parts else "Scores with neurons deactivated"


def _range(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _panel(
    axis: Axes,
    kind: str,
    tasks: Sequence[Mapping[str, Any]],
    conditions: Sequence[str],
    summary: Mapping[tuple[str, str, str], Row],
    rows: Sequence[Row],
) -> None:
    metric = SCORE[kind]
    originals = {
        (row["test_task"], row["seed"]): row["value"]
        for row in rows
        if row["condition"] == "original" and row["metric"] == metric
    }
    band = len(conditions) + 1.2
    labels = []
    above = ""
    entries: list[tuple[str, Mapping[str, Any] | None]] = [(task["name"], task) for task in tasks]
    if len(tasks) > 1 and (KINDS[kind], metric, "original") in summary:
        entries.append((KINDS[kind], None))
    for place, (name, task) in enumerate(entries):
        top = place * band
        original = summary[name, metric, "original"]
        start = original["value"]
        axis.vlines(start, top - 0.6, top + len(conditions) - 0.4, color=BLACK, linewidth=1.4, zorder=3)
        for offset, condition in enumerate(conditions):
            row = summary.get((name, metric, condition))
            if row is None or row["drop"] is None:
                continue
            _condition(axis, top + offset, start, row, condition)
            if condition == "random" and task is not None:
                draws = [
                    start - (originals[name, r["seed"]] - r["value"])
                    for r in rows
                    if (r["condition"], r["test_task"], r["metric"]) == ("random", name, metric)
                    and (name, r["seed"]) in originals
                ]
                axis.scatter(draws, [top + offset] * len(draws), s=4, color=GREY, alpha=0.6, linewidths=0, zorder=2.5)
        label = shortened(name) if task is not None else f"average{above}"
        chance = chance_level(task) if task is not None else None
        if chance is not None:
            axis.vlines(
                chance, top - 0.6, top + len(conditions) - 0.4, color=GREY, linewidth=0.9, linestyle=(0, (2, 1.5))
            )
            if at_chance(start, original["n"], chance):
                label += "\n(at chance)"
                above = "\n(above chance)"
        labels.append(label)
    centres = [place * band + (len(conditions) - 1) / 2 for place in range(len(entries))]
    axis.set_yticks(centres, labels)
    axis.tick_params(axis="y", length=0)
    for place in range(1, len(entries)):
        heavier = entries[place][1] is None
        axis.axhline(place * band - 1.1, color="#B0B0B0" if heavier else "#E2E2E2", linewidth=0.8 if heavier else 0.6)
    axis.set_ylim(len(entries) * band - 1.1, -1.1)
    axis.set_xlim(max(0.0, axis.get_xlim()[0]), min(101.0, axis.get_xlim()[1]))
    axis.set_xlabel(_UNITS[metric])
    axis.set_title(kind)
    axis.spines["left"].set_visible(False)
    axis.grid(axis="x", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _condition(axis: Axes, height: float, start: float, row: Row, condition: str) -> None:
    colour, marker, _ = _LOOK[condition]
    # For scores a drop lowers the value; the panels show scores only.
    end = start - row["drop"]
    axis.plot([start, end], [height, height], color=colour, linewidth=2.0, alpha=0.35, solid_capstyle="butt", zorder=2)
    axis.plot(
        end, height, marker=marker, color=colour, markersize=4.6, markeredgecolor="white", markeredgewidth=0.5, zorder=5
    )
    if row["drop_low"] is not None:
        axis.errorbar(
            end, height, xerr=[[row["drop_high"] - row["drop"]], [row["drop"] - row["drop_low"]]], color=colour,
            elinewidth=0.9, capsize=1.6, capthick=0.9, zorder=4,
        )  # fmt: skip
