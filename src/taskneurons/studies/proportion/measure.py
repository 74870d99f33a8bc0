"""Growing shares of the neurons of some tasks, trained jointly and singly (Leng & Xiong 2025, Figures 2 and 6)."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from operator import or_

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of, trained_rows
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import common_rate
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.grid_search import RATE_TRIALS
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Job
from taskneurons.models.load import DType
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
) -> Iterator[tuple[Cell, list[Score]]]:
    """Train the neurons of a group's tasks together, then those of each task alone, at every share.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of the group's tasks, on that model.
        group: the tasks.
        learning_rate: the same for all shares, see `taskneurons.engine.rates.common_rate`.
        selections: of each task's neurons, by growing shares.
        random_draws: random sets beside each, of the same size in every layer; none where all neurons are trained.

    Yields:
        What each cell scores.
    """
    cells = [Cell((*group.tasks, *group.unseen), Condition("zero_shot"))]
    for name, together in ((group.group, group.tasks), *((task, (task,)) for task in group.tasks)):
        for selection in selections:
            union = union_of(scores, together, selection)
            own = Condition("task", name, name, selection, share_of(union), learning_rate=learning_rate)
            tests = (*together, *group.unseen)
            cells.append(Cell(tests, own, "neurons", together, union))
            for draw in range(random_draws if selection.percent < 100 else 0):
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
        random_draws: random sets beside each, matched by layer.
        recipe: how neurons are trained.
        dtype: precision of the products.
    """

    groups: tuple[TaskGroup, ...]
    selections: tuple[Selection, ...]
    random_draws: int
    recipe: Recipe
    dtype: DType


def train(job: Job[TrainSettings]) -> None:
    """Train growing shares of the neurons of groups of tasks (Figures 2 and 6)."""
    settings = job.settings
    tuner = FineTuner.of(job, settings.recipe, settings.dtype, full=False)
    scores = tuner.scores(job.inputs.by_stem("scores"))
    learning_rate = common_rate(RATE_TRIALS.read(job.inputs.one("trials")))
    tables = job.outputs.by_stem("rows")
    for group in settings.groups:
        done = train_proportions(
            tuner,
            scores,
            group,
            learning_rate,
            selections=settings.selections,
            random_draws=settings.random_draws,
        )
        rows = [row for cell, found in done for row in trained_rows("proportion", job, cell, found)]
        TRAINED.write(tables[group.group], rows)
