"""The planted neurons in two figures: how well estimators rank them, and how specific the sets are that they choose."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    ORANGE,
    SMALL,
    Words,
    interval_words,
    say_in_panel,
    sheet,
)
from taskneurons.evidence.words import ESTIMATORS
from taskneurons.job import Job
from taskneurons.studies.validation.estimators import EXACT
from taskneurons.studies.validation.rows import (
    ALL_SEEDS,
    SPECIFICITY,
    SUMMARY,
    SpecificityRow,
    SummaryRow,
)

_OTHERS = {
    "signed": "Taylor with sign",
    "signed_contrast": "with sign, less mean of others",
    "signed_less_others": "with sign, less largest of others",
    "taylor_less_others": "Taylor, less largest of others",
    "wanda": "weights × activation (Wanda)",
    "lape": "activation probability (LAPE)",
    "random": "random scores",
    "exact_signed": "exact ablation, with sign",
    "exact_absolute": "exact ablation, absolute",
    "exact_contrast": "exact, less mean of others",
    "plant": "the planted neurons themselves",
    "members": "neurons of all skills of the task",
    "own_less_others": "Taylor's top less other tasks' tops",
    "bottom": "lowest by Taylor",
    "random_layer": "random, matched by layer",
    "random_magnitude": "random, matched by activation",
    "random_norm": "random, matched by weights",
}
_NAMES = {**ESTIMATORS, **_OTHERS}
_PANELS = (
    ("own", "others", "own skill\nagainst all others"),
    ("own", "non_members", "own skill against\nno skill of the task"),
    ("member", "non_members", "any skill of the task\nagainst none"),
)
_STATES: Mapping[str, tuple[str, str, str]] = {
    "planted": (BLUE, "o", "as planted"),
    "shuffled": (ORANGE, "s", "scores with shuffled answers"),
    "untrained": (GREY, "^", "untrained model"),
}
_SETS = ("plant", "members")
_CHANCE = ("random", "random_layer", "random_magnitude", "random_norm", "bottom")
_PER_LINE = 0.155  # inches


def draw_estimators(rows: Sequence[SummaryRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw the AUROC of every estimator for three questions, with intervals over seeds.

    Args:
        rows: of one run.
        run: model and suite, in words.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.
    """
    whole = [row for row in rows if row.seed == ALL_SEEDS and row.measure == "auroc" and row.value is not None]
    by = {(row.estimator, row.positives, row.negatives): row for row in whole}
    first = {row.estimator: row.value for row in whole if (row.positives, row.negatives) == _PANELS[0][:2]}
    names = sorted(first, key=lambda name: first[name] or 0)
    seeds = max((row.seeds or 0 for row in whole), default=0)
    drawn = sum(row.low is not None for row in whole)
    caption = (
        f"{run}. AUROC: chance that a neuron of the first kind stands above one of the second, mean over tasks; "
        "dotted: no knowledge. Blue: scores of this package; green: others; black: each neuron ablated alone, which "
        f"costs a pass a neuron. {interval_words(seeds, drawn)}"
    )
    with sheet(0.8 + _PER_LINE * max(len(names), 6), Words(_title(first), caption), paths, dpi) as figure:
        axes = figure.subplots(1, len(_PANELS), sharey=True)
        for axis, (positives, negatives, title) in zip(axes, _PANELS, strict=True):
            axis.set_title(title, fontsize=SMALL)
            if not names:
                say_in_panel(axis, _reason(rows))
                continue
            _frame(axis, names, (0.0, 1.0), 0.5, "AUROC")
            for place, name in enumerate(names):
                row = by[name, positives, negatives]
                _point(axis, place, (row.value, row.low, row.high), _colour(name), "o")


