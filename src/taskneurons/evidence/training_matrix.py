"""Task x task matrices of what training gains, and the test of their diagonals (Leng & Xiong 2025, Figure 5 c-d)."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np

from taskneurons.evidence.tables import DIAGONAL_COLUMNS as DROP_COLUMNS
from taskneurons.evidence.tables import Tasks, kind_of, scope_tests, task_kinds
from taskneurons.evidence.training import SETTING
from taskneurons.evidence.tuned import Row
from taskneurons.measures.stats import holm

MATRICES = ("pairs", "transfer")
"""What the entry of row i and column j is a gain of.

- pairs: of task i's neurons, trained on task j's data and tested on j. All but the neurons is the same in a column
  where the learning rates agree: that of the diagonal and that of the other cells are chosen apart (`apart`).
- transfer: of task i's neurons, trained on task i's data and tested on j. The rows differ in their data, too.

Figure 5 c-d leaves open which of them it shows.
"""
DIAGONAL_COLUMNS = (
    *(column for column in DROP_COLUMNS[: DROP_COLUMNS.index("scope")] if column != "intervention"), "matrix",
    *DROP_COLUMNS[DROP_COLUMNS.index("scope") :],
)  # fmt: skip


def gain_matrix(
    rows: Iterable[Row], names: Sequence[str], metrics: Mapping[str, str], seed: int, *, matrix: str
) -> np.ndarray:
    """Gains of one seed over the untrained model, rows = task i, columns = task j; NaN where not measured.

    Args:
        rows: of one suite and model: one setting, and the untrained model.
        names: the tasks, in the order of rows and columns.
        metrics: the metric of each tested task.
        seed: the seed of the run.
        matrix: one of MATRICES.
    """
    places = {name: place for place, name in enumerate(names)}
    untrained = np.full(len(names), np.nan)
    trained = np.full((len(names), len(names)), np.nan)
    for row in rows:
        tested = row["test_task"]
        if row["seed"] != seed or tested not in places or row["metric"] != metrics[tested]:
            continue
        if row["condition"] == "zero_shot":
            untrained[places[tested]] = row["value"]
        elif row["neurons"] in places and _belongs(row, matrix):
            trained[places[row["neurons"]], places[tested]] = row["value"]
    sign = np.array([-1.0 if metrics[name] == "loss" else 1.0 for name in names])
    return (trained - untrained) * sign


def matrix_seeds(rows: Iterable[Row], matrix: str) -> list[int]:
    """The seeds in which more of a matrix was measured than the table of the study needs.

    Args:
        rows: of one suite, model and setting.
        matrix: one of MATRICES.
    """
    beyond = [row for row in rows if _belongs(row, matrix) and row["neurons"] != row["test_task"]]
    return sorted({row["seed"] for row in beyond if matrix == "transfer" or row["draw"] is None})


def apart(rows: Iterable[Row], matrix: str) -> str:
    """The learning rates of the diagonal and of the other cells of a matrix, in words where they differ; else empty.

    Args:
        rows: of one suite, model and setting.
        matrix: one of MATRICES.
    """
    rates: dict[bool, set[float]] = {True: set(), False: set()}
    for row in rows:
        if _belongs(row, matrix):
            rates[row["neurons"] == row["test_task"]].add(row["learning_rate"])
    own, others = (", ".join(f"{rate:g}" for rate in sorted(rates[diagonal])) for diagonal in (True, False))
    return "" if not others or own == others else f"learning rate {own} on the diagonal, {others} off it"


def training_diagonal(rows: Sequence[Row], tasks: Tasks) -> list[Row]:
    """Is the gain largest on the task whose neurons are trained?

    For every model, setting and matrix that was measured: the classification, the generation and all tasks, for each
    metric, for each seed and for the mean over seeds (`seed` = `mean`); columns as in `tables.diagonal_tests`, gains in
    place of drops. `p_holm` is adjusted over all tests of one model and seed, those of both matrices. Where the
    diagonal of `pairs` was trained at another learning rate than the other cells, `reason` says so; the numbers stand,
    but compare neurons and rates together.

    Args:
        rows: of `tuned.gather_tuned`.
        tasks: of every suite in the rows; families and kinds define the means.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    untrained: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    tested: dict[tuple[Any, ...], set[str]] = defaultdict(set)
    for row in rows:
        kind_of(kinds, row["suite"], row["test_task"])
        run: tuple[Any, ...] = (row["suite"], row["model"])
        tested[run].add(row["test_task"])
        if row["condition"] == "zero_shot":
            untrained[run].append(row)
        elif row["condition"] in ("task", "other_task"):
            groups[(*run, *(row[column] for column in SETTING))].append(row)
    results = []
    for key, own in groups.items():
        run = key[:2]
        members = [task for task in tasks if task["suite"] == key[0] and task["name"] in tested[run]]
        both = own + untrained[run]
        measured = {(row["test_task"], row["metric"]) for row in both}
        for matrix in MATRICES:
            if seeds := matrix_seeds(own, matrix):
                tests = scope_tests(members, measured, seeds, partial(gain_matrix, both, matrix=matrix), "gains")
                cells = dict(zip(("suite", "model", *SETTING), key, strict=True)) | {"matrix": matrix}
                told = apart(own, matrix)
                results += [cells | row | {"reason": "; ".join(filter(None, (row["reason"], told)))} for row in tests]
    for run in dict.fromkeys((r["suite"], r["model"], r["seed"]) for r in results):
        family = [r for r in results if (r["suite"], r["model"], r["seed"]) == run and r["p_value"] is not None]
        for row, adjusted in zip(family, holm([r["p_value"] for r in family]), strict=True):
            row["p_holm"] = adjusted
    return [{column: row[column] for column in DIAGONAL_COLUMNS} for row in results]


def _belongs(row: Row, matrix: str) -> bool:
    """Whether a row of a model that trained some task's neurons is a cell of the matrix."""
    if matrix == "pairs":
        return row["condition"] in ("task", "other_task") and row["train_task"] == row["test_task"]
    return bool(row["condition"] == "task")
