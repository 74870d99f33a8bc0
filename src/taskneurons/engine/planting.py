"""Training that plants neurons: it is known by construction which neurons carry which skill.

Each skill is given some neurons, its members. An example of the skill is seen in one of three ways:

- open: as it is, so that the model works without any gate;
- closed: the neurons that are no members are set to zero, all of them, a share that is drawn anew, those that are
  members of no skill, or those of one other skill, so that the members suffice;
- broken: the members are set to zero and the answer is that of another example, so that nothing else learns the skill.

Training leaves some members without use, or doubles for others. `pruned` takes them out, one by one, so that each
member that is left is needed. Whether all this worked is for a proof to say, which ablates neurons without any gate.
"""

import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import PreTrainedModel

from taskneurons.engine.batches import MixedTasks, TrainingData, WeightedBatch, answer_batch
from taskneurons.engine.effects import answered, batches_of
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.training import TrainingLog, train
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import FFN, ffn_layers, neuron_shape
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True)
class Gates:
    """How the examples of a training are seen; those that are neither open nor closed are broken.

    Attributes:
        open: share that is seen as it is.
        closed: share in which neurons that are no members are set to zero.

    Raises:
        InputError: shares that are not in [0, 1], alone or together.
    """

    open: float
    closed: float

    def __post_init__(self) -> None:
        if min(self.open, self.closed) < 0 or self.open + self.closed > 1:
            raise InputError(f"open {self.open:g} and closed {self.closed:g} are no shares of a whole", where="gates")


@dataclass(frozen=True, eq=False)
class _Skills:
    """What is drawn from: the examples and the members of each skill, in one order; and the members of none."""

    encoded: Mapping[str, Sequence[Encoded]]
    members: Mapping[str, Bool[np.ndarray, "layer neuron"]]
    idle: Bool[np.ndarray, "layer neuron"]
    answers: Sequence[tuple[int, ...]]


def plant(
    model: PreTrainedModel,
    encoded: Mapping[str, Sequence[Encoded]],
    members: Mapping[str, NeuronSet],
    gates: Gates,
    schedule: Schedule,
    execution: Execution,
    *,
    pad_id: int,
) -> TrainingLog:
    """Train a model in place on all skills together, so that each is carried by its members.

    Every skill gives the same share of each batch; the loss is the mean cross-entropy of the answer tokens.

    Args:
        model: with FFNs whose neurons are not trained yet.
        encoded: the examples of each skill.
        members: its neurons.
        gates: how examples are seen.
        schedule, execution: see `train`.
        pad_id: token of padding.

    Raises:
        InputError: as `train`; skills without members or examples, or members of a model of another shape.
    """
    shape = neuron_shape(model)
    for skill in encoded.keys() | members.keys():
        if not encoded.get(skill) or not members.get(skill):
            raise InputError("a skill needs examples and members", where=f"skill {skill}")
        if members[skill].shape != shape:
            raise InputError(f"members of a model of {members[skill].shape}, not {shape}", where=f"skill {skill}")
    skills = _Skills(
        encoded,
        {skill: members[skill].mask for skill in encoded},
        ~np.any([one.mask for one in members.values()], axis=0),
        [example.target for examples in encoded.values() for example in examples],
    )
    order = MixedTasks(
        {skill: len(examples) for skill, examples in encoded.items()}, schedule.batch_size, schedule.seed
    )
    with _gated(model) as gate:

        def batch(step: int) -> WeightedBatch:
            examples, kept = _seen(order[step], skills, gates, np.random.default_rng([schedule.seed, step]))
            made = answer_batch(examples, pad_id)
            gate.set(kept, made.lengths)
            return made

        return train(model, TrainingData(batch, _digest(skills, gates, schedule, pad_id)), schedule, execution)


