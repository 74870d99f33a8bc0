"""Does a larger overlap with a task's neurons help the task? Tables 9 to 11 of Leng & Xiong 2025, where it is set.

Rows are those of `tuned.gather_tuned` with an `overlap`: random neurons, a set share of which lies in the test task's
set, trained on the tasks of a group together. A combination is the trained group and the kind of the test tasks.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.evidence.tables import SCORE, Tasks, kind_of, task_kinds
from taskneurons.evidence.training_intervals import Stated, stated
from taskneurons.evidence.tuned import GROUPS, Row
from taskneurons.measures.stats import MINIMUM_SEEDS, holm
from taskneurons.measures.trend import Block, slope

SETTING = ("estimator", "selection")
SUMMARY_COLUMNS = (
    "suite", "model", *SETTING, "table", "trained", "tested", "percent", "share", "overlap", "learning_rate", "metric",
    "zero_shot", "value", "low", "high", "interval", "choice_sd", "choices", "tasks", "seeds", "n", "published",
)  # fmt: skip
TREND_COLUMNS = (
    "suite", "model", *SETTING, "table", "trained", "tested", "percent", "metric", "slope", "low", "high", "interval",
    "tasks_low", "tasks_high", "tasks_interval", "tasks_rising", "p_value", "p_holm", "permutations", "exact", "models",
    "tasks", "seeds", "published_slope", "reason",
)  # fmt: skip
TABLES = {
    ("classification", "classification"): "T9",
    ("generation", "generation"): "T10",
    ("generation", "classification"): "T11",
}
CHOICES = "95 % t over choices"
# Slopes are told for each ten points of overlap.
STEP = 10.0
_CELL = ("suite", "model", *SETTING, "trained", "tested", "percent", "metric")

Published = Mapping[str, Sequence[Mapping[str, Any]]]
Key = tuple[Any, ...]


def controlled_rows(rows: Iterable[Row], tasks: Tasks) -> list[Row]:
    """The rows whose overlap was set, with the cells `trained` (a group) and `tested` (the kind of the test task).

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    return [
        row | {"trained": row["train_task"], "tested": kind_of(kinds, row["suite"], row["test_task"])}
        for row in rows
        if row["overlap"] is not None
    ]


def controlled_summary(rows: Sequence[Row], tasks: Tasks, published: Published) -> list[Row]:
    """Mean score of each combination, trained share and overlap, beside the printed one.

    The mean is over test tasks, seeds and random choices of neurons. Its interval is a t interval over seeds; below
    three seeds it is `95 % t over choices`, which takes in the scatter of the choices about the mean of their test task
    and holds for these test tasks. `choice_sd` is that scatter. `published` is the printed value at the same trained
    share and overlap.

    Args:
        rows: of `tuned.gather_tuned`; those without an overlap give the scores of the untrained model.
        tasks: of every suite in the rows.
        published: the rows of `T9`, `T10` and `T11`.

    Raises:
        InputError: as `controlled_rows`.
    """
    untrained = {
        tuple(row[column] for column in ("suite", "model", "seed", "test_task", "metric")): row["value"]
        for row in rows
        if row["condition"] == "zero_shot"
    }
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in controlled_rows(rows, tasks):
        groups[(*(row[column] for column in _CELL), row["overlap"])].append(row)
    summary = []
    for key, own in groups.items():
        row = dict(zip((*_CELL, "overlap"), key, strict=True))
        row["table"] = TABLES.get((row["trained"], row["tested"]), "")
        by_task: dict[tuple[str, int], list[float]] = defaultdict(list)
        for one in own:
            by_task[one["test_task"], one["seed"]].append(one["value"])
        names = sorted({task for task, _ in by_task})
        seeds = sorted({seed for _, seed in by_task})
        over_seeds = stated([{s: fmean(v) for (t, s), v in by_task.items() if t == name} for name in names])
        over_choices, spread = _over_choices(list(by_task.values()))
        row |= (over_seeds if len(seeds) >= MINIMUM_SEEDS else over_choices).cells()
        before = [untrained.get((row["suite"], row["model"], s, t, row["metric"])) for t, s in by_task]
        known = [value for value in before if value is not None]
        row |= {"zero_shot": fmean(known) if len(known) == len(before) else None}
        row |= {"choice_sd": spread, "choices": min(map(len, by_task.values())), "tasks": len(names)}
        row |= {"seeds": len(seeds), "share": fmean(one["share"] for one in own)}
        row["learning_rate"] = ", ".join(f"{rate:g}" for rate in sorted({one["learning_rate"] for one in own}))
        row |= {"n": sum(min(one["n"] for one in own if one["test_task"] == name) for name in names)}
        if row["metric"] == SCORE.get(row["tested"]):
            values = dict(printed(published.get(row["table"], ()), row["percent"]))
            row["published"] = values.get(row["overlap"])
        summary.append({column: row.get(column) for column in SUMMARY_COLUMNS})
    return sorted(summary, key=_order)


