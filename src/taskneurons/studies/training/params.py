"""Parameters of the training of a task's neurons, which all studies that train neurons share, and of its curves."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.schedule import warmup_fits
from taskneurons.params.section import Inconsistency, Section, described, repeated
from taskneurons.params.selection import Estimator, Within, shares

Control = Literal["uniform", "keystone", "other_task", "sibling"]


class Training(Section):
    """Which neurons of the pre-trained model are a task's, in all studies that train neurons (Leng & Xiong 2025)."""

    estimator: Estimator = described("scores on the pre-trained model that rank the neurons", "-")
    within: Within = described("neurons are ranked over the whole model or inside each layer", "-")


class Centre(Section):
    """The cell of the grid that a cross goes through."""

    percent: float = described("a share of `percents`", "% of the neurons")
    learning_rate: float = described("a rate of `learning_rates`", "-")


class Curves(Section):
    """Which trainings are compared with each other, and when they are read (Leng & Xiong 2025, Tables 2 and 7)."""

    tasks: PositiveInt = described("tasks of each kind, the first of those that `groups` trains on", "tasks")
    percents: tuple[float, ...] = described("shares of the neurons that are trained", "% of the neurons")
    learning_rates: tuple[PositiveFloat, ...] = described("rates; each is kept after the warm-up", "-")
    centre: Centre = described("the share of which all rates are tried, and the rate of which all shares are", "-")
    cells: Literal["cross", "grid"] = described(
        "cross: every share at the rate of the centre, every rate at its share; grid: every share at every rate", "-"
    )
    controls: tuple[Control, ...] = described(
        "what is trained beside own and random neurons at the rate of the centre: as many random neurons of any layer, "
        "the neurons that every task needs, those of a task of another family, those of a task of the same family",
        "-",
    )
    control_percents: tuple[float, ...] = described("shares at which these controls are trained", "% of the neurons")
    controls_everywhere: bool = described("these controls are trained at every rate", "-")
    batch_size: PositiveInt = described("examples of one step", "examples")
    warmup: int = described("steps of linear warm-up at the beginning", "steps", ge=0)
    random_draws: PositiveInt = described("random sets of each task and cell, matched by layer", "draws")
    readings: tuple[PositiveInt, ...] = described("steps after which a training is tested; the last ends it", "steps")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Every list has an entry and none twice, readings rise, and the centre is a cell."""
        for key in ("percents", "learning_rates", "readings"):
            if not getattr(self, key):
                yield Inconsistency((key,), "is empty", "Name at least one")
        yield from shares(self.percents, "percents")
        yield from repeated(self.learning_rates, "learning_rates")
        yield from repeated(self.controls, "controls")
        if list(self.readings) != sorted(set(self.readings)):
            yield Inconsistency(("readings",), "steps must rise", "Write them in their order")
        elif self.readings:
            yield from warmup_fits(self.warmup, self.readings[-1])
        if self.centre.percent not in self.percents:
            yield Inconsistency(("centre", "percent"), "is not in `percents`", "Choose one of them")
        for index, percent in enumerate(self.control_percents):
            if percent not in self.percents:
                yield Inconsistency(("control_percents", index), "is not in `percents`", "Choose among them")
        yield from repeated(self.control_percents, "control_percents")
        if self.centre.learning_rate not in self.learning_rates:
            yield Inconsistency(("centre", "learning_rate"), "is not in `learning_rates`", "Choose one of them")

    def trained(self) -> tuple[tuple[float, float], ...]:
        """The cells, (share, rate): each share in the order of the rates."""
        centre = self.centre
        return tuple(
            (percent, rate)
            for percent in self.percents
            for rate in self.learning_rates
            if self.cells == "grid" or percent == centre.percent or rate == centre.learning_rate
        )
