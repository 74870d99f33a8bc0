"""Texts to token ids and ids to padded batches, so that neither padding nor truncation changes what is measured.

A prompt and its answer are tokenised apart, in the form that `prompts` gives them; the answer ends with the token that
ends an answer. Where the context is too short, tokens are cut from the end of the example's input alone: never from the
instruction, never from the answer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from taskneurons.errors import InputError
from taskneurons.models.prompts import Form, TooLong, form_of

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example

IGNORED = -100
"""The label of a position that predicts nothing: what torch's cross-entropy leaves out."""


@dataclass(frozen=True)
class Encoded:
    """One example as token ids.

    Attributes:
        prompt: begins with what the tokenizer itself puts first, or with what its chat template does.
        target: the answer, ends with the eos token.
        truncated: number of input tokens that were cut to fit the context.
    """

    prompt: tuple[int, ...]
    target: tuple[int, ...]
    truncated: int = 0

    def __post_init__(self) -> None:
        if not self.prompt or not self.target:
            raise InputError("a prompt and an answer need at least one token each")
        if self.truncated < 0:
            raise ValueError(f"truncated must be a count, not {self.truncated}")


@dataclass(frozen=True)
class Batch:
    """A padded batch.

    Attributes:
        input_ids: prompt and answer, without the answer's last token (nothing is predicted from it).
        attention_mask: 1 at real tokens, 0 at pads.
        position_ids: each example counts from 0 at its first real token, whatever the padding.
        labels: the id that must be predicted AT a position (already shifted), -100 where nothing is predicted.
        answer_width: all labels lie in the last `answer_width` columns; `logits_to_keep` of the language model.
    """

    input_ids: Int[Tensor, "batch tokens"]
    attention_mask: Int[Tensor, "batch tokens"]
    position_ids: Int[Tensor, "batch tokens"]
    labels: Int[Tensor, "batch tokens"]
    answer_width: int

    def __post_init__(self) -> None:
        shapes = {field.name: tuple(getattr(self, field.name).shape) for field in fields(self)[:4]}
        if len(set(shapes.values())) != 1 or self.input_ids.dim() != 2:
            raise ValueError(f"a batch needs four (batch, tokens) tensors of one shape, not {shapes}")
        if not 0 < self.answer_width <= self.input_ids.shape[1]:
            raise ValueError(f"answer_width {self.answer_width} is not within {self.input_ids.shape[1]} columns")

    def __len__(self) -> int:
        return self.input_ids.shape[0]

    def to(self, device: str | torch.device) -> "Batch":
        """The same batch on another device."""
        return Batch(
            self.input_ids.to(device),
            self.attention_mask.to(device),
            self.position_ids.to(device),
            self.labels.to(device),
            self.answer_width,
        )


def encode(examples: "Sequence[Example]", tokenizer: Any, context: int, *, reserve: int = 0) -> list[Encoded]:
    """Tokenise examples so that prompt and answer fit `context` tokens.

    Args:
        examples: what to encode.
        tokenizer: a fast Hugging Face tokenizer with an eos token.
        context: the model's greatest number of tokens.
        reserve: keep room for at least this many answer tokens (the longest option, or what may be generated).

    Raises:
        InputError: the instruction and the answer alone do not fit, or the tokenizer lacks what is needed.
    """
    if not examples:
        return []
    form = form_of(tokenizer)
    prompts, answers = form.prompts(examples), form.answers([example.target for example in examples])
    encoded = []
    for example, whole, answer in zip(examples, prompts, answers, strict=True):
        room = context - max(len(answer), reserve)
        kept = whole if len(whole) <= room else _shortened(form, example, room, context)
        encoded.append(Encoded(kept, answer, len(whole) - len(kept)))
    return encoded


def encode_options(options: Sequence[str], tokenizer: Any) -> list[tuple[int, ...]]:
    """Tokenise the options of a classification task just as `encode` does answers, each with the token that ends it.

    Raises:
        InputError: two options have the same tokens, so no score could tell them apart.
    """
    if not options:
        return []
    encoded = form_of(tokenizer).answers(options)
    for index, ids in enumerate(encoded):
        if ids in encoded[:index]:
            twin = options[encoded.index(ids)]
            raise InputError(
                f"the options {twin!r} and {options[index]!r} have the same tokens",
                remedy="Rename one, or use a tokenizer whose vocabulary holds both",
            )
    return encoded


def collate(encoded: Sequence[Encoded], pad_id: int, *, padding: Literal["left", "right"] = "left") -> Batch:
    """Pad examples to one width; under left padding all answers end in the last column and `answer_width` is short.

    Shapes: (len(encoded), longest prompt + answer - 1).
    """
    if not encoded:
        raise ValueError("a batch needs at least one example")
    rows = [example.prompt + example.target[:-1] for example in encoded]
    width = max(map(len, rows))

    def tensor(values: Iterable[Sequence[int]], fill: int) -> Tensor:
        """One tensor of all rows: to fill a tensor row by row takes longer than a small model's layer."""
        padded = []
        for row in values:
            pads = [fill] * (width - len(row))
            padded.append([*pads, *row] if padding == "left" else [*row, *pads])
        return torch.tensor(padded)

    labels = [
        [*[IGNORED] * (len(row) - len(example.target)), *example.target]
        for row, example in zip(rows, encoded, strict=True)
    ]
    before = [len(example.prompt) - 1 for example in encoded]
    return Batch(
        tensor(rows, pad_id),
        tensor(([1] * len(row) for row in rows), 0),
        tensor((range(len(row)) for row in rows), 0),
        tensor(labels, IGNORED),
        max(len(example.target) for example in encoded) if padding == "left" else width - min(before),
    )


def _shortened(form: Form, example: "Example", room: int, context: int) -> tuple[int, ...]:
    try:
        return form.shortened(example, room)
    except TooLong as found:
        raise InputError(
            f"the instruction and the answer alone need {found.tokens + context - room} tokens, "
            f"the model's context has {context}",
            where=f"example {example.id}",
            remedy="Raise the model's `context`, shorten the instruction, or use a model with more positions",
        ) from None
