"""EWC: sequential fine-tuning in which weights that matter to earlier tasks are held where they are."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor, nn

from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.whole import learn_whole, stage_weights, weight_bytes
from taskneurons.engine.batches import permutation
from taskneurons.engine.forward import forward
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded, collate

_FISHER = "fisher/"


@dataclass(frozen=True)
class EWC:
    """Elastic weight consolidation (Kirkpatrick et al. 2017), with one anchor (Huszar 2018; online EWC).

    While a task is learned, strength / 2 * sum_i F_i (theta_i - theta*_i)^2 joins the loss. theta* are the weights
    after the last stage, F the sum over the earlier tasks of the diagonal of their empirical Fisher information: the
    mean over examples of the squared gradient of the answer's log-probability, at the weights after the task's stage.

    Args:
        learning_rate: of every stage.
        strength: lambda. At 0 it is SeqFT.
        examples: training examples of a task that estimate its Fisher information.
    """

    learning_rate: float
    strength: float
    examples: int
    name: str = "ewc"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All tasks so far."""
        return tasks

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train all weights under the penalty, then measure what matters to this task.

        Raises:
            InputError: float16 products, whose scaled loss would be out of proportion to the penalty.
        """
        if tuner.execution.dtype == "float16":
            raise InputError("EWC needs an unscaled loss", where="dtype", remedy="Use bfloat16 or float32")
        before = seen[-1] if seen else None
        examples = {task: tuner.training(task)}
        with _pulled_back(tuner.base.model, before, self.strength):
            learned = learn_whole(tuner, task, examples, before, tuner.recipe.schedule(self.learning_rate))
        fisher = self._fisher(tuner, learned)
        if before is not None:
            fisher = {name: values + before.tensors[_FISHER + name] for name, values in fisher.items()}
        tensors = {**learned.tensors, **{_FISHER + name: values for name, values in fisher.items()}}
        passes = learned.passes + min(self.examples, len(tuner.training(task)))
        return replace(learned, tensors=tensors, passes=passes)

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with the weights that the last stage left."""
        with stage_weights(tuner, seen[-1] if seen else None):
            for task in tasks:
                yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """The new weights and their Fisher information."""
        return 2 * weight_bytes(tuner)

    def _fisher(self, tuner: StreamTuner, learned: Learned) -> dict[str, np.ndarray]:
        examples = tuner.training(learned.task)
        order = permutation(len(examples), tuner.recipe.seed)[: self.examples]
        with stage_weights(tuner, learned):
            return fisher_diagonal(
                tuner.base.model, [examples[index] for index in order], tuner.base.tokenizer.pad_token_id
            )


def make(given: Given) -> EWC:
    """EWC with the examples of `ewc`.

    Raises:
        InputError: no strength is given.
    """
    return EWC(given.learning_rate, given.needed("strength"), **given.parameters["ewc"])


def fisher_diagonal(model: nn.Module, examples: Sequence[Encoded], pad_id: int) -> dict[str, np.ndarray]:
    """The diagonal of the empirical Fisher information, by parameter: E[(d log p(answer | prompt) / d theta)^2].

    Raises:
        InputError: there are no examples.
    """
    if not examples:
        raise InputError("no example estimates the Fisher information", where="ewc")
    names, parameters = zip(*model.requires_grad_(True).named_parameters(), strict=True)
    total = [torch.zeros_like(parameter) for parameter in parameters]
    try:
        for example in examples:
            batch = collate([example], pad_id).to(parameters[0].device)
            width = batch.answer_width
            logits, _ = forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=width)
            loss = nn.functional.cross_entropy(
                logits.float().flatten(0, 1), batch.labels[:, -width:].flatten(), reduction="sum"
            )
            for square, gradient in zip(total, torch.autograd.grad(loss, parameters), strict=True):
                square += gradient.square()
    finally:
        model.requires_grad_(False)
    return {name: (square / len(examples)).cpu().numpy() for name, square in zip(names, total, strict=True)}


@contextmanager
def _pulled_back(model: nn.Module, before: Learned | None, strength: float) -> Iterator[None]:
    """Add the penalty's gradient, strength * F * (theta - theta*), to that of the loss as a backward pass arrives.

    A hook on a leaf sees the gradient of each pass once, before it is stored; the first pass of a step finds none yet.
    What the optimizer takes and what is clipped is the gradient of loss plus penalty, as if the penalty had been added
    to the loss.
    """
    if before is None:
        yield
        return
    tensors: Mapping[str, np.ndarray] = before.tensors
    handles = []
    for name, parameter in model.requires_grad_(True).named_parameters():
        fisher = torch.tensor(strength * tensors[_FISHER + name]).to(parameter)
        anchor = torch.tensor(tensors[name]).to(parameter)

        def pull(
            gradient: Tensor, parameter: nn.Parameter = parameter, fisher: Tensor = fisher, anchor: Tensor = anchor
        ) -> Tensor:
            return gradient + fisher * (parameter.detach() - anchor) if parameter.grad is None else gradient

        handles.append(parameter.register_hook(pull))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()
        model.requires_grad_(False)
