"""Figures 2 and 6 of Leng & Xiong 2025: scores while a growing share of the neurons is trained."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from statistics import fmean

from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import MaxNLocator

from taskneurons.errors import InputError
from taskneurons.evidence.figures.training import Measure
from taskneurons.evidence.proportion import Groups, placed, proportion_summary, proportion_trend, rates_of
from taskneurons.evidence.style import BLACK, GREY, SMALL, VERMILLION, Words, sheet, signed
from taskneurons.evidence.tables import SCORE
from taskneurons.evidence.tuned import GROUPS, Row
from taskneurons.measures.stats import MINIMUM_SEEDS

_LOOK = {"random": (GREY, "o", "random neurons"), "task": (VERMILLION, "D", "the tasks' own neurons")}
_KINDS = {"CLS": "classification", "GEN": "generation"}
_NAMES = {"accuracy": "accuracy (%)", "rougeL": "ROUGE-L (%)", "loss": "loss (nats)"}


def draw_proportion(
    rows: Iterable[Row],
    groups: Groups,
    paths: Iterable[str | Path],
    *,
    suite: str,
    model: str,
    how: str,
    measure: Measure = "score",
    dpi: int = 200,
) -> None:
    """Draw the mean score, or loss, of each scope against the share of the trained neurons; one row a trained group.

    Thin lines are the single seeds, with one seed the single tasks. The band is the interval of the gain over the
    untrained model (`proportion.proportion_summary`), cut at the edge of a panel.

    Args:
        rows: of `tuned.gather_tuned`; those of other models are left aside.
        groups: tasks by suite and group.
        paths: where to write, `.png` and `.svg`.
        suite, model: which rows.
        how: `joint` (Figure 2) or `single` (Figure 6).
        measure: accuracy and ROUGE-L, or the loss.
        dpi: dots an inch of the PNG.

    Raises:
        InputError: the model has no such rows.
    """
    own = [row for row in rows if (row["suite"], row["model"]) == (suite, model)]
    wanted = {*SCORE.values()} if measure == "score" else {"loss"}
    shown = [row for row in placed(own, groups) if row["how"] == how and row["metric"] in wanted]
    if not shown:
        raise InputError(f"no {how} training of {model} on {suite} has a {measure}")
    cells = [row for row in proportion_summary(own, groups) if row["how"] == how and row["metric"] in wanted]
    trends = [row for row in proportion_trend(own, groups) if row["how"] == how and row["metric"] in wanted]
    trained = [group for group in GROUPS if any(row["trained"] == group for row in shown)]
    seeds = len({row["seed"] for row in shown})
    draws = max((row["draws"] for row in cells if row["condition"] == "random"), default=0)
    thin = "seed" if seeds > 1 else ("tested task" if how == "joint" else "trained task")
    caption = (
        f"{model}, {suite}. Trained from the pre-trained model, all else frozen. "
        + (
            "Joint: the union of the neurons of a group's tasks on their mixed data; in brackets its true share. "
            if how == "joint"
            else "Single: each task's neurons on its own data; mean over the tasks of the group. "
        )
        + "ID: the tasks that were trained on; OOD: tasks that only test. "
        + f"{seeds} seed{'s' if seeds > 1 else ''}"
        + (f", {draws} random draws" if draws else "")
        + f", {_range({row['n'] for row in shown})} test examples a task. Thin: each {thin}. Band: 95 % t interval of "
        f"the gain of the tasks' own neurons over {'seeds' if seeds >= MINIMUM_SEEDS else 'tasks'}. ρ: mean rank "
        "correlation with the share of their own neurons; p: permutation of the shares among models, each test by "
        f"itself. Learning rate, one for all shares, by validation: {rates_of(shown)}. "
        + (
            "Random neurons lie outside the tasks' own as long as enough of a layer do; at large shares they overlap "
            "them, and the difference shrinks by construction. "
            if draws
            else ""
        )
        + "The paper prints no numbers."
    )
    handles: list[Line2D | Patch] = [
        Line2D([], [], color=colour, marker=marker, markersize=4, linewidth=1.6, label=label)
        for colour, marker, label in (_LOOK["task"], _LOOK["random"])
    ]
    handles.append(Line2D([], [], color=BLACK, linewidth=1.1, linestyle=(0, (4, 2)), label="untrained"))
    with sheet(1.75 * len(trained) + 0.25, Words(_title(trends, how, measure), caption), paths, dpi, handles) as figure:
        grid = figure.subplots(len(trained), 3, squeeze=False)
        for line, group in zip(grid, trained, strict=True):
            short = "CLS" if group == "classification" else "GEN"
            other = "GEN" if short == "CLS" else "CLS"
            for place, (axis, scope) in enumerate(
                zip(line, (f"ID-{short}", f"OOD-{short}", f"OOD-{other}"), strict=True)
            ):
                match = {"trained": group, "scope": scope}
                of = [[row for row in some if _matches(row, match)] for some in (shown, cells, trends)]
                axis.set_title(scope)
                name = _NAMES[SCORE[_KINDS[scope.split("-")[1]]] if measure == "score" else "loss"]
                axis.set_ylabel(name if place else f"{group} trained\n{name}")
                _panel(axis, *of, thin=thin, better=-1.0 if measure == "loss" else 1.0)
        for axis in grid[-1]:
            axis.set_xlabel("neurons trained (%)")


def _matches(row: Row, wanted: Mapping[str, str]) -> bool:
    return all(row[column] == value for column, value in wanted.items())


def _panel(
    axis: Axes, rows: Sequence[Row], cells: Sequence[Row], trends: Sequence[Row], *, thin: str, better: float
) -> None:
    percents = sorted({row["percent"] for row in rows})
    if not percents:
        axis.text(0.5, 0.5, "not measured", transform=axis.transAxes, ha="center", va="center", color=GREY)
        axis.set_yticks([])
        axis.set_xticks([])
        return
    # Shares lie close together at the lower end: equal steps keep their labels apart.
    places = {percent: place for place, percent in enumerate(percents)}
    zero_shot = cells[0]["zero_shot"]
    if zero_shot is not None:
        axis.axhline(zero_shot, color=BLACK, linewidth=1.1, linestyle=(0, (4, 2)), zorder=3)
    for condition, (colour, marker, _) in _LOOK.items():
        for line in _thin_lines([row for row in rows if row["condition"] == condition], thin).values():
            axis.plot([places[p] for p in sorted(line)], [line[p] for p in sorted(line)], color=colour, linewidth=0.5,
                      alpha=0.45, zorder=2)  # fmt: skip
        means = sorted((row for row in cells if row["condition"] == condition), key=lambda row: row["percent"])
        xs = [places[row["percent"]] for row in means]
        axis.plot(xs, [row["value"] for row in means], color=colour, linewidth=1.6, marker=marker, markersize=4,
                  markeredgecolor="white", markeredgewidth=0.5, zorder=4)  # fmt: skip
    # The panel shows what was measured; an interval over three tasks may reach far beyond it.
    axis.margins(0.08)
    limits = axis.get_ylim()
    banded = sorted(
        (row for row in cells if row["condition"] == "task" and row["gain_low"] is not None),
        key=lambda row: row["percent"],
    )
    halves = [(row["gain_high"] - row["gain_low"]) / 2 for row in banded]
    axis.fill_between(
        [places[row["percent"]] for row in banded],
        [row["value"] - half for row, half in zip(banded, halves, strict=True)],
        [row["value"] + half for row, half in zip(banded, halves, strict=True)],
        color=VERMILLION, alpha=0.12, linewidth=0, zorder=1,
    )  # fmt: skip
    axis.set_ylim(limits)
    shares = {row["percent"]: row["share"] for row in cells if row["condition"] == "task"}
    axis.set_xticks(list(places.values()), [_tick(percent, shares.get(percent)) for percent in percents])
    told = next((row for row in trends if row["condition"] == "task" and row["p_value"] is not None), None)
    if told:
        # Adding zero takes the sign from a zero.
        correlation = f"{round(better * told['correlation'], 2) + 0.0:+.2f}".replace("-", "−")
        axis.annotate(
            f"ρ = {correlation}, p = {told['p_value']:.2g}", (1, 1), xycoords="axes fraction", xytext=(0, 3),
            textcoords="offset points", ha="right", va="bottom", fontsize=SMALL, color=VERMILLION,
        )  # fmt: skip
    axis.yaxis.set_major_locator(MaxNLocator(nbins=5))
    axis.grid(axis="y", color="#EBEBEB", linewidth=0.6)
    axis.set_axisbelow(True)


def _thin_lines(rows: Iterable[Row], thin: str) -> dict[object, dict[float, float]]:
    """For each seed or task the mean at each share."""
    column = {"seed": "seed", "tested task": "test_task", "trained task": "train_task"}[thin]
    values: dict[object, dict[float, list[float]]] = defaultdict(lambda: defaultdict(list))
    for row in rows:
        values[row[column]][row["percent"]].append(row["value"])
    return {line: {percent: fmean(some) for percent, some in points.items()} for line, points in values.items()}


def _tick(percent: float, share: float | None) -> str:
    beside = share is not None and abs(share - percent) >= 0.5
    return f"{percent:g}\n({share:.0f})" if beside else f"{percent:g}"


def _range(counts: set[int]) -> str:
    return f"{min(counts)}" if len(counts) == 1 else f"{min(counts)} to {max(counts)}"


def _title(trends: Sequence[Row], how: str, measure: Measure) -> str:
    parts: dict[str, list[str]] = defaultdict(list)
    shares = set()
    for row in trends:
        if row["condition"] == "task":
            change = row["change"] if measure == "score" else -row["change"]
            told = signed(change) if measure == "score" else f"{change:+.2f}".replace("-", "−")
            # A hyphen at which the title is not broken.
            parts[row["trained"]].append(f"{row['scope'].replace('-', '‑')} {told}")
            shares.add((row["first_percent"], row["last_percent"]))
    if len(shares) != 1:
        return f"{'Scores' if measure == 'score' else 'Losses'} while a growing share of the neurons is trained, {how}"
    first, last = shares.pop()
    told = "; ".join(f"{trained} trained: {', '.join(changes)}" for trained, changes in parts.items())
    unit = "points" if measure == "score" else "nats"
    return f"From {first:g} to {last:g} % of the neurons, {how} training, {unit}: {told}"
