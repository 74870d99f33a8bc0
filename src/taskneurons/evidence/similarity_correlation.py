"""Does the similarity of parameters go with transfer? (Leng & Xiong 2025, Table 4.)

For each test task there are as many points as training tasks: the model tuned on a training task has a similarity
between its task's neurons and those of the test task, and a gain on the test task. For one test task and seed the gain
is the score less a constant, so that it correlates as the score does. Six points say little: an interval stands beside
every coefficient, and beside the printed ones the interval and p-value that six points give them. Intervals are those
of Fisher's z, transformed back. No coefficients are averaged here: the rows of the mean over seeds correlate
mean similarities with mean gains.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import permutations
from math import sqrt
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.published import published_task
from taskneurons.evidence.similarity import MEASURES, SETTING, STATES
from taskneurons.evidence.tables import SCORE
from taskneurons.files import read_csv
from taskneurons.measures.crossed import (
    Coefficient,
    correlation,
    crossed_test,
    fisher_interval,
    selected_correlation,
)
from taskneurons.measures.stats import holm

Row = dict[str, Any]
CORRELATION_COLUMNS = (
    "study", "model", "suite", "seed", *SETTING, "state", "scope", "group", "measure", "outcome", "layers",
    "coefficient", "given", "n", "value", "low", "high", "p_value", "p_holm", "permutations", "exact",
    "published_task", "published", "published_p", "published_low", "published_high", "published_p_exact", "reason",
)  # fmt: skip
OUTCOMES = ("gain", "loss_gain")
"""Accuracy or ROUGE-L above the untuned model, and the loss of the untuned model less that of the tuned one."""
COEFFICIENTS: tuple[Coefficient, ...] = ("pearson", "spearman")
GIVEN = ("", "kind", "kind, means of tasks", "kind, family, means of tasks")
"""What pooled tests take out: whether both tasks are of one kind, of one family; each task's mean."""
PUBLISHED_MODELS = 6
_NUMBERS = (
    "percent", "n", "value", "low", "high", "p_value", "p_holm", "permutations", "published", "published_p",
    "published_low", "published_high", "published_p_exact",
)  # fmt: skip


class Transfer(NamedTuple):
    """Similarity and gain of one model, of one seed or of the mean over seeds.

    Args:
        facts: cells that name it.
        train, test: names of the tasks, the order of rows and columns.
        layers: state -> measure -> (layer, training task, test task); NaN where not available.
        gains: outcome -> (training task, test task).
    """

    facts: Row
    train: tuple[str, ...]
    test: tuple[str, ...]
    layers: Mapping[str, Mapping[str, np.ndarray]]
    gains: Mapping[str, np.ndarray]

    def mean(self, state: str, measure: str) -> np.ndarray:
        """The mean over the layers in which every pair of tasks has a value."""
        curves = self.layers[state][measure]
        known = np.isfinite(curves).all(axis=(1, 2))
        return curves[known].mean(axis=0) if known.any() else np.full(curves.shape[1:], np.nan)


def gather_transfer(cells: Sequence[Row], scores: Iterable[Row], tasks: Sequence[Mapping[str, Any]]) -> list[Transfer]:
    """Similarities beside gains, for each seed of each model, and for the mean over seeds where there are several.

    Args:
        cells: of `similarity.gather_similarity`.
        scores: of `tuned.gather_tuned`: conditions zero_shot and full.
        tasks: `suite`, `name`, `kind` of all tasks.

    Raises:
        InputError: a pair of tasks has a similarity but no score.
    """
    kinds = {(task["suite"], task["name"]): task["kind"] for task in tasks}
    values: dict[tuple[Any, ...], float] = {}
    for row in scores:
        run = tuple(row[name] for name in ("suite", "model", "seed"))
        values[(*run, row["train_task"], row["test_task"], row["metric"])] = row["value"]
    runs: dict[tuple[str, str], dict[int, list[Row]]] = defaultdict(lambda: defaultdict(list))
    for row in cells:
        runs[row["suite"], row["model"]][row["seed"]].append(row)
    found = []
    for by_seed in runs.values():
        own = [_of_seed(seed, rows, values, kinds) for seed, rows in sorted(by_seed.items())]
        found += own
        if len(own) > 1:
            found.append(_mean(own))
    return found


