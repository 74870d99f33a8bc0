"""Parameters of the overlap of neuron sets."""

from collections.abc import Iterator

from pydantic import PositiveInt

from taskneurons.params.runs import Seeds
from taskneurons.params.schedule import Schedule
from taskneurons.params.section import Inconsistency, Section, described
from taskneurons.params.selection import shares


class Overlap(Section):
    """Overlap of neuron sets: as it is, beside chance (Table 8), and set to a value (Tables 9 to 11)."""

    percents: tuple[float, ...] = described("shares at which the sets of tasks are compared", "% of the neurons")
    permutations: PositiveInt = described("random sets that make the null of an overlap", "draws")
    trained_percents: tuple[float, ...] = described(
        "shares of the neurons that are trained when the overlap is set", "% of the neurons"
    )
    times: int = described(
        "how many times as large as what is trained a test task's set is, so that a half of it holds several choices",
        "-",
        ge=3,
    )
    controlled: tuple[float, ...] = described(
        "shares of the trained neurons that lie in the test task's set", "% of the trained neurons"
    )
    choices: int = described("random choices of neurons at each overlap", "choices", ge=2)
    tuning: Schedule = described("training of every set, steps for each task that is trained on", "-")
    seeds: Seeds = described("seeds with which the overlap is set", "-")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Shares are possible and named once; a trend needs at least two overlaps."""
        for key in ("percents", "trained_percents", "controlled"):
            yield from shares(getattr(self, key), key)
        for percent in self.trained_percents:
            if self.times * percent > 100 - percent:
                yield Inconsistency(
                    ("trained_percents",),
                    f"{percent:g} % leaves too few neurons outside a set {self.times} times as large",
                    f"Train at most {100 / (self.times + 1):g} %",
                )
        if len(self.controlled) < 2:
            yield Inconsistency(("controlled",), "a trend needs at least two overlaps", "Name another")
