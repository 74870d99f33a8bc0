"""Parameters of the comparison of models layer by layer."""

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import Field, NonNegativeInt, PositiveFloat, PositiveInt

from taskneurons.params.runs import Seeds
from taskneurons.params.schedule import Schedule
from taskneurons.params.section import Section, described


class FullTuning(Section):
    """Every weight moves; the experimental model is the multi-task model of the neuron studies."""

    method: Literal["full"] = described("what moves when the models of the layers study are tuned", "-")

    @property
    def adapters(self) -> None:
        """There are none."""
        return None


class LoraTuning(Section):
    """Low-rank adapters, the way of Zhao et al. 2024; the experimental model is tuned for this study."""

    method: Literal["lora"] = described("what moves when the models of the layers study are tuned", "-")
    rank: PositiveInt = described("rank of each adapter", "-")
    alpha: PositiveFloat = described("an adapter's output is multiplied by alpha / rank", "-")
    targets: Literal["attention", "all"] = described(
        "adapters on the query and value projections, or on all linear layers but the language head", "-"
    )
    generalists: Schedule = described("tuning of the experimental and the held-out model", "-")

    @property
    def adapters(self) -> Mapping[str, Any]:
        """The form of the adapters."""
        return {"rank": self.rank, "alpha": self.alpha, "targets": self.targets}


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
    transfer_seeds: Seeds = described(
        "seeds of the run whose control models are tried on every other task, with the neurons beside them", "-"
    )
    batch_size: PositiveInt = described("examples of one forward pass", "examples")
    standardise: bool = described("also compare features divided by their standard deviations", "-")
    blocks: int = described("blocks of examples that the jackknife leaves out in turn", "blocks", ge=4)
    permutations: PositiveInt = described("shuffles of the pairs of examples, the null of every similarity", "shuffles")
    alpha: float = described("greatest p of a rise, and of a border, in the map of the layers", "-", gt=0, lt=1)
    draws: PositiveInt = described(
        "draws of noise, resampled sets of families, and permutations of tasks, in every test", "draws"
    )
