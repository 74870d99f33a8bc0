"""What training a task's neurons gives, beside random ones, another task's, all, and the whole model.

Leng & Xiong 2025, Tables 2 and 7 and Figure 5 c-d: from the pre-trained model, everything else frozen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence

from taskneurons.engine.cells import Bench, Cell
from taskneurons.engine.evaluation_study import Row
from taskneurons.engine.rates import Rates, Selection, arm, common_rate, rate
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet


def rates_by_size(tried: Iterable[Mapping[str, str]]) -> dict[str, float]:
    """The learning rates of `ffn`, `full` and, as `set@10`, of all sets of a share: the task's, random, another's.

    Sets of one size share the rate with the least validation loss averaged over the three. With a rate of its own for
    each, chosen by two pilot tasks, their difference was that of the rates: random neurons that drew 0.03 in place of
    0.01 lost five points of accuracy.

    Args:
        tried: the table that `choose_rates` gives, as text.

    Raises:
        InputError: every rate diverges for some arm.
    """
    sizes: dict[str, list[Mapping[str, str]]] = {}
    for row in tried:
        _, at, percent = row["arm"].partition("@")
        sizes.setdefault(arm("set", float(percent)) if at else row["arm"], []).append(row)
    return {name: common_rate(rows) for name, rows in sizes.items()}


def train_tasks(
    bench: Bench,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    tasks: Sequence[str],
    rates: Rates,
    *,
    selection: Selection,
    percents: Sequence[float],
    random_draws: int,
    pairs: bool,
) -> Iterator[tuple[str, list[Row], dict[float, NeuronPatch]]]:
    """For each task: what the arms of Table 2 score on it, and what its own arm scores on all others.

    Args:
        bench: the pre-trained model and the tasks.
        scores: of all tasks, on that model.
        kinds: (kind, family) of all tasks.
        tasks: that are trained on here.
        rates: of `ffn`, `full` and the sets of each share, see `rates_by_size`.
        selection: of the sets.
        percents: shares of the neurons.
        random_draws: random sets of each share, matched by layer.
        pairs: train each task with every other task's neurons too, at the first share.

    Yields:
        The task, its rows, and by share what training made of its own neurons.
    """
    for task in tasks:
        rows: list[Row] = []
        own: dict[float, NeuronPatch] = {}
        cells = arms(
            task, scores, kinds, rates, seed=bench.recipe.seed, selection=selection, percents=percents,
            random_draws=random_draws, pairs=pairs,
        )  # fmt: skip
        for cell, found, result in bench.run(cells, name=task):
            rows += found
            if result is not None and isinstance(result.change, NeuronPatch):
                own[cell.facts["percent"]] = result.change
        yield task, rows, own


def arms(
    task: str,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    rates: Rates,
    *,
    seed: int,
    selection: Selection,
    percents: Sequence[float],
    random_draws: int,
    pairs: bool,
) -> Iterator[Cell]:
    """The cells of one task, see `train_tasks`.

    The arm `other_task` of the tables trains the neurons of one other task, draw 0; the further pairs have no draw.
    """
    here = (task,)
    yield Cell(here, {"condition": "zero_shot"})
    for method in ("ffn", "full"):
        facts = {"condition": method, "train_task": task, "learning_rate": rate(rates, method)}
        yield Cell(here, facts, method, here, None, rate(rates, method))
    other = other_task(task, kinds, seed=seed)
    for place, percent in enumerate(percents):
        own = scores[task].top(percent, selection.within)

        def cell(
            condition: str,
            trained: NeuronSet,
            owner: str | None = None,
            draw: int | None = None,
            tests: tuple[str, ...] = here,
            percent: float = percent,
        ) -> Cell:
            speed = rate(rates, arm("set", percent))
            facts = {"condition": condition, "neurons": owner, "train_task": task, "draw": draw, "learning_rate": speed}
            facts |= selection.facts(trained, percent)
            return Cell(tests, facts, "neurons", here, trained, speed, keep=condition == "task")

        yield cell("task", own, task, tests=(task, *(name for name in scores if name != task)))
        for draw in range(random_draws):
            yield cell("random", random_like(own, matching="layer", seed=seed, draw=draw), draw=draw)
        yield cell("other_task", scores[other].top(percent, selection.within), other, draw=0)
        if pairs and place == 0:
            for name in scores:
                if name not in (task, other):
                    yield cell("other_task", scores[name].top(percent, selection.within), name)
