"""Figures: how well estimators rank planted neurons, how specific their sets are, how many examples are enough."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, NullLocator

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
    say_in_panel,
    sheet,
)
from taskneurons.evidence.words import ESTIMATORS
from taskneurons.job import Job
from taskneurons.studies.validation.estimators import EXACT
from taskneurons.studies.validation.rows import (
    ORACLE,
    SAMPLED,
    SPECIFICITY,
    STABILITY,
    SUMMARY,
    Kind,
    OracleRow,
    SampledRow,
    SpecificityRow,
    StabilityRow,
    SummaryRow,
)

_OTHERS = {
    "signed": "Taylor with sign",
    "signed_contrast": "with sign, less mean of others",
    "signed_less_others": "with sign, less largest of others",
    "taylor_less_others": "Taylor, less largest of others",
    "conductance": "conductance (captum)",
    "internal_influence": "internal influence (captum)",
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
# Those in which the figures of few examples differ, and their lines.
_LINES: Mapping[str, tuple[str, str]] = {
    "taylor": (ORANGE, "D"),
    "contrast": (GREEN, "X"),
    "taylor_less_others": (BLUE, "o"),
    "signed": (PURPLE, "d"),
    "signed_less_others": (VERMILLION, "s"),
    "activation": (GREY, "^"),
}
_STEADY = (
    ("auroc", "own against all others (AUROC)", 0.4),
    ("spearman", "scores of two draws (Spearman)", 0.0),
    ("jaccard", "sets of two draws (Jaccard)", 0.0),
)
_KINDS: Mapping[Kind, tuple[str, str, str]] = {
    "random": (GREY, ".", "random neurons"),
    "keystone": (ORANGE, "D", "needed by every task"),
    "top": (BLUE, "o", "highest of the task besides"),
}
_LEAST = 1e-5  # nats, below which the scale of the oracle is linear
_TICKS = (1e-4, 1e-2, 1.0)
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
            _frame(axis, names, (0.0, 1.03), 0.5, "AUROC")
            for place, name in enumerate(names):
                row = by[name, positives, negatives]
                _point(axis, place, (row.value, row.low, row.high), _colour(name), "o")


def draw_specificity(rows: Sequence[SpecificityRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw the index of every way to choose sets, and the difference in nats, as planted and on noise.

    Args, as `draw_estimators`.
    """
    whole = [row for row in rows if row.seed == ALL_SEEDS and row.difference is not None]
    by = {(row.sets, row.state): row for row in whole}
    planted = {row.sets: row for row in whole if row.state == "planted"}
    names = sorted(planted, key=lambda name: (planted[name].of_plant or 0, name))
    seeds = max((row.seeds or 0 for row in whole), default=0)
    caption = (
        f"{run}. Sets hold as many neurons as carry the own skill of a task, but for those of all skills. Right: what "
        "tasks lose without their own set less what they lose without another task's; the scale is linear up to 0.1 "
        "nats and logarithmic beyond. Left: the same over the sum of both in absolute values: 1, only the own task "
        "loses; 0, it does not matter whose set is taken out. There is none where so little is lost that a ratio says "
        f"nothing. {interval_words(seeds, sum(row.difference_low is not None for row in whole))}"
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1, label=label)
        for colour, marker, label in _STATES.values()
    ]
    title = "Specificity of the sets that are taken out" + "".join(
        f"; {_NAMES[name]} {planted[name].index:.2f}".replace("-", "−")
        for name in ("plant", "taylor", "random_layer")
        if name in planted and planted[name].index is not None
    )
    with sheet(0.5 + _PER_LINE * max(len(names), 6), Words(title, caption), paths, dpi, handles) as figure:
        left, right = figure.subplots(1, 2, sharey=True)
        if not names:
            for axis in (left, right):
                say_in_panel(axis, "no plant passed its proof")
            return
        # Of a factor, so that the largest interval has room on a logarithmic axis.
        most = 1.3 * max(abs(end) for row in whole for end in _nats(row) if end is not None)
        _frame(left, names, (-1.0, 1.05), 0.0, "specificity index")
        _frame(right, names, (-most, most), 0.0, "own less other (nats an example)")
        right.set_xscale("symlog", linthresh=0.1, linscale=0.6)
        right.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
        for place, name in enumerate(names):
            for shift, (state, (colour, marker, _)) in enumerate(_STATES.items()):
                if row := by.get((name, state)):
                    height = place + 0.22 * (1 - shift)
                    _point(left, height, (row.index, row.low, row.high), colour, marker)
                    _point(right, height, _nats(row), colour, marker)


