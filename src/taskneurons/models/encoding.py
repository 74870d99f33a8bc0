"""Texts to token ids and ids to padded batches, so that neither padding nor truncation changes what is measured.

A prompt and its answer are tokenised apart; the answer ends with the end-of-sequence token. Where the context is too
short, tokens are cut from the end of the example's input alone: never from the instruction, never from the answer.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import TYPE_CHECKING, Any, Literal

import torch
from jaxtyping import Int
from torch import Tensor

from taskneurons.errors import InputError

if TYPE_CHECKING:
    from taskneurons.tasks.task import Example

IGNORED = -100
"""The label of a position that predicts nothing: what torch's cross-entropy leaves out."""


@dataclass(frozen=True)
class Encoded:
    """One example as token ids.

    Attributes:
        prompt: begins with the tokenizer's bos token, if it has one.
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
    eos = _eos(tokenizer)
    start = () if tokenizer.bos_token_id is None else (tokenizer.bos_token_id,)
    if not tokenizer.is_fast:
        raise InputError(f"{type(tokenizer).__name__} gives no character offsets, a fast tokenizer was expected")
    space = _leading_space(tokenizer)
    # What follows the prompt begins with its own space.
    prompts = tokenizer([e.prompt.rstrip() for e in examples], add_special_tokens=False, return_offsets_mapping=True)
    targets = tokenizer([space + e.target.strip() for e in examples], add_special_tokens=False)["input_ids"]
    encoded = []
    for example, ids, offsets, target in zip(
        examples, prompts["input_ids"], prompts["offset_mapping"], targets, strict=True
    ):
        answer = (*target, eos)
        room = context - len(start) - max(len(answer), reserve)
        kept = _fit(ids, offsets, example, room, context)
        encoded.append(Encoded((*start, *kept), answer, len(ids) - len(kept)))
    return encoded


def count_truncated(examples: "Sequence[Example]", tokenizer: Any, context: int) -> int:
    """The number of examples whose input is cut to fit `context` tokens; see `encode`."""
    return sum(example.truncated > 0 for example in encode(examples, tokenizer, context))


def encode_options(options: Sequence[str], tokenizer: Any) -> list[tuple[int, ...]]:
    """Tokenise the options of a classification task just as `encode` does answers, each with the eos token.

    Raises:
        InputError: two options have the same tokens, so no score could tell them apart.
    """
    if not options:
        return []
    eos, space = _eos(tokenizer), _leading_space(tokenizer)
    texts = [space + option.strip() for option in options]
    encoded = [(*ids, eos) for ids in tokenizer(texts, add_special_tokens=False)["input_ids"]]
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
    size = (len(rows), width)
    input_ids = torch.full(size, pad_id, dtype=torch.long)
    labels = torch.full(size, IGNORED, dtype=torch.long)
    attention_mask = torch.zeros(size, dtype=torch.long)
    position_ids = torch.zeros(size, dtype=torch.long)
    first_label = width
    for index, (row, example) in enumerate(zip(rows, encoded, strict=True)):
        begin = width - len(row) if padding == "left" else 0
        end = begin + len(row)
        answer = end - len(example.target)
        input_ids[index, begin:end] = torch.tensor(row)
        attention_mask[index, begin:end] = 1
        position_ids[index, begin:end] = torch.arange(len(row))
        labels[index, answer:end] = torch.tensor(example.target)
        first_label = min(first_label, answer)
    return Batch(input_ids, attention_mask, position_ids, labels, width - first_label)


def _fit(ids: list[int], offsets: list[tuple[int, int]], example: "Example", room: int, context: int) -> Sequence[int]:
    """The prompt's ids, with tokens cut from the end of the input until `room` suffices."""
    excess = len(ids) - room
    if excess <= 0:
        return ids
    prefix, text, _ = example.parts()
    # The space before a word is part of the word's token. Any other token on a border belongs to the instruction.
    first, last = len(prefix.rstrip()), len(prefix) + len(text)
    inside = [index for index, (begin, end) in enumerate(offsets) if first <= begin and end <= last and begin < end]
    if excess > len(inside):
        raise InputError(
            f"the instruction and the answer alone need {len(ids) - len(inside) + context - room} tokens, "
            f"the model's context has {context}",
            where=f"example {example.id}",
            remedy="Shorten them, drop the example or use a model with a longer context",
        )
    cut = len(inside) - excess
    # Byte-level tokens of one character share its offsets: never keep half a character.
    while cut > 0 and offsets[inside[cut]][0] < offsets[inside[cut - 1]][1]:
        cut -= 1
    gone = set(inside[cut:])
    return [token for index, token in enumerate(ids) if index not in gone]


def _eos(tokenizer: Any) -> int:
    if tokenizer.eos_token_id is None:
        raise InputError(f"{type(tokenizer).__name__} has no eos token, an answer could not end")
    eos: int = tokenizer.eos_token_id
    return eos


def _leading_space(tokenizer: Any) -> str:
    """What an answer tokenised apart must begin with, so that it has the tokens that it would have after a prompt.

    Byte-level BPE needs the space; SentencePiece-like tokenizers add it themselves; word tokenizers ignore it.
    """

    def ids(text: str) -> list[int]:
        found: list[int] = tokenizer(text, add_special_tokens=False)["input_ids"]
        return found

    return "" if ids("a b") == ids("a") + ids("b") else " "
