"""What a model says to given answers: teacher forcing, and the options of a classification on one shared prompt."""

from collections.abc import Iterator
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


NUMBERS_AT_ONCE = 2**26
"""Numbers of the largest array that a pass may make (256 MB in float32): more rows than that are run in parts."""


def force_options(
    model: nn.Module, prompts: Batch, options: Int[Tensor, "option answer"], gold: Int[Tensor, " example"]
) -> tuple[Float[Tensor, "example option"], Forced]:
    """Score every option as the answer to every prompt. A prompt runs once: its options share its keys and values.

    Options times prompts are run in parts where logits, or keys and values, would have more than `NUMBERS_AT_ONCE`.

    Args:
        model: a causal language model.
        prompts: left-padded prompts without answers.
        options: token ids with eos, padded at their end with -100.
        gold: the index of each example's right option.

    Returns:
        The log-probability of each whole option (nats, summed over its tokens and its eos), and what the model says to
        the right ones.
    """
    rows = torch.arange(len(prompts), device=gold.device)
    logits, cache = forward(
        model, prompts.input_ids, prompts.attention_mask, prompts.position_ids, keep=1, remember=options.shape[1] > 1
    )
    first = logits[:, 0]
    of_options = first.new_zeros((len(prompts), *options.shape), dtype=torch.float32)
    of_options[..., 0] = first.float().log_softmax(-1)[:, options[:, 0]]
    predicted = options.new_zeros((len(prompts), options.shape[1]))
    predicted[:, 0] = first.argmax(-1)
    if options.shape[1] > 1:
        for some, chosen in _parts(
            len(prompts), len(options), _numbers_of_row(prompts, options, cache, first.shape[1])
        ):
            logits = _option_logits(model, prompts, options[chosen], cache, some)
            of_options[some, chosen, 1:] = _log_probability(
                logits.flatten(0, 1), options[chosen, 1:].repeat(len(logits), 1)
            ).unflatten(0, logits.shape[:2])
            here = rows[some][(gold[some] >= chosen.start) & (gold[some] < chosen.stop)]
            predicted[here, 1:] = logits[here - some.start, gold[here] - chosen.start].argmax(-1)
    right = options[gold]
    agrees = (predicted == right) | (right == IGNORED)
    return of_options.sum(-1), Forced(of_options[rows, gold], predicted, agrees)


def _numbers_of_row(prompts: Batch, options: Tensor, cache: Any, vocabulary: int) -> int:
    """The numbers of the larger of one option's logits to one prompt, and its keys in one layer."""
    keys: Tensor = cache.layers[0].keys
    _, heads, cached, size = keys.shape
    fed = options.shape[1] - 1
    return max(fed * vocabulary, heads * (cached + fed) * size)


def _parts(examples: int, options: int, numbers: int) -> Iterator[tuple[slice, slice]]:
    """Ranges of examples and of options, so that each pair of ranges has at most `NUMBERS_AT_ONCE`."""
    rows = max(1, NUMBERS_AT_ONCE // numbers)
    few = min(options, rows)
    many = max(1, rows // few)
    for begin in range(0, examples, many):
        for start in range(0, options, few):
            yield slice(begin, min(begin + many, examples)), slice(start, min(start + few, options))


def _option_logits(
    model: nn.Module, prompts: Batch, options: Int[Tensor, "option answer"], cache: Cache, some: slice
) -> Float[Tensor, "example option fed vocabulary"]:
    """What the model says after each token but the last of some options, to some prompts."""
    mask, places = prompts.attention_mask[some], prompts.position_ids[some, -1:]
    examples, count = len(mask), len(options)
    fed = options[:, :-1].repeat(examples, 1)
    mask = torch.cat((mask.repeat_interleave(count, 0), (fed != IGNORED).long()), 1)
    after = places.repeat_interleave(count, 0)
    positions = after + torch.arange(1, fed.shape[1] + 1, device=after.device)
    per_option = _PerOption(cache, count, some)
    logits, _ = forward(model, fed.clamp(min=0), mask, positions, keep=fed.shape[1], cache=per_option, remember=True)
    of_options: Tensor = logits.unflatten(0, (examples, count))
    return of_options


class _PerOption(Cache):
    """Keys and values of some prompts, read once by each option and not kept.

    The layers in turn repeat theirs into the same memory: fresh memory of options times the size for every layer would
    cost more time than the options themselves.
    """

    def __init__(self, prompts: Cache, options: int, some: slice) -> None:
        super().__init__(layers=prompts.layers)
        self._options, self._some = options, some
        self._joined: dict[str, Tensor] = {}

    def update(
        self, key_states: Tensor, value_states: Tensor, layer_idx: int, *args: Any, **kwargs: Any
    ) -> tuple[Tensor, Tensor]:
        layer: Any = self.layers[layer_idx]
        some = self._some
        return self._join("keys", layer.keys[some], key_states), self._join("values", layer.values[some], value_states)

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
