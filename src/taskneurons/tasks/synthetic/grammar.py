"""What every family's grammar is made of: concept combinations with their split, drawn items, focus segments."""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType
from typing import Protocol, TypeAlias

from taskneurons.errors import InputError
from taskneurons.tasks.task import SPLITS, Task

Combination = tuple[str, ...]
Segment = tuple[str, bool]
Words: TypeAlias = "str | Iterable[Words]"

# Shares of the concept combinations, not of the examples: the test needs enough of them to be diverse.
TRAIN_SHARE, VALIDATION_SHARE = 0.65, 0.10
PRIMARY_WORD_SHARE = 0.8
# Short queries in one dense document of the pre-training text.
PROBES = 6


@dataclass(frozen=True)
class Combinations:
    """The concept combinations of one task, each on one side of the train / validation / test split.

    The sides are the ranks of a hash of the combination, so they depend on no seed and no sampling order, and the
    pre-training text can keep to the train side of every task.

    Args:
        name: of the task; it salts the hash.
        members: every combination of concepts that the task can express.

    Raises:
        InputError: fewer than ten combinations, or one is repeated.
    """

    name: str
    members: tuple[Combination, ...]
    sides: MappingProxyType[Combination, str] = field(init=False, repr=False, compare=False)
    _on: dict[str, tuple[Combination, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        if len(self.members) < 10 or len(set(self.members)) < len(self.members):
            raise InputError("a task needs at least ten distinct concept combinations", where=f"task {self.name}")
        ranked = sorted(self.members, key=self._rank)
        held_out_from = round(TRAIN_SHARE * len(ranked))
        test_from = round((TRAIN_SHARE + VALIDATION_SHARE) * len(ranked))
        sides = {
            member: "train" if rank < held_out_from else "validation" if rank < test_from else "test"
            for rank, member in enumerate(ranked)
        }
        object.__setattr__(self, "sides", MappingProxyType(sides))
        on = {split: tuple(member for member in self.members if sides[member] == split) for split in SPLITS}
        object.__setattr__(self, "_on", on)

    def _rank(self, member: Combination) -> bytes:
        return hashlib.sha256("\n".join((self.name, *member)).encode()).digest()

    def on(self, split: str) -> tuple[Combination, ...]:
        """The combinations of one split, in the order of `members`."""
        return self._on[split]


@dataclass(frozen=True, slots=True)
class Item:
    """One drawn meaning with its wording.

    Args:
        parts: the texts that make up the input, in order.
        answer: the target of the task: a label word or a text.
        defining: the combinations that define the example; all lie on its split's side.
        incidental: combinations that the text also shows; in training text these lie on the train side too.
        label: index of the label word; None for generation.
    """

    parts: tuple[str, ...]
    answer: str
    defining: tuple[Combination, ...]
    incidental: tuple[Combination, ...] = ()
    label: int | None = None


class Grammar(Protocol):
    """One task's grammar: a family's skill in one domain."""

    @property
    def task(self) -> Task:
        """The task that the grammar generates."""

    @property
    def combinations(self) -> Combinations:
        """The concept combinations and their splits."""

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """One item of the split, with the wanted label for classification."""

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The answer in words that the task itself never uses: the end of a generic query in pre-training text."""

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The item as running text that ends in its answer in other words."""

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The item as plain sentences."""

    def words(self) -> frozenset[str]:
        """Every word that the grammar can produce, in the task or in pre-training text."""


class TaughtGrammar(Grammar, Protocol):
    """A grammar that also words its knowledge and asks its skill in single words, for pre-training text alone."""

    def lesson(self, random: Random) -> str:
        """One line of the dictionary: a piece of knowledge on which the task rests, or an answer worked out."""

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A statement of the train side and PROBES short queries about it, each with its answer."""


def accepted(item: Item, split: str, combinations: Combinations) -> bool:
    """Whether an item may stand in a split.

    Its defining combinations are on that side, and training text shows no held-out combination at all.
    """
    sides = combinations.sides
    if any(sides[member] != split for member in item.defining):
        return False
    return split != "train" or all(sides[member] == "train" for member in item.incidental)


def input_text(item: Item) -> str:
    """The input of the task: the parts, with a stop between them."""
    return " . ".join(item.parts)


def either(random: Random, synonyms: Sequence[str]) -> str:
    """The primary word, or now and then its synonym."""
    return synonyms[0] if random.random() < PRIMARY_WORD_SHARE else synonyms[1]


def lexicon(words: str) -> tuple[str, ...]:
    """A word list from one line of words."""
    return tuple(words.split())


def words_of(*texts: Words) -> frozenset[str]:
    """The words of phrases and of (nested) word lists; slots such as `{noun}` are no words."""
    found: set[str] = set()
    for text in texts:
        if isinstance(text, str):
            found.update(word for word in text.split() if not re.fullmatch(r"\{\w*\}", word))
        else:
            found |= words_of(*text)
    return frozenset(found)
