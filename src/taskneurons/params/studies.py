"""Parameters of what is done with the models: tuning, attribution, neuron sets, deactivation, evaluation, figures."""

from collections.abc import Iterator
from typing import Literal

from pydantic import PositiveFloat, PositiveInt

from taskneurons.params.models import warmup_fits
from taskneurons.params.section import Inconsistency, Section, described, repeated

Estimator = Literal[
    "taylor", "taylor_token", "taylor_global", "taylor_all_tokens", "activation", "integrated_gradients"
]
DerivedEstimator = Literal["contrast", "entropy"]
# Both are computed from the Taylor scores of all tasks of the suite.
DERIVED_FROM = "taylor"


class Multitask(Section):
    """Fine-tuning of the base model on all tasks of the suite together."""

    steps: PositiveInt = described("optimizer steps", "steps")
    batch_size: PositiveInt = described("examples of one step, drawn evenly from the tasks", "examples")
    learning_rate: PositiveFloat = described("highest learning rate of the schedule", "-", le=1)
    warmup: int = described("steps of linear warm-up at the beginning", "steps", ge=0)

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The warm-up ends before the training does."""
        yield from warmup_fits(self.warmup, self.steps)


class Attribution(Section):
    """Scores of all FFN neurons for each task."""

    estimators: tuple[Estimator, ...] = described("estimators of a neuron's relevance that are computed", "-")
    examples: PositiveInt = described("training examples of each task that are scored, at most", "examples")
    batch_size: PositiveInt = described("examples of one forward and backward pass", "examples")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """At least one estimator, each named once."""
        if not self.estimators:
            yield Inconsistency(("estimators",), "no estimator is named", "Name at least `taylor`")
        yield from repeated(self.estimators, "estimators")


class Selection(Section):
    """A rule that makes a set of task neurons of scores."""

    estimator: Estimator | DerivedEstimator = described("the scores that rank the neurons", "-")
    percent: float = described("share of the neurons that is selected", "% of the neurons", gt=0, le=100)
    within: Literal["model", "layer"] = described("neurons are ranked over the whole model or inside each layer", "-")

    @property
    def slug(self) -> str:
        """The name of this selection in paths and tables, such as `taylor-10-model`."""
        return f"{self.estimator}-{self.percent:g}-{self.within}"


class Neurons(Section):
    """Sets of task neurons and their controls."""

    selections: tuple[Selection, ...] = described("which sets of task neurons are made", "-")
    random_draws: PositiveInt = described("random control sets of each task and selection", "draws")
    random_matching: Literal["layer", "magnitude", "uniform"] = described(
        "random sets match the task set's layers, its layers and activation magnitudes, or only its size", "-"
    )

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """At least one selection; no two of them share their name."""
        if not self.selections:
            yield Inconsistency(("selections",), "no selection is given", "Give at least one")
        yield from repeated(tuple(selection.slug for selection in self.selections), "selections")


class Deactivation(Section):
    """What is switched off, and how. Everything is measured on the whole test split."""

    interventions: tuple[Literal["zero", "parameters", "mean"], ...] = described(
        "ways to deactivate a task's neurons on its own task: activation zero, parameters zero, mean activation", "-"
    )
    matrix: bool = described("also measure every task under every other task's neurons, by activation zero", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """Activation zero is the reference and always measured; nothing is measured twice."""
        if "zero" not in self.interventions:
            yield Inconsistency(("interventions",), "`zero` is missing", "Add it: controls and matrix rest on it")
        yield from repeated(self.interventions, "interventions")


class Evaluation(Section):
    """How answers are generated and scored."""

    batch_size: PositiveInt = described("examples of one forward pass", "examples")
    max_new_tokens: PositiveInt = described("longest generated answer", "tokens")


class Figures(Section):
    """How figures are drawn."""

    dpi: int = described("resolution of PNG figures", "dots per inch", ge=50, le=1200)
