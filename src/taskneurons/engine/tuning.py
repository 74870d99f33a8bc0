"""Fine-tuning behind one call: some neurons, all FFN neurons, the whole model, or LoRA.

Whatever is trained, the model that was handed in is afterwards bit for bit what it was. The result is a change of that
model, which `tuned` puts on for the length of a `with` block.
"""

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskneurons.engine.batches import mixed_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.sparse_linear import training_only
from taskneurons.engine.training import Trainable, TrainingLog, train
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter, adapted, injected, settings_of
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import attention_modules, neuron_shape
from taskneurons.models.load import Checkpoint
from taskneurons.models.neuron_weights import neuron_weights
from taskneurons.models.patching import applied_patches, patched
from taskneurons.models.sharing import require_whole
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.sets import NeuronSet

Method = Literal["neurons", "ffn", "full", "lora"]
"""What moves.

- neurons: the weights of a neuron set: rows of the input projections, their biases, columns of the output projection.
- ffn: the same of all FFN neurons.
- full: every parameter.
- lora: low-rank adapters, by PEFT.
"""

METHODS: tuple[Method, ...] = get_args(Method)

# ASSUME: five times the loss of a uniform guess over the vocabulary is beyond any batch that a sound training meets.
EXPLOSION = 5.0


@dataclass(frozen=True)
class Lora:
    """The form of LoRA adapters.

    Attributes:
        rank: of each adapter.
        alpha: its output is multiplied by alpha / rank.
        targets: the query and value projections (where they are fused: the fused one), or all linear layers but the
            language head.
    """

    rank: int = 8
    alpha: float = 16.0
    targets: Literal["attention", "all"] = "attention"

    def __post_init__(self) -> None:
        if self.rank < 1 or not self.alpha > 0 or self.targets not in ("attention", "all"):
            raise InputError(
                f"a rank of at least 1, a positive alpha and the targets attention or all were expected, not {self}",
                where="lora",
            )


@dataclass(frozen=True, eq=False)
class FullWeights:
    """New values of every parameter of a model, in the dtype that it was trained with; readings lie on the host."""

    tensors: Mapping[str, Tensor]


Change = NeuronPatch | Adapter | FullWeights


@dataclass(frozen=True, eq=False)
class Tuned:
    """The result of a fine-tuning.

    Attributes:
        change: what it made of the model; a NeuronPatch of the methods neurons and ffn.
        log: the course of the loss, the mean cross-entropy of a batch's answer tokens in nats.
        readings: what it had made of the model after each step that the schedule names.
    """

    change: Change
    log: TrainingLog
    readings: Mapping[int, Change] = field(default_factory=dict)


def tune(
    base: Checkpoint,
    encoded: Mapping[str, Sequence[Encoded]],
    method: Method,
    schedule: Schedule,
    execution: Execution,
    *,
    neurons: NeuronSet | None = None,
    lora: Lora | None = None,
) -> Tuned:
    """Fine-tune a model on one or several tasks; the tasks give equal shares of each batch.

    AdamW without weight decay, the rates of the schedule, gradients clipped at norm 1; the same batches whatever the
    method. The loss is the mean cross-entropy of a batch's answer tokens. Patches that lie on the model are part of
    what is trained on, and the new patch names them.

    Args:
        base: its model, of a supported architecture, is moved to the device; afterwards it is bit for bit as before, in
            evaluation mode, its parameters frozen.
        encoded: the training examples by task.
        method: what moves.
        schedule: its seed is that of the order of the data, of LoRA's start and of dropout, where the model has some.
            Each of its readings keeps a copy of what moves; the training itself is the same without them.
        execution: see `train`. A killed training that has readings begins anew, since they are not in a resume file.
        neurons: the set, for the method neurons alone. The full set is allowed and equals the method ffn.
        lora: the adapters' form, for the method lora alone; None: rank 8 on the attention.

    Raises:
        InputError: a set that is missing, not wanted, empty or of another shape; LoRA's form with another method; full
            fine-tuning of weights that are not float32; no examples; a diverged loss, with its step.
    """
    model = base.model
    _check(model, method, neurons, lora)
    model.requires_grad_(False).eval()
    model.to(execution.device)
    data = mixed_tasks(encoded, schedule, base.tokenizer.pad_token_id)
    if schedule.readings:
        execution = replace(execution, resume=None)

    def run(trainable: Trainable, made: Callable[[], Change]) -> tuple[TrainingLog, Mapping[int, Change]]:
        explosion = EXPLOSION * math.log(model.config.vocab_size)
        readings: dict[int, Change] = {}
        trainable = replace(trainable, read=lambda step: readings.update({step: made()}))
        log = train(model, data, schedule, execution, trainable=trainable, explosion=explosion, name=f"{method} tuning")
        return log, readings

    with random_state(schedule.seed, model.device):
        if method == "lora":
            return _tune_lora(model, lora or Lora(), run)
        if method == "full":
            return _tune_full(model, run)
        every = NeuronSet(np.ones(neuron_shape(model), dtype=bool))
        return _tune_neurons(base, neurons or every, tuple(encoded), run)


