"""Parameters of the studies that train neurons: what they learn, their shares, their overlap, their similarity."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.models import warmup_fits
from taskneurons.params.section import Inconsistency, Section, Slug, described, repeated
from taskneurons.params.studies import Estimator

Seeds = Literal["first", "all"]


class TaskGroups(Section):
    """The tasks of a suite that models are trained on and those that only test them (Leng & Xiong 2025, Table 3)."""

    train_classification: tuple[Slug, ...] = described("classification tasks that are trained on", "-", min_length=1)
    train_generation: tuple[Slug, ...] = described("generation tasks that are trained on", "-", min_length=1)
    test_classification: tuple[Slug, ...] = described("classification tasks that only test", "-", min_length=1)
    test_generation: tuple[Slug, ...] = described("generation tasks that only test", "-", min_length=1)

    def tasks(self) -> tuple[str, ...]:
        """All tasks, classification first."""
        return self.train_classification + self.test_classification + self.train_generation + self.test_generation

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """No task is in two groups: a test task that was trained on would not test generalisation."""
        place: dict[str, str] = {}
        for name in type(self).model_fields:
            for index, task in enumerate(getattr(self, name)):
                if task in place:
                    yield Inconsistency((name, index), f"task `{task}` is in `{place[task]}` too", "Keep one of them")
                place.setdefault(task, name)


class Training(Section):
    """Training of a task's neurons from the pre-trained model, everything else frozen (Leng & Xiong 2025, Table 2)."""

    estimator: Estimator = described("scores on the pre-trained model that rank the neurons", "-")
    within: Literal["model", "layer"] = described("neurons are ranked over the whole model or inside each layer", "-")
    steps: PositiveInt = described("optimizer steps for each task that is trained on", "steps")
    batch_size: PositiveInt = described("examples of one step, drawn evenly from the tasks", "examples")
    warmup: int = described("steps of linear warm-up at the beginning", "steps", ge=0)
    learning_rates: tuple[PositiveFloat, ...] = described(
        "the grid that every arm chooses its rate from, by the validation loss of the first classification and the "
        "first generation task that are trained on",
        "-",
    )
    percents: tuple[float, ...] = described(
        "shares of the neurons that are trained, with every seed", "% of the neurons"
    )
    first_seed_percents: tuple[float, ...] = described("further shares, with the first seed alone", "% of the neurons")
    random_draws: int = described("random sets of each task and share, matched by layer", "draws", ge=3)
    pairs: Seeds = described("seeds with which every task is also trained with every other task's neurons", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Rates and shares are possible and named once."""
        yield from warmup_fits(self.warmup, self.steps)
        for key in ("learning_rates", "percents"):
            if not getattr(self, key):
                yield Inconsistency((key,), "is empty", "Name at least one")
        yield from repeated(self.learning_rates, "learning_rates")
        for key in ("percents", "first_seed_percents"):
            yield from shares(getattr(self, key), key)
        for percent in set(self.percents) & set(self.first_seed_percents):
            yield Inconsistency(("first_seed_percents",), f"{percent:g} is in `percents` too", "Keep one of them")


class Proportion(Section):
    """Growing shares of the neurons of three tasks, trained jointly and singly (Leng & Xiong 2025, Figures 2 and 6)."""

    percents: tuple[float, ...] = described("share of each task's neurons; jointly their union", "% of the neurons")
    random_draws: PositiveInt = described("random sets beside each trained set, matched by layer", "draws")
    seeds: Seeds = described("seeds of the run that are studied", "-")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Shares are possible and named once."""
        yield from shares(self.percents, "percents")


class Overlap(Section):
    """Overlap of neuron sets: as it is, beside chance (Table 8), and set to a value (Tables 9 to 11)."""

    percents: tuple[float, ...] = described("shares at which the sets of tasks are compared", "% of the neurons")
    permutations: PositiveInt = described("random sets that make the null of an overlap", "draws")
    trained_percents: tuple[float, ...] = described(
        "shares of the neurons that are trained when the overlap is set", "% of the neurons"
    )
    controlled: tuple[float, ...] = described(
        "shares of the trained neurons that lie in the test task's set", "% of the trained neurons"
    )
    choices: int = described("random choices of neurons for each cell; one is all there is at 100 %", "choices", ge=2)
    seeds: Seeds = described("seeds with which the overlap is set", "-")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Shares are possible and named once; a trend needs at least two overlaps."""
        for key in ("percents", "trained_percents", "controlled"):
            yield from shares(getattr(self, key), key)
        if len(self.controlled) < 2:
            yield Inconsistency(("controlled",), "a trend needs at least two overlaps", "Name another")


class Similarity(Section):
    """Parameters of the neurons of two tasks inside fully tuned models, and transfer (Figure 3, Table 4)."""

    percent: float = described("share of the neurons that are a task's", "% of the neurons", gt=0, le=100)
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")
    draws: PositiveInt = described("permutations of tasks in every test, where they are not enumerated", "draws")


def shares(values: tuple[float, ...], key: str) -> Iterator[Inconsistency]:
    """Yield what is wrong with a list of percentages: outside (0, 100], or named twice."""
    for index, value in enumerate(values):
        if not 0 < value <= 100:
            yield Inconsistency((key, index), f"{value:g} is not a share: above 0, at most 100 was expected")
    yield from repeated(values, key)