def _nats(row: SpecificityRow) -> tuple[float | None, float | None, float | None]:
    return row.difference, row.difference_low, row.difference_high


def draw_stability(rows: Sequence[StabilityRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw how well estimators rank from few examples, and how far two draws of these agree.

    Args, as `draw_estimators`.
    """
    whole = [row for row in rows if row.seed == ALL_SEEDS and row.value is not None]
    by = {(row.estimator, row.measure, row.examples): row for row in whole}
    sizes = sorted({row.examples for row in whole})
    seeds = max((row.seeds or 0 for row in whole), default=0)
    caption = (
        f"{run}. Scores are made of two draws of a task's examples that share none. Left: chance that a neuron of the "
        "task's own skill stands above another one (0.5: no knowledge). Middle: Spearman's correlation of the two "
        "draws' scores. Right: what their sets share, of as many neurons as carry the own skill (Jaccard index). Means "
        f"over tasks. {interval_words(seeds, sum(row.low is not None for row in whole))}"
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1, label=_NAMES[name])
        for name, (colour, marker) in _LINES.items()
    ]
    title = "How many examples of a task are enough to find its own neurons" + _enough(by, sizes)
    with sheet(2.4, Words(title, caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, 3)
        for axis, (measure, label, lowest) in zip(axes, _STEADY, strict=True):
            if not sizes:
                say_in_panel(axis, "no plant passed its proof")
                continue
            axis.set_title(label, fontsize=SMALL)
            axis.set_xscale("log")
            # The usual values; an interval may reach beyond them.
            ends = [end for row in whole if row.measure == measure for end in (row.low, row.high) if end is not None]
            axis.set_ylim(min([lowest, *ends]) - 0.02, max([1.0, *ends]) + 0.02)
            axis.set_xticks(sizes, [str(size) for size in sizes])
            axis.minorticks_off()
            axis.set_xlabel("examples of a task")
            axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
            axis.set_axisbelow(True)
            for place, (name, (colour, marker)) in enumerate(_LINES.items()):
                found = [by[name, measure, size] for size in sizes if (name, measure, size) in by]
                _course(axis, found, 1.03 ** (place - len(_LINES) / 2), colour, marker)


def draw_oracle(
    rows: Sequence[SampledRow], found: Sequence[OracleRow], run: str, paths: Iterable[str | Path], *, dpi: int = 200
) -> None:
    """Draw what Eq. 3 says of each neuron of a sample, and what its ablation shows, a panel a task.

    Args:
        rows: of one run.
        found: of the same run.
        run: model and suite, in words.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.
    """
    tasks = list(dict.fromkeys(row.task for row in rows))
    by = {(row.task, row.kind, row.measure): row.value for row in found}
    examples = max(row.examples for row in rows)
    caption = (
        f"{run}. Each mark is a neuron that is set to zero alone on {examples} test examples of the task. Across: the "
        "rise of the loss that the first order (Eq. 3 with its sign) says; up: the rise that is seen, means of the "
        "examples. On the dotted line both are equal. Scales are linear up to 0.00001 nats and logarithmic beyond. "
        "Below each name: Spearman's correlation of Eq. 3 with the change, both absolute, and of the two with sign."
    )
    handles = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linestyle="none", label=label)
        for colour, marker, label in _KINDS.values()
    ]
    title = "What the gradient says of single neurons against their exact ablation"
    across = min(len(tasks), 3)
    down = -(-len(tasks) // across)
    most = 1.5 * max(_LEAST, *(max(abs(row.signed), abs(row.exact_signed)) for row in rows))
    with sheet(2.7 * down, Words(title, caption), paths, dpi, handles) as figure:
        panels = figure.subplots(down, across, squeeze=False).ravel()
        for axis in panels[len(tasks) :]:
            axis.remove()
        for axis, task in zip(panels, tasks, strict=False):
            known = [by.get((task, "all", measure)) for measure in ("absolute", "signed")]
            absolute, signed = ("–" if one is None else f"{one:.2f}".replace("-", "−") for one in known)
            axis.set_title(f"{task}\nabsolute {absolute}, with sign {signed}", fontsize=SMALL)
            for scale, limit in ((axis.set_xscale, axis.set_xlim), (axis.set_yscale, axis.set_ylim)):
                scale("symlog", linthresh=_LEAST, linscale=0.5)
                limit(-most, most)
            for side in (axis.xaxis, axis.yaxis):
                side.set_ticks([sign * tick for tick in _TICKS if tick < most for sign in (-1, 1)] + [0.0])
                side.set_minor_locator(NullLocator())
                side.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}".replace("-", "−")))
            axis.plot([-most, most], [-most, most], color=BLACK, linewidth=0.8, linestyle=(0, (1, 1.5)), zorder=1)
            axis.tick_params(axis="x", labelrotation=90)
            axis.set_xlabel("said (nats an example)")
            axis.set_ylabel("seen (nats an example)")
            for kind, (colour, marker, _) in _KINDS.items():
                of = [row for row in rows if (row.task, row.kind) == (task, kind)]
                axis.plot(
                    [row.signed for row in of],
                    [row.exact_signed for row in of],
                    color=colour,
                    marker=marker,
                    markersize=3,
                    linestyle="none",
                )


def _course(axis: Axes, rows: Sequence[StabilityRow], shift: float, colour: str, marker: str) -> None:
    places = [row.examples * shift for row in rows]
    axis.plot(places, [row.value or 0 for row in rows], color=colour, marker=marker, markersize=4, linewidth=1)
    bottom, top = axis.get_ylim()
    for place, row in zip(places, rows, strict=True):
        if row.low is not None and row.high is not None:
            axis.plot([place, place], [max(row.low, bottom), min(row.high, top)], color=colour, linewidth=0.8)


def _enough(by: Mapping[tuple[str, str, int], StabilityRow], sizes: Sequence[int]) -> str:
    """What the title says of the best line: the smallest number that comes within 0.01 of the largest's AUROC."""
    name = "taylor_less_others"
    values = {size: row.value for size in sizes if (row := by.get((name, "auroc", size))) and row.value is not None}
    if len(values) < len(sizes) or not sizes:
        return ""
    enough = next(size for size in sizes if values[size] >= values[sizes[-1]] - 0.01)
    return f": {enough} for {_NAMES[name]} (AUROC {values[enough]:.2f}, {values[sizes[-1]]:.2f} with {sizes[-1]})"


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
    """Draw what was found in the plants of one run."""
    run, dpi, here = f"{job.model}, {job.suite}", job.settings.dpi, (job.suite, job.model)
    summary = [row for row in SUMMARY.read(job.inputs.one("summary")) if (row.suite, row.model) == here]
    indices = [row for row in SPECIFICITY.read(job.inputs.one("specificity")) if (row.suite, row.model) == here]
    steady = [row for row in STABILITY.read(job.inputs.one("stability")) if (row.suite, row.model) == here]
    draw_estimators(summary, run, job.outputs["estimators"], dpi=dpi)
    draw_specificity(indices, run, job.outputs["specificity"], dpi=dpi)
    draw_stability(steady, run, job.outputs["stability"], dpi=dpi)


def plot_oracle(job: Job[PlotSettings]) -> None:
    """Draw the sample of the neurons of one run."""
    here = (job.suite, job.model)
    rows = [row for row in SAMPLED.read(job.inputs.one("sample")) if (row.suite, row.model) == here]
    found = [row for row in ORACLE.read(job.inputs.one("oracle")) if (row.suite, row.model) == here]
    # Of several seeds the first: a mark is a neuron.
    first = min(row.seed for row in rows)
    draw_oracle(
        [row for row in rows if row.seed == first],
        [row for row in found if row.seed == first],
        f"{job.model}, {job.suite}, seed {first}",
        job.outputs["oracle"],
        dpi=job.settings.dpi,
    )