@contextmanager
def tuned(model: PreTrainedModel, result: Tuned, *, base: str) -> Iterator[None]:
    """Put the result of a fine-tuning on the model inside the block; afterwards it is bit for bit what it was.

    Args:
        model: what was trained, with the patches that lay on it then.
        result: of `tune`.
        base: digest of the weights file that the model was loaded from.

    Raises:
        InputError: the result belongs to another model.
    """
    require_whole(model)
    change = result.change
    if isinstance(change, NeuronPatch):
        with patched(model, change, base=base):
            yield
    elif isinstance(change, Adapter):
        with adapted(model, change):
            yield
    else:
        with _swapped(model, change):
            yield


_Run = Callable[[Trainable, Callable[[], Change]], tuple[TrainingLog, Mapping[int, Change]]]
"""Trains what moves, and reads it by the second argument, which copies what was made of the model so far."""


def _check(model: PreTrainedModel, method: str, neurons: NeuronSet | None, lora: Lora | None) -> None:
    if method not in METHODS:
        raise InputError(f"methods are {', '.join(METHODS)}, not {method!r}", where="method")
    if (neurons is not None) != (method == "neurons"):
        raise InputError("a neuron set goes with the method neurons, and only with it", where="neurons")
    if lora is not None and method != "lora":
        raise InputError("a form of LoRA goes with the method lora, and only with it", where="lora")
    if neurons is not None:
        neuron_weights(model, neurons)
        if not neurons:
            raise InputError(
                "the neuron set is empty, nothing would be trained",
                where="neurons",
                remedy="Evaluate the model as it is instead (zero-shot)",
            )
    if method == "full" and {parameter.dtype for parameter in model.parameters()} != {torch.float32}:
        raise InputError(
            "full fine-tuning needs float32 weights, small updates would be lost in the model's",
            where="method",
            remedy="Load the model in float32 and set mixed_precision to bf16",
        )


def _tune_neurons(base: Checkpoint, neurons: NeuronSet, tasks: tuple[str, ...], run: _Run) -> Tuned:
    below = applied_patches(base.model)
    with training_only(base.model, neurons) as trained:

        def made() -> NeuronPatch:
            # A copy: on the CPU numpy would share the memory of the optimised parameters.
            weights = {name: values.cpu().numpy().copy() for name, values in trained.values().items()}
            return NeuronPatch(neurons, weights, base.digest, below, tasks)

        log, readings = run(Trainable(trained.parameters(), trained.publish), made)
        return Tuned(made(), log, readings)


def _tune_lora(model: PreTrainedModel, form: Lora, run: _Run) -> Tuned:
    with fresh_adapter(model, form) as wrapped:
        moved = {name: weights for name, weights in model.named_parameters() if weights.requires_grad}
        log, readings = run(Trainable(moved), lambda: read_adapter(wrapped))
        return Tuned(read_adapter(wrapped), log, readings)


def fresh_adapter(model: nn.Module, form: Lora) -> AbstractContextManager[Any]:
    """A block in which a model has untrained adapters of a form."""
    from peft import LoraConfig

    turned = any(place.turned for place in neuron_weights(model, NeuronSet(np.ones(neuron_shape(model), dtype=bool))))
    config = LoraConfig(
        r=form.rank,
        lora_alpha=form.alpha,  # type: ignore[arg-type]
        target_modules="all-linear" if form.targets == "all" else list(attention_modules(model)),
        fan_in_fan_out=turned,
        task_type="CAUSAL_LM",
    )
    return injected(model, config)


def read_adapter(wrapped: Any) -> Adapter:
    """The adapters that PEFT holds in a model, as a copy."""
    from peft import get_peft_model_state_dict

    # On the CPU numpy would share the memory of the parameters.
    tensors = {
        name: tensor.detach().float().cpu().numpy().copy()
        for name, tensor in get_peft_model_state_dict(wrapped).items()
    }
    return Adapter(settings_of(wrapped.peft_config["default"]), tensors)


def _tune_full(model: PreTrainedModel, run: _Run) -> Tuned:
    def made() -> FullWeights:
        # On the host: a copy beside a training would be a fifth of what it holds.
        return FullWeights({name: one.detach().to("cpu", copy=True) for name, one in model.named_parameters()})

    before = made().tensors
    try:
        log, readings = run(Trainable(dict(model.requires_grad_(True).named_parameters())), made)
        after = {name: parameter.detach() for name, parameter in model.named_parameters()}
    finally:
        for name, parameter in model.named_parameters():
            parameter.data = before[name].to(parameter.device)
        model.requires_grad_(False)
    return Tuned(FullWeights(after), log, readings)


@contextmanager
def _swapped(model: nn.Module, weights: FullWeights) -> Iterator[None]:
    """Let the parameters hold other tensors inside the block; nothing is copied."""
    own = {name: parameter.detach() for name, parameter in model.named_parameters()}
    shapes = {name: tensor.shape for name, tensor in own.items()}
    if shapes != {name: tensor.shape for name, tensor in weights.tensors.items()}:
        raise InputError("the weights are of a model of another shape")
    try:
        for name, parameter in model.named_parameters():
            parameter.data = weights.tensors[name].to(parameter.device)
        yield
    finally:
        for name, parameter in model.named_parameters():
            parameter.data = own[name]


@contextmanager
def random_state(seed: int, device: torch.device) -> Iterator[None]:
    """Seed torch inside the block and leave the process's own random state as it was."""
    with torch.random.fork_rng(devices=[device] if device.type == "cuda" else []):
        torch.manual_seed(seed)
        yield
