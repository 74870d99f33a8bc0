"""Table 4 of Leng & Xiong 2025 as a figure: coefficients of similarity and transfer, beside the printed ones."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, BLUE, GREEN, VERMILLION, Words, say_in_panel, sheet, shortened
from taskneurons.evidence.tasks import DescribedTask, by_kind
from taskneurons.studies.similarity.correlation import GIVEN
from taskneurons.studies.similarity.rows import MEAN, OUTCOMES, CorrelationRow

# Measure -> colour and what it is called.
_SHOWN = {
    "masked_cosine": (VERMILLION, "masked cosine (the paper's)"),
    "masked_cosine_residual": (BLUE, "masked cosine, overlap taken out"),
    "best_match_excess": (GREEN, "best match of unshared neurons beyond chance"),
}
_LEFT_OUT = dict(zip(GIVEN, ("", ", kind out", ", + means out", ", + family out"), strict=True))


def draw_correlations(
    correlations: Sequence[CorrelationRow],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw Table 4: Pearson's correlation of similarity and gain for each test task beside the printed one.

    Args:
        correlations: of `correlation.correlations`; those of other models are left aside.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in correlations if (row.model, row.suite) == (model, suite)]
    if not own:
        raise InputError(f"no parameters of {model} on {suite} were compared")
    seeds = list(dict.fromkeys(row.seed for row in own))
    rows = [row for row in own if row.seed == (MEAN if MEAN in seeds else seeds[0])]
    per_task = [row for row in rows if row.scope == "test_task"]
    tested = {row.group for row in per_task}
    names = [task.name for group in by_kind(tasks).values() for task in group if task.name in tested]
    printed = any(row.published is not None for row in rows)
    points = max((row.n for row in per_task), default=0)
    singles = sum(seed != MEAN for seed in seeds)
    caption = (
        f"{model}, {suite}; {'one seed' if singles == 1 else f'similarity and gain are means over {singles} seeds'}. "
        f"Pearson's r over {points:g} models between a similarity, mean over "
        "layers, and the gain on the test task; bars: 95 % by Fisher's z; filled: exact p < 0.05 (one test). Right: "
        "rank correlation over all pairs of training and test tasks, within test tasks; filled: p < 0.05, labels of "
        "training and of test tasks permuted; “out”: what the kinds of both tasks, then each task's mean, then being "
        "of one family explain is taken out first. The title has means of test tasks; the claim takes the seeds' own."
        + (" Published: Table 4 of Leng & Xiong 2025 with the interval that six points give." if printed else "")
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker="o", markersize=4, linewidth=1.2, label=name)
        for colour, name in _SHOWN.values()
    ]
    if printed:
        handles.append(
            Line2D([], [], color=BLACK, marker="D", markersize=3.5, markerfacecolor="none", linewidth=0.8,
                   label="published"),
        )  # fmt: skip
    mean = [row for row in per_task if (row.layers, row.coefficient) == ("mean", "pearson")]
    with sheet(0.38 * len(names) + 0.7, Words(_title(own, singles), caption), paths, dpi, handles) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
        for axis, outcome, name in ((left, "gain", "score"), (middle, "loss_gain", "loss")):
            _per_task(axis, [row for row in mean if row.outcome == outcome], names)
            axis.set_title(f"{name} gained")
        middle.tick_params(labelleft=False)
        _pooled(right, [row for row in rows if row.scope == "pooled" and row.state == "tuned"])


def _per_task(axis: Axes, rows: Sequence[CorrelationRow], tasks: Sequence[str]) -> None:
    axis.axvline(0, color=BLACK, linewidth=0.6)
    for place, task in enumerate(tasks):
        of_task = {row.measure: row for row in rows if row.group == task}
        for number, (measure, (colour, _)) in enumerate(_SHOWN.items()):
            row = of_task.get(measure)
            if row is not None and row.value is not None:
                limits = (row.low, row.high)
                _point(axis, place + 0.2 * (number - 1), row.value, limits, colour, filled=_clear(row))
        paper = of_task.get("masked_cosine")
        if paper is not None and paper.published is not None:
            limits = (paper.published_low, paper.published_high)
            _point(axis, place + 0.4, paper.published, limits, BLACK, marker="D")
    axis.set_yticks(range(len(tasks)), [shortened(task, 20) for task in tasks])
    axis.set_ylim(len(tasks) - 0.4, -0.5)
    axis.set_xlim(-1.05, 1.05)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("Pearson's r")


def _pooled(axis: Axes, rows: Sequence[CorrelationRow]) -> None:
    axis.set_title("all pairs of tasks")
    axis.axvline(0, color=BLACK, linewidth=0.6)
    places = [(outcome, given) for outcome in OUTCOMES for given in _LEFT_OUT]
    known = [(row, row.value) for row in rows if row.measure in _SHOWN and row.value is not None]
    if not known:
        reasons = sorted({row.reason for row in rows if row.reason})
        say_in_panel(axis, f"not available: {'; '.join(reasons) or 'nothing was tested'}")
        return
    for row, value in known:
        y = places.index((row.outcome, row.given)) + 0.2 * (list(_SHOWN).index(row.measure) - 1)
        _point(axis, y, value, (None, None), _SHOWN[row.measure][0], filled=_clear(row))
    axis.set_yticks(
        range(len(places)),
        [f"{'score' if outcome == 'gain' else 'loss'}{_LEFT_OUT[given]}" for outcome, given in places],
    )
    axis.set_ylim(len(places) - 0.4, -0.6)
    axis.set_xlim(-1.05, 1.05)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("rank correlation")


def _clear(row: CorrelationRow) -> bool:
    return (row.p_value or 1.0) < 0.05


def _point(
    axis: Axes,
    y: float,
    value: float,
    limits: tuple[float | None, float | None],
    colour: str,
    *,
    marker: str = "o",
    filled: bool = False,
) -> None:
    low, high = limits
    if low is not None and high is not None:
        axis.plot([low, high], [y, y], color=colour, linewidth=0.9)
    axis.plot(
        value, y, marker, color=colour, markersize=3.5, markerfacecolor=colour if filled else "white",
        markeredgewidth=0.8, zorder=3,
    )  # fmt: skip


def _title(rows: Sequence[CorrelationRow], seeds: int) -> str:
    """The coefficients, mean of test tasks: r of means over seeds is not the mean of the seeds' r, the claim's."""
    known = [
        row for row in rows
        if (row.scope, row.layers, row.coefficient, row.outcome) == ("test_task", "mean", "pearson", "gain")
    ]  # fmt: skip
    parts = []
    for measure in ("masked_cosine", "best_match_excess"):
        of_means, of_seeds = (
            [
                row.value
                for row in known
                if row.measure == measure and (row.seed == MEAN) == of_mean and row.value is not None
            ]
            for of_mean in (True, False)
        )
        if of_seeds:
            own = f"{np.mean(of_seeds):+.2f}"
            both = f"{np.mean(of_means):+.2f} ({own})" if of_means else own
            parts.append(f"{_SHOWN[measure][1]} {both}".replace("-", "−"))
    if not parts:
        return "Similarity and gain"
    what = f"of means over {seeds} seeds (mean of the seeds' own)" if seeds > 1 else "mean of test tasks"
    return f"r of similarity and gain, {what}: {'; '.join(parts)}"
