"""Growing shares of the trained neurons: tables of Figures 2 and 6 of Leng & Xiong 2025.

Rows are those of `tuned.gather_tuned`. Where `train_task` is a group, its tasks were trained jointly (Figure 2); where
it is a task, singly (Figure 6). `groups` gives for each suite the tasks below `train_classification`,
`train_generation`, `test_classification` and `test_generation`.
"""

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.training_intervals import Stated, stated
from taskneurons.evidence.tuned import GROUPS, Row
from taskneurons.measures.stats import holm
from taskneurons.measures.trend import Block, rank_correlation

SETTING = ("estimator", "selection")
SCOPES = ("ID-CLS", "ID-GEN", "OOD-CLS", "OOD-GEN")
SUMMARY_COLUMNS = (
    "suite", "model", *SETTING, "trained", "how", "scope", "condition", "percent", "share", "learning_rate", "metric",
    "zero_shot", "value", "low", "high", "interval", "gain", "gain_low", "gain_high", "gain_interval", "over_random",
    "over_random_low", "over_random_high", "over_random_interval", "seeds", "tasks", "draws", "n",
)  # fmt: skip
TREND_COLUMNS = (
    "suite", "model", *SETTING, "trained", "how", "scope", "condition", "metric", "correlation", "p_value", "p_holm",
    "permutations", "exact", "models", "series", "first_percent", "last_percent", "change", "best_percent",
    "learning_rates", "published", "reason",
)  # fmt: skip
CONDITIONS = ("random", "task")
# What Figures 2 and 6 are said to show; no numbers are printed there.
PUBLISHED = {
    ("joint", "classification", "ID-CLS"): "rises to 70 %, then falls",
    ("joint", "generation", "ID-GEN"): "rises to 50 %, then falls",
    ("joint", "classification", "OOD-CLS"): "rises",
    ("joint", "generation", "OOD-GEN"): "rises",
    ("joint", "generation", "OOD-CLS"): "rises",
    ("joint", "classification", "OOD-GEN"): "does not transfer",
    ("single", "classification", "ID-CLS"): "rises",
    ("single", "generation", "ID-GEN"): "rises",
}
_SHORT = {"classification": "CLS", "generation": "GEN"}

Groups = Mapping[str, Mapping[str, Sequence[str]]]
Key = tuple[Any, ...]


def placed(rows: Iterable[Row], groups: Groups) -> list[Row]:
    """The rows of trained models with three further cells: `trained` (a group), `how` (joint, single) and `scope`.

    ID are the tasks that were trained on, OOD those that only test; rows of any other task are left out. The rows of
    the untrained model are left out, too.

    Raises:
        InputError: a suite has no groups, or a trained task is in none of them.
    """
    found = []
    for row in rows:
        if row["condition"] not in CONDITIONS:
            continue
        if row["suite"] not in groups:
            raise InputError(f"the groups of the tasks of suite `{row['suite']}` are not given")
        own = groups[row["suite"]]
        train, test = row["train_task"], row["test_task"]
        trained = train if train in GROUPS else next((g for g in GROUPS if train in own[f"train_{g}"]), None)
        if trained is None:
            raise InputError(f"task `{train}` is trained on, but is in no group of suite `{row['suite']}`")
        inside = own[f"train_{trained}"] if train in GROUPS else (train,)
        unseen = next((group for group in GROUPS if test in own[f"test_{group}"]), None)
        if test in inside or unseen:
            scope = f"ID-{_SHORT[trained]}" if test in inside else f"OOD-{_SHORT[str(unseen)]}"
            how = "joint" if train in GROUPS else "single"
            found.append(row | {"trained": trained, "how": how, "scope": scope})
    return found


