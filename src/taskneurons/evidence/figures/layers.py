"""In which layers the neurons of each task lie."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.style import BLACK, KIND_COLOURS, SMALL, Words, by_kind, sheet, shortened
from taskneurons.evidence.tidy import Row

_COLUMNS = 4


def draw_layers(
    rows: Iterable[Row],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    estimator: str,
    percent: float,
    dpi: int = 200,
) -> None:
    """Draw, for each task, the share of its set in every layer: bars for the selection over the whole model, a line for
    the selection within layers. Bars are means over seeds, dots the single seeds.

    Args:
        rows: of `neuron_table`; those of other models, estimators and percentages are left aside.
        tasks: of the suite: name, family, kind.
        paths: where to write, `.png` and `.svg`.
        suite, model, estimator, percent: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: no row belongs to the asked sets.
    """
    # selection -> task -> seed -> layer -> share
    shares: dict[str, dict[str, dict[int, dict[int, float]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(dict))
    )
    for row in rows:
        if (row["suite"], row["model"], row["estimator"], row["metric"]) == (
            suite,
            model,
            estimator,
            "layer_share",
        ) and (row["percent"] == percent):
            shares[row["selection"]][row["train_task"]][row["seed"]][row["layer"]] = row["value"]
    drawn = {task for by_task in shares.values() for task in by_task}
    ordered = [task for group in by_kind(tasks).values() for task in group if task["name"] in drawn]
    if not ordered:
        raise InputError(f"no sets to draw for {model} on {suite}: {estimator}, {percent:g} %")
    means = {
        selection: {
            task: np.mean([[layers[i] for i in sorted(layers)] for layers in seeds.values()], axis=0)
            for task, seeds in by_task.items()
        }
        for selection, by_task in shares.items()
    }
    depth = max(len(mean) for by_task in means.values() for mean in by_task.values())
    seeds = len({seed for by_task in shares.values() for s in by_task.values() for seed in s})
    caption = (
        f"{model}, {suite}. The top {percent:g} % by {estimator}; share of each set in every layer, layer 0 is nearest "
        f"to the input. Mean over {seeds} seed{'s' if seeds > 1 else ''}"
        + (", small dots: each seed" if seeds > 1 else "")
        + "; no interval is drawn."
    )
    wide = min(_COLUMNS, len(ordered))
    tall = -(-len(ordered) // wide)
    handles: list[Patch | Line2D] = []
    if "model" in means:
        handles += [
            Patch(color=KIND_COLOURS[kind], alpha=0.55, linewidth=0, label=f"{kind}, ranked over the model")
            for kind in by_kind(ordered)
        ]
    if "layer" in means:
        handles.append(Line2D([], [], color=BLACK, linewidth=0.9, label="ranked within each layer"))
    with sheet(0.95 * tall + 0.35, Words(_title(means, depth), caption), paths, dpi, handles) as figure:
        grid = figure.subplots(tall, wide, squeeze=False, sharex=True, sharey=True)
        for place, axis in enumerate(grid.flat):
            if place >= len(ordered):
                axis.set_visible(False)
                continue
            task = ordered[place]
            name, colour = task["name"], KIND_COLOURS[task["kind"]]
            if name in means.get("model", {}):
                axis.bar(range(depth), means["model"][name], width=0.8, color=colour, alpha=0.55, linewidth=0)
                if seeds > 1:
                    for layers in shares["model"][name].values():
                        axis.plot(
                            sorted(layers), [layers[i] for i in sorted(layers)], ".", color=colour, markersize=2.5
                        )
            if name in means.get("layer", {}):
                axis.step(
                    np.arange(-1, depth + 1), np.pad(means["layer"][name], 1, mode="edge"), where="mid", color=BLACK,
                    linewidth=0.9,
                )  # fmt: skip
            axis.set_title(shortened(name, 24), fontsize=SMALL, fontweight="normal")
            axis.set_xlim(-0.6, depth - 0.4)
            axis.set_ylim(0, None)
            axis.xaxis.set_major_locator(MaxNLocator(integer=True, nbins=6))
            axis.yaxis.set_major_locator(MaxNLocator(nbins=3))
            # A panel with none below it carries the axis of its column.
            axis.tick_params(labelbottom=place + wide >= len(ordered))
            if place + wide >= len(ordered):
                axis.set_xlabel("layer")
            if place % wide == 0:
                axis.set_ylabel("share (%)")


def _title(means: Mapping[str, Mapping[str, np.ndarray]], depth: int) -> str:
    if "model" not in means:
        return f"Sets ranked within each layer take the same share of each of the {depth} layers"
    average = np.mean(list(means["model"].values()), axis=0)
    fullest = int(average.argmax())
    return (
        f"Ranked over the model, {average[fullest]:.0f} % of a task's neurons lie in layer {fullest} "
        f"(an even share is {100 / depth:.0f} %)"
    )
