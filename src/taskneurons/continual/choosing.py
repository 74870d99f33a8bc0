"""Learning rates, strengths and temperatures, from one grid for all, by the validation split of one development order.

The development order is never reported as a result.
"""

from collections.abc import Iterable, Mapping, Sequence
from statistics import fmean
from typing import Any

from taskneurons.continual.catalogue import learner
from taskneurons.continual.method import Learned
from taskneurons.continual.sequence import Order, final_accuracy, follow
from taskneurons.continual.stages import Stages
from taskneurons.continual.weightings import weighting
from taskneurons.continual.workshop import Workshop
from taskneurons.engine.cells import DIVERGED
from taskneurons.engine.evaluation_study import Row
from taskneurons.errors import InputError


def choose(
    workshop: Workshop,
    methods: Sequence[str],
    order: Order,
    stages: Stages,
    settings: Mapping[str, Any],
    *,
    rates: Sequence[float],
    strengths: Sequence[float],
    weightings: Sequence[str] = (),
    temperatures: Sequence[float] = (),
) -> tuple[dict[str, dict[str, float]], list[Row]]:
    """Try a group of methods with every rate and strength, then the weightings of what the first one learned.

    Methods of one group (sets of neurons of one size) get the rate that is best for them on average: with a rate of
    its own for each, their difference would be that of the rates.

    Args:
        workshop: whose recipe tests on the validation split.
        methods: of the group.
        order: the development order.
        stages: where what is learned is kept.
        settings: see `learner`.
        rates: the grid.
        strengths: of methods that have one; empty for the others.
        weightings: see `weighting`. Each is a method of its own: it chooses the rate that NCFT learns with for it, and
            a temperature; the literal one has the paper's.
        temperatures: the grid.

    Returns:
        For each method `learning_rate` and `strength`, for each weighting `learning_rate` and `temperature`; and a row
        for each trial:
        `method`, `learning_rate`, `strength`, `temperature`, `accuracy` (empty where it diverged), `chosen`.

    Raises:
        InputError: a group diverges with every rate.
    """
    found: dict[tuple[float, float | None], list[float | None]] = {}
    rows: list[Row] = []
    streams: dict[tuple[float, float | None], list[Learned]] = {}
    for rate in rates:
        for strength in strengths or (None,):
            for name in methods:
                accuracy = None
                method = learner(name, rate, settings, tasks=len(order), strength=strength)
                try:
                    tested, learned = follow(workshop, method, order, stages, only_last=name != "pertask")
                    accuracy = final_accuracy(tested)
                    if name == methods[0]:
                        streams[rate, strength] = learned
                except InputError as error:
                    if not (error.remedy or "").startswith(DIVERGED):
                        raise
                found.setdefault((rate, strength), []).append(accuracy)
                rows.append({"method": name, "learning_rate": rate, "strength": strength, "accuracy": accuracy})
    best = _best((key, values) for key, values in found.items())
    chosen: dict[str, dict[str, float]] = {}
    for name in methods:
        chosen[name] = {"learning_rate": best[0]} | ({} if best[1] is None else {"strength": best[1]})
    for row in rows:
        row["chosen"] = (row["learning_rate"], row["strength"]) == best
    for name in weightings:
        tried: list[Row] = []
        for key, learned in streams.items():
            # The paper's own equation has no temperature.
            for temperature in (1.0,) if name == "wncft_literal" else temperatures:
                method = weighting(name, key[0], settings, temperature=temperature)
                tested, _ = follow(workshop, method, order, stages, learned=learned, only_last=True)
                tried.append({"method": name, "learning_rate": key[0], "temperature": temperature})
                tried[-1]["accuracy"] = final_accuracy(tested)
        right = max(tried, key=lambda row: (row["accuracy"], row["temperature"], -row["learning_rate"]))
        chosen[name] = {key: right[key] for key in ("learning_rate", "temperature")}
        rows += [row | {"chosen": row is right} for row in tried]
    return chosen, rows


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
