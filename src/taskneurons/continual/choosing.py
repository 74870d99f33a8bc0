"""Learning rates, strengths and temperatures, from one grid for all, by the validation split of one development order.

The development order is never reported as a result.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from statistics import fmean
from typing import Any

from taskneurons.continual.catalogue import learner
from taskneurons.continual.method import Learned
from taskneurons.continual.sequence import Order, final_accuracy, follow
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.weightings import weighting
from taskneurons.engine.training import Diverged
from taskneurons.errors import InputError


@dataclass(frozen=True)
class Grid:
    """What is tried.

    Attributes:
        learning_rates: of every method.
        strengths: of methods that have one; empty for the others.
        temperatures: of weightings.
    """

    learning_rates: Sequence[float]
    strengths: Sequence[float] = ()
    temperatures: Sequence[float] = ()


@dataclass(frozen=True)
class StreamTrial:
    """One way to learn the development order that was tried.

    Attributes:
        method: that learned, or the weighting.
        learning_rate: of every stage.
        strength: of O-LoRA and EWC.
        temperature: of a weighting.
        accuracy: at the end, in percent; None where a training diverged.
        chosen: whether the method got these values.
    """

    method: str
    learning_rate: float
    strength: float | None = None
    temperature: float | None = None
    accuracy: float | None = None
    chosen: bool = False


def choose(
    tuner: StreamTuner,
    methods: Sequence[str],
    order: Order,
    stages: Stages,
    settings: Mapping[str, Any],
    grid: Grid,
    *,
    weightings: Sequence[str] = (),
) -> tuple[dict[str, dict[str, float]], list[StreamTrial]]:
    """Try a group of methods with every rate and strength, then the weightings of what the first one learned.

    Methods of one group (sets of neurons of one size) get the rate that is best for them on average: with a rate of
    its own for each, their difference would be that of the rates.

    Args:
        tuner: whose recipe tests on the validation split.
        methods: of the group.
        order: the development order.
        stages: where what is learned is kept.
        settings: see `learner`.
        grid: what is tried.
        weightings: see `weighting`. Each is a method of its own: it chooses the rate that NCFT learns with for it, and
            a temperature; the literal one has the paper's.

    Returns:
        For each method `learning_rate` and `strength`, for each weighting `learning_rate` and `temperature`; and every
        trial.

    Raises:
        InputError: a group diverges with every rate.
    """
    found: dict[tuple[float, float | None], list[float | None]] = {}
    trials: list[StreamTrial] = []
    streams: dict[tuple[float, float | None], list[Learned]] = {}
    for rate in grid.learning_rates:
        for strength in grid.strengths or (None,):
            for name in methods:
                accuracy = None
                method = learner(name, rate, settings, tasks=len(order), strength=strength)
                try:
                    tested, learned = follow(tuner, method, order, stages, only_last=name != "pertask")
                    accuracy = final_accuracy(tested)
                    if name == methods[0]:
                        streams[rate, strength] = learned
                except Diverged:
                    pass
                found.setdefault((rate, strength), []).append(accuracy)
                trials.append(StreamTrial(name, rate, strength, accuracy=accuracy))
    best = _best((key, values) for key, values in found.items())
    chosen: dict[str, dict[str, float]] = {}
    for name in methods:
        chosen[name] = {"learning_rate": best[0]} | ({} if best[1] is None else {"strength": best[1]})
    trials = [replace(trial, chosen=(trial.learning_rate, trial.strength) == best) for trial in trials]
    for name in weightings:
        tried: list[tuple[float, float, float]] = []
        for key, learned in streams.items():
            # The paper's own equation has no temperature.
            for temperature in (1.0,) if name == "wncft_literal" else grid.temperatures:
                method = weighting(name, key[0], settings, temperature=temperature)
                tested, _ = follow(tuner, method, order, stages, learned=learned, only_last=True)
                tried.append((final_accuracy(tested), temperature, key[0]))
        right = max(tried, key=lambda one: (one[0], one[1], -one[2]))
        chosen[name] = {"learning_rate": right[2], "temperature": right[1]}
        trials += [
            StreamTrial(name, one[2], None, temperature=one[1], accuracy=one[0], chosen=one is right) for one in tried
        ]
    return chosen, trials


def _best(
    found: Iterable[tuple[tuple[float, float | None], Sequence[float | None]]],
) -> tuple[float, float | None]:
    """The rate and strength with the highest accuracy, averaged over the group; of equal ones the lowest rate."""
    sound = [
        (key, fmean(value for value in values if value is not None)) for key, values in found if None not in values
    ]
    if not sound:
        raise InputError("every learning rate diverges", where="continual", remedy="Add lower learning rates")
    return max(sound, key=lambda one: (one[1], -one[0][0]))[0]
