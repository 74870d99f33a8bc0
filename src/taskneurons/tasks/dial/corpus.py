"""Pre-training text of a dial suite: the form of the tasks and all their words, none of their skills.

A base model that never saw the form would have to learn it while it is tuned, which every task would teach the same.
So every document is a prompt of some task with some skill, and an answer in which nothing follows from the skill: each
symbol is that of the string in the same place, or, as often, any symbol at all. The text keeps to the train side of the
strings.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

from taskneurons.errors import InputError
from taskneurons.tasks.dial.ring import Ring
from taskneurons.tasks.dial.skills import SKILLS, SYMBOLS
from taskneurons.tasks.dial.suite import STRINGS, template
from taskneurons.tasks.task import SLOT

COPIED_SHARE = 0.5


def dial_corpus(documents: int, skills: int, asked: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training documents.

    Args:
        documents: how many.
        skills, asked: see `Ring`.
        seed: of the text.

    Yields:
        {"segments": [[text, focus], ...]}: the document is the texts joined by one space; focus marks answers.

    Raises:
        InputError: see `Ring`; or `documents` is not positive.
    """
    if documents < 1:
        raise InputError(f"`corpus` must be at least 1, not {documents}", where="dial suite")
    ring = Ring(skills, asked)
    templates = [template(task, ring) for task in ring.windows]
    random = Random(f"dial/corpus/{seed}")
    for _ in range(documents):
        symbols = random.choice(STRINGS.on("train"))
        answer = [symbol if random.random() < COPIED_SHARE else random.choice(SYMBOLS) for symbol in symbols]
        text = f"{random.choice(SKILLS[:skills])} {' '.join(symbols)}"
        yield {"segments": [[random.choice(templates).replace(SLOT, text), False], [" ".join(answer), True]]}
