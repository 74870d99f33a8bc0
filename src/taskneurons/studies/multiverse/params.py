"""Parameters of the multiverse: the grid of the paper's open choices, and what counts as the paper's pattern."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveInt

from taskneurons.params.section import Inconsistency, Section, Slug, described, repeated
from taskneurons.params.selection import shares
from taskneurons.studies.multiverse.grid import Control, Grid, Intervention, Score, Specificity, Within

CHOSEN = ("scores", "losses", "specificities", "within", "percents", "interventions", "controls")


class Pattern(Section):
    """The paper's pattern: means over tasks that round to these whole numbers of points, in a healthy model."""

    difference: tuple[int, ...] = described(
        "what a task's own neurons cost beyond random ones, from the smallest to the largest", "points"
    )
    random: tuple[int, ...] = described("what random neurons cost, likewise", "points")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Two numbers, the smaller one first."""
        for key in ("difference", "random"):
            values = getattr(self, key)
            if len(values) != 2 or values[0] > values[1]:
                shown = ", ".join(map(str, values))
                yield Inconsistency((key,), f"not a smallest and a largest number: {shown}", "Write two, as [9, 10]")


class Multiverse(Section):
    """The choices that the paper leaves open, each crossed with each other.

    Neutral text and the bound of a model's health are those of the section `keystone`, the scored examples those of
    `attribution`. Zeroed parameters are no arm: they equal zeroed activations.
    """

    tasks: Literal["all"] | tuple[Slug, ...] = described(
        "tasks of the suite, all or some: they are scored and tested, and are each other's other tasks", "-"
    )
    scores: tuple[Score, ...] = described("what ranks the neurons", "-")
    losses: tuple[Literal["answer", "all_tokens"], ...] = described(
        "losses that scores with a gradient are of: the answer's, or all tokens'", "-"
    )
    specificities: tuple[Specificity, ...] = described("how a task's set is made of scores", "-")
    within: tuple[Within, ...] = described("neurons are ranked over the whole model or inside each layer", "-")
    percents: tuple[float, ...] = described("shares", "% of the neurons")
    interventions: tuple[Intervention, ...] = described("what neurons become: zero, or their mean on the task", "-")
    controls: tuple[Control, ...] = described(
        "what a task's own set is held against: as many random neurons, of the same layers, of any, or also of like "
        "activations; or another task's set",
        "-",
    )
    test_examples: PositiveInt = described("test examples of each task, at most", "examples")
    points: bool = described("also measure accuracy or ROUGE-L, for which answers are generated; else the loss", "-")
    pattern: Pattern = described("what counts as the paper's pattern", "-")

    def grid(self) -> Grid:
        """What each choice may be."""
        return Grid(**{name: getattr(self, name) for name in CHOSEN})

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Every choice has something to choose, nothing twice, and there is another task."""
        for key in (*CHOSEN, "tasks"):
            values = getattr(self, key)
            if values == "all":
                continue
            if not values:
                yield Inconsistency((key,), "nothing is named", "Name at least one")
            yield from repeated(values, key)
        yield from shares(self.percents, "percents")
        if len(self.tasks) == 1:
            yield Inconsistency(("tasks",), "there is no other task to compare it with", "Name at least two, or `all`")
        if set(self.scores) == {"signed"} and set(self.specificities) == {"contrast"}:
            yield Inconsistency(("specificities",), "signed scores have no contrast", "Name another score")
