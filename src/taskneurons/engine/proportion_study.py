"""Growing shares of the neurons of some tasks, trained jointly and singly (Leng & Xiong 2025, Figures 2 and 6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from functools import reduce
from operator import or_
from typing import Any

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet


def union_of(scores: Mapping[str, NeuronScores], tasks: Sequence[str], selection: Selection) -> NeuronSet:
    """The union of the sets of several tasks; its share of the neurons is up to the selection's times their number."""
    return reduce(or_, (selection.of(scores[task]) for task in tasks))


def train_proportions(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    group: TaskGroup,
    learning_rate: float,
    *,
    selections: Sequence[Selection],
    random_draws: int,
) -> Iterator[dict[str, Any]]:
    """Train the neurons of a group's tasks together, then those of each task alone, at every share.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of the group's tasks, on that model.
        group: the tasks.
        learning_rate: the same for all shares, see `taskneurons.engine.rates.common_rate`.
        selections: of each task's neurons, by growing shares.
        random_draws: random sets beside each, of the same size in every layer; none where all neurons are trained.

    Yields:
        Tidy rows.
    """
    cells = _cells(tuner.recipe.seed, scores, group, learning_rate, selections, random_draws)
    for cell, found, _ in run_cells(tuner, cells, name=group.group):
        yield from (cell.condition.columns() | asdict(score) for score in found)


def _cells(
    seed: int,
    scores: Mapping[str, NeuronScores],
    group: TaskGroup,
    learning_rate: float,
    selections: Sequence[Selection],
    random_draws: int,
) -> Iterator[Cell]:
    yield Cell((*group.tasks, *group.unseen), Condition("zero_shot"))
    for name, together in ((group.group, group.tasks), *((task, (task,)) for task in group.tasks)):
        for selection in selections:
            union = union_of(scores, together, selection)
            sets: list[tuple[str, int | None, NeuronSet]] = [("task", None, union)]
            if selection.percent < 100:
                sets += [
                    ("random", draw, random_like(union, matching="layer", seed=seed, draw=draw))
                    for draw in range(random_draws)
                ]
            for arm, draw, neurons in sets:
                owner, share = name if arm == "task" else None, share_of(neurons)
                condition = Condition(arm, name, owner, selection, share, draw=draw, learning_rate=learning_rate)
                yield Cell((*together, *group.unseen), condition, "neurons", together, neurons)
