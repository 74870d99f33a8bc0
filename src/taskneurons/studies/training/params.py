"""Parameters of the training of a task's neurons, which all studies that train neurons share."""

from collections.abc import Iterator

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.runs import Seeds
from taskneurons.params.schedule import warmup_fits
from taskneurons.params.section import Inconsistency, Section, described, repeated
from taskneurons.params.selection import Estimator, Within, shares


class Training(Section):
    """Training of a task's neurons from the pre-trained model, everything else frozen (Leng & Xiong 2025, Table 2)."""

    estimator: Estimator = described("scores on the pre-trained model that rank the neurons", "-")
    within: Within = described("neurons are ranked over the whole model or inside each layer", "-")
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
