"""How a job runs models, and the course of a training."""

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Literal

import torch

from taskneurons.errors import InputError
from taskneurons.job import Job
from taskneurons.models.device import granted_device
from taskneurons.models.load import DType

MixedPrecision = Literal["no", "bf16", "fp16"]
Decay = Literal["cosine", "none"]
_MIXED_PRECISION: dict[DType, MixedPrecision] = {"float32": "no", "bfloat16": "bf16", "float16": "fp16"}


@dataclass(frozen=True)
class Execution:
    """Where and how precisely a job runs its models, and what it leaves when it is killed.

    Attributes:
        device: cpu or cuda.
        dtype: precision of the products, and of the weights where they are not all trained.
        resume: the file or the folder of what a killed job leaves for the next one; None: neither written nor read.
        checkpoint_minutes: time between two writings of a resume file.
        micro_batch_size: examples of one forward pass of a training, at most; a step with more examples adds up the
            gradients of several passes. None: the examples of a step. No result depends on it beyond rounding.
        gradient_checkpointing: whether a training computes activations again in its backward pass, and keeps none.
    """

    device: str | torch.device = "cpu"
    dtype: DType = "float32"
    resume: Path | None = None
    checkpoint_minutes: float = 5.0
    micro_batch_size: int | None = None
    gradient_checkpointing: bool = False

    def __post_init__(self) -> None:
        if self.micro_batch_size is not None and self.micro_batch_size < 1:
            raise InputError(
                f"a pass needs at least one example, not {self.micro_batch_size}", where="micro_batch_size"
            )

    @classmethod
    def of(cls, job: Job[Any], dtype: DType = "float32") -> "Execution":
        """As a job of the workflow runs: on what the scheduler granted it, see `granted_device`."""
        return cls(
            granted_device(job.gpus, threads=job.threads),
            dtype,
            job.resume,
            job.checkpoint_minutes,
            job.micro_batch_size,
            job.gradient_checkpointing,
        )

    @property
    def mixed_precision(self) -> MixedPrecision:
        """What accelerate calls the precision of the products."""
        return _MIXED_PRECISION[self.dtype]

    def resuming(self, name: str) -> "Execution":
        """The same, for one of several trainings of a job: its resume file has this name in the folder."""
        return replace(self, resume=self.resume / name) if self.resume else self


@dataclass(frozen=True)
class Schedule:
    """The course of a training: linear warm-up, then a decay or none.

    Attributes:
        steps: optimizer steps.
        batch_size: examples of a step.
        learning_rate: the highest of the schedule.
        warmup: steps until it is reached.
        seed: of the order of the data, and of whatever else the training draws.
        decay: cosine: the rate falls towards 0 at the last step; none: it stays at its highest. A training that is read
            at several steps needs none, so that what is read does not depend on the steps that follow.
        readings: steps after which what was made so far is kept, too.
    """

    steps: int
    batch_size: int
    learning_rate: float
    warmup: int = 0
    seed: int = 0
    decay: Decay = "cosine"
    readings: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        for step in self.readings:
            if not 1 <= step <= self.steps:
                raise InputError(f"a training of {self.steps} steps has no step {step} to be read at", where="readings")
