"""The dial: transfer, overlap of neurons and similarity of parameters against a known number of shared skills."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.errors import InputError
from taskneurons.evidence.runs import ALL_SEEDS
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    PURPLE,
    SMALL,
    VERMILLION,
    Words,
    interval_words,
    seeds_in_words,
    sheet,
)
from taskneurons.job import Job
from taskneurons.studies.dial.rows import PAIRS, SUMMARY, PairRow, SummaryRow

_Line = tuple[str, str, str, str, str]
"""Measure, sets, colour, marker, what it is called. Of a panel's lines the first has its pairs drawn as dots."""

_PANELS: tuple[tuple[str, str, tuple[_Line, ...]], ...] = (
    ("transfer", "ROUGE-L points gained on the other task", (("transfer_rougeL", "", BLUE, "o", "transfer"),)),
    (
        "shared neurons",
        "Jaccard index above chance",
        (
            ("overlap", "base", VERMILLION, "o", "base"),
            ("overlap", "multitask", PURPLE, "^", "model of all tasks"),
            ("overlap", "source", ORANGE, "s", "tuned model"),
            ("overlap", "shuffled", GREY, "v", "base, shuffled answers"),
        ),
    ),
    (
        "like parameters",
        "cosine",
        (
            ("masked_cosine", "base", GREEN, "o", "neurons of the tasks"),
            ("mean_cosine_outside", "base", GREY, "s", "those not shared"),
            ("change_cosine", "", BLACK, "^", "what tuning changed"),
        ),
    ),
)
_JITTER = 0.16


def draw_dial(
    pairs: Sequence[PairRow],
    summary: Sequence[SummaryRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    selection: str,
    dpi: int = 200,
) -> None:
    """Draw every pair of tasks and the means by number of shared skills, three panels side by side.

    Args:
        pairs: one row a pair and measure; those of other models are left aside.
        summary: means and correlations.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        selection: the sets that are drawn.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in pairs if (row.suite, row.model) == (suite, model)]
    if not own:
        raise InputError(f"no pairs of tasks of {model} on {suite} were measured")
    found = [row for row in summary if (row.suite, row.model) == (suite, model)]
    seeds = len({row.seed for row in own})
    drawn = sum(row.low is not None for row in found if row.seed == ALL_SEEDS and row.shared is not None)
    caption = (
        f"{model}, {suite}; {seeds_in_words(seeds)}. A dot: an ordered pair of tasks in one seed. The model is tuned "
        "as a whole on the first task and tested on the other as it is. Neurons: those that matter most for each task "
        f"({selection}); dotted line in the middle: sets with these numbers of neurons in each layer at random. "
        "Base: before any tuning; shuffled answers: the base, with each task's answers dealt anew to its prompts, a "
        "control that leaves shared words and no skill. Cosines: of the parameters of the two tasks' neurons (sets of "
        "the base) in the tuned model, and of what tuning on either task changed of all parameters. ρ: Spearman's "
        f"correlation with the number of shared skills. {interval_words(seeds, drawn)}"
    )
    with sheet(3.0, Words(_title(found, selection), caption), paths, dpi) as figure:
        for axis, (title, label, lines) in zip(figure.subplots(1, 3), _PANELS, strict=True):
            axis.set_title(title)
            axis.set_ylabel(label)
            _panel(axis, own, found, lines, selection)


def _panel(
    axis: Axes, pairs: Sequence[PairRow], summary: Sequence[SummaryRow], lines: Sequence[_Line], selection: str
) -> None:
    axis.axhline(0, color=BLACK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    handles = []
    for place, (measure, sets, colour, marker, name) in enumerate(lines):
        if place == 0:
            dots = [
                (row.shared, row.value) for row in pairs if _is(row, measure, sets, selection) and row.value is not None
            ]
            spread = np.random.default_rng(0).uniform(-_JITTER, _JITTER, len(dots))
            across, up = np.array(dots, dtype=np.float64).reshape(-1, 2).T
            axis.scatter(across + spread, up, s=5, color=colour, alpha=0.35, linewidths=0, zorder=2)
        means = sorted(
            (row.shared, row.value, row.low, row.high)
            for row in summary
            if row.seed == ALL_SEEDS
            and _is(row, measure, sets, selection)
            and row.shared is not None
            and row.value is not None
        )
        shift = 0.08 * (place - (len(lines) - 1) / 2)
        levels = [shared + shift for shared, *_ in means]
        axis.plot(
            levels, [mean[1] for mean in means], color=colour, marker=marker, markersize=4, linewidth=1.2, zorder=4
        )
        for level, (_, _, low, high) in zip(levels, means, strict=True):
            if low is not None and high is not None:
                axis.plot([level, level], [low, high], color=colour, linewidth=1, zorder=3)
        handles.append(Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2))
        handles[-1].set_label(f"{name}: {_rho(_correlation(summary, measure, sets, selection))}")
    axis.set_xlabel("skills that two tasks share")
    axis.set_xticks(sorted({row.shared for row in pairs}))
    low, high = axis.get_ylim()
    axis.set_yticks([tick for tick in axis.get_yticks() if low <= tick <= high])
    # Room for the legend above what is drawn.
    axis.set_ylim(low, low + (1.08 + 0.09 * len(lines)) * (high - low))
    axis.legend(handles=handles, loc="upper left", borderpad=0, handlelength=1.4, fontsize=SMALL)


def _is(row: PairRow | SummaryRow, measure: str, sets: str, selection: str) -> bool:
    return (row.measure, row.sets) == (measure, sets) and row.selection in ("", selection)


def _correlation(summary: Sequence[SummaryRow], measure: str, sets: str, selection: str) -> SummaryRow | None:
    """The correlation with the number of shared skills, its mean over seeds."""
    rows = [
        row
        for row in summary
        if row.seed == ALL_SEEDS and row.against == "shared" and _is(row, measure, sets, selection)
    ]
    return rows[0] if rows else None


def _rho(row: SummaryRow | None) -> str:
    return f"ρ = {_number(row)}" if row and row.value is not None else "ρ not available"


def _number(row: SummaryRow | None) -> str:
    return "not available" if row is None or row.value is None else f"{row.value:.2f}".replace("-", "−")


def _title(summary: Sequence[SummaryRow], selection: str) -> str:
    transfer, overlap, shuffled, likeness = (
        _number(_correlation(summary, measure, sets, selection))
        for measure, sets in (
            ("transfer_rougeL", ""),
            ("overlap", "base"),
            ("overlap", "shuffled"),
            ("masked_cosine", "base"),
        )
    )
    return (
        f"Rank correlation with the skills that two tasks share: transfer {transfer}; neurons of the base "
        f"({selection}): overlap {overlap} (shuffled answers {shuffled}), their parameters {likeness}"
    )


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        selection: slug of the sets that are drawn.
        dpi: dots an inch of the PNG.
    """

    selection: str
    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw transfer, overlap and similarity against the number of shared skills."""
    draw_dial(
        PAIRS.read(job.inputs.one("rows")),
        SUMMARY.read(job.inputs.one("summary")),
        job.outputs["figure"],
        suite=job.suite,
        model=job.model,
        selection=job.settings.selection,
        dpi=job.settings.dpi,
    )
