"""Growing shares of the neurons of some tasks, trained jointly and singly (Leng & Xiong 2025, Figures 2 and 6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of, trained_rows
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

MOST_BESIDE_RANDOM = 50.0
"""Share of the neurons, in percent, up to which random ones of the same layers can be others."""


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
) -> Iterator[tuple[Cell, list[Score]]]:
    """Train the neurons of a group's tasks together, then those of each task alone, at every share.

    What was trained together is tested on the unseen tasks, too. More than half of the neurons have no random set
    beside them: it would share most of its neurons with them.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of the group's tasks, on that model.
        group: the tasks.
        learning_rate: the same for all shares. With a rate of its own for each, a curve over shares would show the
            rates: what is forgotten of other tasks depends on them more than on the share.
        selections: of each task's neurons, by growing shares.
        random_draws: random sets beside those that are trained together, of the same size in every layer.

    Yields:
        What each cell scores.
    """
    cells = [Cell((*group.tasks, *group.unseen), Condition("zero_shot"))]
    for name, together in ((group.group, group.tasks), *((task, (task,)) for task in group.tasks)):
        for selection in selections:
            union = union_of(scores, together, selection)
            own = Condition("task", name, name, selection, share_of(union), learning_rate=learning_rate)
            tests = (*together, *(group.unseen if name == group.group else ()))
            cells.append(Cell(tests, own, "neurons", together, union))
            beside = name == group.group and share_of(union) <= MOST_BESIDE_RANDOM
            for draw in range(random_draws if beside else 0):
                random = random_like(union, matching="layer", seed=tuner.recipe.seed, draw=draw)
                condition = Condition(
                    "random", name, None, selection, share_of(random), draw=draw, learning_rate=learning_rate
                )
                cells.append(Cell(tests, condition, "neurons", together, random))
    for cell, found, _ in run_cells(tuner, cells, name=group.group):
        yield cell, found


# Jobs


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `train`.

    Attributes:
        groups: tasks that are trained on, together and one by one, with those that test.
        selections: of each task's neurons, by growing shares.
        random_draws: random sets beside each of several tasks, matched by layer.
        learning_rate: of every training.
        recipe: how neurons are trained.
        dtype: precision of the products.
    """

    groups: tuple[TaskGroup, ...]
    selections: tuple[Selection, ...]
    random_draws: int
    learning_rate: float
    recipe: Recipe
    dtype: DType


def train(job: Job[TrainSettings]) -> None:
    """Train growing shares of the neurons of groups of tasks (Figures 2 and 6)."""
    settings = job.settings
    tuner = FineTuner.of(job, settings.recipe, settings.dtype, full=False)
    scores = tuner.scores(job.inputs.by_stem("scores"))
    tables = job.outputs.by_stem("rows")
    for group in settings.groups:
        done = train_proportions(
            tuner,
            scores,
            group,
            settings.learning_rate,
            selections=settings.selections,
            random_draws=settings.random_draws,
        )
        rows = [row for cell, found in done for row in trained_rows("proportion", job, cell, found)]
        TRAINED.write(tables[group.group], rows)