def controlled_trend(rows: Sequence[Row], tasks: Tasks, published: Published) -> list[Row]:
    """Does the score go with the overlap?

    `slope` is the least-squares slope in points (nats for the loss) for ten points of overlap, every test task and seed
    with an intercept of its own; `low` and `high` are limits over the random choices of neurons, for these test tasks.
    `tasks_low` and `tasks_high` are those over seeds or, below three of them, over the test tasks, whose slopes are
    taken one by one, as if independent; `tasks_rising` counts the positive ones. The p-value is that of dealing the
    overlaps out anew among the models of a test task and seed; `p_holm` is adjusted over all combinations and trained
    shares of one model with the same metric, accuracy and ROUGE-L together. The loss is turned round, so that a
    positive slope is always an improvement. `published_slope` is that of the printed values of the same trained share.

    Args, Raises: as `controlled_summary`.
    """
    groups: dict[Key, list[Row]] = defaultdict(list)
    for row in controlled_rows(rows, tasks):
        groups[tuple(row[column] for column in _CELL)].append(row)
    results = []
    for key, own in groups.items():
        row = dict(zip(_CELL, key, strict=True))
        row["table"] = TABLES.get((row["trained"], row["tested"]), "")
        sign = -1.0 if row["metric"] == "loss" else 1.0
        blocks = _blocks(own, sign)
        trend = slope(list(blocks.values()))
        told = CHOICES if trend.low is not None else "not available: " + (trend.reason or "too few models")
        row |= {"slope": trend.value, "low": trend.low, "high": trend.high, "interval": told}
        row |= {"p_value": trend.p_value, "permutations": trend.permutations or None, "models": trend.units}
        row |= {"exact": trend.exact if trend.permutations else None, "reason": trend.reason}
        row |= {"tasks": len({t for t, _ in blocks}), "seeds": len({s for _, s in blocks})}
        if trend.value is not None:
            alone: dict[str, dict[int, float]] = defaultdict(dict)
            for (task, seed), block in blocks.items():
                alone[task][seed] = float(np.polyfit(block[0], block[1][:, 0], 1)[0])
            over = stated(list(alone.values()))
            row |= {"tasks_low": over.low, "tasks_high": over.high, "tasks_interval": over.interval}
            row["tasks_rising"] = sum(fmean(seeds.values()) > 0 for seeds in alone.values())
        if row["metric"] == SCORE.get(row["tested"]):
            row["published_slope"] = published_slope(published.get(row["table"], ()), row["percent"])
        results.append(row)
    for family in dict.fromkeys(map(_family, results)):
        tested = [row for row in results if _family(row) == family and row["p_value"] is not None]
        for row, adjusted in zip(tested, holm([row["p_value"] for row in tested]), strict=True):
            row["p_holm"] = adjusted
    return sorted(({column: row.get(column) for column in TREND_COLUMNS} for row in results), key=_order)


def printed(rows: Iterable[Mapping[str, Any]], percent: float) -> list[tuple[float, float]]:
    """(overlap, value) of a printed table at one trained share, in the order of the overlaps.

    Args:
        rows: of `T9`, `T10` or `T11`.
        percent: trained share.
    """
    own = (row for row in rows if float(row["trained_percent"]) == percent)
    return sorted((float(row["overlap_percent"]), row["value"]) for row in own)


def published_slope(rows: Iterable[Mapping[str, Any]], percent: float) -> float | None:
    """Least-squares slope of the printed values for ten points of overlap; None with fewer than two of them.

    Args: as `printed`.
    """
    points = np.array(printed(rows, percent))
    if len(points) < 2:
        return None
    return float(np.polyfit(points[:, 0] / STEP, points[:, 1], 1)[0])


def _blocks(rows: Iterable[Row], sign: float) -> dict[tuple[str, int], Block]:
    """For each test task and seed: overlaps of the models in tens of points, and what they score."""
    models: dict[tuple[str, int], list[tuple[float, float]]] = defaultdict(list)
    for row in rows:
        models[row["test_task"], row["seed"]].append((row["overlap"] / STEP, sign * row["value"]))
    arrays = {key: np.array(values) for key, values in models.items()}
    return {key: (values[:, 0], values[:, 1:]) for key, values in arrays.items()}


def _over_choices(groups: Sequence[Sequence[float]]) -> tuple[Stated, float | None]:
    """Mean of the groups' means with its t interval from the pooled scatter within groups, and that scatter."""
    mean = fmean(map(fmean, groups))
    freedom = sum(map(len, groups)) - len(groups)
    if not freedom:
        return Stated(mean, None, None, "not available: one choice, at least 2 are needed"), None
    centres = [fmean(group) for group in groups]
    squares = sum((x - centre) ** 2 for group, centre in zip(groups, centres, strict=True) for x in group)
    spread = math.sqrt(squares / freedom)
    if spread <= 1e-12 * max(map(abs, centres)):
        return Stated(mean, None, None, "not available: all choices are equal"), spread
    from scipy.special import stdtrit

    error = spread * math.sqrt(sum(1 / len(group) for group in groups)) / len(groups)
    half = float(stdtrit(freedom, 0.975)) * error
    return Stated(mean, mean - half, mean + half, CHOICES), spread


def _family(row: Row) -> Key:
    return (row["suite"], row["model"], "score" if row["metric"] in SCORE.values() else row["metric"])


def _order(row: Row) -> Key:
    return (
        row["suite"], row["model"], *(row[column] for column in SETTING), GROUPS.index(row["trained"]),
        GROUPS.index(row["tested"]), row["metric"], row["percent"], row.get("overlap", 0),
    )  # fmt: skip
