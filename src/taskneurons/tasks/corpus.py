"""Text for models trained from scratch: documents from a suite's own training splits, and what tokenizers read."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from typing import Any

from taskneurons.errors import InputError
from taskneurons.files import read_jsonl
from taskneurons.tasks.storage import read_split, read_task
from taskneurons.tasks.task import Example

# Half the documents are plain inputs; the others add the answer, so that the base model has met the label words.
ANSWERED_SHARE = 0.5


def text_corpus(train: Mapping[str, Sequence[Example]], documents: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training documents from training examples: inputs, and inputs with answers; no instruction.

    The tasks take turns. Each goes through its examples in a shuffled order, and again in a new order when more
    documents are asked than there are examples.

    Args:
        train: task name -> training examples.
        documents: how many.
        seed: of the order.

    Yields:
        {"segments": [[text, focus], ...]}: the document is the texts joined by one space; focus marks answers.

    Raises:
        InputError: no examples, or `documents` is not positive.
    """
    if documents < 1:
        raise InputError(f"`corpus` must be at least 1, not {documents}")
    if not train or not all(train.values()):
        raise InputError("pre-training text needs training examples of every task")
    random = Random(f"text corpus/{seed}")
    turns = [_endless(random, examples) for examples in train.values()]
    for number in range(documents):
        example = next(turns[number % len(turns)])
        segments: list[list[Any]] = [[example.input, False]]
        if random.random() < ANSWERED_SHARE:
            segments.append([example.target, True])
        yield {"segments": segments}


def _endless(random: Random, examples: Sequence[Example]) -> Iterator[Example]:
    while True:
        yield from random.sample(examples, len(examples))


def training_texts(corpus: str | Path, folders: Iterable[str | Path]) -> Iterator[str]:
    """Yield all text that a tokenizer may be trained on: documents, training prompts and answers, options."""
    for document in read_jsonl(corpus):
        yield " ".join(text for text, _ in document["segments"])
    for folder in folders:
        for example in read_split(folder, "train"):
            yield f"{example.prompt} {example.target}"
        yield from read_task(folder).options
