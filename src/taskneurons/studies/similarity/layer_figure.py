"""Figure 3 of Leng & Xiong 2025: similarity of parameters by layer, beside what overlap and chance explain of it."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    PURPLE,
    VERMILLION,
    Words,
    layer_axis,
    say_in_panel,
    seeds_in_words,
    sheet,
)
from taskneurons.studies.similarity.rows import DROP, RISE, Group, LayerRow, State

_TRAINED: dict[Group, str] = {
    "all": "a  all models",
    "classification": "b  trained on classification",
    "generation": "c  trained on generation",
}
_DASHED, _DOTTED = (0, (4, 1.5)), (0, (1.2, 1.2))
_Dashes = str | tuple[int, tuple[float, float]]


@dataclass(frozen=True)
class _Curve:
    """How the curve of one measure looks.

    Attributes:
        measure, state: which rows.
        colour, marker, dashes, width: of its line.
        intervals: whether bars are drawn.
    """

    measure: str
    state: State
    colour: str
    marker: str = ""
    dashes: _Dashes = "-"
    width: float = 1.3
    intervals: bool = False


_UPPER = (
    _Curve("ochiai_chance", "tuned", BLACK, dashes=_DOTTED, width=0.9),
    _Curve("ochiai", "tuned", BLACK, dashes=_DASHED, width=1.1),
    _Curve("masked_cosine", "tuned", VERMILLION, "o", intervals=True),
)
_LOWER = (
    _Curve("best_match_excess", "base", GREY, "^", width=0.8),
    _Curve("best_match_excess", "tuned", GREEN, "^", intervals=True),
    _Curve("mean_cosine_outside", "base", GREY, "v", width=0.8),
    _Curve("mean_cosine_outside", "tuned", PURPLE, "v", intervals=True),
    _Curve("masked_cosine_residual", "tuned", BLUE, "s", intervals=True),
)


def draw_similarity_layers(
    rows: Iterable[LayerRow], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw the similarity of the neurons of training and test tasks by layer, in three groups of models.

    Args:
        rows: of `tables.layer_summary`; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in rows if (row.model, row.suite, row.tested) == (model, suite, "all")]
    if not own:
        raise InputError(f"no parameters of {model} on {suite} were compared")
    first = own[0]
    intervals = {row.interval for row in own if row.measure == "masked_cosine" and row.low is not None}
    caption = (
        f"{model}, {suite}; {seeds_in_words(first.seeds)}. Each model is tuned as a whole "
        "on one training task; compared are its task's neurons with those of each test task "
        f"({first.percent:g} % of the {first.selection} by {first.estimator} on the pre-trained model). "
        "Upper row: the paper's cosine of masked parameters is an overlap in which neurons count by their norm; black: "
        "that overlap with equal norms, dotted: what chance gives of it. Lower row: what is left beside the overlap. "
        + (f"Bars: {' or '.join(sorted(intervals))}. " if intervals else "")
        + "Panels a, b, c are those of Figure 3 of Leng & Xiong 2025."
    )
    with sheet(3.5, Words(_title(own), caption), paths, dpi, _handles()) as figure:
        axes = figure.subplots(2, len(_TRAINED), squeeze=False, sharex=True, sharey="row")
        for column, (trained, name) in enumerate(_TRAINED.items()):
            part = [row for row in own if row.trained == trained and isinstance(row.layer, int)]
            upper, lower = axes[:, column]
            upper.set_title(name)
            layer_axis(lower)
            lower.axhline(0, color=BLACK, linewidth=0.6)
            if not any(row.value is not None for row in part):
                say_in_panel(upper, f"not available: {part[0].reason if part else 'no such models'}")
                for axis in (upper, lower):
                    axis.tick_params(labelleft=False, labelbottom=False)
                continue
            for axis, curves in ((upper, _UPPER), (lower, _LOWER)):
                for curve in curves:
                    _draw(axis, part, curve)
        if any(row.value is not None for row in own):
            axes[0, 0].set_ylabel("cosine, overlap")
            axes[1, 0].set_ylabel("beside the overlap")
            axes[0, 0].set_ylim(0, None)


def _handles() -> list[Line2D | Patch]:
    def line(label: str, colour: str, marker: str, size: float = 4, width: float = 1.2) -> Line2D:
        return Line2D([], [], color=colour, marker=marker, markersize=size, linewidth=width, label=label)

    return [
        line("masked cosine (the paper's)", VERMILLION, "o", width=1.4),
        Line2D([], [], color=BLACK, linewidth=1.1, linestyle=_DASHED, label="overlap (equal norms)"),
        Line2D([], [], color=BLACK, linewidth=0.9, linestyle=_DOTTED, label="overlap by chance"),
        line("masked cosine, overlap taken out", BLUE, "s", size=3.5),
        line("best match beyond chance, unshared neurons", GREEN, "^"),
        line("mean vectors, unshared neurons", PURPLE, "v"),
        line("these two before tuning", GREY, "^", size=3, width=0.8),
    ]


def _draw(axis: Axes, rows: Sequence[LayerRow], curve: _Curve) -> None:
    known = [row for row in rows if (row.state, row.measure) == (curve.state, curve.measure)]
    points = [
        (row.layer, row.value, row.low, row.high)
        for row in sorted(known, key=lambda row: int(row.layer))
        if row.value is not None
    ]
    axis.plot(
        [layer for layer, *_ in points], [value for _, value, *_ in points], color=curve.colour, marker=curve.marker,
        markersize=3.5, linewidth=curve.width, linestyle=curve.dashes,
    )  # fmt: skip
    for layer, value, low, high in points if curve.intervals else ():
        if low is not None and high is not None:
            axis.errorbar(
                layer, value, yerr=[[value - low], [high - value]], color=curve.colour, elinewidth=0.9, capsize=1.8,
                capthick=0.9,
            )  # fmt: skip


def _title(rows: Sequence[LayerRow]) -> str:
    steps = {
        (row.trained, row.layer): row.value
        for row in rows
        if (row.state, row.measure) == ("tuned", "masked_cosine") and row.value is not None
    }
    parts = []
    names: dict[Group, str] = {"all": "all", "generation": "generation-trained"}
    for trained, name in names.items():
        if (trained, RISE) in steps and (trained, DROP) in steps:
            rise, drop = (f"{steps[trained, step]:+.2f}".replace("-", "−") for step in (RISE, DROP))
            parts.append(f"{name} {rise}, then {drop}")
    if not parts:
        return "Similarity of parameters by layer"
    return f"Masked cosine from the first to the middle layers, then to the last: {'; '.join(parts)}"
