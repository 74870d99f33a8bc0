"""What tables of several studies still share: kinds of tasks, the test of the diagonal, mirrored tasks.

A task is described by a mapping with `suite`, `name`, `family`, `kind` (`classification` or `generation`), `source`
and `options`.
"""

from collections.abc import Callable, Container, Iterable, Mapping, Sequence
from typing import Any

import numpy as np

from taskneurons.errors import InputError
from taskneurons.evidence.published import published_task
from taskneurons.evidence.tidy import SETTING, Row
from taskneurons.measures.stats import diagonal_test

DIAGONAL_COLUMNS = (
    "suite", "model", *SETTING, "scope", "metric", "seed", "tasks", "diagonal", "off_diagonal", "sibling", "same_kind",
    "other_kind", "statistic", "p_value", "p_holm", "permutations", "exact", "rows_largest", "columns_largest",
    "reason",
)  # fmt: skip
KINDS = {"classification": "mean_cls", "generation": "mean_gen"}
# The score of each kind that the paper reports, and that a table over both kinds calls `score`.
SCORE = {"classification": "accuracy", "generation": "rougeL"}

Tasks = Sequence[Mapping[str, Any]]


def mirrored(tasks: Tasks, published: list[dict[str, Any]]) -> dict[tuple[str, str], str | None]:
    """(suite, task) -> the paper's task that it is or mirrors, None where there is none.

    The average of a kind has an entry where our tasks of the suite stand for exactly the paper's.

    Args:
        tasks: of every suite.
        published: the rows of a table over all of the paper's tasks.
    """
    mirrors = {(t["suite"], t["name"]): published_task(t["name"], t.get("source", ""), published) for t in tasks}
    for kind, mean in KINDS.items():
        paper = sorted({r["task"] for r in published if r["task_type"] == kind and r["task"] != mean})
        for suite in {t["suite"] for t in tasks}:
            ours = sorted(str(mirrors[suite, t["name"]]) for t in tasks if (t["suite"], t["kind"]) == (suite, kind))
            if ours == paper:
                mirrors[suite, mean] = mean
    return mirrors


def scope_tests(
    members: Tasks,
    measured: Container[tuple[str, str]],
    seeds: Iterable[int],
    matrix_of: Callable[[Sequence[str], Mapping[str, str], int], np.ndarray],
    what: str,
) -> list[Row]:
    """The test of the diagonal for each kind of tasks and all of them, each metric, each seed and the mean over seeds.

    Args:
        members: the tested tasks.
        measured: (task, metric) of which there are values.
        seeds: of the runs.
        matrix_of: the matrix of some tasks, their metrics and one seed.
        what: the entries are, for the reason why a test could not be made.
    """
    scopes: list[tuple[str, str, list[Mapping[str, Any]], dict[str, str]]] = []
    both = len({t["kind"] for t in members}) > 1
    for scope in (*KINDS, "all") if both else KINDS:
        chosen = [t for t in members if scope in ("all", t["kind"])]
        own = ("accuracy", "accuracy_restricted") if scope == "classification" else ("rougeL",)
        for metric in ("score", "loss") if scope == "all" else (*own, "loss"):
            metrics = {t["name"]: SCORE[t["kind"]] if metric == "score" else metric for t in chosen}
            if any((name, metrics[name]) in measured for name in metrics):
                scopes.append((scope, metric, chosen, metrics))
    results = []
    for scope, metric, chosen, metrics in scopes:
        names = [t["name"] for t in chosen]
        matrices: dict[Any, np.ndarray] = {seed: matrix_of(names, metrics, seed) for seed in seeds}
        matrices["mean"] = np.mean(list(matrices.values()), axis=0)
        for seed, matrix in matrices.items():
            results.append({"scope": scope, "metric": metric, "seed": seed} | _tested(matrix, chosen, what))
    return results


def _tested(matrix: np.ndarray, tasks: Tasks, what: str) -> Row:
    test = diagonal_test(matrix)
    family = np.array([t["family"] for t in tasks])
    kind = np.array([t["kind"] for t in tasks])
    same_family = family[:, None] == family
    same_kind = kind[:, None] == kind
    means = {
        "sibling": same_family & ~np.eye(len(tasks), dtype=bool),
        "same_kind": same_kind & ~same_family,
        "other_kind": ~same_kind,
    }
    missing = int(np.isnan(matrix).sum())
    return {
        "tasks": test.tasks,
        "diagonal": test.diagonal,
        "off_diagonal": test.off_diagonal,
        **{name: float(matrix[cells].mean()) if test.available and cells.any() else None
           for name, cells in means.items()},
        "statistic": test.statistic,
        "p_value": test.p_value,
        "p_holm": None,
        "permutations": test.permutations if test.available else None,
        "exact": test.exact if test.available else None,
        "rows_largest": test.rows_largest,
        "columns_largest": test.columns_largest,
        "reason": f"{missing} of {matrix.size} {what} were not measured" if missing else test.reason,
    }  # fmt: skip


def task_kinds(tasks: Tasks) -> dict[tuple[str, str], str]:
    """(suite, task) -> kind."""
    return {(t["suite"], t["name"]): t["kind"] for t in tasks}


def kind_of(kinds: Mapping[tuple[str, str], str], suite: str, task: str) -> str:
    """The kind of a task.

    Raises:
        InputError: it is not described.
    """
    if (suite, task) not in kinds:
        raise InputError(f"task `{task}` of suite `{suite}` has results but no description")
    return kinds[suite, task]
