"""Tables 2 and 7 as curves: how far a task's own neurons are ahead of each control, step by step."""

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Literal

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    VERMILLION,
    Words,
    say_in_panel,
    seeds_in_words,
    sheet,
)
from taskneurons.evidence.tasks import KINDS, MEANS, SCORE, Kind
from taskneurons.evidence.trained import Condition
from taskneurons.evidence.words import CONDITIONS
from taskneurons.studies.training.rows import CurveRow

Measure = Literal["score", "loss"]
By = Literal["shares", "rates"]
Pair = tuple[Condition, Condition]
LINES: dict[Pair, tuple[str, str, str]] = {
    ("task", "random"): (VERMILLION, "o", "own less random of the same layers"),
    ("task", "uniform"): (ORANGE, "s", f"own less {CONDITIONS['uniform']}"),
    ("task", "keystone"): (PURPLE, "v", f"own less {CONDITIONS['keystone']}"),
    ("task", "other_task"): (GREEN, "^", "own less another family's"),
    ("task", "sibling"): (BLUE, "D", "own less its family's other task's"),
    ("full", "random"): (GREY, "x", "whole model less random (could it show?)"),
}
UNITS = {"accuracy": "accuracy (points)", "rougeL": "ROUGE-L (points)", "loss": "loss (nats, + is lower)"}
SHADE = "#E6E6E6"


def draw_curves(
    rows: Iterable[CurveRow], paths: Iterable[str | Path], *, by: By, measure: Measure, dpi: int = 200
) -> None:
    """Draw how far each condition is ahead after how many steps, a panel for each share or rate, a line of them a kind.

    Bands are the intervals of own less random neurons and of own less another family's. A reading that cannot decide
    stands on grey.

    Args:
        rows: of one run; those of one rate for `shares`, those of one share for `rates`.
        paths: where to write, `.png` and `.svg`.
        by: what differs between panels.
        measure: accuracy and ROUGE-L, or the loss.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: there are no rows.
    """
    chosen = [row for row in rows if row.task in MEANS.values()]
    chosen = [row for row in chosen if row.metric == (SCORE[row.kind] if measure == "score" else "loss")]
    if not chosen:
        raise InputError("no curves were made", where=measure)
    kinds = [kind for kind in KINDS if any(row.kind == kind for row in chosen)]
    columns = sorted({_place(row, by) for row in chosen})
    first = chosen[0]
    fixed = f"Learning rate {first.learning_rate:g}" if by == "shares" else f"{first.percent:g} % of the neurons; rates"
    present = [pair for pair in LINES if any((row.condition, row.against) == pair for row in chosen)]
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=LINES[pair][0], marker=LINES[pair][1], markersize=3.5, linewidth=1.2, label=LINES[pair][2])
        for pair in present
    ]
    handles.append(Patch(color=SHADE, label="cannot decide"))
    lines = "the first two lines" if ("task", "other_task") in present else "the first line"
    intervals = interval_words_of(chosen)
    bands = f"bands: {intervals} of {lines}" if any(row.low is not None for row in chosen) else intervals
    words = Words(
        f"Training a task's own neurons less the same training of others, by "
        f"{'share of the neurons' if by == 'shares' else 'learning rate'}: "
        f"{'score' if measure == 'score' else 'loss'} after each number of steps",
        f"{first.model}, {first.suite}. {fixed} kept after the warm-up; neurons by {first.estimator}. One training is "
        f"read at every step shown. Mean over {_counts(chosen, kinds)} and {seeds_in_words(first.seeds)}; {bands}. "
        "Grey: random neurons already reach the best that anything reaches (less a tenth of the range, or 2 points), "
        "or neither own neurons nor the whole model have gained as much yet; such a reading decides nothing.",
    )
    with sheet(1.55 * len(kinds) + 0.3, words, paths, dpi, handles) as figure:
        axes = figure.subplots(len(kinds), len(columns), squeeze=False, sharex=True, sharey="row")
        for line, kind in zip(axes, kinds, strict=True):
            for axis, column in zip(line, columns, strict=True):
                own = [row for row in chosen if row.kind == kind and _place(row, by) == column]
                _panel(axis, own, present)
                axis.set_title(f"{column:g} %" if by == "shares" else f"rate {column:g}")
            line[0].set_ylabel(f"{kind}\n{UNITS[_metric(kind, measure)]}")
        for axis in axes[-1]:
            axis.set_xlabel("steps")


def interval_words_of(rows: Iterable[CurveRow]) -> str:
    """Which intervals the differences have, with their number of seeds; or that they have none."""
    drawn = next((row for row in rows if row.low is not None), None)
    return f"{drawn.interval} intervals ({seeds_in_words(drawn.seeds)})" if drawn else "no intervals (too few seeds)"


def _panel(axis: Axes, rows: Sequence[CurveRow], pairs: Sequence[Pair]) -> None:
    if not rows:
        say_in_panel(axis, "not trained")
        return
    readings = sorted({row.steps for row in rows})
    places = {steps: place for place, steps in enumerate(readings)}
    for row in {row.steps: row for row in rows if not row.decides}.values():
        axis.axvspan(places[row.steps] - 0.5, places[row.steps] + 0.5, color=SHADE, linewidth=0, zorder=0)
    axis.axhline(0, color=BLACK, linewidth=0.6, zorder=1)
    for pair in pairs:
        own = sorted((row for row in rows if (row.condition, row.against) == pair), key=lambda row: row.steps)
        own = [row for row in own if row.difference is not None]
        if not own:
            continue
        colour, marker, _ = LINES[pair]
        x = [places[row.steps] for row in own]
        quiet = pair == ("full", "random")
        axis.plot(
            x, [row.difference or 0.0 for row in own], color=colour, marker=marker, markersize=3.2,
            linewidth=0.8 if quiet else 1.1, linestyle="--" if quiet else "-", zorder=2 if quiet else 3,
        )  # fmt: skip
        if pair in (("task", "random"), ("task", "other_task")):
            limits = [(at, row.low, row.high) for at, row in zip(x, own, strict=True) if row.low is not None]
            if limits:
                at, low, high = zip(*limits, strict=True)
                axis.fill_between(at, low, high, color=colour, alpha=0.15, linewidth=0, zorder=2)
    axis.set_xticks(range(len(readings)), [str(steps) for steps in readings])
    axis.set_xlim(-0.5, len(readings) - 0.5)
    axis.grid(axis="y", color="#F0F0F0", linewidth=0.6)


def _place(row: CurveRow, by: By) -> float:
    return row.percent if by == "shares" else row.learning_rate


def _metric(kind: Kind, measure: Measure) -> str:
    return "loss" if measure == "loss" else SCORE[kind]


def _counts(rows: Sequence[CurveRow], kinds: Sequence[Kind]) -> str:
    counts = {kind: max(row.tasks for row in rows if row.kind == kind) for kind in kinds}
    return " and ".join(f"{count} {kind} task{'s' if count > 1 else ''}" for kind, count in counts.items())