def draw_specificity(rows: Sequence[SpecificityRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw the index of every way to choose sets, as planted and on noise, with intervals over seeds.

    Args, as `draw_estimators`.
    """
    whole = [row for row in rows if row.seed == ALL_SEEDS and row.index is not None]
    by = {(row.sets, row.state): row for row in whole}
    planted = {row.sets: row.index for row in whole if row.state == "planted"}
    names = sorted(planted, key=lambda name: planted[name] or 0)
    seeds = max((row.seeds or 0 for row in whole), default=0)
    caption = (
        f"{run}. Index: what tasks lose without their own set less what they lose without another task's, over the sum "
        "of both in absolute values: 1, only the own task loses; 0, it does not matter whose set is taken out. Sets "
        "hold as many neurons as carry the own skill of a task, but for those of all skills. "
        f"{interval_words(seeds, sum(row.low is not None for row in whole))}"
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1, label=label)
        for colour, marker, label in _STATES.values()
    ]
    title = "Specificity of the sets that are taken out" + "".join(
        f"; {_NAMES[name]} {planted[name]:.2f}".replace("-", "−")
        for name in ("plant", "taylor", "random_layer")
        if name in planted
    )
    with sheet(0.5 + _PER_LINE * max(len(names), 6), Words(title, caption), paths, dpi, handles) as figure:
        axis = figure.subplots(1, 1)
        if not names:
            say_in_panel(axis, "no plant passed its proof")
            return
        _frame(axis, names, (-1.0, 1.05), 0.0, "specificity index")
        for place, name in enumerate(names):
            for shift, (state, (colour, marker, _)) in enumerate(_STATES.items()):
                if (name, state) in by:
                    row = by[name, state]
                    _point(axis, place + 0.18 * (1 - shift), (row.index, row.low, row.high), colour, marker)


def _frame(axis: Axes, names: Sequence[str], limits: tuple[float, float], chance: float, label: str) -> None:
    axis.set_yticks(range(len(names)), [_NAMES.get(name, name) for name in names])
    axis.set_ylim(-0.6, len(names) - 0.4)
    axis.set_xlim(*limits)
    axis.set_xlabel(label)
    axis.axvline(chance, color=BLACK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _point(
    axis: Axes, height: float, value: tuple[float | None, float | None, float | None], colour: str, marker: str
) -> None:
    mean, low, high = value
    if mean is None:
        return
    axis.plot([mean], [height], color=colour, marker=marker, markersize=4, linestyle="none", zorder=4)
    if low is not None and high is not None:
        left, right = axis.get_xlim()
        axis.plot([max(low, left), min(high, right)], [height, height], color=colour, linewidth=1, zorder=3)


def _colour(name: str) -> str:
    return BLACK if name in EXACT else GREY if name == "random" else BLUE if name in ESTIMATORS else GREEN


def _title(found: Mapping[str, float | None]) -> str:
    known = {name: value for name, value in found.items() if value is not None and name not in EXACT}
    if not known or "taylor" not in known:
        return "Which scores find planted neurons: none was judged"
    best = max(known, key=lambda name: known[name])
    return (
        "Which scores tell the neurons of a task's own skill from all others (AUROC): the paper's "
        f"{known['taylor']:.2f}, {_NAMES[best]} {known[best]:.2f}"
    )


def _reason(rows: Sequence[SummaryRow]) -> str:
    return next((row.reason for row in rows if row.reason), "no plant passed its proof")


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        dpi: dots an inch of the PNG.
    """

    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw how well estimators find the planted neurons of one run, and how specific sets are."""
    run, dpi = f"{job.model}, {job.suite}", job.settings.dpi
    summary = [r for r in SUMMARY.read(job.inputs.one("summary")) if (r.suite, r.model) == (job.suite, job.model)]
    indices = [
        r for r in SPECIFICITY.read(job.inputs.one("specificity")) if (r.suite, r.model) == (job.suite, job.model)
    ]
    draw_estimators(summary, run, job.outputs["estimators"], dpi=dpi)
    draw_specificity(indices, run, job.outputs["specificity"], dpi=dpi)
