"""The map of the layers (Z2) and unseen tasks (Z4): where tuning on many tasks makes a model like those of one task."""

import textwrap
from collections.abc import Iterable, Sequence
from pathlib import Path

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.evidence.style import BLACK, SMALL, Words, layer_axis, say_in_panel, sheet
from taskneurons.measures.stats import t_interval
from taskneurons.studies.layers.curves import family_means, gain_curves, role_curves, tasks_of_scope
from taskneurons.studies.layers.look import GROUP_COLOURS, ROLE_COLOURS, compared_rows, over_seeds
from taskneurons.studies.layers.maps import group_of, map_in_words, map_of
from taskneurons.studies.layers.rows import SCOPES, ComparedRow, MapRow

_TITLES = {
    ("experimental", "all"): "tuned on all tasks",
    ("held_out", "seen"): "held-out model, seen tasks",
    ("held_out", "unseen"): "held-out model, unseen tasks",
}


def draw_layer_map(
    rows: Iterable[ComparedRow],
    maps: Sequence[MapRow],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw CKA(tuned, C_t) - CKA(base, C_t) by layer with the groups of layers that were found, or that none was.

    Args:
        rows: of all runs; those of other models are left aside.
        maps: of all runs.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = compared_rows(rows, suite=suite, model=model)
    seeds = sorted({row.seed for row in own})
    families = {row.task: row.family for row in own}
    curves = role_curves(own, "cka_unbiased")
    by_seed = [role_curves(own, "cka_unbiased", seed=seed) for seed in seeds] if len(seeds) > 1 else []
    found = {
        scope: map_of(maps, suite=suite, model=model, seeds=seeds, role=role, scope=scope) for role, scope in SCOPES
    }
    borders = any(one and (one.shared_low is not None or one.refinement_low is not None) for one in found.values())
    caption = (
        f"{model}, {suite}. Unbiased CKA with the model tuned on the task alone, less that of the base; "
        f"{over_seeds(own)}. Thin: a task; thick: mean over families of tasks with its 95 % t interval"
        f"{'; dashed: the same mean with one seed' if by_seed else ''}. Groups of layers by the best ramp (flat, "
        "straight up, flat) of the mean, where it fits better than every smooth monotone curve: p of the border; "
        "power: how often a border of this height would be found. "
        f"{'Bars at the top: 95 % of resampled sets of families have the border there. ' if borders else ''}"
        "A task is unseen when the held-out model was not tuned on it."
        f"{_seeds_alone(maps, suite, model, seeds)}"
    )
    title = f"Likeness to models of one task, tuned less base, by layer: {map_in_words(found['all'])}"
    shown = {group_of(layer, one) for one in found.values() for layer in range(1 + (one.layers if one else 0))}
    handles: list[Line2D | Patch] = [
        Patch(color=colour, alpha=0.25, linewidth=0, label=group)
        for group, colour in GROUP_COLOURS.items()
        if group in shown
    ]
    if handles:
        handles.append(Line2D([], [], color=BLACK, linewidth=2.2, solid_capstyle="butt", label="interval of a border"))
    with sheet(2.5, Words(title, caption), paths, dpi, handles) as figure:
        axes = figure.subplots(1, len(SCOPES), squeeze=False, sharey=True)[0]
        for axis, (role, scope) in zip(axes, SCOPES, strict=True):
            tasks, own_map = tasks_of_scope(own, scope), found[scope]
            layers, gains = gain_curves(curves, role, tasks)
            axis.set_title(f"{_TITLES[role, scope]} ({len(tasks)})", fontsize=SMALL)
            layer_axis(axis)
            if not layers or not tasks:
                reason = own_map.reason if own_map else ""
                say_in_panel(axis, f"not available: {reason or 'nothing was measured'}")
                continue
            colour = ROLE_COLOURS[role]
            _panel(axis, layers, gains, family_means(gains, tasks, families), colour)
            for one in by_seed:
                own_layers, own_gains = gain_curves(one, role, tasks)
                mean = np.nanmean(family_means(own_gains, tasks, families), axis=0)
                axis.plot(own_layers, mean, color=colour, linewidth=0.9, linestyle="--")
            _groups(axis, layers, own_map)
        axes[0].set_ylabel("CKA above the base's")
        # Room below the curves for the words.
        low, high = axes[0].get_ylim()
        axes[0].set_ylim(low - 0.25 * (high - low), high + 0.06 * (high - low))


def _seeds_alone(maps: Sequence[MapRow], suite: str, model: str, seeds: Sequence[int]) -> str:
    """What the map of each seed says of all tasks, since the title is that of their mean."""
    if len(seeds) < 2:
        return ""
    alone = [map_of(maps, suite=suite, model=model, seeds=[seed], role="experimental", scope="all") for seed in seeds]
    return f" Of single seeds, all tasks: {'; '.join(map_in_words(one) for one in alone)}."


def _panel(axis: Axes, layers: list[int], gains: np.ndarray, means: np.ndarray, colour: str) -> None:
    axis.axhline(0, color=BLACK, linewidth=0.6)
    for gain in gains:
        axis.plot(layers, gain, color=colour, linewidth=0.5, alpha=0.35)
    intervals = [t_interval(column[np.isfinite(column)].tolist()) for column in means.T]
    axis.plot(layers, np.nanmean(means, axis=0), color=colour, linewidth=1.8, marker="o", markersize=3)
    # One family has no interval; NaN leaves its layer out of the band.
    low, high = (
        [np.nan if value is None else value for value in (getattr(one, side) for one in intervals)]
        for side in ("low", "high")
    )
    axis.fill_between(layers, low, high, color=colour, alpha=0.25, linewidth=0)


def _groups(axis: Axes, layers: list[int], found: MapRow | None) -> None:
    """Bands of the groups with the intervals of their borders above them, or words."""
    for layer in layers:
        if group := group_of(layer, found):
            axis.axvspan(layer - 0.5, layer + 0.5, color=GROUP_COLOURS[group], alpha=0.25, linewidth=0, zorder=0)
    borders = [] if found is None else [
        (0.985, found.shared_low, found.shared_high), (0.955, found.refinement_low, found.refinement_high),
    ]  # fmt: skip
    for height, low, high in borders:
        if low is not None and high is not None:
            axis.plot(
                [low - 0.12, high + 0.12], [height, height], color=BLACK, linewidth=2.2, solid_capstyle="butt",
                transform=axis.get_xaxis_transform(),
            )  # fmt: skip
    axis.text(
        0.03, 0.03, "\n".join(textwrap.wrap(map_in_words(found), 32)), transform=axis.transAxes, va="bottom",
        fontsize=SMALL, bbox={"facecolor": "white", "alpha": 0.75, "edgecolor": "none", "pad": 1.5},
    )  # fmt: skip
    axis.set_xlim(layers[0] - 0.5, layers[-1] + 0.5)
