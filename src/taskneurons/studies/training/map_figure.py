"""The map of the grid: in which share, rate and step own neurons are ahead of random ones, and where the sign turns."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import LinearSegmentedColormap

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, BLUE, NORMAL, SMALL, VERMILLION, Words, seeds_in_words, sheet, signed
from taskneurons.evidence.tasks import KINDS, MEANS, SCORE
from taskneurons.studies.training.rows import CurveRow

# White is no difference; both ends keep black numbers readable.
DIVERGING = LinearSegmentedColormap.from_list("ahead", [BLUE, "#FFFFFF", VERMILLION])


def draw_map(rows: Iterable[CurveRow], paths: Iterable[str | Path], *, dpi: int = 200) -> None:
    """Draw own less random neurons in every cell and at every reading, scores beside losses, a line of panels a kind.

    A black line parts two neighbouring readings of a cell between which the sign turns. A reading that cannot decide
    stands in brackets, on grey.

    Args:
        rows: of one run.
        paths: where to write, `.png` and `.svg`.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: there are no rows.
    """
    chosen = [row for row in rows if row.task in MEANS.values() and (row.condition, row.against) == ("task", "random")]
    if not chosen:
        raise InputError("own and random neurons were not trained in one cell", where="map")
    kinds = [kind for kind in KINDS if any(row.kind == kind for row in chosen)]
    cells = sorted({(row.percent, row.learning_rate) for row in chosen})
    readings = sorted({row.steps for row in chosen})
    first = chosen[0]
    words = Words(
        "Own neurons less random neurons of the same layers, after each number of steps, by share and learning rate",
        f"{first.model}, {first.suite}, neurons by {first.estimator}. Orange: own neurons are ahead, blue: behind; "
        "black line: the sign turns between two readings. Losses: + is lower, nats. In brackets, on grey: random "
        "neurons already reach the best that anything reaches, or neither own neurons nor the whole model have learned "
        f"yet; such a reading decides nothing. Mean over tasks and {seeds_in_words(first.seeds)}.",
    )
    with sheet(len(kinds) * (0.21 * len(cells) + 0.55), words, paths, dpi) as figure:
        axes = figure.subplots(len(kinds), 2, squeeze=False)
        for line, kind in zip(axes, kinds, strict=True):
            for axis, metric in zip(line, (SCORE[kind], "loss"), strict=True):
                own = [row for row in chosen if (row.kind, row.metric) == (kind, metric)]
                _panel(axis, own, cells, readings)
                axis.set_title(f"{kind}, {'accuracy' if metric == 'accuracy' else metric.replace('rougeL', 'ROUGE-L')}")
            line[0].set_ylabel("share, learning rate")
            line[1].set_yticks([])
        for axis in axes[-1]:
            axis.set_xlabel("steps")


def _panel(axis: Axes, rows: Sequence[CurveRow], cells: Sequence[tuple[float, float]], readings: Sequence[int]) -> None:
    values = np.full((len(cells), len(readings)), np.nan)
    decides = np.zeros(values.shape, dtype=bool)
    for row in rows:
        at = cells.index((row.percent, row.learning_rate)), readings.index(row.steps)
        values[at] = np.nan if row.difference is None else row.difference
        decides[at] = row.decides
    shown = np.abs(values[np.isfinite(values) & decides])
    highest = max(float(shown.max()) if shown.size else 0.0, 1e-6)
    digits = 1 if highest > 2 else 2 if highest > 0.05 else 3
    axis.imshow(
        np.where(decides, values, np.nan), cmap=DIVERGING.with_extremes(bad="#E6E6E6"), vmin=-highest, vmax=highest,
        aspect="auto", interpolation="nearest",
    )  # fmt: skip
    for (line, column), value in np.ndenumerate(values):
        if not np.isfinite(value):
            continue
        text = signed(float(value), digits)
        near = decides[line, column] and abs(value) > 0.75 * highest
        axis.text(
            column, line, text if decides[line, column] else f"({text})", ha="center", va="center", fontsize=SMALL,
            color="white" if near else BLACK,
        )  # fmt: skip
        after = values[line, column + 1] if column + 1 < len(readings) else np.nan
        if np.isfinite(after) and value * after < 0:
            axis.plot([column + 0.5] * 2, [line - 0.5, line + 0.5], color=BLACK, linewidth=1.6)
    axis.set_xticks(range(len(readings)), [str(steps) for steps in readings])
    axis.set_yticks(range(len(cells)), [f"{percent:g} %, {rate:g}" for percent, rate in cells], fontsize=SMALL)
    axis.tick_params(length=0)
    axis.xaxis.label.set_fontsize(NORMAL)
