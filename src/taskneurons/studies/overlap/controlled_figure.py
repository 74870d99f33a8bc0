"""Tables 9 to 11 of Leng & Xiong 2025 as a figure: scores against the overlap that was set, ours above the printed."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREY,
    SMALL,
    VERMILLION,
    Words,
    seeds_in_words,
    sheet,
)
from taskneurons.evidence.tasks import SCORE, DescribedTask, described_tasks
from taskneurons.evidence.trained import TRAINED, Trained
from taskneurons.job import Job
from taskneurons.studies.overlap.controlled import (
    CHOICES,
    COMBINATIONS,
    Published,
    Score,
    controlled_scores,
    controlled_summary,
    controlled_trend,
    printed,
    read_printed,
)
from taskneurons.studies.overlap.rows import MEMBERS, ControlledRow, Members, TrendRow

_COLOURS: Mapping[Members, str] = {"higher": VERMILLION, "lower": BLUE}
_MARKERS = ("o", "s", "D", "^")
_NAMES = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)", "loss": "loss (nats)"}
_CLEAR = 0.05

_Looks = Mapping[tuple[float, Members], tuple[str, str]]
"""Colour and marker of each trained share and half of the test task's set."""


def draw_controlled_overlap(
    rows: Iterable[Trained],
    tasks: Sequence[DescribedTask],
    published: Published,
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw score and loss of one model against the overlap, a column for each pair of kinds; below, the printed values.

    A small point is one random choice of neurons: the mean over the test tasks. Bars are intervals of
    `controlled.controlled_summary`.

    Args:
        rows: of `gather_trained`; those of other models are left aside.
        tasks: of the suite.
        published: the rows of `T9`, `T10` and `T11`.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: no overlap of the model was set.
    """
    own = [row for row in rows if (row.suite, row.model) == (suite, model)]
    scores = controlled_scores(own, tasks)
    if not scores:
        raise InputError(f"no overlap of {model} on {suite} was set")
    cells, trends = controlled_summary(own, tasks, published), controlled_trend(own, tasks, published)
    combinations = [pair for pair in COMBINATIONS if any((row.trained, row.tested) == pair for row in cells)]
    percents = sorted({row.percent for row in cells})
    looks: _Looks = {
        (percent, members): (_COLOURS[members], _MARKERS[place % len(_MARKERS)])
        for place, percent in enumerate(percents)
        for members in MEMBERS
    }
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.4,
               label=f"{percent:g} %, {members}-scored half")
        for (percent, members), (colour, marker) in looks.items()
    ]  # fmt: skip
    with sheet(4.6, Words(_title(trends), _caption(model, suite, scores, cells)), paths, dpi, handles) as figure:
        grid = figure.subplots(3, len(combinations), squeeze=False, sharex=True)
        for place, (trained, tested) in enumerate(combinations):
            top, middle, bottom = grid[:, place]
            top.set_title(f"{trained} →\n{tested}", pad=14)
            for axis, metric in ((top, SCORE[tested]), (middle, "loss")):
                wanted = (trained, tested, metric)
                points = [one for one in scores if (one.case.trained, one.case.tested, one.case.metric) == wanted]
                means = [row for row in cells if (row.trained, row.tested, row.metric) == wanted]
                _panel(axis, points, means, looks, places=2 if metric == "loss" else 1)
                axis.set_ylabel(_NAMES[metric])
            table = COMBINATIONS[trained, tested]
            for marker, percent in zip(_MARKERS, percents, strict=False):
                values = printed(published[table], percent)
                bottom.plot([x for x, _ in values], [y for _, y in values], color=BLACK, marker=marker,
                            markersize=3, linewidth=0.9)  # fmt: skip
            bottom.set_title(f"as printed, Table {table[1:]}", fontweight="normal", fontsize=SMALL)
            bottom.set_ylabel(_NAMES[SCORE[tested]])
            bottom.set_xlabel("overlap (% of trained neurons)")
            bottom.grid(axis="y", color="#EBEBEB", linewidth=0.6)
            bottom.set_xlim(0, 108)
            for axis in (top, middle, bottom):
                axis.yaxis.set_major_locator(MaxNLocator(nbins=4))


def _caption(model: str, suite: str, scores: Sequence[Score], cells: Sequence[ControlledRow]) -> str:
    seeds = len({score.seed for score in scores})
    over = "the random choices" if any(row.interval == CHOICES for row in cells) else f"{seeds} seeds"
    counts = {score.n for score in scores}
    rates = sorted({row.learning_rate for row in cells})
    return (
        f"{model}, {suite}. Random neurons, a set share of which lies in the test task's set, trained on the tasks of "
        "a group together, from the pre-trained model; tested on a task that was not trained on, mean over "
        f"{max(row.tasks for row in cells)} such tasks. A score below that of the untrained model is forgetting. "
        "Small points: each choice of neurons"
        + (" and seed" if seeds > 1 else "")
        + f"; bars: 95 % t intervals over {over}. Learning rate {', '.join(rates)}. "
        f"{seeds_in_words(seeds)}, {max(row.choices for row in cells)} choices, "
        f"{min(counts)}{f' to {max(counts)}' if len(counts) > 1 else ''} test examples a task. Bottom row: as printed "
        "(Llama-2-7b). Both halves of a set lie in the same layers; only in their scores do they differ."
    )


def _panel(axis: Axes, scores: Sequence[Score], cells: Sequence[ControlledRow], looks: _Looks, *, places: int) -> None:
    for number, ((percent, members), (colour, marker)) in enumerate(looks.items()):
        # Beside each other, so that the bars of one overlap do not hide each other.
        shift = 2.2 * (number - (len(looks) - 1) / 2)
        choices: dict[tuple[float, int, int], list[float]] = defaultdict(list)
        for score in scores:
            if (score.case.percent, score.case.members) == (percent, members):
                choices[score.overlap, score.seed, score.draw].append(score.value)
        axis.scatter(
            [overlap + shift for overlap, *_ in choices], [fmean(values) for values in choices.values()], s=5,
            color=colour, alpha=0.55, linewidths=0, zorder=2,
        )  # fmt: skip
        means = [
            (row.overlap + shift, row.after, row.low, row.high)
            for row in sorted(cells, key=lambda row: row.overlap)
            if (row.percent, row.members) == (percent, members) and row.after is not None
        ]
        axis.plot([mean[0] for mean in means], [mean[1] for mean in means], color=colour, marker=marker, markersize=4,
                  markeredgecolor="white", markeredgewidth=0.5, linewidth=1.4, zorder=4)  # fmt: skip
        for x, value, low, high in means:
            if low is not None and high is not None:
                axis.errorbar(
                    x, value, yerr=[[value - low], [high - value]], color=colour, elinewidth=0.8, capsize=1.5,
                    capthick=0.8, zorder=3,
                )  # fmt: skip
    untrained = [row.before for row in cells if row.before is not None]
    if untrained:
        # As a line it would take the scale from the overlaps, which differ by far less.
        axis.annotate(
            f"untrained: {untrained[0]:.{places}f}", (1, 1), xycoords="axes fraction", xytext=(0, 2),
            textcoords="offset points", ha="right", va="bottom", fontsize=SMALL, color="#404040",
        )  # fmt: skip
    if not cells:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", va="center", color=GREY)
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _title(trends: Sequence[TrendRow]) -> str:
    parts = []
    for name, wanted in (("score", set(SCORE.values())), ("loss", {"loss"})):
        tested = [row for row in trends if row.metric in wanted and row.p_holm is not None]
        clear = [row.slope for row in tested if (row.p_holm or 0.0) < _CLEAR and row.slope is not None]
        rising, falling = sum(slope > 0 for slope in clear), sum(slope < 0 for slope in clear)
        if tested:
            worse = f", worse in {falling}" if falling else ""
            parts.append(f"{name} better in {rising}{worse} of {len(tested)} cases")
    if not parts:
        return "Scores against the overlap with the test task's neurons"
    return f"With more overlap with the test task's neurons (p < {_CLEAR:g}, Holm): {', '.join(parts)}"


# Jobs


@dataclass(frozen=True)
class PlotSettings:
    """Settings of `plot`.

    Attributes:
        dpi: dots an inch of the PNG.
    """

    dpi: int


def plot(job: Job[PlotSettings]) -> None:
    """Draw scores against the overlap that was set, beside the printed ones."""
    draw_controlled_overlap(
        TRAINED.read(job.inputs.one("rows")),
        described_tasks(job.inputs["tasks"]),
        read_printed(job.inputs["published"]),
        job.outputs["figure"],
        suite=job.suite,
        model=job.model,
        dpi=job.settings.dpi,
    )
