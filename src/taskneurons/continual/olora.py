"""O-LoRA (Wang et al. 2023, "Orthogonal Subspace Learning for Language Model Continual Learning").

Each task has an adapter of its own; those of earlier tasks are frozen and stay active, in training and in answering.
The rows of a module's A span the inputs that an adapter reads: the new ones are pushed away from the earlier ones by

    strength * sum over modules and earlier tasks k of sum |A_k A_new^T|

as in the authors' code (lambda_1, 0.5 in its scripts); the paper squares the products. A second term of the code,
lambda_2 times the norms of the new adapter, is 0 in its scripts and absent here.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from taskneurons.continual.adapter_stage import adapter_of, down_projections, learned_adapter, merged, tune_adapter
from taskneurons.continual.method import Given, Learned, Scores, nbytes
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter


@dataclass(frozen=True)
class OLoRA:
    """An adapter a task, in a subspace of its own.

    Args:
        learning_rate: the highest of the schedule.
        strength: of the penalty; 0: fresh adapters on top of frozen ones.
        form: of the adapters.

    Raises:
        InputError: the strength is negative.
    """

    learning_rate: float
    strength: float
    form: Lora = field(default_factory=Lora)
    name: str = "olora"

    def __post_init__(self) -> None:
        if not self.strength >= 0:
            raise InputError(f"a strength of at least 0 was expected, not {self.strength}", where="olora")

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All: a task is learned on top of the earlier adapters."""
        return tasks

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train a fresh adapter, orthogonal to the earlier ones, on top of them."""
        earlier = [adapter_of(learned) for learned in seen]
        with merged(tuner.base.model, earlier):
            result = tune_adapter(
                tuner,
                {task: tuner.training(task)},
                learning_rate=self.learning_rate,
                form=self.form,
                penalty=Orthogonality(self.strength, earlier, tuner.base.model.device) if earlier else None,
                seed=start_seed(tuner.recipe.seed, len(seen)),
            )
        return learned_adapter(tuner, task, result)

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer under all adapters."""
        with merged(tuner.base.model, [adapter_of(learned) for learned in seen]):
            for task in tasks:
                yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """All adapters: the sum of them answers, but the next task needs their A matrices."""
        return sum(map(nbytes, seen))


def make(given: Given) -> OLoRA:
    """O-LoRA with the adapters of `lora`.

    Raises:
        InputError: no strength is given.
    """
    return OLoRA(given.learning_rate, given.needed("strength"), Lora(**given.parameters["lora"]))


class Orthogonality:
    """strength * sum over modules of sum |A_earlier A^T|, the rows of A of all earlier adapters below each other."""

    def __init__(self, strength: float, earlier: Sequence[Adapter], device: torch.device) -> None:
        self._strength = strength
        self._rows = {
            module: torch.from_numpy(rows).to(device, torch.float32) for module, rows in _stacked(earlier).items()
        }
        content = hashlib.sha256(repr(strength).encode())
        # The earlier adapters as a whole, not only their A: they are also what the new one is trained on top of.
        for adapter in earlier:
            for name, array in sorted(adapter.tensors.items()):
                content.update(name.encode())
                content.update(array.tobytes())
        self.digest = content.hexdigest()

    def gradient(self, module: str, a: Float[Tensor, "rank inputs"]) -> Float[Tensor, "rank inputs"]:
        """The gradient of the penalty: strength * sign(A A_earlier^T) A_earlier."""
        rows = self._rows[module]
        return self._strength * ((a @ rows.T).sign() @ rows)


def start_seed(seed: int, stage: int) -> int:
    """The seed of a stage's fresh adapter: the recipe's for the first, so that it starts as in all methods.

    Later ones differ, since equal starts would be one subspace.
    """
    return int(np.random.SeedSequence((seed, stage)).generate_state(1)[0]) if stage else seed


def _stacked(adapters: Sequence[Adapter]) -> Mapping[str, Float[np.ndarray, "rows inputs"]]:
    found = [down_projections(adapter) for adapter in adapters]
    return {module: np.concatenate([one[module] for one in found]) for module in found[0]}
