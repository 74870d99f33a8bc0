"""What training a task's neurons gives, beside random ones, another task's, all, and the whole model.

Leng & Xiong 2025, Tables 2 and 7 and Figure 5 c-d: from the pre-trained model, everything else frozen. The learning
rates of all studies that train neurons are chosen here, too.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of, trained_rows
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import Arm, Arms, Dense, Rates, choose_rates, common_rate, rate, write_rates
from taskneurons.evidence.grid_search import RATE_TRIALS, RateTrial
from taskneurons.evidence.trained import TRAINED
from taskneurons.evidence.trained import Condition as Name
from taskneurons.job import Job
from taskneurons.models.load import DType
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.patches import NeuronPatch, save_patch
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

DENSE: tuple[Dense, ...] = ("ffn", "full")


def rates_by_size(trials: Iterable[RateTrial]) -> dict[Arm, float]:
    """The learning rates of `ffn`, `full` and, as `set@10`, of all sets of a share: the task's, random, another's.

    Sets of one size share the rate with the least validation loss averaged over the three. With a rate of its own for
    each, chosen by two pilot tasks, their difference was that of the rates: random neurons that drew 0.03 in place of
    0.01 lost five points of accuracy.

    Raises:
        InputError: every rate diverges for some arm.
    """
    sizes: dict[Arm, list[RateTrial]] = {}
    for trial in trials:
        arm = Arm.parse(trial.arm)
        sizes.setdefault(arm if arm.percent is None else Arm("set", arm.percent), []).append(trial)
    return {arm: common_rate(tried) for arm, tried in sizes.items()}


@dataclass
class TrainedTask:
    """What came of the trainings of one task.

    Attributes:
        task: its name.
        scores: of each cell.
        patches: by selection, what training made of the task's own neurons.
    """

    task: str
    scores: list[tuple[Cell, list[Score]]] = field(default_factory=list)
    patches: dict[Selection, NeuronPatch] = field(default_factory=dict)


def train_tasks(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    tasks: Iterable[str],
    rates: Rates,
    *,
    selections: Sequence[Selection],
    random_draws: int,
    pairs: bool,
) -> Iterator[TrainedTask]:
    """For each task: what the arms of Table 2 score on it, and what its own arm scores on all others.

    Args:
        tuner: the pre-trained model and all tasks.
        scores: of all tasks, on that model.
        tasks: that are trained on here.
        rates: of `ffn`, `full` and the sets of each share, see `rates_by_size`.
        selections: of the sets.
        random_draws: random sets of each share, matched by layer.
        pairs: train each task with every other task's neurons too, by the first selection.
    """
    kinds, seed = tuner.kinds(), tuner.recipe.seed
    for task in tasks:
        done = TrainedTask(task)
        cells = list(_dense_cells(task, rates))
        other = other_task(task, kinds, seed=seed)
        for selection in selections:
            make = _Cells(task, scores, selection, rate(rates, Arm("set", selection.percent)))
            own = selection.of(scores[task])
            cells.append(make.own(own))
            cells += [
                make.random(random_like(own, matching="layer", seed=seed, draw=draw), draw)
                for draw in range(random_draws)
            ]
            # The arm of the tables has a draw, the further pairs have none.
            cells.append(make.others(other, draw=0))
            if pairs and selection == selections[0]:
                cells += [make.others(name) for name in scores if name not in (task, other)]
        for cell, found, result in run_cells(tuner, cells, name=task):
            done.scores.append((cell, found))
            if result is not None and isinstance(result.change, NeuronPatch) and cell.condition.selection:
                done.patches[cell.condition.selection] = result.change
        yield done


def _dense_cells(task: str, rates: Rates) -> Iterator[Cell]:
    """The cells of a task that train no selected neurons."""
    yield Cell((task,), Condition("zero_shot"))
    for method in DENSE:
        yield Cell((task,), Condition(method, task, learning_rate=rate(rates, Arm(method))), method, (task,))


@dataclass(frozen=True)
class _Cells:
    """The cells that train sets of one share on one task.

    Attributes:
        task: that is trained on.
        scores: of all tasks.
        selection: of the sets.
        learning_rate: of all sets of this share.
    """

    task: str
    scores: Mapping[str, NeuronScores]
    selection: Selection
    learning_rate: float

    def own(self, neurons: NeuronSet) -> Cell:
        """The task's own neurons, which are kept and tested on every task."""
        tests = (self.task, *(name for name in self.scores if name != self.task))
        return self._cell("task", neurons, self.task, tests=tests, keep=True)

    def random(self, neurons: NeuronSet, draw: int) -> Cell:
        """A set of random neurons."""
        return self._cell("random", neurons, draw=draw)

    def others(self, owner: str, draw: int | None = None) -> Cell:
        """Another task's neurons."""
        return self._cell("other_task", self.selection.of(self.scores[owner]), owner, draw=draw)

    def _cell(
        self,
        name: Name,
        neurons: NeuronSet,
        owner: str | None = None,
        *,
        draw: int | None = None,
        tests: tuple[str, ...] | None = None,
        keep: bool = False,
    ) -> Cell:
        condition = Condition(
            name, self.task, owner, self.selection, share_of(neurons), draw=draw, learning_rate=self.learning_rate
        )
        return Cell(tests or (self.task,), condition, "neurons", (self.task,), neurons, keep)


