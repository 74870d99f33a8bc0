"""What training a task's neurons gives, beside random ones, another task's, all, and the whole model.

Leng & Xiong 2025, Tables 2 and 7 and Figure 5 c-d: from the pre-trained model, everything else frozen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from taskneurons.engine.cells import Cell, Condition, run_cells, share_of
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.rates import Arm, Rates, Trial, common_rate, rate
from taskneurons.engine.tuning import Method
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

DENSE: tuple[Method, ...] = ("ffn", "full")


def rates_by_size(trials: Iterable[Trial]) -> dict[Arm, float]:
    """The learning rates of `ffn`, `full` and, as `set@10`, of all sets of a share: the task's, random, another's.

    Sets of one size share the rate with the least validation loss averaged over the three. With a rate of its own for
    each, chosen by two pilot tasks, their difference was that of the rates: random neurons that drew 0.03 in place of
    0.01 lost five points of accuracy.

    Raises:
        InputError: every rate diverges for some arm.
    """
    sizes: dict[Arm, list[Trial]] = {}
    for trial in trials:
        arm = trial.arm if trial.arm.percent is None else Arm("set", trial.arm.percent)
        sizes.setdefault(arm, []).append(trial)
    return {arm: common_rate(tried) for arm, tried in sizes.items()}


def train_tasks(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    tasks: Sequence[str],
    rates: Rates,
    *,
    selections: Sequence[Selection],
    random_draws: int,
    pairs: bool,
) -> Iterator[tuple[str, list[dict[str, Any]], dict[Selection, NeuronPatch]]]:
    """For each task: what the arms of Table 2 score on it, and what its own arm scores on all others.

    Args:
        tuner: the pre-trained model and the tasks.
        scores: of all tasks, on that model.
        kinds: (kind, family) of all tasks.
        tasks: that are trained on here.
        rates: of `ffn`, `full` and the sets of each share, see `rates_by_size`.
        selections: of the sets.
        random_draws: random sets of each share, matched by layer.
        pairs: train each task with every other task's neurons too, by the first selection.

    Yields:
        The task, its rows, and by selection what training made of its own neurons.
    """
    for task in tasks:
        rows: list[dict[str, Any]] = []
        own: dict[Selection, NeuronPatch] = {}
        cells = arms(
            task, scores, kinds, rates, seed=tuner.recipe.seed, selections=selections, random_draws=random_draws,
            pairs=pairs,
        )  # fmt: skip
        for cell, found, result in run_cells(tuner, cells, name=task):
            rows += [cell.condition.columns() | asdict(score) for score in found]
            if result is not None and isinstance(result.change, NeuronPatch) and cell.condition.selection:
                own[cell.condition.selection] = result.change
        yield task, rows, own


def arms(
    task: str,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    rates: Rates,
    *,
    seed: int,
    selections: Sequence[Selection],
    random_draws: int,
    pairs: bool,
) -> Iterator[Cell]:
    """The cells of one task, see `train_tasks`.

    The arm `other_task` of the tables trains the neurons of one other task, draw 0; the further pairs have no draw.
    """
    here = (task,)
    yield Cell(here, Condition("zero_shot"))
    for method in DENSE:
        yield Cell(here, Condition(method, task, learning_rate=rate(rates, Arm(method))), method, here)
    other = other_task(task, kinds, seed=seed)
    for place, selection in enumerate(selections):
        own = selection.of(scores[task])
        learning_rate = rate(rates, Arm("set", selection.percent))

        def cell(
            name: str,
            trained: NeuronSet,
            owner: str | None = None,
            draw: int | None = None,
            tests: tuple[str, ...] = here,
            selection: Selection = selection,
            learning_rate: float = learning_rate,
        ) -> Cell:
            share = share_of(trained)
            condition = Condition(name, task, owner, selection, share, draw=draw, learning_rate=learning_rate)
            return Cell(tests, condition, "neurons", here, trained, keep=name == "task")

        yield cell("task", own, task, tests=(task, *(name for name in scores if name != task)))
        for draw in range(random_draws):
            yield cell("random", random_like(own, matching="layer", seed=seed, draw=draw), draw=draw)
        yield cell("other_task", selection.of(scores[other]), other, draw=0)
        if pairs and place == 0:
            for name in scores:
                if name not in (task, other):
                    yield cell("other_task", selection.of(scores[name]), name)
