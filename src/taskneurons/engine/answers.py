"""What a model says to given answers: teacher forcing, and the options of a classification on one shared prompt."""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from transformers import Cache

from taskneurons.engine.forward import forward
from taskneurons.models.encoding import IGNORED, Batch


@dataclass(frozen=True, eq=False)
class Forced:
    """One answer per example, fed to the model token by token. The answers need not be equally long.

    Attributes:
        log_probability: of each answer token in nats, 0 where there is none.
        predicted: the model's most probable token in the place of each answer token.
        agrees: whether that is the answer's token; true where there is none.
        cache: keys and values of prompt and answer, if asked for.
    """

    log_probability: Float[Tensor, "example answer"]
    predicted: Int[Tensor, "example answer"]
    agrees: Bool[Tensor, "example answer"]
    cache: Any = None


def force(model: nn.Module, batch: Batch, *, remember: bool = False) -> Forced:
    """Feed each example its own answer; the columns of the result are the last `answer_width` of the batch."""
    width = batch.answer_width
    logits, cache = forward(
        model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=width, remember=remember
    )
    labels = batch.labels[:, -width:]
    predicted = logits.argmax(-1)
    agrees = (predicted == labels) | (labels == IGNORED)
    return Forced(_log_probability(logits, labels), predicted, agrees, cache)


def force_options(
    model: nn.Module, prompts: Batch, options: Int[Tensor, "option answer"], gold: Int[Tensor, " example"]
) -> tuple[Float[Tensor, "example option"], Forced]:
    """Score every option as the answer to every prompt. A prompt runs once: its options share its keys and values.

    Args:
        model: a causal language model.
        prompts: left-padded prompts without answers.
        options: token ids with eos, padded at their end with -100.
        gold: the index of each example's right option.

    Returns:
        The log-probability of each whole option (nats, summed over its tokens and its eos), and what the model says to
        the right ones.
    """
    examples, count = len(prompts), len(options)
    rows = torch.arange(examples, device=gold.device)
    logits, cache = forward(
        model, prompts.input_ids, prompts.attention_mask, prompts.position_ids, keep=1, remember=options.shape[1] > 1
    )
    first = logits[:, 0]
    scores = [first.float().log_softmax(-1)[:, options[:, 0]].unsqueeze(-1)]
    predicted = [first.argmax(-1, keepdim=True)]
    if options.shape[1] > 1:
        fed, labels = options[:, :-1].repeat(examples, 1), options[:, 1:].repeat(examples, 1)
        mask = torch.cat((prompts.attention_mask.repeat_interleave(count, 0), (fed != IGNORED).long()), 1)
        after = prompts.position_ids[:, -1:].repeat_interleave(count, 0)
        positions = after + torch.arange(1, fed.shape[1] + 1, device=after.device)
        logits, _ = forward(
            model, fed.clamp(min=0), mask, positions, keep=fed.shape[1], cache=_PerOption(cache, count), remember=True
        )
        scores.append(_log_probability(logits, labels).unflatten(0, (examples, count)))
        predicted.append(logits.unflatten(0, (examples, count))[rows, gold].argmax(-1))
    of_options = torch.cat(scores, -1)
    of_gold, right = torch.cat(predicted, -1), options[gold]
    agrees = (of_gold == right) | (right == IGNORED)
    return of_options.sum(-1), Forced(of_options[rows, gold], of_gold, agrees)


class _PerOption(Cache):
    """Keys and values of prompts, read once by each option and not kept.

    The layers in turn repeat theirs into the same memory: fresh memory of options times the size for every layer would
    cost more time than the options themselves.
    """

    def __init__(self, prompts: Cache, options: int) -> None:
        super().__init__(layers=prompts.layers)
        self._options = options
        self._joined: dict[str, Tensor] = {}

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        layer: Any = self.layers[layer_idx]
        return self._join("keys", layer.keys, key_states), self._join("values", layer.values, value_states)

    def _join(
        self, name: str, prompt: Float[Tensor, "example head cached size"], option: Float[Tensor, "row head fed size"]
    ) -> Float[Tensor, "row head cached_and_fed size"]:
        examples, heads, cached, size = prompt.shape
        shape = (examples, self._options, heads, cached + option.shape[2], size)
        joined = self._joined.get(name)
        if joined is None or joined.shape != shape:
            joined = self._joined[name] = prompt.new_empty(shape)
        joined[..., :cached, :] = prompt.unsqueeze(1)
        joined[..., cached:, :] = option.unflatten(0, (examples, self._options))
        return joined.flatten(0, 1)


def _log_probability(
    logits: Float[Tensor, "row answer vocabulary"], labels: Int[Tensor, "row answer"]
) -> Float[Tensor, "row answer"]:
    """Log-probability of each label in nats, 0 for a label that is ignored."""
    logits = logits.float()
    chosen = logits.gather(-1, labels.clamp(min=0).unsqueeze(-1)).squeeze(-1)
    return torch.where(labels == IGNORED, 0.0, chosen - logits.logsumexp(-1))
