"""The test of the diagonal of task x task matrices, by kind of task and metric (Leng & Xiong 2025, Figure 5)."""

from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Literal, TypeVar

import numpy as np

from taskneurons.evidence.tasks import KINDS, SCORE, DescribedTask
from taskneurons.measures.stats import diagonal_test, holm, sign_flip_p
from taskneurons.table import Column

Points = Annotated[float | None, Column(unit="points, or nats for the loss", measured=True)]
P = Annotated[float | None, Column(low=0, high=1, measured=True)]


@dataclass(frozen=True)
class Diagonal:
    """Whether the diagonal of one matrix is larger than chance allows.

    Attributes:
        scope: classification, generation or all tasks.
        metric: of the entries; `score` is the accuracy of classification and the ROUGE-L of generation columns.
        seed: of the run, or `mean` for the mean over seeds.
        tasks: rows, which is the number of columns; tasks that the untouched model only guesses are left out.
        diagonal, off_diagonal: mean entries.
        sibling: mean entry of columns of another task of the same family.
        p_sibling: one-sided, that diagonal and sibling differ as much if the sets of a family of two are exchangeable;
            by all changes of the signs of the families' differences, one for each family and seed.
        same_kind: mean entry of columns of another family of the same kind.
        other_kind: mean entry of columns of the other kind.
        statistic: of the permutation test.
        p_value: one-sided, of the permutation test.
        p_holm: adjusted over all tests of one model and seed.
        permutations: orders that make the null.
        exact: whether they are all there are.
        rows_largest: share of the rows whose largest entry lies on the diagonal.
        columns_largest: share of the columns whose largest entry lies on the diagonal.
        reason: why the test could not be made.
    """

    scope: str
    metric: str
    seed: int | Literal["mean"]
    tasks: Annotated[int, Column(unit="tasks", measured=True)]
    diagonal: Points
    off_diagonal: Points
    sibling: Points
    p_sibling: P
    same_kind: Points
    other_kind: Points
    statistic: Annotated[float | None, Column(measured=True)]
    p_value: P
    p_holm: P
    permutations: Annotated[int | None, Column(unit="orders", measured=True)]
    exact: Annotated[bool | None, Column(measured=True)]
    rows_largest: Annotated[float | None, Column(unit="share of the rows", measured=True)]
    columns_largest: Annotated[float | None, Column(unit="share of the columns", measured=True)]
    reason: Annotated[str, Column(measured=True)]


Test = TypeVar("Test", bound=Diagonal)
MatrixOf = Callable[[Sequence[str], Mapping[str, str], int], np.ndarray]
"""The matrix of some tasks, their metrics and one seed."""


def diagonal_tests(
    members: Sequence[DescribedTask],
    measured: Container[tuple[str, str]],
    seeds: Iterable[int],
    matrix_of: MatrixOf,
    what: str,
) -> list[Diagonal]:
    """The test for each kind of tasks and all of them, each metric, each seed and the mean over seeds.

    Args:
        members: the tested tasks.
        measured: (task, metric) of which there are values.
        seeds: of the runs.
        matrix_of: gives a matrix.
        what: the entries are, for the reason why a test could not be made.
    """
    seeds = list(seeds)
    both = len({task.kind for task in members}) > 1
    results = []
    for scope in (*KINDS, "all") if both else KINDS:
        chosen = [task for task in members if scope in ("all", task.kind)]
        own = ("accuracy", "accuracy_restricted") if scope == "classification" else ("rougeL",)
        for metric in ("score", "loss") if scope == "all" else (*own, "loss"):
            metrics = {task.name: SCORE[task.kind] if metric == "score" else metric for task in chosen}
            if not any((name, metrics[name]) in measured for name in metrics):
                continue
            matrices: dict[int | Literal["mean"], np.ndarray] = {
                seed: matrix_of(list(metrics), metrics, seed) for seed in seeds
            }
            mean = np.mean(list(matrices.values()), axis=0)
            for seed, matrix in [*matrices.items(), ("mean", mean)]:
                pairs = [
                    pair for one in (matrices.values() if seed == "mean" else [matrix]) for pair in _pairs(one, chosen)
                ]
                test = _tested(scope, metric, seed, matrix, chosen, what)
                results.append(
                    replace(test, p_sibling=sign_flip_p(np.array(pairs))) if test.sibling is not None else test
                )
    return results


def adjusted(tests: Sequence[Test]) -> list[Test]:
    """The tests of one family with `p_holm`."""
    known = [test.p_value for test in tests if test.p_value is not None]
    values = iter(holm(known))
    return [test if test.p_value is None else replace(test, p_holm=next(values)) for test in tests]


def _pairs(matrix: np.ndarray, tasks: Sequence[DescribedTask]) -> Iterator[float]:
    """The mean diagonal entry of each family of two, less the mean of its other two entries."""
    family = np.array([task.family for task in tasks])
    for name in dict.fromkeys(family):
        places = np.flatnonzero(family == name)
        if len(places) == 2:
            block = matrix[np.ix_(places, places)]
            yield float(np.trace(block) - np.trace(block[::-1])) / 2


def _tested(
    scope: str,
    metric: str,
    seed: int | Literal["mean"],
    matrix: np.ndarray,
    tasks: Sequence[DescribedTask],
    what: str,
) -> Diagonal:
    test = diagonal_test(matrix)
    missing = int(np.isnan(matrix).sum())
    family = np.array([task.family for task in tasks])
    kind = np.array([task.kind for task in tasks])
    same_family, same_kind = family[:, None] == family, kind[:, None] == kind

    def mean(cells: np.ndarray) -> float | None:
        return float(matrix[cells].mean()) if test.available and cells.any() else None

    return Diagonal(
        scope=scope,
        metric=metric,
        seed=seed,
        tasks=test.tasks,
        diagonal=test.diagonal,
        off_diagonal=test.off_diagonal,
        p_sibling=None,
        sibling=mean(same_family & ~np.eye(len(tasks), dtype=bool)),
        same_kind=mean(same_kind & ~same_family),
        other_kind=mean(~same_kind),
        statistic=test.statistic,
        p_value=test.p_value,
        p_holm=None,
        permutations=test.permutations if test.available else None,
        exact=test.exact if test.available else None,
        rows_largest=test.rows_largest,
        columns_largest=test.columns_largest,
        reason=f"{missing} of {matrix.size} {what} were not measured" if missing else test.reason,
    )
