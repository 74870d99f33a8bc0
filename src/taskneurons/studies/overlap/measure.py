"""Does a larger overlap with a task's neurons help the task? It is set here (Leng & Xiong 2025, Tables 9 to 11)."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of, trained_rows
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import Arm, Rates, rate, read_rates
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.controlled import with_overlap
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection


@dataclass(frozen=True)
class Overlaps:
    """Which neurons are trained.

    Attributes:
        selections: of the unseen tasks' sets; as many neurons are trained.
        overlaps: shares of the trained neurons that lie in that set, in percent.
        choices: random choices of each overlap below 100 %, where the set is the test task's own.
    """

    selections: tuple[Selection, ...]
    overlaps: tuple[float, ...]
    choices: int


def train_with_overlap(
    tuner: FineTuner, scores: Mapping[str, NeuronScores], group: TaskGroup, rates: Rates, overlaps: Overlaps
) -> Iterator[tuple[Cell, list[Score]]]:
    """Train random neurons on a group's tasks, some of them in an unseen task's set, and test on that task.

    The learning rate is that of random neurons of the same share, whatever the overlap.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of the unseen tasks, on that model.
        group: the tasks.
        rates: of the arms.
        overlaps: which neurons.

    Yields:
        Each fine-tuning with its scores; first those of the untrained model.
    """
    cells = [Cell(group.unseen, Condition("zero_shot"))]
    for test in group.unseen:
        for selection in overlaps.selections:
            learning_rate = rate(rates, Arm("random", selection.percent))
            target = selection.of(scores[test])
            for overlap in overlaps.overlaps:
                # At 100 % there is nothing to choose: it is the task's own set.
                for choice in range(overlaps.choices if overlap < 100 else 1):
                    neurons = with_overlap(target, overlap, seed=tuner.recipe.seed, choice=choice)
                    condition = Condition(
                        "task", group.group, group.group, selection, share_of(neurons), overlap, choice, learning_rate
                    )
                    cells.append(Cell((test,), condition, "neurons", group.tasks, neurons))
    for cell, found, _ in run_cells(tuner, cells, name=f"{group.group}, overlap"):
        yield cell, found


# Jobs


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `train`.

    Attributes:
        combinations: the tasks that are trained on and those that test, by the name of the file of their rows.
        recipe: shared by all fine-tunings.
        overlaps: which neurons.
        dtype: precision of the products.
    """

    combinations: Mapping[str, TaskGroup]
    recipe: Recipe
    overlaps: Overlaps
    dtype: DType


def train(job: Job[TrainSettings]) -> None:
    """Train neurons of which a chosen share lies in a test task's set."""
    tuner = FineTuner.of(job, job.settings.recipe, job.settings.dtype, full=False)
    scores, rates = tuner.scores(job.inputs.by_stem("scores")), read_rates(job.inputs.one("rates"))
    for combination, path in job.outputs.by_stem("rows").items():
        group = job.settings.combinations[combination]
        found = train_with_overlap(tuner, scores, group, rates, job.settings.overlaps)
        TRAINED.write(path, [row for cell, of_cell in found for row in trained_rows("overlap", job, cell, of_cell)])
