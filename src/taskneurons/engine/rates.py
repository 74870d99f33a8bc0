"""The learning rate of each way of training, chosen from one grid by the validation loss of pilot tasks."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Literal

from taskneurons.engine.cells import Cell, Condition, run_cells
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.tuning import Method
from taskneurons.errors import InputError
from taskneurons.evidence.grid_search import RateTrial
from taskneurons.files import read_json, write_json
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.others import other_task
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

Dense = Literal["ffn", "full"]
Sparse = Literal["task", "random", "other_task"]


@dataclass(frozen=True)
class Arm:
    """A way of training that has a learning rate of its own.

    Attributes:
        condition: `full` or `ffn`; or which sets of neurons are trained: `task`, `random`, `other_task`, or `set` for
            all three.
        percent: the share of the neurons that a set was selected by; None for `full` and `ffn`.
    """

    condition: str
    percent: float | None = None

    def __post_init__(self) -> None:
        if self.percent is not None:
            # As files have it, so that an arm that was read equals the one that was written.
            object.__setattr__(self, "percent", float(f"{self.percent:g}"))

    def __str__(self) -> str:
        """Its name in files, such as `ffn` and `task@10`."""
        return self.condition if self.percent is None else f"{self.condition}@{self.percent:g}"

    @classmethod
    def parse(cls, name: str) -> "Arm":
        """The arm with this name.

        Raises:
            InputError: the name is no arm's.
        """
        condition, at, percent = name.partition("@")
        try:
            return cls(condition, float(percent) if at else None)
        except ValueError:
            raise InputError(f"`{name}` is no arm", where="rates", remedy="Write one such as `task@10`") from None


@dataclass(frozen=True)
class Arms:
    """What a study trains, and so chooses learning rates for.

    Attributes:
        methods: that train all FFN neurons, or everything.
        conditions: that train sets of neurons.
        selections: of those sets, each share once; none of 100 %, which is `ffn`.
    """

    methods: tuple[Dense, ...] = ()
    conditions: tuple[Sparse, ...] = ()
    selections: tuple[Selection, ...] = ()


Rates = Mapping[Arm, float]
"""The learning rate of each arm."""


def write_rates(path: str | Path, rates: Rates) -> None:
    """Write the learning rate of each arm."""
    write_json(path, {str(arm): learning_rate for arm, learning_rate in rates.items()})


def read_rates(path: str | Path) -> dict[Arm, float]:
    """Read what `write_rates` wrote."""
    return {Arm.parse(name): learning_rate for name, learning_rate in read_json(path).items()}


def rate(rates: Rates, arm: Arm) -> float:
    """The learning rate of an arm.

    Raises:
        InputError: none was chosen.
    """
    if arm not in rates:
        known = ", ".join(map(str, rates))
        raise InputError(f"no learning rate was chosen for `{arm}`; there are {known}", where="rates")
    return rates[arm]


def common_rate(trials: Iterable[RateTrial]) -> float:
    """The learning rate with the least validation loss, averaged over all arms and shares.

    With a rate of its own for each share, a curve over shares would show the rates too: what is forgotten of other
    tasks depends on them more than on the share.

    Raises:
        InputError: no rate went well for every share.
    """
    losses: dict[float, list[float]] = {}
    diverged = set()
    for trial in trials:
        if trial.loss is None:
            diverged.add(trial.learning_rate)
        else:
            losses.setdefault(trial.learning_rate, []).append(trial.loss)
    sound = {tried: fmean(found) for tried, found in losses.items() if tried not in diverged}
    if not sound:
        raise InputError(
            "every learning rate diverges for some share", where="rates", remedy="Add lower learning rates to the grid"
        )
    return min(sound, key=lambda tried: (sound[tried], tried))


def choose_rates(
    tuner: FineTuner,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    pilots: Sequence[str],
    *,
    grid: Sequence[float],
    arms: Arms,
) -> tuple[dict[Arm, float], list[RateTrial]]:
    """For each arm the learning rate of the grid with the least validation loss, averaged over the pilot tasks.

    Args:
        tuner: its recipe tests on the validation split, the loss alone.
        scores: of all tasks, on the model.
        kinds: (kind, family) of all tasks.
        pilots: tasks that decide.
        grid: learning rates, the same for every arm.
        arms: what is trained.

    Returns:
        The rates, and every training that was tried.

    Raises:
        InputError: an arm diverges at every rate.
    """
    planned = [
        (arm, cell)
        for pilot in pilots
        for arm, cell in _trials(pilot, scores, kinds, grid, arms, seed=tuner.recipe.seed)
    ]
    losses: dict[tuple[Arm, float, str], float | None] = {}
    done = run_cells(tuner, [cell for _, cell in planned], name="learning rates", may_diverge=True)
    for (arm, cell), (_, found, _) in zip(planned, done, strict=True):
        if cell.condition.learning_rate is not None:
            losses[arm, cell.condition.learning_rate, cell.tests[0]] = found[0].value if found else None
    rates = {}
    for arm in dict.fromkeys(arm for arm, _, _ in losses):
        means = {}
        for tried in grid:
            of_pilots = [losses[arm, tried, pilot] for pilot in pilots]
            if None not in of_pilots:
                means[tried] = sum(loss for loss in of_pilots if loss is not None) / len(of_pilots)
        if not means:
            raise InputError(
                "diverges at every learning rate of the grid", where=f"arm {arm}", remedy="Add lower learning rates"
            )
        rates[arm] = min(means, key=lambda tried: (means[tried], tried))
    return rates, [
        RateTrial(str(arm), pilot, tried, loss, rates[arm] == tried) for (arm, tried, pilot), loss in losses.items()
    ]


def _trials(
    pilot: str,
    scores: Mapping[str, NeuronScores],
    kinds: Mapping[str, tuple[str, str]],
    grid: Iterable[float],
    arms: Arms,
    *,
    seed: int,
) -> Iterator[tuple[Arm, Cell]]:
    """Every training of one pilot task that is tried, with its arm."""
    ways: list[tuple[Arm, Condition, Method, NeuronSet | None]] = []
    for dense in arms.methods:
        ways.append((Arm(dense), Condition(dense), dense, None))
    for selection in arms.selections:
        own = selection.of(scores[pilot])
        for sparse in arms.conditions:
            neurons = own
            if sparse == "random":
                neurons = random_like(own, matching="layer", seed=seed, draw=0)
            elif sparse == "other_task":
                neurons = selection.of(scores[other_task(pilot, kinds, seed=seed)])
            arm = Arm(sparse, selection.percent)
            ways.append((arm, Condition(sparse, selection=selection), "neurons", neurons))
    for arm, condition, method, trained in ways:
        for learning_rate in grid:
            tried = replace(condition, learning_rate=learning_rate)
            yield arm, Cell((pilot,), tried, method, (pilot,), trained)
