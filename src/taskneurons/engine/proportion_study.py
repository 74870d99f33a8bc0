"""Growing shares of the neurons of some tasks, trained jointly and singly (Leng & Xiong 2025, Figures 2 and 6)."""

from collections.abc import Iterator, Mapping, Sequence
from functools import reduce
from operator import or_

from taskneurons.engine.cells import Bench, Cell
from taskneurons.engine.evaluation_study import Row
from taskneurons.engine.rates import Selection
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet


def union_of(scores: Mapping[str, NeuronScores], tasks: Sequence[str], percent: float, within: Within) -> NeuronSet:
    """The union of the sets of several tasks; its share of the neurons is up to `percent` times their number."""
    return reduce(or_, (scores[task].top(percent, within) for task in tasks))


def train_proportions(
    bench: Bench,
    scores: Mapping[str, NeuronScores],
    group: str,
    tasks: Sequence[str],
    unseen: Sequence[str],
    learning_rate: float,
    *,
    selection: Selection,
    percents: Sequence[float],
    random_draws: int,
) -> Iterator[Row]:
    """Train the neurons of a group's tasks together, then those of each task alone, at every share.

    Args:
        bench: the pre-trained model and the tasks.
        scores: of the group's tasks, on that model.
        group: classification or generation.
        tasks: of the group, trained on.
        unseen: tasks that only test.
        learning_rate: the same for all shares, see `taskneurons.engine.rates.common_rate`.
        selection: of the sets.
        percents: share of each task's neurons.
        random_draws: random sets beside each, of the same size in every layer; none where all neurons are trained.

    Yields:
        Tidy rows.
    """
    cells = _cells(bench.recipe.seed, scores, group, tasks, unseen, learning_rate, selection, percents, random_draws)
    for _, rows, _ in bench.run(cells, name=group):
        yield from rows


def _cells(
    seed: int,
    scores: Mapping[str, NeuronScores],
    group: str,
    tasks: Sequence[str],
    unseen: Sequence[str],
    learning_rate: float,
    selection: Selection,
    percents: Sequence[float],
    random_draws: int,
) -> Iterator[Cell]:
    yield Cell((*tasks, *unseen), {"condition": "zero_shot"})
    for name, together in ((group, tuple(tasks)), *((task, (task,)) for task in tasks)):
        for percent in percents:
            union = union_of(scores, together, percent, selection.within)
            sets: list[tuple[str, int | None, NeuronSet]] = [("task", None, union)]
            if percent < 100:
                sets += [
                    ("random", draw, random_like(union, matching="layer", seed=seed, draw=draw))
                    for draw in range(random_draws)
                ]
            for condition, draw, neurons in sets:
                facts = {"condition": condition, "train_task": name, "learning_rate": learning_rate, "draw": draw}
                facts |= {"neurons": name if condition == "task" else None} | selection.facts(neurons, percent)
                yield Cell((*together, *unseen), facts, "neurons", together, neurons, learning_rate)
