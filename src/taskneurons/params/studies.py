"""Parameters of what is done with the models: tuning, attribution, neuron sets, deactivation, layers, figures."""

from collections.abc import Iterator
from typing import Annotated, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from taskneurons.params.models import warmup_fits
from taskneurons.params.section import Inconsistency, Section, described, repeated

Estimator = Literal[
    "taylor", "taylor_token", "taylor_global", "taylor_all_tokens", "activation", "integrated_gradients"
]
DerivedEstimator = Literal["contrast", "entropy"]
# Both are computed from the Taylor scores of all tasks of the suite.
DERIVED_FROM = "taylor"


class Schedule(Section):
    """Course of a fine-tuning."""

    steps: PositiveInt = described("optimizer steps", "steps")
    batch_size: PositiveInt = described("examples of one step, drawn evenly from the tasks", "examples")
    learning_rate: PositiveFloat = described("highest learning rate of the schedule", "-", le=1)
    warmup: int = described("steps of linear warm-up at the beginning", "steps", ge=0)

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """The warm-up ends before the training does."""
        yield from warmup_fits(self.warmup, self.steps)


class Multitask(Schedule):
    """Fine-tuning of the base model on all tasks of the suite together."""


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


class FullTuning(Section):
    """Every weight moves; the experimental model is the multi-task model of the neuron studies."""

    method: Literal["full"] = described("what moves when the models of the layers study are tuned", "-")


class LoraTuning(Section):
    """Low-rank adapters, the way of Zhao et al. 2024; the experimental model is tuned for this study."""

    method: Literal["lora"] = described("what moves when the models of the layers study are tuned", "-")
    rank: PositiveInt = described("rank of each adapter", "-")
    alpha: PositiveFloat = described("an adapter's output is multiplied by alpha / rank", "-")
    targets: Literal["attention", "all"] = described(
        "adapters on the query and value projections, or on all linear layers but the language head", "-"
    )
    generalists: Schedule = described("tuning of the experimental and the held-out model", "-")


class HeldOut(Section):
    """A seeded choice of tasks that one of the models never sees."""

    families: PositiveInt = described("families left out as a whole", "families")
    tasks: NonNegativeInt = described("further tasks left out, each of another family whose other tasks stay", "tasks")
    seed: int = described("seed of the choice", "-", ge=0, lt=2**31)


class Layers(Section):
    """What the layers of a model hold, by comparing it with models of one task each (Zhao et al. 2024)."""

    tuning: Annotated[FullTuning | LoraTuning, Field(discriminator="method")] = described(
        "how the control models and the held-out model are made of the base", "-"
    )
    controls: Schedule = described("tuning of each control model, on one task alone", "-")
    held_out: HeldOut = described("tasks that the held-out model is not tuned on", "-")
    position: Literal["last", "mean"] = described(
        "hidden states of the prompt's last token, or their mean over the prompt", "-"
    )
    examples: PositiveInt = described("test examples of each task that are represented, at most", "examples")
    scored_examples: PositiveInt = described(
        "test examples of each task on which models are scored and control models compared, at most", "examples"
    )
    batch_size: PositiveInt = described("examples of one forward pass", "examples")
    standardise: bool = described("also compare features divided by their standard deviations", "-")
    blocks: int = described("blocks of examples that the jackknife leaves out in turn", "blocks", ge=4)
    permutations: PositiveInt = described("shuffles of the pairs of examples, the null of every similarity", "shuffles")
    alpha: float = described("greatest p of a rise in the map of the layers", "-", gt=0, lt=1)
    draws: PositiveInt = described("resampled sets of tasks, and permutations of their labels, in every test", "draws")


class Evaluation(Section):
    """How answers are generated and scored."""

    batch_size: PositiveInt = described("examples of one forward pass", "examples")
    max_new_tokens: PositiveInt = described("longest generated answer", "tokens")


class Figures(Section):
    """How figures are drawn."""

    dpi: int = described("resolution of PNG figures", "dots per inch", ge=50, le=1200)
