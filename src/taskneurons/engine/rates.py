"""The learning rate of each way of training, chosen from one grid by the validation loss of pilot tasks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from statistics import fmean
from typing import Any, Literal, NamedTuple

from taskneurons.engine.cells import Bench, Cell
from taskneurons.engine.evaluation_study import Row
from taskneurons.engine.tuning import Method
from taskneurons.errors import InputError
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.sets import NeuronSet

Sparse = Literal["task", "random", "other_task"]
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


def common_rate(tried: Iterable[Mapping[str, str]]) -> float:
    """The learning rate with the least validation loss, averaged over all arms and shares.

    With a rate of its own for each share, a curve over shares would show the rates too: what is forgotten of other
    tasks depends on them more than on the share.

    Args:
        tried: the table that `choose_rates` gives, with `arm`, `learning_rate` and `loss`, as text.

    Raises:
        InputError: no rate went well for every share.
    """
    losses: dict[float, list[float]] = {}
    diverged = set()
    for row in tried:
        speed = float(row["learning_rate"])
        if row["loss"]:
            losses.setdefault(speed, []).append(float(row["loss"]))
        else:
            diverged.add(speed)
    sound = {speed: fmean(found) for speed, found in losses.items() if speed not in diverged}
    if not sound:
        raise InputError(
            "every learning rate diverges for some share", where="rates", remedy="Add lower learning rates to the grid"
        )
    return min(sound, key=lambda speed: (sound[speed], speed))


def choose_rates(
    bench: Bench,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    pilots: Sequence[str],
    *,
    grid: Sequence[float],
    methods: Sequence[Method],
    conditions: Sequence[Sparse],
    percents: Sequence[float],
    selection: Selection,
) -> tuple[dict[str, float], list[Row]]:
    """For each arm the learning rate of the grid with the least validation loss, averaged over the pilot tasks.

    Args:
        bench: its recipe tests on the validation split, the loss alone.
        scores, kinds: as for `train_tasks`.
        pilots: tasks that decide.
        grid: learning rates, the same for every arm.
        methods: arms that train all FFN neurons, or everything: `ffn`, `full`.
        conditions: arms that train sets of neurons: `task`, `random`, `other_task`.
        percents: shares for which each of those gets a rate; none of 100 %, which is `ffn`.
        selection: of the sets.

    Returns:
        The rates, and a row for every training that was tried: `arm`, `task`, `learning_rate`, `loss` (empty where the
        training diverged), `chosen`.

    Raises:
        InputError: an arm diverges at every rate.
    """
    seed = bench.recipe.seed
    trials = list(_trials(scores, kinds, pilots, grid, methods, conditions, percents, selection, seed))
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
    methods: Sequence[Method],
    conditions: Sequence[Sparse],
    percents: Sequence[float],
    selection: Selection,
    seed: int,
) -> Iterator[Cell]:
    """Every training that is tried; its condition is the name of the arm."""
    for pilot in pilots:
        arms: list[tuple[str, Method, NeuronSet | None]] = [(method, method, None) for method in methods]
        for percent in percents:
            own = scores[pilot].top(percent, selection.within)
            for condition in conditions:
                neurons = own
                if condition == "random":
                    neurons = random_like(own, matching="layer", seed=seed, draw=0)
                elif condition == "other_task":
                    neurons = scores[other_task(pilot, kinds, seed=seed)].top(percent, selection.within)
                arms.append((arm(condition, percent), "neurons", neurons))
        for name, method, trained in arms:
            for speed in grid:
                facts = {"condition": name, "learning_rate": speed}
                yield Cell((pilot,), facts, method, (pilot,), trained, speed)
