"""Task x task matrices of what training gains, and the test of their diagonals (Leng & Xiong 2025, Figure 5 c-d).

Figure 5 c-d leaves open which of the two matrices it shows. In a column of `pairs` all but the neurons is the same
where the learning rates agree: that of the diagonal and that of the other entries are chosen apart. The rows of
`transfer` differ in their data, too.
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from functools import partial

import numpy as np

from taskneurons.evidence.diagonal import adjusted, diagonal_tests
from taskneurons.evidence.tasks import DescribedTask, kind_of, task_kinds
from taskneurons.evidence.trained import Trained
from taskneurons.studies.training.rows import MATRICES, DiagonalRow, Matrix, Setting, setting_of


def gain_matrix(
    rows: Iterable[Trained], names: Sequence[str], metrics: Mapping[str, str], seed: int, *, matrix: Matrix
) -> np.ndarray:
    """Gains of one seed over the untrained model, rows = task i, columns = task j; NaN where not measured.

    Args:
        rows: of one suite and model: one setting, and the untrained model.
        names: the tasks, in the order of rows and columns.
        metrics: the metric of each tested task.
        seed: the seed of the run.
        matrix: what the entries are; see `DiagonalRow`.
    """
    places = {name: place for place, name in enumerate(names)}
    untrained = np.full(len(names), np.nan)
    trained = np.full((len(names), len(names)), np.nan)
    for row in rows:
        if row.seed != seed or row.test_task not in places or row.metric != metrics[row.test_task]:
            continue
        if row.condition == "zero_shot":
            untrained[places[row.test_task]] = row.value
        elif row.neurons in places and _belongs(row, matrix):
            trained[places[row.neurons], places[row.test_task]] = row.value
    sign = np.array([-1.0 if metrics[name] == "loss" else 1.0 for name in names])
    gains: np.ndarray = (trained - untrained) * sign
    return gains


def matrix_seeds(rows: Iterable[Trained], matrix: Matrix) -> list[int]:
    """The seeds in which more of a matrix was measured than the table of the study needs.

    Args:
        rows: of one suite, model and setting.
        matrix: which one.
    """
    beyond = [row for row in rows if _belongs(row, matrix) and row.neurons != row.test_task]
    return sorted({row.seed for row in beyond if matrix == "transfer" or row.draw is None})


def apart(rows: Iterable[Trained], matrix: Matrix) -> str:
    """The learning rates of the diagonal and of the other entries of a matrix, in words where they differ; else empty.

    Args:
        rows: of one suite, model and setting.
        matrix: which one.
    """
    rates: dict[bool, set[float]] = {True: set(), False: set()}
    for row in rows:
        if _belongs(row, matrix) and row.learning_rate is not None:
            rates[row.neurons == row.test_task].add(row.learning_rate)
    own, others = (", ".join(f"{rate:g}" for rate in sorted(rates[diagonal])) for diagonal in (True, False))
    return "" if not others or own == others else f"learning rate {own} on the diagonal, {others} off it"


def training_diagonal(rows: Sequence[Trained], tasks: Sequence[DescribedTask]) -> list[DiagonalRow]:
    """Is the gain largest on the task whose neurons are trained?

    For every model, setting and matrix that was measured; see `taskneurons.evidence.diagonal.diagonal_tests`. Where the
    diagonal of `pairs` was trained at another learning rate than the other entries, `reason` says so; the numbers
    stand.

    Args:
        rows: of the study.
        tasks: of every suite in the rows; families and kinds define the means.

    Raises:
        InputError: a row's task is not described in `tasks`.
    """
    kinds = task_kinds(tasks)
    untrained: dict[tuple[str, str], list[Trained]] = defaultdict(list)
    trained: dict[tuple[str, str, Setting], list[Trained]] = defaultdict(list)
    tested: dict[tuple[str, str], set[str]] = defaultdict(set)
    for row in rows:
        kind_of(kinds, row.suite, row.test_task)
        tested[row.suite, row.model].add(row.test_task)
        if row.condition == "zero_shot":
            untrained[row.suite, row.model].append(row)
        elif row.condition in ("task", "other_task"):
            trained[row.suite, row.model, setting_of(row)].append(row)
    results = []
    for (suite, model, setting), own in trained.items():
        members = [task for task in tasks if task.suite == suite and task.name in tested[suite, model]]
        both = own + untrained[suite, model]
        measured = {(row.test_task, row.metric) for row in both}
        for matrix in MATRICES:
            if not (seeds := matrix_seeds(own, matrix)):
                continue
            rates = apart(own, matrix)
            for found in diagonal_tests(members, measured, seeds, partial(gain_matrix, both, matrix=matrix), "gains"):
                test = replace(found, reason="; ".join(filter(None, (found.reason, rates))))
                results.append(DiagonalRow(suite, model, **vars(setting), matrix=matrix, **vars(test)))
    for run in dict.fromkeys((row.suite, row.model, row.seed) for row in results):
        family = [place for place, row in enumerate(results) if (row.suite, row.model, row.seed) == run]
        for place, row_of_test in zip(family, adjusted([results[place] for place in family]), strict=True):
            results[place] = row_of_test
    return results


def _belongs(row: Trained, matrix: Matrix) -> bool:
    """Whether a row of a model that trained some task's neurons is an entry of the matrix."""
    if matrix == "pairs":
        return row.condition in ("task", "other_task") and row.train_task == row.test_task
    return row.condition == "task"
