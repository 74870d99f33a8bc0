"""Similarity of parameters beside transfer: a point is a model, a panel a test task (Leng & Xiong 2025, Table 4)."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, KIND_COLOURS, SMALL, Words, sheet, shortened
from taskneurons.evidence.tasks import DescribedTask, Kind, by_kind
from taskneurons.studies.similarity.correlation import Transfer
from taskneurons.studies.similarity.rows import MEAN, CorrelationRow

_UNITS: dict[Kind, str] = {
    "classification": "accuracy gained (points)",
    "generation": "ROUGE-L gained (points)",
}
_WIDE = 3  # panels side by side


def draw_transfer(
    transfers: Sequence[Transfer],
    correlations: Sequence[CorrelationRow],
    tasks: Sequence[DescribedTask],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw, for each test task, similarity and gain of each model.

    Args:
        transfers: of `correlation.gather_transfer`.
        correlations: of `correlation.correlations`.
        tasks: of the suite.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [one for one in transfers if (one.model, one.suite) == (model, suite)]
    if not own:
        raise InputError(f"no parameters of {model} on {suite} were compared")
    described = {task.name: task for task in tasks}
    headline = own[-1]
    order = [task for group in by_kind(tasks).values() for task in group if task.name in headline.test]
    singles = [one for one in own if one.seed != MEAN]
    rows = {
        row.group: row
        for row in correlations
        if (row.suite, row.model, row.seed) == (suite, model, headline.seed)
        and (row.scope, row.measure, row.coefficient) == ("test_task", "masked_cosine", "pearson")
        and (row.outcome, row.layers) == ("gain", "mean")
    }
    caption = (
        f"{model}, {suite}. A point is a model, tuned as a whole on one training task; "
        "its similarity is the masked cosine of the parameters of that task's neurons with those of the test task, "
        "mean over layers. "
        + (f"Large: mean over {len(singles)} seeds, small: each seed. " if len(singles) > 1 else "One seed. ")
        + "r: Pearson over the models with its 95 % interval (Fisher) and exact p. The training task of the same "
        "family as the test task has a ring."
    )
    handles = [
        Line2D([], [], color=colour, marker="o", markersize=4.5, linestyle="", label=f"trained on {kind}")
        for kind, colour in KIND_COLOURS.items()
    ]
    tall = -(-len(order) // _WIDE)
    words = Words(_title(list(rows.values()), len(headline.train)), caption)
    with sheet(1.75 * tall, words, paths, dpi, handles) as figure:
        axes = figure.subplots(tall, _WIDE, squeeze=False)
        for place, axis in enumerate(axes.flat):
            if place >= len(order):
                axis.set_visible(False)
                continue
            task = order[place]
            axis.set_title(shortened(task.name, 26))
            _scatter(axis, headline, singles, task, described)
            said = "\n".join(textwrap.wrap(_in_words(rows[task.name]), 36)) if task.name in rows else ""
            axis.text(0.03, 0.97, said, transform=axis.transAxes, va="top", fontsize=SMALL, color="#404040")
            low, high = axis.get_ylim()
            # Room above the points for a line of text.
            axis.set_ylim(low, high + 0.22 * (high - low))
            if place + _WIDE >= len(order):
                axis.set_xlabel("masked cosine")
            if place % _WIDE == 0 or order[place - 1].kind != task.kind:
                axis.set_ylabel(_UNITS[task.kind])


def _scatter(
    axis: Axes,
    headline: Transfer,
    singles: Sequence[Transfer],
    task: DescribedTask,
    described: Mapping[str, DescribedTask],
) -> None:
    column = headline.test.index(task.name)
    axis.axhline(0, color=BLACK, linewidth=0.5, linestyle=(0, (2, 2)))
    axis.margins(0.14)
    for place, name in enumerate(headline.train):
        trained = described[name]
        colour = KIND_COLOURS[trained.kind]
        for one in singles if len(singles) > 1 else ():
            axis.plot(
                one.mean("tuned", "masked_cosine")[place, column], one.gains["gain"][place, column], ".", color=colour,
                markersize=3, alpha=0.55,
            )  # fmt: skip
        x, y = headline.mean("tuned", "masked_cosine")[place, column], headline.gains["gain"][place, column]
        axis.plot(x, y, "o", color=colour, markersize=4.5, zorder=3)
        if trained.family == task.family:
            axis.plot(x, y, "o", markersize=9, markerfacecolor="none", markeredgecolor=BLACK, markeredgewidth=0.8)


def _in_words(row: CorrelationRow) -> str:
    if row.value is None:
        return f"not available: {row.reason}"
    limits = "" if row.low is None else f" [{row.low:.2f}, {row.high:.2f}]"
    return f"r = {row.value:.2f}{limits}, p = {row.p_value:.2f}".replace("-", "−")


def _title(rows: Sequence[CorrelationRow], models: int) -> str:
    found = [row.value for row in rows if row.value is not None]
    if not found:
        return "Similarity of parameters and transfer"
    low, high = (f"{end(found):.2f}".replace("-", "−") for end in (min, max))
    return f"Similarity and gain over {models} models: r from {low} to {high} over {len(found)} test tasks"
