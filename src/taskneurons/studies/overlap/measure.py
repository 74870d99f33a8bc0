"""Does a larger overlap with a task's neurons help the task? It is set here (Leng & Xiong 2025, Tables 9 to 11)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import product

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of, trained_rows
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.trained import TRAINED
from taskneurons.evidence.trained import Condition as Name
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.controlled import halves_by_score, with_overlap
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True)
class Overlaps:
    """Which neurons are trained.

    Attributes:
        selections: how many neurons are trained, and how the test tasks' sets are ranked, which are larger.
        times: how many times as large as what is trained these sets are, so that a half of one holds several choices.
        overlaps: shares of the trained neurons that lie in that set, in percent.
        choices: random choices of each overlap; there are as many of each, so that all overlaps weigh the same.
    """

    selections: tuple[Selection, ...]
    times: int
    overlaps: tuple[float, ...]
    choices: int


def train_with_overlap(
    tuner: FineTuner, scores: Mapping[str, NeuronScores], group: TaskGroup, learning_rate: float, overlaps: Overlaps
) -> Iterator[tuple[Cell, list[Score]]]:
    """Train random neurons on a group's tasks, some of them in an unseen task's set, and test on that task.

    At each overlap the neurons inside are once those with the higher scores of the set, once those with the lower ones:
    sets of the same overlap that differ in importance. Random neurons of any kind say whether the training teaches the
    group's tasks at all.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of the unseen tasks, on that model.
        group: the tasks.
        learning_rate: of every training.
        overlaps: which neurons.

    Yields:
        Each fine-tuning with its scores; first those of the untrained model.
    """
    seed, name = tuner.recipe.seed, group.group
    cells = [Cell((*group.tasks, *group.unseen), Condition("zero_shot"))]
    for selection in overlaps.selections:
        # One draw for all groups that train on the same tasks, whatever tests them: a model is one row.
        anywhere = random_like(selection.of(scores[min(scores)]), matching="uniform", seed=seed, draw=0)
        condition = Condition("random", name, None, selection, share_of(anywhere), draw=0, learning_rate=learning_rate)
        cells.append(Cell(group.tasks, condition, "neurons", group.tasks, anywhere))
    for test in group.unseen:
        for selection in overlaps.selections:
            target = replace(selection, percent=overlaps.times * selection.percent).of(scores[test])
            size = len(selection.of(scores[test]))
            parts: Mapping[Name, NeuronSet] = dict(
                zip(("higher", "lower"), halves_by_score(target, scores[test]), strict=True)
            )
            for (part, members), overlap, choice in product(parts.items(), overlaps.overlaps, range(overlaps.choices)):
                neurons = with_overlap(target, members, overlap, size=size, seed=seed, choice=choice)
                condition = Condition(part, name, name, selection, share_of(neurons), overlap, choice, learning_rate)
                cells.append(Cell((test,), condition, "neurons", group.tasks, neurons))
    for cell, found, _ in run_cells(tuner, cells, name=f"{group.group}, overlap"):
        yield cell, found


# Jobs


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `train`.

    Attributes:
        combinations: the tasks that are trained on and those that test, by the name of the file of their rows.
        learning_rate, recipe: shared by all fine-tunings.
        overlaps: which neurons.
        dtype: precision of the products.
    """

    combinations: Mapping[str, TaskGroup]
    learning_rate: float
    recipe: Recipe
    overlaps: Overlaps
    dtype: DType


def train(job: Job[TrainSettings]) -> None:
    """Train neurons of which a chosen share lies in a test task's set."""
    tuner = FineTuner.of(job, job.settings.recipe, job.settings.dtype, full=False)
    scores = tuner.scores(job.inputs.by_stem("scores"))
    for combination, path in job.outputs.by_stem("rows").items():
        group = job.settings.combinations[combination]
        found = train_with_overlap(tuner, scores, group, job.settings.learning_rate, job.settings.overlaps)
        TRAINED.write(path, [row for cell, of_cell in found for row in trained_rows("overlap", job, cell, of_cell)])
