"""What is run: a model on a suite with its seeds, the studies that are made of it, and how work is cut into jobs."""

from collections.abc import Iterator
from typing import Literal

from pydantic import NonNegativeInt, PositiveInt

from taskneurons.params.section import Inconsistency, Section, Slug, described, repeated

Study = Literal[
    "deactivation",
    "training",
    "proportion",
    "overlap",
    "similarity",
    "layers",
    "dial",
    "continual",
    "keystone",
    "validation",
    "multiverse",
    "scaling",
    "kinds",
]
# The seeds of a run with which something is done.
Seeds = Literal["first", "all"]


class Workflow(Section):
    """How the work is cut into jobs and batches; no result depends on it."""

    tasks_per_job: Literal["all"] | PositiveInt = described(
        "tasks that one job does; all pays the start of a process once, 1 spreads over a cluster", "tasks"
    )
    training_threads: PositiveInt = described("CPU threads of a job that trains a model", "threads")
    checkpoint_minutes: PositiveInt = described(
        "time between two resume files of a training; changing it makes nothing again", "minutes"
    )
    evaluation_batch_size: PositiveInt = described(
        "test examples of one forward pass; losses are rounded so that changing it makes nothing again", "examples"
    )
    processes_per_job: PositiveInt = described(
        "processes that do a job with a model together, on one machine and each with a GPU of its own where the model "
        "needs one; changing it makes nothing again",
        "processes",
    )
    share_weights: bool = described(
        "whether the processes of a job that neither trains nor edits weights each keep a part of every weight, and do "
        "all examples together, for models that one GPU does not hold; else each holds the model and does some of the "
        "examples. Changing it makes nothing again",
        "-",
    )
    micro_batch_size: PositiveInt | None = described(
        "examples of one forward pass of a training, at most: a step with more examples adds up gradients; null: those "
        "of a step. It need not divide a step's examples, and changing it makes nothing again",
        "examples",
    )
    gradient_checkpointing: bool = described(
        "whether trainings compute activations again in the backward pass instead of keeping them; changing it makes "
        "nothing again",
        "-",
    )


class Run(Section):
    """One model on one suite, with its seeds."""

    suite: Slug = described("name of a suite below `suites`", "-")
    model: Slug = described("name of a model below `models`", "-")
    seeds: tuple[NonNegativeInt, ...] = described("seeds of initialisation, data order and random controls", "-")
    studies: tuple[Study, ...] = described("studies of its neurons and layers that are made", "-")

    def inconsistencies(self) -> Iterator[Inconsistency]:
        """At least one study and one seed, each once, seeds in the range that all generators take."""
        if not self.seeds:
            yield Inconsistency(("seeds",), "no seed is given", "Give at least one")
        if not self.studies:
            yield Inconsistency(("studies",), "no study is named", "Name at least `deactivation`")
        yield from repeated(self.seeds, "seeds")
        yield from repeated(self.studies, "studies")
        for index, seed in enumerate(self.seeds):
            if seed >= 2**31:
                yield Inconsistency(("seeds", index), f"seed {seed} is too large", "Stay below 2147483648")
