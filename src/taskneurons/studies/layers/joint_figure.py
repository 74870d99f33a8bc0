"""Neurons beside representations: do pairs of tasks that share neurons share representations, and do they transfer?"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean

import numpy as np
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
    SMALL,
    VERMILLION,
    Words,
    layer_axis,
    say_in_panel,
    seeds_in_words,
    sheet,
    shortened,
)
from taskneurons.studies.layers.look import GROUP_COLOURS
from taskneurons.studies.layers.maps import group_of, map_in_words, map_of
from taskneurons.studies.layers.rows import JointRow, MapRow, PairRow

_RELATIONS = {
    "excess~cka": (BLUE, "o", "neurons ~ representations"),
    "excess~transfer_loss": (ORANGE, "s", "neurons ~ transfer"),
    "cka~transfer_loss": (GREEN, "^", "representations ~ transfer"),
}
_CLEAR = 0.05


@dataclass(frozen=True)
class JointTables:
    """What the figure is drawn of.

    Attributes:
        joint: correlations and shares.
        pairs: of tasks.
        maps: the groups of layers behind the histogram.
    """

    joint: Sequence[JointRow]
    pairs: Sequence[PairRow]
    maps: Sequence[MapRow]


def draw_joint(
    tables: JointTables,
    paths: Iterable[str | Path],
    *,
    selection: str,
    histogram: str,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw rank correlations over pairs of tasks by layer, the pairs of one layer, and where the task neurons lie.

    Args:
        tables: of all runs; rows of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        selection: the neurons whose overlap is drawn.
        histogram: the neurons whose layers are drawn.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in tables.joint if (row.suite, row.model) == (suite, model)]
    if not own:
        raise InputError(f"no pairs of tasks of {model} on {suite} were compared")
    seeds = {row.seed for row in own}
    found = map_of(tables.maps, suite=suite, model=model, seeds=seeds, role="experimental", scope="all")
    tests = [row for row in own if row.measure in _RELATIONS and row.given == "" and row.selection in ("", selection)]
    grouped = found is not None and found.verdict == "transition"
    intervals = " and seeds" if len(seeds) > 1 else " with 95 % t interval over tasks"
    caption = (
        f"{model}, {suite}; {seeds_in_words(len(seeds))}. A pair of tasks (s, t): Jaccard index of their neurons in a "
        f"layer ({selection}) less chance; CKA of the models tuned on s alone and on t alone, on prompts of t; "
        "transfer: loss of the base on t less that of the model tuned on s (nats a token). Left: Spearman's "
        f"correlation over ordered pairs; filled: p < {_CLEAR:g}, Mantel test over task labels, Holm over layers. "
        "Middle: the layer where neurons and representations correlate most. "
        f"Right: share of each task's neurons ({histogram}), mean over tasks{intervals}; line: even; "
        f"{'colours: groups of the map' if grouped else 'no colours, since the map has no groups'}; it says of "
        f"{'this seed' if len(seeds) == 1 else 'the mean of these seeds'}: {map_in_words(found)}."
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.2, label=label)
        for colour, marker, label in _RELATIONS.values()
    ]
    handles += [
        Line2D([], [], color=VERMILLION, marker="o", markersize=4, linestyle="", label="pair of one family"),
        Line2D([], [], color=GREY, marker="o", markersize=4, linestyle="", label="pair of two families"),
        Line2D([], [], color=BLACK, marker="o", markersize=4, linestyle="", label=f"filled: p < {_CLEAR:g}"),
    ]
    with sheet(2.5, Words(_title(tests), caption), paths, dpi, handles) as figure:
        left, middle, right = figure.subplots(1, 3)
        layer = _correlations(left, tests)
        key = (suite, model, selection, layer)
        pairs = [row for row in tables.pairs if (row.suite, row.model, row.selection, row.layer) == key]
        _scatter(middle, pairs, layer)
        shares = [row for row in own if row.measure == "neuron_share" and row.selection == histogram]
        _histogram(right, shares, found)


def _correlations(axis: Axes, tests: Sequence[JointRow]) -> int | None:
    """Correlations by layer; the layer in which neurons and representations go together most."""
    axis.set_title("task pairs, layer by layer")
    axis.axhline(0, color=BLACK, linewidth=0.6)
    strongest: tuple[float, int] | None = None
    drawn = False
    for measure, (colour, marker, _) in _RELATIONS.items():
        by_layer: dict[int, list[tuple[float, bool]]] = defaultdict(list)
        for row in tests:
            if row.measure == measure and row.layer is not None and row.value is not None:
                by_layer[row.layer].append((row.value, _is_clear(row)))
        means = {layer: fmean(value for value, _ in found) for layer, found in sorted(by_layer.items())}
        axis.plot(list(means), list(means.values()), color=colour, linewidth=1.2)
        for layer, mean in means.items():
            clear = all(clear for _, clear in by_layer[layer])
            axis.plot(
                layer, mean, marker=marker, markersize=4, color=colour, markerfacecolor=colour if clear else "white"
            )
            drawn = True
            if measure == "excess~cka" and (strongest is None or abs(mean) > strongest[0]):
                strongest = (abs(mean), layer)
    if not drawn:
        say_in_panel(axis, f"not available: {'; '.join(sorted({row.reason for row in tests})) or 'no tests'}")
    axis.set_ylabel("rank correlation")
    layer_axis(axis)
    return strongest[1] if strongest else None


def _scatter(axis: Axes, pairs: Sequence[PairRow], layer: int | None) -> None:
    axis.set_title("pairs" if layer is None else f"pairs in layer {layer}")
    known = [(row.excess, row.cka, row.same_family) for row in pairs if row.excess is not None and row.cka is not None]
    axis.set_xlabel("shared neurons above chance (Jaccard)")
    axis.set_ylabel("CKA of the two models")
    if not known:
        say_in_panel(axis, "not available: no pair has both")
        return
    for same, colour, order in ((False, GREY, 2), (True, VERMILLION, 3)):
        some = [(excess, cka) for excess, cka, own in known if own == same]
        axis.scatter(
            [excess for excess, _ in some], [cka for _, cka in some], s=7 if same else 4, color=colour,
            alpha=0.9 if same else 0.45, linewidths=0, zorder=order,
        )  # fmt: skip


def _histogram(axis: Axes, shares: Sequence[JointRow], found: MapRow | None) -> None:
    axis.set_title("where task neurons lie")
    axis.set_ylabel("share of a task's neurons (%)")
    layer_axis(axis)
    by_layer: dict[int, list[JointRow]] = defaultdict(list)
    for row in shares:
        if row.layer is not None:
            by_layer[row.layer].append(row)
    if not by_layer:
        say_in_panel(axis, f"not available: {'; '.join(sorted({row.reason for row in shares})) or 'no neuron sets'}")
        return
    layers = sorted(by_layer)
    groups = {layer: group_of(layer, found) for layer in layers}
    for layer, group in groups.items():
        rows = by_layer[layer]
        value = fmean(row.value for row in rows if row.value is not None)
        colour = GROUP_COLOURS[group] if group else GREY
        axis.bar(layer, value, width=0.75, color=colour, alpha=0.6, linewidth=0)
        low, high = rows[0].low, rows[0].high
        if len(rows) == 1 and low is not None and high is not None:
            axis.errorbar(
                layer, value, yerr=[[value - low], [high - value]], color=BLACK, elinewidth=0.9, capsize=1.8,
                capthick=0.9,
            )  # fmt: skip
    # An even share is the same in every layer.
    even = 100 / len(layers)
    axis.axhline(even, color=BLACK, linewidth=0.9, linestyle=(0, (2, 1.5)))
    axis.set_xlim(layers[0] - 0.6, layers[-1] + 0.6)
    # Room above the bars for the names of the groups.
    axis.set_ylim(0, 1.12 * axis.get_ylim()[1])
    for group in dict.fromkeys(group for group in groups.values() if group):
        places = [layer for layer in layers if groups[layer] == group]
        axis.text(
            float(np.mean(places)), 0.99, shortened(group), transform=axis.get_xaxis_transform(), ha="center", va="top",
            fontsize=SMALL,
        )  # fmt: skip


def _is_clear(row: JointRow) -> bool:
    return row.p_holm is not None and row.p_holm < _CLEAR


def _title(tests: Sequence[JointRow]) -> str:
    parts = []
    for measure, (_, _, label) in _RELATIONS.items():
        rows = [row for row in tests if row.measure == measure and row.p_holm is not None]
        layers = {row.layer for row in rows}
        clear = {layer for layer in layers if all(_is_clear(row) for row in rows if row.layer == layer)}
        if layers:
            parts.append(f"{label.replace('~', 'with')} in {len(clear)} of {len(layers)} layers")
    return f"Clear correlations over task pairs: {', '.join(parts)}" if parts else "Pairs of tasks"
