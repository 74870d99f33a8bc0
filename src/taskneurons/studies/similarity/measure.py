"""Parameters of the neurons of two tasks inside fully tuned models, and how these models do on other tasks.

Leng & Xiong 2025, Figure 3 and Table 4: one model for each training task, tuned as a whole on it alone. The neurons
are those that scores on the pre-trained model select; tuning moves their parameters, not the sets.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from dataclasses import dataclass

from taskneurons.engine.cells import Cell, Condition, run_cells, trained_rows
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.tuning import tuned
from taskneurons.evidence.trained import TRAINED, Trained
from taskneurons.job import Job
from taskneurons.measures.similarity import ParameterSimilarity, parameter_similarity
from taskneurons.models.load import DType
from taskneurons.models.neuron_weights import layer_parameters
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.studies.similarity.rows import CELLS, CellRow, State


@dataclass(frozen=True)
class Comparison:
    """The neurons of two tasks in one layer of one model.

    Attributes:
        state: base, or tuned on `train_task`.
        train_task, test_task: the tasks.
        layer: from 0.
        similarity: of their parameters.
    """

    state: State
    train_task: str
    test_task: str
    layer: int
    similarity: ParameterSimilarity


def compare_parameters(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    tasks: Sequence[str],
    unseen: Sequence[str],
    learning_rate: float,
    *,
    selection: Selection,
) -> Iterator[tuple[Cell, list[Score], list[Comparison]]]:
    """Tune the model on each training task; compare, layer by layer, its neurons with those of each test task.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of all tasks, on that model.
        tasks: that are trained on, each by itself.
        unseen: that only test.
        learning_rate: of every tuning.
        selection: of the sets.

    Yields:
        Each fine-tuning with its scores and its comparisons: first the model as it is, with the sets of all pairs, then
        each tuned model, which knows its own task's set.
    """
    sets = {task: selection.of(scores[task]) for task in (*tasks, *unseen)}
    cells = [Cell((*tasks, *unseen), Condition("zero_shot"))]
    for task in tasks:
        condition = Condition("full", task, learning_rate=learning_rate)
        cells.append(Cell((task, *unseen), condition, "full", (task,), keep=True))
    model = tuner.base.model
    for cell, scored, result in run_cells(tuner, cells, name="similarity"):
        with tuned(model, result, base=tuner.base.digest) if result else nullcontext():
            parameters = layer_parameters(model)
        state: State = "tuned" if result else "base"
        yield (
            cell,
            scored,
            [
                Comparison(state, task, other, layer, parameter_similarity(values, one, another))
                for task in cell.train or tasks
                for other in unseen
                for layer, (values, one, another) in enumerate(
                    zip(parameters, sets[task].mask, sets[other].mask, strict=True)
                )
            ],
        )


# Jobs


@dataclass(frozen=True)
class CompareSettings:
    """Settings of `compare`.

    Attributes:
        tasks: that are trained on, each by itself.
        unseen: that only test.
        learning_rate, recipe: shared by all fine-tunings.
        selection: of the sets.
        dtype: precision of the products.
    """

    tasks: tuple[str, ...]
    unseen: tuple[str, ...]
    learning_rate: float
    recipe: Recipe
    selection: Selection
    dtype: DType


def compare(job: Job[CompareSettings]) -> None:
    """Tune the whole model on each training task; compare parameters of neurons, and test (Figure 3, Table 4)."""
    settings = job.settings
    tuner = FineTuner.of(job, settings.recipe, settings.dtype, full=True)
    scores = tuner.scores(job.inputs.by_stem("scores"))
    scored: list[Trained] = []
    cells: list[CellRow] = []
    for cell, found, comparisons in compare_parameters(
        tuner, scores, settings.tasks, settings.unseen, settings.learning_rate, selection=settings.selection
    ):
        scored += trained_rows("similarity", job, cell, found)
        cells += [cell_row(job, one) for one in comparisons]
    TRAINED.write(job.outputs.one("scores"), scored)
    CELLS.write(job.outputs.one("cells"), cells)


def cell_row(job: Job[CompareSettings], found: Comparison) -> CellRow:
    """A comparison as a row of the job's table."""
    selection = job.settings.selection
    return CellRow(
        study="similarity",
        model=job.model,
        suite=job.suite,
        seed=job.seed,
        estimator=selection.estimator,
        selection=selection.within,
        percent=selection.percent,
        state=found.state,
        train_task=found.train_task,
        test_task=found.test_task,
        layer=found.layer,
        **vars(found.similarity),
    )
