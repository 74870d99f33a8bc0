"""Neutral text, which asks nothing: what a model loses on it is lost to language, not to a task."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from pathlib import Path
from random import Random
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.files import read_text
from taskneurons.tasks.storage import read_split

Source = Literal["inputs", "english", "file"]


@dataclass(frozen=True)
class Neutral:
    """Which neutral texts are used.

    Attributes:
        source: `inputs`: the inputs of the validation examples of all tasks, without instruction and answer;
            `english`: generated plain English sentences; `file`: the lines of a file of the user.
        texts: that are scored, at most, and as many others that are tested.
        tokens: of each text, at most.
    """

    source: Source
    texts: int
    tokens: int


def neutral_texts(
    neutral: Neutral, tasks: Mapping[str, str | Path], files: Sequence[str | Path]
) -> tuple[list[str], list[str]]:
    """The texts that are scored and those that are tested; no text is both, unless it is there twice.

    Args:
        neutral: which texts.
        tasks: the data folders of all tasks, for their inputs.
        files: of the user; one.

    Raises:
        InputError: there are fewer than two texts.
    """
    if neutral.source == "english":
        found: Iterator[str] = english(2 * neutral.texts)
    elif neutral.source == "file":
        found = (line.strip() for path in files for line in read_text(path).splitlines())
    else:
        inputs = [[one.input for one in read_split(folder, "validation")] for folder in tasks.values()]
        found = (text for turn in zip_longest(*inputs, fillvalue="") for text in turn)
    texts = list(islice((text for text in found if len(text.split()) > 1), 2 * neutral.texts))
    if len(texts) < 2:
        raise InputError(
            f"{len(texts)} neutral texts of two words or more; one is scored and another one is tested",
            where=", ".join(map(str, files)) or "keystone.neutral",
            remedy="Give at least two lines of text",
        )
    return texts[::2], texts[1::2]


# Plain English


_PEOPLE = (
    "the old teacher", "my neighbour", "a young doctor", "the farmer", "her brother", "the woman next door", "our cook",
    "a tired driver", "the two children", "his grandmother", "the captain", "a quiet student", "the mayor", "a friend",
)  # fmt: skip
_DEEDS = (
    "walked to the market", "painted the kitchen wall", "lost the keys", "wrote a long letter", "fed the horses",
    "carried the heavy bags upstairs", "planted apple trees", "waited for the last train", "sang an old song",
    "repaired the broken clock", "found a small boat", "read the newspaper", "baked bread for the whole street",
    "closed the window", "told a story about the war", "bought a blue coat",
)  # fmt: skip
_WHEN = (
    "on Monday morning", "after the rain", "before dinner", "in the summer of that year", "when the sun went down",
    "during the winter", "last week", "at the end of the day", "while it was still dark", "soon after breakfast",
)  # fmt: skip
_WHERE = (
    "near the river", "in the garden", "at the station", "behind the church", "in a village by the sea",
    "on the other side of the road", "at home", "in the park", "under the bridge", "close to the mountains",
)  # fmt: skip
_REASONS = (
    "because the shop was closed", "although nobody had asked", "so that everyone could rest",
    "because it was too cold outside", "although it took all day", "and nobody noticed", "and it made everyone happy",
    "because the road was full of snow", "but the work was not finished", "as people there have always done",
)  # fmt: skip


def english(count: int) -> Iterator[str]:
    """Generate texts of three plain English sentences about everyday life; the same ones every time.

    They are grammatical and ask nothing, but no person wrote them: a text of the user says more of a model's language.
    """
    for number in range(count):
        random = Random(f"plain english/{number}")
        sentences = []
        for _ in range(3):
            # Python promises that random() alone gives the same numbers in every version.
            who, deed, when, where, why = (
                words[int(random.random() * len(words))] for words in (_PEOPLE, _DEEDS, _WHEN, _WHERE, _REASONS)
            )
            middle = f"{deed} {where} {when}" if random.random() < 0.5 else f"{deed} {when} {where}"
            sentence = f"{who} {middle}, {why}." if random.random() < 0.5 else f"{when} {who} {deed} {where}."
            sentences.append(sentence[0].upper() + sentence[1:])
        yield " ".join(sentences)