def proportion_summary(rows: Sequence[Row], groups: Groups) -> list[Row]:
    """Mean score of each scope at each share, beside random neurons and the untrained model.

    A value is the mean over seeds and tasks. Its interval is a t interval over seeds; below three seeds one over tasks
    (`training_intervals.stated`): over the tested ones where training was joint, over the trained ones where it was
    single. `gain` is the difference to the untrained model and `over_random` to as many random neurons, paired by task
    and seed, positive where it is better. `share` is the true share of the trained neurons in percent, a union of three
    sets where training was joint.

    Random neurons lie outside the set as long as enough of a layer do; a set of more than half of a layer overlaps its
    random ones, so that at large shares `over_random` shrinks by construction.

    Args:
        rows: of `tuned.gather_tuned`.
        groups: tasks by suite and group.

    Raises:
        InputError: as `placed`.
    """
    untrained = _untrained(rows)
    # (cell of the table) -> unit -> seed -> [(value, untrained value)]
    cells: dict[Key, dict[str, dict[int, list[tuple[float, float]]]]] = defaultdict(
        lambda: defaultdict(lambda: defaultdict(list))
    )
    facts: dict[Key, list[Row]] = defaultdict(list)
    for row in placed(rows, groups):
        key = tuple(row[column] for column in _CELL)
        unit = row["test_task"] if row["how"] == "joint" else row["train_task"]
        beside = untrained.get(_run_of(row), float("nan"))
        cells[key][unit][row["seed"]].append((row["value"], beside))
        facts[key].append(row)
    means = {
        key: {
            unit: {seed: tuple(map(fmean, zip(*pairs, strict=True))) for seed, pairs in seeds.items()}
            for unit, seeds in units.items()
        }
        for key, units in cells.items()
    }
    summary = []
    for key, units in means.items():
        row = dict(zip(_CELL, key, strict=True))
        sign = -1.0 if row["metric"] == "loss" else 1.0
        before = fmean(fmean(pair[1] for pair in seeds.values()) for seeds in units.values())
        row["zero_shot"] = before if math.isfinite(before) else None
        row |= stated([{s: value for s, (value, _) in seeds.items()} for seeds in units.values()]).cells()
        gains = [{s: sign * (value - start) for s, (value, start) in seeds.items()} for seeds in units.values()]
        row |= stated(gains).cells("gain")
        random = means.get(tuple("random" if column == "condition" else row[column] for column in _CELL))
        if row["condition"] != "random" and random:
            row |= _over(units, random, sign).cells("over_random")
        row |= {"seeds": len({seed for seeds in units.values() for seed in seeds}), "tasks": len(units)}
        row |= _facts(facts[key])
        summary.append({column: row.get(column) for column in SUMMARY_COLUMNS})
    return sorted(summary, key=_order)


def proportion_trend(rows: Sequence[Row], groups: Groups) -> list[Row]:
    """Does the score go with the share of the trained neurons?

    `correlation` is Spearman's between score and share, of each tested task of each series of models (`series` of
    them), averaged. A series are the models of one seed that were trained on the same data with growing shares; since
    one model stands behind several tested tasks, the null hypothesis deals the shares of a series out anew for all its
    tasks together (`measures.trend`). `p_holm` is adjusted over all trends of one model with the same metric, accuracy
    and ROUGE-L together. `change` is the score at the highest share less that at the lowest, `best_percent` the share
    with the best mean score. The loss is turned round, so that a positive value is always an improvement.
    `learning_rates` are those of the models; there is one for all shares.

    Args:
        rows: of `tuned.gather_tuned`.
        groups: tasks by suite and group.

    Raises:
        InputError: as `placed`.
    """
    tests: dict[Key, list[Row]] = defaultdict(list)
    columns = tuple(column for column in _CELL if column != "percent")
    for row in placed(rows, groups):
        tests[tuple(row[column] for column in columns)].append(row)
    results = []
    for key, own in tests.items():
        cells = dict(zip(columns, key, strict=True))
        sign = -1.0 if cells["metric"] == "loss" else 1.0
        blocks = _series(own, sign)
        trend = rank_correlation(blocks)
        by_percent: dict[float, list[float]] = defaultdict(list)
        for row in own:
            by_percent[row["percent"]].append(sign * row["value"])
        means = {percent: fmean(values) for percent, values in sorted(by_percent.items())}
        first, last = min(means), max(means)
        results.append(
            cells
            | {"correlation": trend.value, "p_value": trend.p_value, "permutations": trend.permutations or None}
            | {"exact": trend.exact if trend.permutations else None, "models": trend.units, "series": len(blocks)}
            | {"first_percent": first, "last_percent": last, "change": means[last] - means[first]}
            | {"best_percent": max(means, key=lambda percent: means[percent]), "reason": trend.reason}
            | {"learning_rates": rates_of(own)}
            | {"published": PUBLISHED.get((cells["how"], cells["trained"], cells["scope"]), "")}
        )
    for family in dict.fromkeys(map(_family, results)):
        tested = [row for row in results if _family(row) == family and row["p_value"] is not None]
        for row, adjusted in zip(tested, holm([row["p_value"] for row in tested]), strict=True):
            row["p_holm"] = adjusted
    return sorted(({column: row.get(column) for column in TREND_COLUMNS} for row in results), key=_order)