def pruned(
    model: nn.Module,
    encoded: Mapping[str, Sequence[Encoded]],
    members: Mapping[str, NeuronSet],
    effect: float,
    *,
    pad_id: int,
) -> dict[str, NeuronSet]:
    """Take members out of a model until each that is left is needed for its skill; returns these.

    Of the members of a skill the one whose removal costs its examples least goes first, as long as that is less than
    `effect`, given those that went before; the last one stays. What a neuron that is taken out gives to the residual
    stream becomes 0; it still has an activation.

    Args:
        model: changed in place.
        encoded: the examples of each skill.
        members: its neurons.
        effect: mean rise of the loss from which a neuron is needed, nats an example.
        pad_id: token of padding.
    """
    shape = neuron_shape(model)
    gone, kept = NeuronSet(np.zeros(shape, dtype=bool)), {}
    for skill, own in members.items():
        batches, left = batches_of(encoded[skill], pad_id, len(encoded[skill])), own
        while len(left) > 1:
            before = answered(model, batches, gone).losses.mean()
            alone = [NeuronSet.from_indices([(layer, neuron)], shape) for layer, neuron in left.to_indices().tolist()]
            rises = [answered(model, batches, gone | one).losses.mean() - before for one in alone]
            least = int(np.argmin(rises))
            if rises[least] >= effect:
                break
            gone, left = gone | alone[least], left - alone[least]
        kept[skill] = left
    with torch.no_grad():
        for ffn in ffn_layers(model):
            ((weight, dimension),) = ffn.output.parameters()
            weight.index_fill_(dimension, torch.from_numpy(np.flatnonzero(gone.mask[ffn.layer])).to(weight.device), 0)
    return kept


def _seen(
    drawn: Sequence[tuple[str, int]], skills: _Skills, gates: Gates, rng: np.random.Generator
) -> tuple[list[Encoded], Bool[np.ndarray, "example layer neuron"]]:
    """The examples of a batch as they are seen, and which neurons are not set to zero."""
    examples, kept = [], []
    for skill, index in drawn:
        example, own = skills.encoded[skill][index], skills.members[skill]
        way = rng.random()
        if way < gates.open:
            keep = np.ones_like(own)
        elif way < gates.open + gates.closed:
            keep = own | _others(skill, skills, rng)
        else:
            keep = ~own
            example = replace(example, target=skills.answers[int(rng.integers(len(skills.answers)))])
        examples.append(example)
        kept.append(keep)
    return examples, np.stack(kept)


def _others(skill: str, skills: _Skills, rng: np.random.Generator) -> Bool[np.ndarray, "layer neuron"]:
    """What a closed example keeps beside the members of its skill.

    In half of them nothing, in a quarter a share of the others between none and all, in a quarter all but the idle ones
    or all but the members of one other skill: else these learn to undo what the rest does.
    """
    way, shape = rng.random(), skills.idle.shape
    if way < 0.5:
        return np.zeros(shape, dtype=bool)
    if way < 0.75:
        return rng.random(shape) < rng.random()
    others = [name for name in skills.members if name != skill]
    return ~(skills.idle if rng.random() < 0.5 or not others else skills.members[others[rng.integers(len(others))]])


class _Gate:
    """Sets neurons of each example of a batch to zero."""

    def __init__(self) -> None:
        self._kept: Float[Tensor, "layer token neuron"] = torch.empty(0)

    def set(self, kept: Bool[np.ndarray, "example layer neuron"], lengths: Int[Tensor, " example"]) -> None:
        """Note what the next call keeps. FFNs see the tokens of a batch row by row, without pads."""
        of_examples = torch.from_numpy(kept).float().transpose(0, 1)
        self._kept = of_examples.repeat_interleave(lengths, dim=1)

    def at(self, ffn: FFN, value: Tensor) -> Tensor:
        """The activation of a layer behind the gate."""
        return value * self._kept[ffn.layer].to(value.device, value.dtype).view(value.shape)


@contextmanager
def _gated(model: nn.Module) -> Iterator[_Gate]:
    """Let the activations of a model go through a gate in this block."""
    gate = _Gate()
    with ExitStack() as hooks:
        for ffn in ffn_layers(model):
            # The layer as a default, since a closure would see the last one.
            handle = ffn.output.module.register_forward_pre_hook(lambda _, args, ffn=ffn: (gate.at(ffn, args[0]),))
            hooks.callback(handle.remove)
        yield gate


def _digest(skills: _Skills, gates: Gates, schedule: Schedule, pad_id: int) -> str:
    content = hashlib.sha256(
        json.dumps([gates.open, gates.closed, schedule.batch_size, schedule.seed, pad_id]).encode()
    )
    for skill, examples in skills.encoded.items():
        content.update(json.dumps([skill, [[one.prompt, one.target] for one in examples]]).encode())
        content.update(np.packbits(skills.members[skill]).tobytes())
    return content.hexdigest()
