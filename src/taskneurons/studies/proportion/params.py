"""Parameters of the training of growing shares of the neurons."""

from collections.abc import Iterator

from pydantic import PositiveInt

from taskneurons.params.runs import Seeds
from taskneurons.params.schedule import Schedule
from taskneurons.params.section import Inconsistency, Section, described
from taskneurons.params.selection import shares


class Proportion(Section):
    """Growing shares of the neurons of three tasks, trained jointly and singly (Leng & Xiong 2025, Figures 2 and 6)."""

    percents: tuple[float, ...] = described("share of each task's neurons; jointly their union", "% of the neurons")
    tuning: Schedule = described("training of every set, steps for each task that is trained on", "-")
    random_draws: PositiveInt = described(
        "random sets beside the set of several tasks where that is at most half of the neurons, matched by layer",
        "draws",
    )
    seeds: Seeds = described("seeds of the run that are studied", "-")
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Shares are possible and named once."""
        yield from shares(self.percents, "percents")
