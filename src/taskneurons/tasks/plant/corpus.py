"""Pre-training text of a plant suite: the form of the tasks and all their words, none of their skills.

Neurons are planted into a model from random weights; this text teaches its tokenizer the words. A base that other
studies
ask for learns the form from it: every answer is any symbol at all.
"""

from collections.abc import Iterator
from random import Random
from typing import Any

from taskneurons.errors import InputError
from taskneurons.tasks.plant.skills import ALPHABETS, Skills
from taskneurons.tasks.plant.suite import STRINGS, template
from taskneurons.tasks.task import SLOT


def plant_corpus(documents: int, families: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training documents.

    Args:
        documents: how many.
        families: see `Skills`.
        seed: of the text.

    Yields:
        {"segments": [[text, focus], ...]}: the document is the texts joined by one space; focus marks answers.

    Raises:
        InputError: see `Skills`; or `documents` is not positive.
    """
    if documents < 1:
        raise InputError(f"`corpus` must be at least 1, not {documents}", where="plant suite")
    skills = Skills(families)
    templates = [template(task, skills) for task in skills.tasks]
    random = Random(f"plant/corpus/{seed}")
    for _ in range(documents):
        text = f"{random.choice(list(skills.words.values()))} {' '.join(random.choice(STRINGS.on('train')))}"
        answer = " ".join(random.choice(alphabet) for alphabet in ALPHABETS)
        yield {"segments": [[random.choice(templates).replace(SLOT, text), False], [answer, True]]}
