"""Neurons beside representations: do pairs of tasks that share neurons share representations, and do they transfer?"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.figures.layer_map import GROUP_COLOURS, Maps
from taskneurons.evidence.layers import Row
from taskneurons.evidence.layers_joint import group_of, told_map
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
    seed_words,
    sheet,
    shortened,
)

_RELATIONS = {
    "excess~cka": (BLUE, "o", "neurons ~ representations"),
    "excess~transfer_loss": (ORANGE, "s", "neurons ~ transfer"),
    "cka~transfer_loss": (GREEN, "^", "representations ~ transfer"),
}
_CLEAR = 0.05


def draw_joint(
    joint: Sequence[Row],
    pairs: Sequence[Row],
    maps: Maps,
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
        joint: of `layers_joint.read_joint`; those of other models are left aside.
        pairs: of `layers_joint.read_pairs`.
        maps: of `layers.read_maps`: the groups of layers behind the histogram.
        paths: where to write, `.png` and `.svg`.
        selection: the neurons whose overlap is drawn.
        histogram: the neurons whose layers are drawn.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in joint if (row["model"], row["suite"]) == (model, suite)]
    if not own:
        raise InputError(f"no pairs of tasks of {model} on {suite} were compared")
    tests = [
        row
        for row in own
        if row["measure"] in _RELATIONS and row["given"] == "" and row["selection"] in ("", selection)
    ]
    points = [
        row
        for row in pairs
        if (row["model"], row["suite"], row["selection"]) == (model, suite, selection) and row["layer"]
    ]
    caption = (
        f"{model}, {suite}; {seed_words(own)}. A pair of tasks (s, t): Jaccard index of their neurons in a layer "
        f"({selection}) less chance; CKA of the models tuned on s alone and on t alone, on prompts of t; transfer: "
        "loss of the base on t less that of the model tuned on s (nats a token). Left: Spearman's correlation over "
        f"ordered pairs; filled: p < {_CLEAR:g}, Mantel test over task labels, Holm over layers. Right: share of each "
        f"task's neurons ({histogram}), mean over tasks{_bars(own)}; line: even; colours: groups of the map, which "
        f"says {told_map(_map_of(own, maps, suite, model))}."
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
        _scatter(middle, [row for row in points if row["layer"] == layer], layer)
        shares = [row for row in own if row["measure"] == "neuron_share" and row["selection"] == histogram]
        _histogram(right, shares, _map_of(own, maps, suite, model))


def _correlations(axis: Axes, tests: Sequence[Row]) -> int | None:
    """Correlations by layer; the layer in which neurons and representations go together most."""
    axis.set_title("task pairs, layer by layer")
    axis.axhline(0, color=BLACK, linewidth=0.6)
    strongest: tuple[float, int] | None = None
    drawn = False
    for measure, (colour, marker, _) in _RELATIONS.items():
        rows = [row for row in tests if row["measure"] == measure and row["value"] is not None]
        layers = sorted({row["layer"] for row in rows})
        values = [fmean(row["value"] for row in rows if row["layer"] == layer) for layer in layers]
        axis.plot(layers, values, color=colour, linewidth=1.2)
        for layer, value in zip(layers, values, strict=True):
            p_values = [row["p_holm"] for row in rows if row["layer"] == layer]
            clear = all(p is not None and p < _CLEAR for p in p_values)
            axis.plot(
                layer, value, marker=marker, markersize=4, color=colour, markerfacecolor=colour if clear else "white"
            )
            drawn = True
            if measure == "excess~cka" and (strongest is None or abs(value) > strongest[0]):
                strongest = (abs(value), layer)
    if not drawn:
        say_in_panel(axis, f"not available: {'; '.join(sorted({row['reason'] for row in tests})) or 'no tests'}")
    axis.set_ylabel("rank correlation")
    layer_axis(axis)
    return strongest[1] if strongest else None


def _scatter(axis: Axes, pairs: Sequence[Row], layer: int | None) -> None:
    axis.set_title("pairs" if layer is None else f"pairs in layer {layer}")
    known = [row for row in pairs if row["excess"] is not None and row["cka"] is not None]
    axis.set_xlabel("shared neurons above chance (Jaccard)")
    axis.set_ylabel("CKA of the two models")
    if not known:
        say_in_panel(axis, "not available: no pair has both")
        return
    for same, colour, order in ((False, GREY, 2), (True, VERMILLION, 3)):
        some = [row for row in known if row["same_family"] == same]
        axis.scatter(
            [row["excess"] for row in some], [row["cka"] for row in some], s=7 if same else 4, color=colour,
            alpha=0.9 if same else 0.45, linewidths=0, zorder=order,
        )  # fmt: skip


def _histogram(axis: Axes, shares: Sequence[Row], found: Mapping[str, Any]) -> None:
    axis.set_title("where task neurons lie")
    axis.set_ylabel("share of a task's neurons (%)")
    layer_axis(axis)
    known = [row for row in shares if row["layer"] is not None]
    if not known:
        say_in_panel(axis, f"not available: {'; '.join(sorted({row['reason'] for row in shares})) or 'no neuron sets'}")
        return
    layers = sorted({row["layer"] for row in known})
    for layer in layers:
        at = [row for row in known if row["layer"] == layer]
        value = fmean(row["value"] for row in at)
        axis.bar(
            layer, value, width=0.75, color=GROUP_COLOURS.get(group_of(layer, found), GREY), alpha=0.6, linewidth=0
        )
        if len(at) == 1 and at[0]["low"] is not None:
            axis.errorbar(
                layer, value, yerr=[[value - at[0]["low"]], [at[0]["high"] - value]], color=BLACK, elinewidth=0.9,
                capsize=1.8, capthick=0.9,
            )  # fmt: skip
    axis.axhline(known[0]["expected"], color=BLACK, linewidth=0.9, linestyle=(0, (2, 1.5)))
    axis.set_xlim(layers[0] - 0.6, layers[-1] + 0.6)
    # Room above the bars for the names of the groups.
    axis.set_ylim(0, 1.12 * axis.get_ylim()[1])
    labels = {layer: group_of(layer, found) for layer in layers}
    for group in dict.fromkeys(label for label in labels.values() if label):
        places = [layer for layer in layers if labels[layer] == group]
        axis.text(
            float(np.mean(places)), 0.99, shortened(group), transform=axis.get_xaxis_transform(), ha="center", va="top",
            fontsize=SMALL,
        )  # fmt: skip


def _bars(rows: Sequence[Row]) -> str:
    return " and seeds" if len({row["seed"] for row in rows}) > 1 else " with 95 % t interval over tasks"


def _map_of(rows: Sequence[Row], maps: Maps, suite: str, model: str) -> Mapping[str, Any]:
    seeds = sorted({row["seed"] for row in rows})
    seed = "mean" if len(seeds) > 1 else str(seeds[0])
    return maps.get((model, suite, seed, "experimental", "all", "cka_unbiased"), {})


def _title(tests: Sequence[Row]) -> str:
    parts = []
    for measure, (_, _, label) in _RELATIONS.items():
        rows = [row for row in tests if row["measure"] == measure and row["p_holm"] is not None]
        layers = {row["layer"] for row in rows}
        clear = {layer for layer in layers if all(row["p_holm"] < _CLEAR for row in rows if row["layer"] == layer)}
        if layers:
            parts.append(f"{label.replace('~', 'with')} in {len(clear)} of {len(layers)} layers")
    return f"Clear correlations over task pairs: {', '.join(parts)}" if parts else "Pairs of tasks"