_CELL = (
    "suite", "model", *SETTING, "trained", "how", "scope", "condition", "percent", "metric",
)  # fmt: skip


def rates_of(rows: Iterable[Row]) -> str:
    """The learning rates of some rows, in words."""
    return ", ".join(f"{rate:g}" for rate in sorted({row["learning_rate"] for row in rows}))


def _series(rows: Sequence[Row], sign: float) -> list[Block]:
    """For each seed and trained data: the shares of the models, and what each tested task scores."""
    series: dict[Key, dict[Key, dict[str, float]]] = defaultdict(lambda: defaultdict(dict))
    for row in rows:
        model = (row["percent"], -1 if row["draw"] is None else row["draw"])
        series[row["seed"], row["train_task"]][model][row["test_task"]] = sign * row["value"]
    blocks = []
    for models in series.values():
        tasks = sorted({task for scores in models.values() for task in scores})
        responses = [[scores.get(task, np.nan) for task in tasks] for scores in models.values()]
        blocks.append((np.array([percent for percent, _ in models]), np.array(responses)))
    return blocks


def _untrained(rows: Iterable[Row]) -> dict[Key, float]:
    return {_run_of(row): row["value"] for row in rows if row["condition"] == "zero_shot"}


def _run_of(row: Row) -> Key:
    return tuple(row[column] for column in ("suite", "model", "seed", "test_task", "metric"))


def _over(
    units: Mapping[str, Mapping[int, tuple[float, ...]]],
    random: Mapping[str, Mapping[int, tuple[float, ...]]],
    sign: float,
) -> Stated:
    differences = [
        {s: sign * (value[0] - random[unit][s][0]) for s, value in seeds.items() if s in random.get(unit, {})}
        for unit, seeds in units.items()
    ]
    return stated(differences)


def _facts(rows: Sequence[Row]) -> Row:
    fewest: dict[str, int] = {}
    for row in rows:
        fewest[row["test_task"]] = min(row["n"], fewest.get(row["test_task"], row["n"]))
    return {
        "share": fmean(row["share"] for row in rows),
        "learning_rate": rates_of(rows),
        "draws": len({row["draw"] for row in rows}),
        "n": sum(fewest.values()),
    }


def _family(row: Row) -> Key:
    return (row["suite"], row["model"], "score" if row["metric"] in ("accuracy", "rougeL") else row["metric"])


def _order(row: Row) -> Key:
    return (
        row["suite"], row["model"], *(row[column] for column in SETTING), GROUPS.index(row["trained"]), row["how"],
        SCOPES.index(row["scope"]), row["metric"], CONDITIONS.index(row["condition"]), row.get("percent", 0),
    )  # fmt: skip
