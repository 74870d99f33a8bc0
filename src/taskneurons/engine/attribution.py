"""How much each FFN neuron matters to a task: gradient x activation and its alternatives, streamed over batches.

For neuron j with activation w_j (the input of the down projection) and L the cross-entropy of the answer, summed over
the answer's tokens, Leng & Xiong 2025 (Eq. 3) take R_j = |dL/dw_j * w_j|: the first-order estimate of what setting
w_j to zero changes. L is summed, never averaged: a mean would make a score depend on the composition of its batch.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from typing import Literal, get_args

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, embedding_bag

from taskneurons import processes
from taskneurons.engine.batching import in_batches
from taskneurons.engine.forward import forward
from taskneurons.errors import InputError
from taskneurons.models.encoding import IGNORED, Batch, Encoded, collate
from taskneurons.models.ffn import FFN, ffn_layers
from taskneurons.models.load import Checkpoint
from taskneurons.models.padding import tokens_only
from taskneurons.neurons.scores import NeuronScores

Estimator = Literal[
    "taylor", "taylor_token", "taylor_global", "taylor_all_tokens", "activation", "integrated_gradients"
]
"""How g = dL/dw and the activation w of each token of each example become one score per neuron.

- taylor: sum over examples of |sum over tokens of g w|.
- taylor_token: sum over examples and tokens of |g w|.
- taylor_global: |sum over examples and tokens of g w|.
- taylor_all_tokens: as taylor, L over the prompt's tokens too.
- activation: mean of |w| over real tokens; no gradient.
- integrated_gradients: as taylor, g averaged over w scaled from 0 to its value, one layer at a time.
"""

ESTIMATORS: tuple[Estimator, ...] = get_args(Estimator)
_OF_ANSWER = {"taylor", "taylor_token", "taylor_global"}


class Attributor:
    """Scores neurons batch by batch. Sums are kept in float32 whatever the model's dtype.

    Estimators that differ only in how they sum share one forward and one backward pass. A batch counts wholly or, when
    it fails, not at all. The model's parameters are frozen during an update; nothing of the model is changed.

    Args:
        model: a causal language model of a supported architecture, in evaluation mode. transformers checkpoints
            activations in training mode only: then, its dropout must be zero.
        estimators: which scores to make.
        steps: points of the Gauss-Legendre rule of `integrated_gradients`.

    Raises:
        InputError: an estimator is not known, or the model is in training mode without checkpointing.
    """

    def __init__(self, model: nn.Module, estimators: Sequence[str] = ("taylor",), *, steps: int = 16) -> None:
        unknown = sorted(set(estimators) - set(ESTIMATORS))
        if unknown or not estimators:
            raise InputError(f"estimators are among {', '.join(ESTIMATORS)}, not {unknown}", where="estimators")
        checkpointing = any(getattr(module, "gradient_checkpointing", False) for module in model.modules())
        if model.training and not checkpointing:
            raise InputError("the model is in training mode and may drop activations", remedy="Call model.eval() first")
        self._model = model
        self._ffns = ffn_layers(model)
        self._estimators = tuple(dict.fromkeys(estimators))
        nodes, weights = np.polynomial.legendre.leggauss(steps)
        self._path = [(float(x + 1) / 2, float(w) / 2) for x, w in zip(nodes, weights, strict=True)]
        self._sums = self._zeros()
        self._examples = 0
        self._tokens = 0

    def update(self, batch: Batch) -> None:
        """Add a batch."""
        batch = batch.to(next(self._model.parameters()).device)
        sums = self._zeros()
        of_answer = _OF_ANSWER.intersection(self._estimators)
        of_all = {"taylor_all_tokens"}.intersection(self._estimators)
        with _frozen(self._model):
            if of_answer or not of_all:
                self._pass(batch, of_answer, sums, observe=True)
            if of_all:
                self._pass(_predicting_all(batch), of_all, sums, observe=not of_answer)
            if "integrated_gradients" in self._estimators:
                self._integrate(batch, sums["integrated_gradients"])
        for name, total in self._sums.items():
            total += sums[name]
        self._examples += len(batch)
        self._tokens += int(batch.attention_mask.sum())

    def add_up(self) -> None:
        """Count the batches of all processes that do the job, not only this one's."""
        counts = torch.tensor([self._examples, self._tokens], device=next(iter(self._sums.values())).device)
        processes.add_up([*self._sums.values(), counts])
        self._examples, self._tokens = counts.tolist()

    def result(self, *, task: str, model_digest: str) -> dict[str, NeuronScores]:
        """The scores so far, by estimator, of a task and of a model with this digest.

        They are in nats, summed over examples, or in units of the activation for the estimator `activation`.

        Raises:
            InputError: nothing was added, or a score is NaN or infinite.
        """
        if not self._examples:
            raise InputError("no examples were attributed", where="attribution")
        arrays = {name: total.cpu().numpy() for name, total in self._sums.items()}
        activation, mean = (arrays[name] / np.float32(self._tokens) for name in ("magnitude", "sum"))
        scores = {name: activation if name == "activation" else np.abs(arrays[name]) for name in self._estimators}
        return {
            name: NeuronScores(
                scores[name],
                activation,
                mean,
                task=task,
                model_digest=model_digest,
                estimator=name,
                examples=self._examples,
                tokens=self._tokens,
            )
            for name in self._estimators
        }

    def _zeros(self) -> dict[str, Float[Tensor, "layer neuron"]]:
        device = next(self._model.parameters()).device
        names = ("magnitude", "sum", *(name for name in self._estimators if name != "activation"))
        shape = (len(self._ffns), self._ffns[0].width)
        return {name: torch.zeros(shape, dtype=torch.float32, device=device) for name in names}

    def _pass(self, batch: Batch, names: set[str], sums: dict[str, Tensor], *, observe: bool) -> None:
        """One forward pass and, for the estimators `names`, one backward pass; `observe` counts activations too."""
        # A checkpointed layer is run again during the backward pass: its hooks must not count a second time.
        recording = True

        def observed(ffn: FFN, value: Tensor) -> None:
            if recording:
                w = value.detach().reshape(-1, ffn.width).float()
                sums["magnitude"][ffn.layer] += rows.real @ w.abs()
                sums["sum"][ffn.layer] += rows.real @ w

        def differentiated(ffn: FFN, value: Tensor) -> None:
            if not value.requires_grad:
                value.requires_grad_()
            if recording:
                # Detached, since a hook that holds its own tensor is a cycle that outlives the pass.
                kept = value.detach()
                value.register_hook(
                    lambda gradient: _add_products(_product(ffn, kept, gradient), rows, names, sums, ffn.layer)
                )

        with ExitStack() as hooks, _rows(self._model, batch) as rows, torch.set_grad_enabled(bool(names)):
            for ffn in self._ffns:
                if observe:
                    hooks.enter_context(_entering(ffn, observed))
                if names:
                    hooks.enter_context(_differentiable(ffn, differentiated))
            loss = _loss(self._model, batch)
            recording = False
            if names:
                loss.backward()

    def _integrate(self, batch: Batch, sums: Float[Tensor, "layer neuron"]) -> None:
        """Integrated gradients of each layer from w = 0, by Gauss-Legendre quadrature."""
        for ffn in self._ffns:
            average = torch.zeros(len(batch), ffn.width, device=sums.device)
            for scale, weight in self._path:
                average += weight * self._scaled(batch, ffn, scale)
            sums[ffn.layer] += average.abs().sum(0)

    def _scaled(self, batch: Batch, ffn: FFN, scale: float) -> Float[Tensor, "example neuron"]:
        """Sum over tokens of w x the gradient at scale x w."""
        kept: list[Tensor] = []

        def scaled(_: nn.Module, args: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
            start = (args[0].detach() * scale).requires_grad_()
            if not kept:
                kept.extend((args[0].detach(), start))
            return (start,)

        handle = ffn.output.module.register_forward_pre_hook(scaled)
        try:
            with _rows(self._model, batch) as rows, torch.enable_grad():
                (gradient,) = torch.autograd.grad(_loss(self._model, batch), kept[1])
        finally:
            handle.remove()
        return rows.by_example(gradient.float() * kept[0].float())


@dataclass(frozen=True, eq=False)
class _Rows:
    """The rows of what an FFN computes of a batch, one a place of (batch, width) or, without pads, one a token.

    Attributes:
        real: 1 for a token, 0 for a pad.
        examples: in the batch.
        starts: the first row of each example where pads are left out; None: they are not.
    """

    real: Float[Tensor, " row"]
    examples: int
    starts: Int[Tensor, " example"] | None

    def by_example(self, values: Float[Tensor, "... width"]) -> Float[Tensor, "example width"]:
        """The sum over the rows of each example."""
        values = values.reshape(-1, values.shape[-1])
        if self.starts is None:
            summed: Tensor = values.unflatten(0, (self.examples, -1)).sum(1)
            return summed
        # torch has no faster sum over groups of rows; each row is taken once.
        return embedding_bag(torch.arange(len(values)), values, self.starts, mode="sum")


@contextmanager
def _rows(model: nn.Module, batch: Batch) -> Iterator[_Rows]:
    """Leave pads out in this block where the model can; yield how FFNs see the batch."""
    mask = batch.attention_mask
    with tokens_only(model, mask.bool()) as without_pads:
        if without_pads:
            lengths = mask.sum(1)
            yield _Rows(torch.ones(int(lengths.sum())), len(batch), lengths.cumsum(0) - lengths)
        else:
            yield _Rows(mask.flatten().float(), len(batch), None)


def _product(ffn: FFN, value: Tensor, gradient: Tensor) -> Tensor:
    """Gradient times activation, of the neurons alone where the same tensor holds the gate too."""
    part = slice(ffn.inputs[-1].offset, ffn.inputs[-1].offset + ffn.width) if ffn.gated else slice(None)
    return gradient[..., part].float() * value[..., part].float()


def _add_products(
    product: Float[Tensor, "... neuron"], rows: _Rows, names: Iterable[str], sums: Mapping[str, Tensor], layer: int
) -> None:
    """Add the products of gradient and activation to one layer's sums, each by the rule of its estimator."""
    of_example = rows.by_example(product)
    for name in names:
        if name == "taylor_token":
            sums[name][layer] += product.abs_().flatten(0, -2).sum(0)
        else:
            sums[name][layer] += (of_example if name == "taylor_global" else of_example.abs()).sum(0)


def attribute(
    checkpoint: Checkpoint,
    encoded: Sequence[Encoded],
    *,
    task: str,
    batch_size: int,
    estimators: Sequence[str] = ("taylor",),
) -> dict[str, NeuronScores]:
    """Score all examples of a task. Neither their order nor the batch size changes the scores beyond rounding.

    Examples of like length share a batch; a batch that does not fit the device's memory is halved.

    Args:
        checkpoint: its model as it is now is scored; its digest stands in the scores.
        encoded: the examples.
        task: their task.
        batch_size: examples at once.
        estimators: which scores to make.

    Returns:
        The scores of each estimator.

    Raises:
        InputError: as `Attributor` and `in_batches`, or there are no examples.
    """
    attributor, pad_id = Attributor(checkpoint.model, estimators), checkpoint.tokenizer.pad_token_id
    ordered = sorted(encoded, key=lambda example: len(example.prompt) + len(example.target), reverse=True)
    in_batches(len(ordered), batch_size, lambda begin, end: attributor.update(collate(ordered[begin:end], pad_id)))
    attributor.add_up()
    return attributor.result(task=task, model_digest=checkpoint.digest)


def _loss(model: nn.Module, batch: Batch) -> Tensor:
    """Cross-entropy of the labels in nats, summed. The language head is computed where there are labels only."""
    width = batch.answer_width
    logits, _ = forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=width)
    logits, labels = logits.float(), batch.labels[:, -width:]
    return cross_entropy(logits.flatten(0, 1), labels.flatten(), ignore_index=IGNORED, reduction="sum")


