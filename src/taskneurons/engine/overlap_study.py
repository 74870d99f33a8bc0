"""Does a larger overlap with a task's neurons help the task? It is set here (Leng & Xiong 2025, Tables 9 to 11)."""

from collections.abc import Iterator, Mapping, Sequence

from taskneurons.engine.cells import Bench, Cell
from taskneurons.engine.evaluation_study import Row
from taskneurons.engine.rates import Rates, Selection, arm, rate
from taskneurons.neurons.controlled import with_overlap
from taskneurons.neurons.scores import NeuronScores


def train_with_overlap(
    bench: Bench,
    scores: Mapping[str, NeuronScores],
    group: str,
    tasks: Sequence[str],
    unseen: Sequence[str],
    rates: Rates,
    *,
    selection: Selection,
    percents: Sequence[float],
    overlaps: Sequence[float],
    choices: int,
) -> Iterator[Row]:
    """Train random neurons on a group's tasks, some of them in an unseen task's set, and test on that task.

    The learning rate is that of random neurons of the same share, whatever the overlap.

    Args:
        bench: the pre-trained model and the tasks.
        scores: of the unseen tasks, on that model.
        group: of the trained tasks, classification or generation.
        tasks: trained on together.
        unseen: tasks that test.
        rates: of the arms.
        selection: of the unseen tasks' sets.
        percents: shares of the neurons that are trained, and that make an unseen task's set.
        overlaps: shares of the trained neurons that lie in that set.
        choices: random choices of each overlap below 100 %, where the set is the test task's own.

    Yields:
        Tidy rows.
    """
    cells = _cells(bench.recipe.seed, scores, group, tasks, unseen, rates, selection, percents, overlaps, choices)
    for _, rows, _ in bench.run(cells, name=f"{group}, overlap"):
        yield from rows


def _cells(
    seed: int,
    scores: Mapping[str, NeuronScores],
    group: str,
    tasks: Sequence[str],
    unseen: Sequence[str],
    rates: Rates,
    selection: Selection,
    percents: Sequence[float],
    overlaps: Sequence[float],
    choices: int,
) -> Iterator[Cell]:
    yield Cell(tuple(unseen), {"condition": "zero_shot"})
    for test in unseen:
        for percent in percents:
            target = scores[test].top(percent, selection.within)
            speed = rate(rates, arm("random", percent))
            for overlap in overlaps:
                # At 100 % there is nothing to choose: it is the task's own set.
                for choice in range(choices if overlap < 100 else 1):
                    neurons = with_overlap(target, overlap, seed=seed, choice=choice)
                    facts = {"condition": "task", "train_task": group, "neurons": group, "overlap": overlap}
                    facts |= {"draw": choice, "learning_rate": speed} | selection.facts(neurons, percent)
                    yield Cell((test,), facts, "neurons", tuple(tasks), neurons, speed)
