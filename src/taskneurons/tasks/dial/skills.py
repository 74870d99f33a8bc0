"""The latent skills: tables from symbols to symbols, of which no two ever agree.

A skill is one row of a Latin square: it sends each symbol to another place of the alphabet, and any two skills send it
to two places. So one skill tells nothing right about another, and what a model knows of a task is the skills that it
knows of it.
"""

from collections.abc import Sequence
from functools import cache
from random import Random

from taskneurons.errors import InputError
from taskneurons.tasks.synthetic.grammar import lexicon

SYMBOLS = lexicon("bamo dule fipo gane hosu jiri")
SKILLS = lexicon("marn nolp purk quint rast seld")
"""The word that asks for a skill. It stands in the task and in the pre-training text, where nothing follows from it."""

# So many refused rows in a row mean that the rows before them leave no good one.
_PATIENCE = 20_000


@cache
def tables() -> tuple[tuple[int, ...], ...]:
    """For each skill the place of the symbol that it gives for each symbol: a Latin square, always the same."""
    random = Random("dial/skills")
    rows: list[tuple[int, ...]] = []
    while len(rows) < len(SKILLS):
        for _ in range(_PATIENCE):
            row = tuple(random.sample(range(len(SYMBOLS)), len(SYMBOLS)))
            if all(first != second for other in rows for first, second in zip(row, other, strict=True)):
                rows.append(row)
                break
        else:
            rows.pop()
    return tuple(rows)


def apply_skill(skill: int, symbols: Sequence[str]) -> tuple[str, ...]:
    """What a skill makes of a string: each symbol's entry in its table.

    Raises:
        InputError: there is no such skill, or a word is no symbol.
    """
    if not 0 <= skill < len(SKILLS):
        raise InputError(f"there is no skill {skill}, only 0 to {len(SKILLS) - 1}", where="dial suite")
    for symbol in symbols:
        if symbol not in SYMBOLS:
            raise InputError(f"{symbol[:40]!r} is not one of the symbols {', '.join(SYMBOLS)}", where="dial suite")
    return tuple(SYMBOLS[tables()[skill][SYMBOLS.index(symbol)]] for symbol in symbols)