def correlations(
    transfers: Iterable[Transfer],
    tasks: Sequence[Mapping[str, Any]],
    published: Sequence[Mapping[str, Any]],
    *,
    draws: int,
) -> list[Row]:
    """Table 4: correlation of similarity and gain over the models, for each test task, and over all cells together.

    Scope `test_task`: points are models. `layers` is `mean`, or names the layer that correlates most, which is chosen
    by the result: its p-value counts the choice, and it has no interval. p-values are exact up to seven models;
    `p_holm` is adjusted over the test tasks of one measure, outcome and coefficient.

    Scope `pooled`: points are the cells of training tasks x test tasks, gains and similarities ranked within each test
    task; p by permuting the labels of training and of test tasks. `given` says what is taken out of both first. Each of
    these p-values stands by itself: it is not adjusted for the other rows.

    Args:
        transfers: of `gather_transfer`.
        tasks: `suite`, `name`, `kind`, `family`, `source` of all tasks.
        published: rows of Table 4.
        draws: random labellings where not all are tried.
    """
    described = {(task["suite"], task["name"]): task for task in tasks}
    rows: list[Row] = []
    for transfer in transfers:
        suite = transfer.facts["suite"]
        mirrors = {
            task: published_task(
                task, described[suite, task].get("source", ""), [{"task": row["test_task"]} for row in published]
            )
            for task in transfer.test
        }
        of_seed = [
            transfer.facts | row | _beside(row, mirrors, published)
            for row in _per_task(transfer, whole=transfer.facts["seed"] == "mean")
        ]
        _adjust(of_seed)
        rows += of_seed
        rows += [transfer.facts | row for row in _pooled(transfer, described, draws)]
    return rows


def read_correlations(path: str | Path) -> list[Row]:
    """The rows that `correlations` made, with their types; `seed` is a text.

    Raises:
        InputError: other columns, or a cell that is no number; the message names the file and the line.
    """
    rows = []
    for line, cells in enumerate(read_csv(path), start=2):
        if tuple(cells) != CORRELATION_COLUMNS:
            raise InputError(f"columns must be {', '.join(CORRELATION_COLUMNS)}", where=f"{path}:{line}")
        row: Row = dict(cells)
        try:
            row |= {name: float(cells[name]) if cells[name] else None for name in _NUMBERS}
        except (TypeError, ValueError):
            raise InputError("holds a cell that is no number", where=f"{path}:{line}") from None
        rows.append(row)
    return rows


def _of_seed(
    seed: int, cells: Sequence[Row], values: Mapping[tuple[Any, ...], float], kinds: Mapping[tuple[str, str], str]
) -> Transfer:
    first = cells[0]
    train, test = (tuple(dict.fromkeys(row[name] for row in cells)) for name in ("train_task", "test_task"))
    depth = 1 + max(row["layer"] for row in cells)
    layers = {
        state: {measure: np.full((depth, len(train), len(test)), np.nan) for measure in MEASURES} for state in STATES
    }
    for row in cells:
        place = row["layer"], train.index(row["train_task"]), test.index(row["test_task"])
        for measure in MEASURES:
            if row[measure] is not None:
                layers[row["state"]][measure][place] = row[measure]
    gains = {outcome: np.empty((len(train), len(test))) for outcome in OUTCOMES}
    run = first["suite"], first["model"], seed
    for i, task in enumerate(train):
        for j, other in enumerate(test):
            score = SCORE[kinds[first["suite"], other]]
            for outcome, metric, sign in (("gain", score, 1), ("loss_gain", "loss", -1)):
                keys = (*run, task, other, metric), (*run, None, other, metric)
                if missing := [key for key in keys if key not in values]:
                    named = ", ".join(str(part) for part in missing[0] if part is not None)
                    raise InputError(f"similarities without the score of {named}", where="similarity study")
                gains[outcome][i, j] = sign * (values[keys[0]] - values[keys[1]])
    facts = {"study": "similarity"} | {name: first[name] for name in ("model", "suite", "seed", *SETTING)}
    return Transfer(facts, train, test, layers, gains)


def _mean(transfers: Sequence[Transfer]) -> Transfer:
    first = transfers[0]
    return Transfer(
        first.facts | {"seed": "mean"},
        first.train,
        first.test,
        {
            state: {measure: np.mean([one.layers[state][measure] for one in transfers], axis=0) for measure in MEASURES}
            for state in STATES
        },
        {outcome: np.mean([one.gains[outcome] for one in transfers], axis=0) for outcome in OUTCOMES},
    )


