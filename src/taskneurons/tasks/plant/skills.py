"""The skills of a plant suite: tables from symbols to symbols of which no two ever agree, and which tasks ask them.

A skill has one table for each place of a string. The tables of a place are the rows of a Latin square: two skills never
give a symbol the same answer, so that one skill tells nothing right about another.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, cached_property
from random import Random
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.tasks.synthetic.grammar import lexicon

# Each place has an alphabet of its own, so that a model need not count places.
ALPHABETS = (lexicon("bado befu bigo bolu buma cani cedo cifu colu cuma dabe defi"),
             lexicon("kalo keru kimo kotu kusa lane lebo lifa loku luda mabi medu"))  # fmt: skip
SKILLS = lexicon("marn nolp purk quint rast seld tovik ulmer vasp wexin")
"""The word that asks for a skill."""
SIDES = ("a", "b")
COMMON = "common"
MOST_FAMILIES = 3

Kind = Literal["common", "family", "own"]


@dataclass(frozen=True)
class Skills:
    """The skills of a suite and the tasks that ask them.

    A skill has the name of what it belongs to: `common`, a family such as `family0`, or a task such as `family0_a`.

    Args:
        families: of two tasks each.

    Raises:
        InputError: fewer than two families, or more than there are tables for.
    """

    families: int

    def __post_init__(self) -> None:
        if not 2 <= self.families <= MOST_FAMILIES:
            raise InputError(f"{self.families} families; 2 to {MOST_FAMILIES} were expected", where="plant suite")

    @cached_property
    def tasks(self) -> dict[str, str]:
        """The family of each task, by its name, in their order."""
        return {f"family{number}_{side}": f"family{number}" for number in range(self.families) for side in SIDES}

    @cached_property
    def names(self) -> tuple[str, ...]:
        """The names of all skills: the common one, those of the families, those of the tasks."""
        return (COMMON, *dict.fromkeys(self.tasks.values()), *self.tasks)

    @cached_property
    def words(self) -> dict[str, str]:
        """The word that asks for each skill."""
        return dict(zip(self.names, SKILLS, strict=False))

    def kind(self, skill: str) -> Kind:
        """Whether all tasks ask a skill, those of one family, or one task alone."""
        return "common" if skill == COMMON else "own" if skill in self.tasks else "family"

    def asked(self, task: str) -> tuple[str, str, str]:
        """The skills that a task asks: the common one, its family's, its own.

        Raises:
            InputError: there is no such task.
        """
        if task not in self.tasks:
            raise InputError(f"there is no task {task[:60]!r}", where="plant suite")
        return COMMON, self.tasks[task], task

    def skill_of(self, text: str) -> str:
        """The skill that the input of an example asks for.

        Raises:
            InputError: its first word asks for none.
        """
        word = text.partition(" ")[0]
        for skill, known in self.words.items():
            if word == known:
                return skill
        raise InputError(f"{word[:40]!r} asks for no skill", where="plant suite")

    def answer(self, skill: str, symbols: Sequence[str]) -> tuple[str, ...]:
        """What a skill makes of a string: each symbol's entry in the table of its place.

        Raises:
            InputError: a word is no symbol of its place.
        """
        row = self.names.index(skill)
        for symbol, alphabet in zip(symbols, ALPHABETS, strict=True):
            if symbol not in alphabet:
                raise InputError(f"{symbol[:40]!r} is not one of {', '.join(alphabet)}", where="plant suite")
        return tuple(
            alphabet[table[row][alphabet.index(symbol)]]
            for symbol, alphabet, table in zip(symbols, ALPHABETS, tables(), strict=True)
        )


@cache
def tables() -> tuple[tuple[tuple[int, ...], ...], ...]:
    """For each place and skill the number of the symbol that it gives for each symbol: Latin squares, always the same.

    A cyclic square with its rows, columns and symbols shuffled is one.
    """
    random = Random("plant/skills")
    squares = []
    for alphabet in ALPHABETS:
        size = len(alphabet)
        rows, columns, symbols = (random.sample(range(size), size) for _ in range(3))
        squares.append(tuple(tuple(symbols[(row + column) % size] for column in columns) for row in rows))
    return tuple(squares)
