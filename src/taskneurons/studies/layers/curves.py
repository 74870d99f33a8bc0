"""Curves over the layers, one a task: CKA of a model with the control models, and its difference from the base's."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean

import numpy as np
from jaxtyping import Float

from taskneurons.studies.layers.rows import ComparedRow, Role, Scope

Curves = Mapping[Role, Mapping[str, Mapping[int, float]]]
"""Role -> task -> layer -> value of one metric."""


def of_model(rows: Iterable[ComparedRow], *, suite: str, model: str) -> list[ComparedRow]:
    """The rows of one model on one suite."""
    return [row for row in rows if (row.suite, row.model) == (suite, model)]


def role_curves(rows: Iterable[ComparedRow], metric: str, *, seed: int | None = None) -> Curves:
    """The curves of one metric, means over the seeds that have it, or those of one seed.

    Args:
        rows: of one model on one suite.
        metric: whose values are taken.
        seed: None: all seeds.
    """
    found: dict[Role, dict[str, dict[int, list[float]]]] = defaultdict(lambda: defaultdict(lambda: defaultdict(list)))
    for row in rows:
        if row.metric == metric and row.value is not None and row.layer is not None and seed in (None, row.seed):
            found[row.role][row.task][row.layer].append(row.value)
    return {
        role: {task: {layer: fmean(v) for layer, v in sorted(layers.items())} for task, layers in by_task.items()}
        for role, by_task in found.items()
    }


def tasks_of_scope(rows: Iterable[ComparedRow], scope: Scope) -> list[str]:
    """The tasks that the held-out model saw (`seen`), those that it did not (`unseen`), or all; by name.

    Args:
        rows: of one model on one suite.
        scope: which tasks.
    """
    wanted = {"all": (True, False), "seen": (False,), "unseen": (True,)}[scope]
    return sorted({row.task for row in rows if row.held_out in wanted})


def gain_curves(curves: Curves, role: Role, tasks: Sequence[str]) -> tuple[list[int], Float[np.ndarray, "task layer"]]:
    """The layers that any task has, and CKA(role, C_t) - CKA(base, C_t), one row a task; NaN where not available."""
    own, base = curves.get(role, {}), curves.get("base", {})
    layers = sorted({layer for task in tasks for layer in own.get(task, {}).keys() & base.get(task, {}).keys()})
    gains = [
        [own.get(task, {}).get(layer, np.nan) - base.get(task, {}).get(layer, np.nan) for layer in layers]
        for task in tasks
    ]
    return layers, np.array(gains, dtype=np.float64).reshape(len(tasks), len(layers))


def family_means(
    gains: Float[np.ndarray, "task layer"], tasks: Sequence[str], families: Mapping[str, str]
) -> Float[np.ndarray, "family layer"]:
    """The mean curve of each family, by name: tasks of one family are no independent sample.

    A task that is not available in a layer makes the mean of its family NaN there.

    Args:
        gains: one row a task.
        tasks: their names, in the order of the rows.
        families: of each task.
    """
    names = sorted({families[task] for task in tasks})
    means = [gains[[families[task] == name for task in tasks]].mean(axis=0) for name in names]
    return np.array(means, dtype=np.float64).reshape(len(names), gains.shape[1])
