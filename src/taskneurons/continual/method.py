"""What a method of continual learning is: it learns tasks one after another, and answers any task after each.

Each method has a module, whose function `make(given: Given)` makes it; `making` finds it there.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol, runtime_checkable

import numpy as np

from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.errors import InputError

Scores = Mapping[str, tuple[float, int]]
"""Metric -> (value, examples): `accuracy` and `accuracy_restricted` (see `METRICS` of the engine) in percent and,
where a method infers the task, `identification`."""


@dataclass(frozen=True, eq=False)
class Learned:
    """What one stage leaves behind: all that later stages, and answers, need of it.

    Attributes:
        task: what was learned.
        tensors: weights, adapters or statistics, float32 or integers.
        settings: what the tensors are, as JSON knows it.
        trainable: parameters that moved.
        passes: examples that went through the model forward and backward, with the scoring of neurons and the like.
        loss: mean training loss at the end, nats per answer token.
    """

    task: str
    tensors: Mapping[str, np.ndarray]
    settings: Mapping[str, Any] = field(default_factory=dict)
    trainable: int = 0
    passes: int = 0
    loss: float = 0.0


@dataclass(frozen=True)
class Given:
    """What a method is made of.

    Attributes:
        name: of the method or the variant, as in tables.
        learning_rate: the highest of the schedule of every stage.
        tasks: of the stream.
        parameters: of the method, by the section of the parameter file that they stand in.
        options: which variant of its module it is.
        strength: of the penalty of a method that has one.
        temperature: of the softmax of a weighting.
    """

    name: str
    learning_rate: float
    tasks: int
    parameters: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    options: Mapping[str, Any] = field(default_factory=dict)
    strength: float | None = None
    temperature: float | None = None

    def needed(self, what: str) -> float:
        """The strength or the temperature, which the method needs.

        Raises:
            InputError: it is not given.
        """
        value: float | None = {"strength": self.strength, "temperature": self.temperature}[what]
        if value is None:
            raise InputError(f"needs a {what}", where=f"method {self.name}")
        return value


class Method(Protocol):
    """One way to learn a stream of tasks. It keeps nothing itself: all that it knows is in what its stages left."""

    @property
    def name(self) -> str:
        """As in tables: what the method is, and which variant of it."""

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """Those of the tasks so far, in order, on which the newest one's stage depends; the newest is the last."""

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Learn a task after others. The base model is afterwards bit for bit what it was.

        Raises:
            InputError: the training diverged.
        """

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer the test examples of each task after what was learned; the base is afterwards what it was.

        Tasks that were not learned yet are answered too; no method knows of an example more than its prompt, unless it
        says so.
        """

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """Bytes that must be kept besides the base model, to answer and to go on learning."""


@runtime_checkable
class Weighting(Protocol):
    """A method that learns as another one does, whose stages it shares, and answers differently."""

    @property
    def learner(self) -> Method:
        """The method that it learns as."""


def nbytes(learned: Learned) -> int:
    """The bytes of everything that a stage left."""
    return sum(array.nbytes for array in learned.tensors.values())
