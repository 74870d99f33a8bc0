"""A stage that trains a LoRA adapter, fresh or on from an earlier one, and adapters put into the weights to be used."""

import hashlib
import json
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Protocol

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor, nn

from taskneurons.continual.method import Learned
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.batches import TrainingData, mixed_tasks
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import Trainable, train
from taskneurons.engine.tuning import EXPLOSION, Lora, Tuned, fresh_adapter, random_state, read_adapter
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter, adapted
from taskneurons.models.encoding import Encoded

_DOWN = ".lora_A."
_PREFIX = "base_model.model."
_SETTINGS = "lora"


class Penalty(Protocol):
    """A term of the loss that depends on an adapter's A matrices alone, given by its gradient."""

    @property
    def digest(self) -> str:
        """Identifies the term; a killed training goes on only under the same one."""

    def gradient(self, module: str, a: Float[Tensor, "rank inputs"]) -> Float[Tensor, "rank inputs"]:
        """The term's gradient with respect to the A matrix of a module, by the module's name in the model."""


def tune_adapter(
    tuner: StreamTuner,
    examples: Mapping[str, Sequence[Encoded]],
    *,
    learning_rate: float,
    form: Lora | None = None,
    start: Adapter | None = None,
    penalty: Penalty | None = None,
    seed: int | None = None,
) -> Tuned:
    """Train one adapter with the budget of a stage, on whatever lies on the model now.

    Without a start and a penalty it is `tune` with the method lora, bit for bit. The model is afterwards what it was.

    Args:
        tuner: its base is trained on; its recipe gives the budget.
        examples: by task; tasks give equal shares of each batch.
        learning_rate: the highest of the schedule.
        form: of a fresh adapter; None: rank 8 on the attention.
        start: is trained on; None: a fresh adapter.
        penalty: is added to the loss. The log holds the loss without it.
        seed: of a fresh adapter's values and of dropout; None: the recipe's, which is that of the order of the data.

    Raises:
        InputError: the loss diverged, with its step; there are no examples; the start does not fit the model; a penalty
            under float16.
    """
    recipe, model = tuner.recipe, tuner.base.model
    schedule = recipe.schedule(learning_rate)
    if penalty is not None and tuner.execution.dtype == "float16":
        raise InputError(
            "a penalty needs unscaled gradients, and in float16 those of the loss are scaled",
            where="dtype",
            remedy="Set dtype to bfloat16 or float32",
        )
    seed = recipe.seed if seed is None else seed
    with (
        naming(" + ".join(examples)),
        random_state(seed, model.device),
        adapted(model, start) if start is not None else fresh_adapter(model, form or Lora()) as wrapped,
    ):
        data = mixed_tasks(examples, schedule, tuner.base.tokenizer.pad_token_id)
        trained = {name: weights for name, weights in model.named_parameters() if ".lora_" in name}
        for weights in trained.values():
            weights.requires_grad_(True)
        if penalty is not None:
            _add(penalty, trained)
        log = train(
            model,
            # The values that the training starts from are part of what `train` knows a resume file by.
            TrainingData(data.batch, _identity(data, seed, penalty)),
            schedule,
            tuner.execution.resuming("tuning.safetensors"),
            trainable=Trainable(trained),
            explosion=EXPLOSION * math.log(model.config.vocab_size),
            name="adapter tuning",
        )
        return Tuned(read_adapter(wrapped), log)


@contextmanager
def merged(model: nn.Module, adapters: Sequence[Adapter]) -> Iterator[None]:
    """Put W + sum over adapters of (alpha / rank) B A in the place of W inside the block; then W, bit for bit.

    It computes what all adapters together compute beside the weights, up to rounding, at no cost a token. Adapters that
    are trained or put on inside the block lie on top.

    Raises:
        InputError: an adapter does not fit the model.
    """
    before: dict[str, Tensor] = {}
    try:
        for adapter in adapters:
            for name, change in _changes(model, adapter).items():
                weight: Any = model.get_submodule(name).weight
                before.setdefault(name, weight.data)
                # A new tensor, so that the one before can come back as it was.
                weight.data = (weight.data.float() + change).to(weight.dtype)
        yield
    finally:
        for name, values in before.items():
            weight = model.get_submodule(name).weight
            weight.data = values


def learned_adapter(tuner: StreamTuner, task: str, result: Tuned) -> Learned:
    """What a stage leaves that trained an adapter."""
    adapter = result.change
    assert isinstance(adapter, Adapter)
    passes = tuner.recipe.steps * tuner.recipe.batch_size
    settings = {_SETTINGS: adapter.settings}
    return Learned(task, adapter.tensors, settings, adapter.parameters, passes, result.log.rows[-1][1])


def adapter_of(learned: Learned) -> Adapter:
    """The adapter that a stage left."""
    tensors = {name: array for name, array in learned.tensors.items() if name.startswith(_PREFIX)}
    return Adapter(learned.settings[_SETTINGS], tensors)


def down_projections(adapter: Adapter) -> dict[str, Float[np.ndarray, "rank inputs"]]:
    """The A matrices of an adapter by the name of the module in the model."""
    return {
        name.removeprefix(_PREFIX).partition(_DOWN)[0]: array
        for name, array in adapter.tensors.items()
        if _DOWN in name
    }


def _add(penalty: Penalty, trained: Mapping[str, nn.Parameter]) -> None:
    """Add the penalty's gradient to that of the loss.

    `train` has no place for another term of the loss. None is needed: the gradient of a sum is the sum of the
    gradients, and a hook on a parameter gets, once a backward pass, its gradient before anything reads it. Of the
    passes of a step the first one, which finds no gradient yet, brings the penalty. The clipping and the optimizer see
    what they would see of loss + penalty. The hooks go when the layers are taken out.
    """
    for name, weights in trained.items():
        module, down, _ = name.partition(_DOWN)
        if down:

            def both(gradient: Tensor, module: str = module, weights: nn.Parameter = weights) -> Tensor:
                return gradient + penalty.gradient(module, weights.detach()) if weights.grad is None else gradient

            weights.register_hook(both)


def _changes(model: nn.Module, adapter: Adapter) -> dict[str, Float[Tensor, "_ _"]]:
    """What an adapter adds to the weight of each module, as the weight lies there."""
    from peft.tuners.lora import LoraLayer

    with adapted(model, adapter), torch.no_grad():
        return {
            name: module.get_delta_weight("default").float()  # type: ignore[attr-defined]
            for name, module in model.named_modules()
            if isinstance(module, LoraLayer)
        }


def _identity(data: TrainingData, seed: int, penalty: Penalty | None) -> str:
    """A digest of what the batches, the seed of a fresh adapter and the penalty of a training are."""
    return hashlib.sha256(json.dumps([data.digest, seed, penalty.digest if penalty else ""]).encode()).hexdigest()
