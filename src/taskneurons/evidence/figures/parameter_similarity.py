"""Figure 3 and Table 4 as figures: similarity of parameters by layer, and beside transfer."""

import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch

from taskneurons.errors import InputError
from taskneurons.evidence.similarity import DROP, MEASURES, RISE, Row
from taskneurons.evidence.similarity_correlation import GIVEN, Transfer
from taskneurons.evidence.style import (
    BLACK,
    BLUE,
    GREEN,
    GREY,
    KIND_COLOURS,
    PURPLE,
    SMALL,
    VERMILLION,
    Words,
    by_kind,
    layer_axis,
    say_in_panel,
    sheet,
    shortened,
)

_TRAINED = {
    "all": "a  all models",
    "classification": "b  trained on classification",
    "generation": "c  trained on generation",
}
_UNITS = {"classification": "accuracy gained (points)", "generation": "ROUGE-L gained (points)"}
# Measures of a forest of coefficients, with their colours.
_SHOWN = {"masked_cosine": VERMILLION, "masked_cosine_residual": BLUE, "best_match_excess": GREEN}


def draw_similarity_layers(
    rows: Iterable[Row], paths: Iterable[str | Path], *, suite: str, model: str, dpi: int = 200
) -> None:
    """Draw the similarity of the neurons of training and test tasks by layer, in three groups of models.

    Args:
        rows: of `similarity.read_layer_summary`; those of other models are left aside.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no rows.
    """
    own = [row for row in rows if (row["model"], row["suite"], row["tested"]) == (model, suite, "all")]
    if not own:
        raise InputError(f"no parameters of {model} on {suite} were compared")
    first = own[0]
    told = {row["interval"] for row in own if row["measure"] == "masked_cosine" and row["low"] is not None}
    caption = (
        f"{model}, {suite}; {first['seeds']} seed{'s' if first['seeds'] != 1 else ''}. Each model is tuned as a whole "
        "on one training task; compared are its task's neurons with those of each test task "
        f"({first['percent']:g} % of the {first['selection']} by {first['estimator']} on the pre-trained model). "
        "Upper row: the paper's cosine of masked parameters is an overlap in which neurons count by their norm; black: "
        "that overlap with equal norms, dotted: what chance gives of it. Lower row: what is left beside the overlap. "
        + (f"Bars: {' or '.join(sorted(told))}. " if told else "")
        + "Panels a, b, c are those of Figure 3 of Leng & Xiong 2025."
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=VERMILLION, marker="o", markersize=4, linewidth=1.4, label="masked cosine (the paper's)"),
        Line2D([], [], color=BLACK, linewidth=1.1, linestyle=(0, (4, 1.5)), label="overlap (equal norms)"),
        Line2D([], [], color=BLACK, linewidth=0.9, linestyle=(0, (1.2, 1.2)), label="overlap by chance"),
        Line2D([], [], color=BLUE, marker="s", markersize=3.5, linewidth=1.2, label="masked cosine, overlap taken out"),
        Line2D(
            [],
            [],
            color=GREEN,
            marker="^",
            markersize=4,
            linewidth=1.2,
            label="best match beyond chance, unshared neurons",
        ),
        Line2D([], [], color=PURPLE, marker="v", markersize=4, linewidth=1.2, label="mean vectors, unshared neurons"),
        Line2D([], [], color=GREY, marker="^", markersize=3, linewidth=0.8, label="these two before tuning"),
    ]
    with sheet(3.5, Words(_layers_title(own), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(2, len(_TRAINED), squeeze=False, sharex=True, sharey="row")
        for column, (trained, name) in enumerate(_TRAINED.items()):
            part = [row for row in own if row["trained"] == trained and row["layer"].isdecimal()]
            upper, lower = axes[:, column]
            upper.set_title(name)
            layer_axis(lower)
            lower.axhline(0, color=BLACK, linewidth=0.6)
            if not any(row["value"] is not None for row in part):
                say_in_panel(upper, f"not available: {part[0]['reason'] if part else 'no such models'}")
                for axis in (upper, lower):
                    axis.tick_params(labelleft=False, labelbottom=False)
                continue
            _curve(upper, part, "tuned", "ochiai_chance", BLACK, "", linestyle=(0, (1.2, 1.2)), width=0.9)
            _curve(upper, part, "tuned", "ochiai", BLACK, "", linestyle=(0, (4, 1.5)), width=1.1)
            _curve(upper, part, "tuned", "masked_cosine", VERMILLION, "o", intervals=True)
            for measure, colour, marker in (("best_match_excess", GREEN, "^"), ("mean_cosine_outside", PURPLE, "v")):
                _curve(lower, part, "base", measure, GREY, marker, width=0.8)
                _curve(lower, part, "tuned", measure, colour, marker, intervals=True)
            _curve(lower, part, "tuned", "masked_cosine_residual", BLUE, "s", intervals=True)
        if any(row["value"] is not None for row in own):
            axes[0, 0].set_ylabel("cosine, overlap")
            axes[1, 0].set_ylabel("beside the overlap")
            axes[0, 0].set_ylim(0, None)


def draw_transfer(
    transfers: Sequence[Transfer],
    correlations: Sequence[Row],
    tasks: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw, for each test task, similarity and gain of each model.

    Args:
        transfers: of `similarity_correlation.gather_transfer`.
        correlations: of `similarity_correlation.read_correlations`.
        tasks: of the suite: name, family, kind.
        paths, suite, model, dpi: as for `draw_similarity_layers`.

    Raises:
        InputError: as `draw_similarity_layers`.
    """
    own = [one for one in transfers if (one.facts["model"], one.facts["suite"]) == (model, suite)]
    if not own:
        raise InputError(f"no parameters of {model} on {suite} were compared")
    described = {task["name"]: task for task in tasks}
    headline = own[-1]
    order = [task["name"] for group in by_kind(tasks).values() for task in group if task["name"] in headline.test]
    singles = [one for one in own if one.facts["seed"] != "mean"]
    rows = _of_seed(correlations, suite, model, str(headline.facts["seed"]))
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
    wide = 3
    tall = -(-len(order) // wide)
    with sheet(1.75 * tall, Words(_transfer_title(rows, len(headline.train)), caption), paths, dpi, handles) as figure:
        axes = figure.subplots(tall, wide, squeeze=False)
        for place, axis in enumerate(axes.flat):
            if place >= len(order):
                axis.set_visible(False)
                continue
            task = order[place]
            axis.set_title(shortened(task, 26))
            _scatter(axis, headline, singles, task, described)
            found = [
                row
                for row in rows
                if (row["group"], row["measure"], row["coefficient"]) == (task, "masked_cosine", "pearson")
                and (row["outcome"], row["layers"]) == ("gain", "mean")
            ]
            axis.text(
                0.03, 0.97, "\n".join(textwrap.wrap(_told(found[0]), 36)) if found else "", transform=axis.transAxes,
                va="top", fontsize=SMALL, color="#404040",
            )  # fmt: skip
            axis.set_ylim(*_with_room(axis))
            if place + wide >= len(order):
                axis.set_xlabel("masked cosine")
            if place % wide == 0 or described[order[place - 1]]["kind"] != described[task]["kind"]:
                axis.set_ylabel(_UNITS[described[task]["kind"]])


def draw_correlations(
    correlations: Sequence[Row],
    described: Sequence[Mapping[str, Any]],
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    dpi: int = 200,
) -> None:
    """Draw Table 4: Pearson's correlation of similarity and gain for each test task beside the printed one.

    Args:
        correlations: of `similarity_correlation.read_correlations`.
        described: the tasks of the suite: name, family, kind.
        paths, suite, model, dpi: as for `draw_similarity_layers`.

    Raises:
        InputError: as `draw_similarity_layers`.
    """
    own = [row for row in correlations if (row["model"], row["suite"]) == (model, suite)]
    if not own:
        raise InputError(f"no parameters of {model} on {suite} were compared")
    seeds = list(dict.fromkeys(row["seed"] for row in own))
    rows = _of_seed(own, suite, model, "mean" if "mean" in seeds else seeds[0])
    tested = {row["group"] for row in rows if row["scope"] == "test_task"}
    tasks = [task["name"] for group in by_kind(described).values() for task in group if task["name"] in tested]
    printed = any(row["published"] is not None for row in rows)
    points = max((row["n"] or 0 for row in rows if row["scope"] == "test_task"), default=0)
    caption = (
        f"{model}, {suite}; {_seeds_told(seeds)}. Pearson's r over {points:g} models between a similarity, mean over "
        "layers, and the gain on the test task; bars: 95 % by Fisher's z; filled: exact p < 0.05 (one test). Right: "
        "rank correlation over all pairs of training and test tasks, within test tasks; filled: p < 0.05, labels of "
        "training and of test tasks permuted; “out”: what the kinds of both tasks, then each task's mean, then being "
        "of one family explain is taken out first."
        + (" Published: Table 4 of Leng & Xiong 2025 with the interval that six points give." if printed else "")
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker="o", markersize=4, linewidth=1.2, label=MEASURES[measure])
        for measure, colour in _SHOWN.items()
    ]
    if printed:
        handles.append(
            Line2D([], [], color=BLACK, marker="D", markersize=3.5, markerfacecolor="none", linewidth=0.8,
                   label="published"),
        )  # fmt: skip
    with sheet(0.38 * len(tasks) + 0.7, Words(_forest_title(rows), caption), paths, dpi, handles) as figure:
        left, middle, right = figure.subplots(1, 3, width_ratios=(1, 1, 0.9))
        for axis, outcome, name in ((left, "gain", "score"), (middle, "loss_gain", "loss")):
            _forest(axis, [row for row in rows if row["outcome"] == outcome], tasks)
            axis.set_title(f"{name} gained")
        middle.tick_params(labelleft=False)
        _pooled(right, [row for row in rows if row["scope"] == "pooled" and row["state"] == "tuned"])


def _curve(
    axis: Axes,
    rows: Sequence[Row],
    state: str,
    measure: str,
    colour: str,
    marker: str,
    *,
    linestyle: Any = "-",
    width: float = 1.3,
    intervals: bool = False,
) -> None:
    known = [row for row in rows if (row["state"], row["measure"]) == (state, measure) and row["value"] is not None]
    known.sort(key=lambda row: int(row["layer"]))
    x, y = [int(row["layer"]) for row in known], [row["value"] for row in known]
    axis.plot(x, y, color=colour, marker=marker, markersize=3.5, linewidth=width, linestyle=linestyle)
    for row in known if intervals else ():
        if row["low"] is not None:
            axis.errorbar(
                int(row["layer"]), row["value"], yerr=[[row["value"] - row["low"]], [row["high"] - row["value"]]],
                color=colour, elinewidth=0.9, capsize=1.8, capthick=0.9,
            )  # fmt: skip


def _scatter(
    axis: Axes,
    headline: Transfer,
    singles: Sequence[Transfer],
    task: str,
    described: Mapping[str, Mapping[str, Any]],
) -> None:
    column = headline.test.index(task)
    axis.axhline(0, color=BLACK, linewidth=0.5, linestyle=(0, (2, 2)))
    axis.margins(0.14)
    for place, trained in enumerate(headline.train):
        colour = KIND_COLOURS[described[trained]["kind"]]
        for one in singles if len(singles) > 1 else ():
            axis.plot(
                one.mean("tuned", "masked_cosine")[place, column], one.gains["gain"][place, column], ".", color=colour,
                markersize=3, alpha=0.55,
            )  # fmt: skip
        x, y = headline.mean("tuned", "masked_cosine")[place, column], headline.gains["gain"][place, column]
        axis.plot(x, y, "o", color=colour, markersize=4.5, zorder=3)
        if described[trained]["family"] == described[task]["family"]:
            axis.plot(x, y, "o", markersize=9, markerfacecolor="none", markeredgecolor=BLACK, markeredgewidth=0.8)


def _with_room(axis: Axes) -> tuple[float, float]:
    """Limits with room above the points for a line of text."""
    low, high = axis.get_ylim()
    return low, high + 0.22 * (high - low)


def _forest(axis: Axes, rows: Sequence[Row], tasks: Sequence[str]) -> None:
    axis.axvline(0, color=BLACK, linewidth=0.6)
    for place, task in enumerate(tasks):
        of_task = [
            row
            for row in rows
            if (row["scope"], row["group"], row["layers"], row["coefficient"]) == ("test_task", task, "mean", "pearson")
        ]
        for number, (measure, colour) in enumerate(_SHOWN.items()):
            for row in of_task:
                if row["measure"] == measure and row["value"] is not None:
                    clear = (row["p_value"] or 1.0) < 0.05
                    _interval(
                        axis, place + 0.2 * (number - 1), row["value"], row["low"], row["high"], colour, "o", clear
                    )
        for row in of_task:
            if row["measure"] == "masked_cosine" and row["published"] is not None:
                _interval(
                    axis, place + 0.4, row["published"], row["published_low"], row["published_high"], BLACK, "D", False
                )
    axis.set_yticks(range(len(tasks)), [shortened(task, 20) for task in tasks])
    axis.set_ylim(len(tasks) - 0.4, -0.5)
    axis.set_xlim(-1.05, 1.05)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("Pearson's r")


def _interval(
    axis: Axes, y: float, value: float, low: float | None, high: float | None, colour: str, marker: str, filled: bool
) -> None:
    if low is not None and high is not None:
        axis.plot([low, high], [y, y], color=colour, linewidth=0.9)
    axis.plot(
        value, y, marker, color=colour, markersize=3.5, markerfacecolor=colour if filled else "white",
        markeredgewidth=0.8, zorder=3,
    )  # fmt: skip


def _pooled(axis: Axes, rows: Sequence[Row]) -> None:
    axis.set_title("all pairs of tasks")
    axis.axvline(0, color=BLACK, linewidth=0.6)
    labels = dict(zip(GIVEN, ("", ", kind out", ", + means out", ", + family out"), strict=True))
    places = [(outcome, given) for outcome in ("gain", "loss_gain") for given in labels]
    known = 0
    for row in rows:
        if row["measure"] in _SHOWN and row["value"] is not None:
            y = places.index((row["outcome"], row["given"])) + 0.2 * (list(_SHOWN).index(row["measure"]) - 1)
            colour, clear = _SHOWN[row["measure"]], (row["p_value"] or 1.0) < 0.05
            _interval(axis, y, row["value"], None, None, colour, "o", clear)
            known += 1
    if not known:
        reasons = sorted({row["reason"] for row in rows if row["reason"]})
        say_in_panel(axis, f"not available: {'; '.join(reasons) or 'nothing was tested'}")
        return
    axis.set_yticks(
        range(len(places)),
        [f"{'score' if outcome == 'gain' else 'loss'}{labels[given]}" for outcome, given in places],
    )
    axis.set_ylim(len(places) - 0.4, -0.6)
    axis.set_xlim(-1.05, 1.05)
    axis.tick_params(axis="y", length=0)
    axis.set_xlabel("rank correlation")


def _of_seed(rows: Iterable[Row], suite: str, model: str, seed: str) -> list[Row]:
    return [row for row in rows if (row["suite"], row["model"], str(row["seed"])) == (suite, model, seed)]


def _seeds_told(seeds: Sequence[str]) -> str:
    single = [seed for seed in seeds if seed != "mean"]
    if len(single) == 1:
        return "one seed"
    return f"similarity and gain are means over {len(single)} seeds"


def _told(row: Row) -> str:
    if row["value"] is None:
        return f"not available: {row['reason']}"
    limits = "" if row["low"] is None else f" [{row['low']:.2f}, {row['high']:.2f}]"
    return f"r = {row['value']:.2f}{limits}, p = {row['p_value']:.2f}".replace("-", "−")


def _layers_title(rows: Sequence[Row]) -> str:
    parts = []
    for trained, name in (("all", "all"), ("generation", "generation-trained")):
        steps = {
            row["layer"]: row
            for row in rows
            if (row["state"], row["measure"], row["trained"]) == ("tuned", "masked_cosine", trained)
        }
        if all(steps.get(step, {}).get("value") is not None for step in (RISE, DROP)):
            rise, drop = (f"{steps[step]['value']:+.2f}".replace("-", "−") for step in (RISE, DROP))
            parts.append(f"{name} {rise}, then {drop}")
    if not parts:
        return "Similarity of parameters by layer"
    return f"Masked cosine from the first to the middle layers, then to the last: {'; '.join(parts)}"


def _main(rows: Iterable[Row], measure: str) -> list[Row]:
    """Pearson rows of the test tasks for one similarity, mean over layers, and the gain in score."""
    wanted = ("test_task", measure, "gain", "mean", "pearson")
    names = ("scope", "measure", "outcome", "layers", "coefficient")
    return [row for row in rows if tuple(row[name] for name in names) == wanted and row["value"] is not None]


def _transfer_title(rows: Sequence[Row], models: int) -> str:
    found = _main(rows, "masked_cosine")
    if not found:
        return "Similarity of parameters and transfer"
    low, high = (f"{end(row['value'] for row in found):.2f}".replace("-", "−") for end in (min, max))
    return f"Similarity and gain over {models} models: r from {low} to {high} over {len(found)} test tasks"


def _forest_title(rows: Sequence[Row]) -> str:
    parts = []
    for measure in ("masked_cosine", "best_match_excess"):
        values = [row["value"] for row in _main(rows, measure)]
        if values:
            parts.append(f"{MEASURES[measure]} {np.mean(values):+.2f}".replace("-", "−"))
    return f"Similarity and gain, mean r over test tasks: {'; '.join(parts)}" if parts else "Similarity and gain"