def _predicting_all(batch: Batch) -> Batch:
    """The same batch, in which every real token predicts the next one."""
    labels = batch.labels.clone()
    both = (batch.attention_mask[:, 1:] * batch.attention_mask[:, :-1]).bool() & (labels[:, :-1] == IGNORED)
    labels[:, :-1] = torch.where(both, batch.input_ids[:, 1:], labels[:, :-1])
    return replace(batch, labels=labels, answer_width=labels.shape[1])


@contextmanager
def _entering(ffn: FFN, see: Callable[[FFN, Tensor], None]) -> Iterator[None]:
    """Call `see` with w, the input of the down projection."""
    handle = ffn.output.module.register_forward_pre_hook(lambda _, args: see(ffn, args[0]))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _differentiable(ffn: FFN, see: Callable[[FFN, Tensor], None]) -> Iterator[None]:
    """Call `see` with a tensor whose product with its gradient is w x dL/dw.

    Where w = act(gate) * up, this is the output of the up projection, because u du = u act(gate) dw = w dw: autograd
    keeps u for its own use, and w need not be kept.
    """
    if not ffn.gated:
        with _entering(ffn, see):
            yield
        return
    handle = ffn.inputs[-1].module.register_forward_hook(lambda _, args, output: see(ffn, output))
    try:
        yield
    finally:
        handle.remove()


@contextmanager
def _frozen(model: nn.Module) -> Iterator[None]:
    """Ask for no parameter gradients: the backward pass then costs half, and leaves no `.grad` behind."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for parameter in trained:
        parameter.requires_grad_(False)
    try:
        yield
    finally:
        for parameter in trained:
            parameter.requires_grad_(True)
