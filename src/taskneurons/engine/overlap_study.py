"""Does a larger overlap with a task's neurons help the task? It is set here (Leng & Xiong 2025, Tables 9 to 11)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.rates import Arm, Rates, rate
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.neurons.controlled import with_overlap
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection


def train_with_overlap(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    group: TaskGroup,
    rates: Rates,
    *,
    selections: Sequence[Selection],
    overlaps: Sequence[float],
    choices: int,
) -> Iterator[dict[str, Any]]:
    """Train random neurons on a group's tasks, some of them in an unseen task's set, and test on that task.

    The learning rate is that of random neurons of the same share, whatever the overlap.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of the unseen tasks, on that model.
        group: the tasks.
        rates: of the arms.
        selections: of the unseen tasks' sets; as many neurons are trained.
        overlaps: shares of the trained neurons that lie in that set.
        choices: random choices of each overlap below 100 %, where the set is the test task's own.

    Yields:
        Tidy rows.
    """
    cells = _cells(tuner.recipe.seed, scores, group, rates, selections, overlaps, choices)
    for cell, found, _ in run_cells(tuner, cells, name=f"{group.group}, overlap"):
        yield from (cell.condition.columns() | asdict(score) for score in found)


def _cells(
    seed: int,
    scores: Mapping[str, NeuronScores],
    group: TaskGroup,
    rates: Rates,
    selections: Sequence[Selection],
    overlaps: Sequence[float],
    choices: int,
) -> Iterator[Cell]:
    yield Cell(group.unseen, Condition("zero_shot"))
    for test in group.unseen:
        for selection in selections:
            target = selection.of(scores[test])
            learning_rate = rate(rates, Arm("random", selection.percent))
            for overlap in overlaps:
                # At 100 % there is nothing to choose: it is the task's own set.
                for choice in range(choices if overlap < 100 else 1):
                    neurons = with_overlap(target, overlap, seed=seed, choice=choice)
                    condition = Condition(
                        "task", group.group, group.group, selection, share_of(neurons), overlap, choice, learning_rate
                    )
                    yield Cell((test,), condition, "neurons", group.tasks, neurons)
