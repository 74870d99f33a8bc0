"""What training a task's neurons gives after how many steps, beside other neurons and the whole model.

Leng & Xiong 2025, Tables 2 and 7 and Figure 5 c-d: from the pre-trained model, everything else frozen. Everything that
is compared has the same share, learning rate, data and number of steps, so no rate is chosen.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from taskneurons.engine.cells import Cell, Condition, run_cells, said, share_of
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.evidence.trained import Condition as Name
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.keystone import keystone
from taskneurons.neurons.others import other_task, sibling_task
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.training.params import Control
from taskneurons.studies.training.rows import READINGS, ReadingRow


@dataclass(frozen=True)
class CellPlan:
    """What is trained in a cell of the grid: own and random neurons, and further sets.

    Attributes:
        selection: of the sets.
        learning_rate: kept after the warm-up.
        controls: the further sets.
    """

    selection: Selection
    learning_rate: float
    controls: tuple[Control, ...]


def train_curves(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    task: str,
    trained: Sequence[CellPlan],
    *,
    random_draws: int,
) -> Iterator[tuple[Cell, list[Score]]]:
    """Train the whole model at every rate, and every set of every cell, on one task; test each after every reading.

    Args:
        tuner: the pre-trained model and all tasks; its recipe has the readings.
        scores: of all tasks, on that model.
        task: that is trained on and tested.
        trained: the cells of the grid.
        random_draws: random sets of each cell, matched by layer.

    Yields:
        What each cell scores, first the untrained model. A training that diverged has no scores.
    """
    cells = [Cell((task,), Condition("zero_shot"))]
    for rate in dict.fromkeys(one.learning_rate for one in trained):
        cells.append(Cell((task,), Condition("full", task, learning_rate=rate), "full", (task,)))
    for one in trained:
        for name, owner, draw, neurons in _sets(tuner, scores, task, one, random_draws):
            condition = Condition(
                name, task, owner, one.selection, share_of(neurons), draw=draw, learning_rate=one.learning_rate
            )
            cells.append(Cell((task,), condition, "neurons", (task,), neurons))
    for cell, found, _ in run_cells(tuner, cells, name=task, may_diverge=True):
        yield cell, found


def _sets(
    tuner: FineTuner, scores: Mapping[str, NeuronScores], task: str, cell: CellPlan, random_draws: int
) -> Iterator[tuple[Name, str | None, int | None, NeuronSet]]:
    """The sets of one cell of the grid: what each is called, whose it is, the number of a draw."""
    kinds, seed, selection = tuner.kinds(), tuner.recipe.seed, cell.selection
    own = selection.of(scores[task])
    yield "task", task, None, own
    for draw in range(random_draws):
        yield "random", None, draw, random_like(own, matching="layer", seed=seed, draw=draw)
    if "uniform" in cell.controls:
        yield "uniform", None, 0, random_like(own, matching="uniform", seed=seed, draw=0)
    if "keystone" in cell.controls:
        yield "keystone", None, None, keystone(scores, selection)
    if "other_task" in cell.controls:
        other = other_task(task, kinds, seed=seed)
        yield "other_task", other, None, selection.of(scores[other])
    if "sibling" in cell.controls and (sibling := sibling_task(task, kinds, seed=seed)):
        yield "sibling", sibling, None, selection.of(scores[sibling])


# Jobs


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `train`.

    Attributes:
        trained: the cells of the grid.
        random_draws: random sets of each cell, matched by layer.
        recipe: how neurons are trained, and when they are read.
        dtype: precision of the products.
    """

    trained: tuple[CellPlan, ...]
    random_draws: int
    recipe: Recipe
    dtype: DType


def train(job: Job[TrainSettings]) -> None:
    """Train the neurons of some tasks and what they are compared with (Tables 2 and 7, Figure 5 c-d)."""
    settings = job.settings
    tuner = FineTuner.of(job, settings.recipe, settings.dtype, full=True)
    scores = tuner.scores(job.inputs.by_stem("scores"))
    for task, path in job.outputs.by_stem("rows").items():
        done = train_curves(tuner, scores, task, settings.trained, random_draws=settings.random_draws)
        READINGS.write(path, [reading_row(job, cell, score) for cell, found in done for score in found])


def reading_row(job: Job[TrainSettings], cell: Cell, score: Score) -> ReadingRow:
    """What a cell scores at one reading, as a row of the job's table."""
    return ReadingRow(**said(job, cell, score), task=score.test_task, steps=score.steps or 0)