def _per_task(transfer: Transfer, *, whole: bool) -> Iterable[Row]:
    """Rows of each test task; those of the chosen layer only where `whole` says that no further seed will come."""
    for measure in MEASURES:
        similarity = transfer.mean("tuned", measure)
        for outcome in OUTCOMES:
            for coefficient in COEFFICIENTS:
                for column, task in enumerate(transfer.test):
                    gain = transfer.gains[outcome][:, column]
                    cells: Row = {"state": "tuned", "scope": "test_task", "group": task, "measure": measure}
                    cells |= {"outcome": outcome, "coefficient": coefficient}
                    found = correlation(similarity[:, column].tolist(), gain.tolist(), coefficient)
                    yield cells | {"layers": "mean"} | _cells(found)
                    if whole and len(transfer.train) <= 7:
                        layer, best = selected_correlation(
                            transfer.layers["tuned"][measure][:, :, column], gain.tolist(), coefficient
                        )
                        yield cells | {"layers": f"layer {layer} (selected)"} | _cells(best)


def _pooled(transfer: Transfer, described: Mapping[tuple[str, str], Mapping[str, Any]], draws: int) -> Iterable[Row]:
    suite = transfer.facts["suite"]
    same = {}
    for name in ("kind", "family"):
        of = {task: described[suite, task][name] for task in (*transfer.train, *transfer.test)}
        same[name] = np.array([[float(of[one] == of[other]) for other in transfer.test] for one in transfer.train])
    for state in STATES:
        for measure in MEASURES:
            for outcome in OUTCOMES:
                for given in GIVEN:
                    test = crossed_test(
                        transfer.mean(state, measure),
                        transfer.gains[outcome],
                        nuisance=[matrix for name, matrix in same.items() if name in given],
                        centred="means" in given,
                        draws=draws,
                    )
                    yield {
                        "state": state, "scope": "pooled", "group": "all", "measure": measure, "outcome": outcome,
                        "layers": "mean", "coefficient": "spearman within test tasks", "given": given,
                        "n": test.rows * test.columns, "value": test.value, "p_value": test.p_value,
                        "permutations": test.permutations or None, "exact": test.exact, "reason": test.reason,
                    }  # fmt: skip


def _cells(found: Any) -> Row:
    names = ("n", "value", "low", "high", "p_value", "exact", "reason")
    return {name: getattr(found, name) for name in names} | {"permutations": found.permutations or None}


def _beside(row: Row, mirrors: Mapping[str, str | None], published: Sequence[Mapping[str, Any]]) -> Row:
    """The printed coefficient of the paper's task that the test task mirrors, and what six points make of it."""
    theirs = mirrors[row["group"]]
    if theirs is None or (row["measure"], row["outcome"], row["layers"]) != ("masked_cosine", "gain", "mean"):
        return {}
    cells: Row = {"published_task": theirs}
    for one in published:
        if (one["test_task"], one["coefficient"]) == (theirs, row["coefficient"]):
            low, high = fisher_interval(one["r"], PUBLISHED_MODELS, one["coefficient"])
            cells |= {"published": one["r"], "published_p": one["p_value"]}
            cells |= {"published_low": low, "published_high": high}
            cells["published_p_exact"] = p_of_printed(one["r"], PUBLISHED_MODELS, one["coefficient"])
    return cells


def p_of_printed(value: float, n: int, coefficient: Coefficient) -> float:
    """Two-sided p of a printed coefficient of n points: Pearson's by the t distribution, Spearman's exactly.

    A printed value may be larger by half of its last digit, which an exact null of steps must allow for.
    """
    if coefficient == "pearson":
        # stdtr is the distribution function behind scipy.stats.t, whose import would triple a table's job.
        from scipy.special import stdtr

        if abs(value) >= 1:
            return 0.0
        return 2 * float(stdtr(n - 2, -abs(value) * sqrt((n - 2) / (1 - value**2))))
    ranks = np.arange(n) - (n - 1) / 2
    null = np.array([ranks[list(order)] @ ranks for order in permutations(range(n))]) / (ranks @ ranks)
    return float((np.abs(null) >= abs(value) - 0.005 - 1e-12).mean())


def _adjust(rows: Sequence[Row]) -> None:
    """Adjust p-values over the test tasks of one measure, outcome, coefficient and way of taking layers."""
    families: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        if row["p_value"] is not None:
            families[row["measure"], row["outcome"], row["coefficient"], row["layers"] == "mean"].append(row)
    for family in families.values():
        for row, adjusted in zip(family, holm([row["p_value"] for row in family]), strict=True):
            row["p_holm"] = adjusted
