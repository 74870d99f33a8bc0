"""How much of the spread over seeds comes from few test examples and few draws, and would shrink with more of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean, variance
from typing import Any

from taskneurons.studies.claims.estimands import Cells, Row, sides_of
from taskneurons.studies.claims.tables import Tables, left_out_of, of_run

_SIDE: Mapping[str, Any] = {"depth": None, "same": None, "groups": {}}
# Metrics of a test example that is right or wrong.
_RIGHT_OR_WRONG = ("accuracy", "accuracy_restricted")
_SCORES = (*_RIGHT_OR_WRONG, "rougeL")


@dataclass(frozen=True)
class Parts:
    """Parts of the variance of one seed's effect, in squared points.

    Attributes:
        least, greatest: by the number of test examples; `least` is None where the score is not right or wrong.
        draws: by the number of random draws or choices; None where there is one alone.
    """

    least: float | None
    greatest: float
    draws: float | None


Variances = dict[tuple[str, str, str], Parts]


def example_variances(
    rules: Mapping[str, Any],
    decided: Mapping[str, Any],
    tables: Tables,
    groups: Mapping[str, Mapping[str, Sequence[str]]],
) -> Variances:
    """Of inconclusive contrasts of scores, the parts of a seed's variance that its test examples and its draws make.

    The score of an example lies between 0 and 100 %, so that its variance is at most v (100 - v) where v is the mean;
    for what is right or wrong this is exact. The greatest takes the two sides of a contrast as independent. They are
    tested with the same examples. The least is for sides of which one is right wherever the other is, so that d % of
    the examples differ: d (100 - d). It is for what is right or wrong. Tasks have their own examples. Draws are told
    apart by the column `draw`.

    Args:
        rules: level, alpha and the claims, each with its `id`.
        decided: the content of `claims.json`.
        tables: of `tables.read_tables`.
        groups: the lists of tasks of each suite.

    Returns:
        By claim, suite and model. A claim that rests on no score of test examples is absent.
    """
    estimands = {claim["id"]: _of_scores(claim["estimand"]) for claim in rules["claims"]}
    found: Variances = {}
    for claim in decided["claims"]:
        estimand = estimands.get(claim["id"])
        if estimand is None or estimand["table"] not in tables:
            continue
        for result in claim["results"]:
            if result["verdict"] != "inconclusive":
                continue
            suite, model = result["suite"], result["model"]
            rows = of_run(tables[estimand["table"]], suite, model)
            if not rows or "n" not in rows[0]:
                continue
            out = left_out_of(estimand["leave_out"], tables, suite, model)
            values = sides_of(rows, estimand, groups.get(suite, {}), out)
            numbers = sides_of(rows, {**estimand, "value": "n"}, groups.get(suite, {}), out)
            if len(values) == len(numbers) == 2:
                least = _least(values, numbers) if estimand["where"].get("metric") in _RIGHT_OR_WRONG else None
                draws = _of_draws(rows, estimand, groups.get(suite, {}), out)
                found[claim["id"], suite, model] = Parts(least, _greatest(values, numbers), draws)
    return found


def _of_draws(
    rows: Sequence[Row], estimand: Mapping[str, Any], groups: Mapping[str, Sequence[str]], out: set[str]
) -> float | None:
    """The mean over seeds of the variance of the mean over units by the draws of each side; None where one has one."""
    total = 0.0
    draws = sorted({row["draw"] for row in rows} - {""}) if "draw" in rows[0] else []
    for side in ("minuend", "subtrahend"):
        alone = {**estimand, "minuend": estimand[side], "subtrahend": None}
        sides = [sides_of([row for row in rows if row["draw"] == draw], alone, groups, out) for draw in draws]
        drawn = [cells for one in sides for cells in one]
        if len(drawn) == 1:
            return None
        if drawn:
            keys = [key for key in drawn[0] if all(key in cells for cells in drawn)]
            total += _of_means({key: variance(cells[key] for cells in drawn) / len(drawn) for key in keys})
    return total


def _greatest(values: Sequence[Cells], numbers: Sequence[Cells]) -> float:
    """The mean over seeds of the variance of the mean over units, both sides added."""
    return _of_means(
        {
            key: sum(side[key] * (100 - side[key]) / of[key] for side, of in zip(values, numbers, strict=True))
            for key in values[0]
            if key in values[1]
        }
    )


def _least(values: Sequence[Cells], numbers: Sequence[Cells]) -> float:
    """The same where one side is right wherever the other is."""
    apart = {key: abs(values[0][key] - values[1][key]) for key in values[0] if key in values[1]}
    return _of_means({key: one * (100 - one) / numbers[0][key] for key, one in apart.items()})


def _of_means(variances: Mapping[tuple[str, str], float]) -> float:
    by_seed: dict[str, list[float]] = {}
    for (seed, _), one in variances.items():
        by_seed.setdefault(seed, []).append(one)
    return fmean(sum(own) / len(own) ** 2 for own in by_seed.values())


def _of_scores(estimand: Mapping[str, Any]) -> Mapping[str, Any] | None:
    """The contrast of measured scores behind an estimand; None where none is known.

    What a study has estimated itself is taken back to all its readings: own neurons against those that they are
    compared with. Which readings a study leaves out is not known here.
    """
    where, table = estimand["where"], estimand["table"]
    if estimand["kind"] == "row" and table == "deactivation_diagonal.csv":
        return _against("deactivation.csv", where, "test_task", "other_task")
    if estimand["kind"] == "contrast" and table == "deactivation_specificity.csv":
        return _against("deactivation.csv", where, "test_task", "other_task")
    if estimand["kind"] == "row" and table == "training_advantage.csv":
        return _against("training.csv", where, "task", where["against"])
    differs = estimand["kind"] == "contrast" and estimand["subtrahend"] is not None
    return estimand if differs and where.get("metric") in _SCORES else None


def _against(table: str, where: Mapping[str, Any], unit: str, other: str) -> Mapping[str, Any]:
    shared = ("metric", "estimator", "percent", "selection", "intervention")
    return {
        "kind": "contrast", "table": table, "where": {name: where[name] for name in shared if name in where},
        "minuend": {**_SIDE, "where": {"condition": "task"}}, "subtrahend": {**_SIDE, "where": {"condition": other}},
        "at_most": {}, "value": "value", "unit": unit, "spread": None, "leave_out": None,
    }  # fmt: skip
