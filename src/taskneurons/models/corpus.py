"""Text for language-model training: tokenised once, kept as flat arrays, cut into right-padded batches."""

import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from jaxtyping import Bool, Int

from taskneurons.errors import InputError
from taskneurons.models.tokenizers import as_text


@dataclass(frozen=True)
class Corpus:
    """Token sequences, one after another.

    Attributes:
        tokens: the ids of all sequences.
        focus: whether a token earns the extra loss.
        starts: where each sequence begins in `tokens`, then the end of the last.
    """

    tokens: Int[np.ndarray, " tokens"]
    focus: Bool[np.ndarray, " tokens"]
    starts: Int[np.ndarray, " sequences_and_end"]

    def __post_init__(self) -> None:
        if len(self.tokens) != len(self.focus) or len(self.tokens) != self.starts[-1]:
            raise ValueError("tokens, focus and starts do not belong together")
        if len(self) == 0 or self.lengths.min() < 2:
            raise InputError("a corpus needs at least one sequence, and a sequence at least two tokens")

    def __len__(self) -> int:
        return len(self.starts) - 1

    @property
    def lengths(self) -> Int[np.ndarray, " sequences"]:
        """Tokens of each sequence."""
        return np.diff(self.starts)

    def digest(self) -> str:
        """SHA-256 of the content."""
        content = hashlib.sha256()
        for array in (self.tokens.astype("<i8"), self.focus, self.starts.astype("<i8")):
            content.update(array.tobytes())
        return content.hexdigest()

    def rows(
        self, indices: Int[np.ndarray, " batch"], pad_id: int
    ) -> tuple[
        Int[np.ndarray, "batch tokens"],
        Int[np.ndarray, "batch tokens"],
        Bool[np.ndarray, "batch tokens"],
        Bool[np.ndarray, "batch tokens"],
    ]:
        """Right-padded inputs, the id to predict at each position, whether one is predicted, whether it is focus."""
        lengths = self.lengths[indices] - 1
        columns = np.arange(lengths.max())
        real = columns < lengths[:, None]
        at = np.where(real, self.starts[indices][:, None] + columns, 0)
        inputs = np.where(real, self.tokens[at], pad_id)
        targets = np.where(real, self.tokens[at + 1], pad_id)
        return inputs, targets, real, real & self.focus[at + 1]


def tokenize_corpus(documents: Iterable[Mapping[str, Any]], tokenizer: Any, context: int) -> Corpus:
    """Tokenise documents {"segments": [[text, focus], ...]}; segments are joined by one space.

    Each document becomes bos, its tokens, eos. One that is longer than the model's context is cut into sequences that
    share one token, so that every token is predicted exactly once. A token is focus if its last character lies in a
    focus segment or is the space before it.

    Raises:
        InputError: a document of another form (the message gives its number, from 1), or no document.
    """
    texts, spans = [], []
    for number, document in enumerate(documents, start=1):
        try:
            segments = [(str(text), bool(focus)) for text, focus in document["segments"]]
        except (KeyError, TypeError, ValueError):
            raise InputError('{"segments": [[text, focus], ...]} was expected', where=f"document {number}") from None
        texts.append(" ".join(text for text, _ in segments))
        spans.append(_focus_spans(segments))
    if not texts:
        raise InputError("the corpus has no documents")
    start = [] if tokenizer.bos_token_id is None else [tokenizer.bos_token_id]
    tokens: list[int] = []
    focus: list[bool] = []
    starts = [0]
    encoded = tokenizer(texts, add_special_tokens=False, split_special_tokens=True, return_offsets_mapping=True)
    texts_ids = as_text(tokenizer, encoded["input_ids"])
    for ids, offsets, wanted in zip(texts_ids, encoded["offset_mapping"], spans, strict=True):
        sequence = [*start, *ids, tokenizer.eos_token_id]
        flags = [False] * len(sequence)
        for index, (_, end) in enumerate(offsets, start=len(start)):
            flags[index] = any(first < end <= last for first, last in wanted)
        # A piece holds `context` inputs and the one token after them.
        for begin in range(0, max(len(sequence) - 1, 1), context):
            piece = slice(begin, begin + context + 1)
            tokens += sequence[piece]
            focus += flags[piece]
            starts.append(len(tokens))
    return Corpus(np.array(tokens), np.array(focus), np.array(starts))


def _focus_spans(segments: list[tuple[str, bool]]) -> list[tuple[int, int]]:
    """The character ranges of the focus segments in the joined text, each with the space before it."""
    spans, position = [], 0
    for text, focus in segments:
        if focus:
            spans.append((position - 1, position + len(text)))
        position += len(text) + 1
    return spans
