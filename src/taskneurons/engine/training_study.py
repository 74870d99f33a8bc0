"""What training a task's neurons gives, beside random ones, another task's, all, and the whole model.

Leng & Xiong 2025, Tables 2 and 7 and Figure 5 c-d: from the pre-trained model, everything else frozen.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

from taskneurons.engine.cells import Bench, Cell
from taskneurons.engine.evaluation_study import Row
from taskneurons.errors import InputError
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet

Rates = Mapping[str, float]
"""The learning rate of each arm: `full`, `ffn`, and `task@10`, `random@10`, `other_task@10` for each share."""


class Selection(NamedTuple):
    """How sets are made of scores."""

    estimator: str
    within: Within

    def facts(self, neurons: NeuronSet, percent: float) -> dict[str, Any]:
        """The cells of a row that say what was selected; `share` is what it comes to, in percent of all neurons."""
        share = 100 * len(neurons) / neurons.mask.size
        return {"percent": percent, "share": share, "estimator": self.estimator, "selection": self.within}


def arm(condition: str, percent: float) -> str:
    """The name of a sparse arm among the learning rates."""
    return f"{condition}@{percent:g}"


def rate(rates: Rates, name: str) -> float:
    """The learning rate of an arm.

    Raises:
        InputError: none was chosen.
    """
    if name not in rates:
        raise InputError(f"no learning rate was chosen for `{name}`; there are {', '.join(rates)}", where="rates")
    return rates[name]


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
        rates: of the arms.
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
            speed = rate(rates, arm(condition, percent))
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


def choose_rates(
    bench: Bench,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    pilots: Sequence[str],
    *,
    grid: Sequence[float],
    percents: Sequence[float],
    selection: Selection,
) -> tuple[dict[str, float], list[Row]]:
    """For each arm the learning rate of the grid with the least validation loss, averaged over the pilot tasks.

    Args:
        bench: its recipe tests on the validation split, the loss alone.
        scores, kinds: as for `train_tasks`.
        pilots: tasks that decide.
        grid: learning rates, the same for every arm.
        percents: shares for which the sparse arms get a rate.
        selection: of the sets.

    Returns:
        The rates, and a row for every training that was tried: `arm`, `task`, `learning_rate`, `loss` (empty where the
        training diverged), `chosen`.

    Raises:
        InputError: an arm diverges at every rate.
    """
    seed = bench.recipe.seed
    trials = list(_trials(scores, kinds, pilots, grid, percents, selection, seed))
    losses: dict[tuple[str, float, str], float | None] = {}
    for cell, rows, _ in bench.run(trials, name="learning rates", may_diverge=True):
        losses[cell.facts["condition"], cell.learning_rate, cell.tests[0]] = rows[0]["value"] if rows else None
    rates = {}
    for name in dict.fromkeys(key[0] for key in losses):
        means = {}
        for speed in grid:
            found = [losses[name, speed, pilot] for pilot in pilots]
            if None not in found:
                means[speed] = sum(loss for loss in found if loss is not None) / len(found)
        if not means:
            raise InputError(
                "diverges at every learning rate of the grid", where=f"arm {name}", remedy="Add lower learning rates"
            )
        rates[name] = min(means, key=lambda speed: (means[speed], speed))
    tried = [
        {"arm": name, "task": pilot, "learning_rate": speed, "loss": loss, "chosen": rates[name] == speed}
        for (name, speed, pilot), loss in losses.items()
    ]
    return rates, tried


def _trials(
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    pilots: Iterable[str],
    grid: Iterable[float],
    percents: Sequence[float],
    selection: Selection,
    seed: int,
) -> Iterator[Cell]:
    """Every training that is tried; its condition is the name of the arm."""
    for pilot in pilots:
        sets: dict[str, NeuronSet | None] = {"full": None, "ffn": None}
        for percent in percents:
            own = scores[pilot].top(percent, selection.within)
            other = scores[other_task(pilot, kinds, seed=seed)].top(percent, selection.within)
            sets[arm("task", percent)] = own
            sets[arm("random", percent)] = random_like(own, matching="layer", seed=seed, draw=0)
            sets[arm("other_task", percent)] = other
        for name, neurons in sets.items():
            for speed in grid:
                facts = {"condition": name, "learning_rate": speed}
                method: Any = "neurons" if neurons is not None else name
                yield Cell((pilot,), facts, method, (pilot,), neurons, speed)