# Jobs


@dataclass(frozen=True)
class ChooseSettings:
    """Settings of `choose`.

    Attributes:
        pilots: tasks whose validation loss decides.
        learning_rates: the grid.
        arms: what is trained.
        recipe: how; it tests on the validation split, the loss alone.
        dtype: precision of the products.
    """

    pilots: tuple[str, ...]
    learning_rates: tuple[float, ...]
    arms: Arms
    recipe: Recipe
    dtype: DType


def choose(job: Job[ChooseSettings]) -> None:
    """Choose the learning rate of every arm of a study from one grid, by the validation loss of the pilot tasks."""
    tuner = FineTuner.of(job, job.settings.recipe, job.settings.dtype, full=True)
    rates, trials = choose_rates(
        tuner,
        tuner.scores(job.inputs.by_stem("scores")),
        tuner.kinds(),
        job.settings.pilots,
        grid=job.settings.learning_rates,
        arms=job.settings.arms,
    )
    write_rates(job.outputs.one("rates"), rates)
    RATE_TRIALS.write(job.outputs.one("trials"), trials)


@dataclass(frozen=True)
class TrainSettings:
    """Settings of `train`.

    Attributes:
        selections: of the sets that are trained; what the first one's training made of a task's own neurons is kept.
        random_draws: random sets beside each, matched by layer.
        pairs: train each task with every other task's neurons too, by the first selection.
        recipe: how.
        dtype: precision of the products.
    """

    selections: tuple[Selection, ...]
    random_draws: int
    pairs: bool
    recipe: Recipe
    dtype: DType


def train(job: Job[TrainSettings]) -> None:
    """Train the neurons of some tasks and what they are compared with (Tables 2 and 7, Figure 5 c-d)."""
    settings = job.settings
    tuner = FineTuner.of(job, settings.recipe, settings.dtype, full=True)
    tables, patches = job.outputs.by_stem("rows"), job.outputs.by_stem("patches")
    for done in train_tasks(
        tuner,
        tuner.scores(job.inputs.by_stem("scores")),
        tables,
        rates_by_size(RATE_TRIALS.read(job.inputs.one("trials"))),
        selections=settings.selections,
        random_draws=settings.random_draws,
        pairs=settings.pairs,
    ):
        rows = [row for cell, scores in done.scores for row in trained_rows("training", job, cell, scores)]
        TRAINED.write(tables[done.task], rows)
        save_patch(patches[done.task], done.patches[settings.selections[0]])
