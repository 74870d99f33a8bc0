"""Pre-training text of the transfer suite: its words and skills, mostly in formats that are not the tasks'.

The mixture has the parts of the synthetic suite's. All text keeps to the train side of every task.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from taskneurons.tasks.stream import rating
from taskneurons.tasks.stream.themes import THEMES
from taskneurons.tasks.synthetic.corpus import GENERIC, GENERIC_SHARE, LATENT_SHARE, generate_documents
from taskneurons.tasks.synthetic.grammar import PROBES, Grammar, Segment, input_text, words_of
from taskneurons.tasks.task import SLOT
from taskneurons.tasks.transfer.suite import HOTEL, NEWS, PRODUCT, QUESTION, TWELVE

THEME = "{word} belongs to {theme} ."
DICTIONARY_SHARE, DENSE_SHARE = 0.10, 0.15
# Shares of documents in the true format of a kind, and of these the share with a wrong answer.
CLASSIFICATION_SHARE, GENERATION_SHARE, WRONG_SHARE = 0.08, 0.03, 0.25
WEIGHTS = {"topic": 1.5, "rating": 0.8, "summary": 2.0}
THEMES_HERE = tuple(dict.fromkeys(theme for topics in (QUESTION, NEWS) for themes in topics.topics for theme in themes))
KINDS: dict[str, tuple[Grammar, ...]] = {
    kind: tuple(one for one in TWELVE if one.task.kind == kind) for kind in ("classification", "generation")
}


def transfer_corpus(documents: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training documents.

    Args:
        documents: how many.
        seed: of the generator.

    Yields:
        {"segments": [[text, focus], ...]}: the document is the texts joined by one space; focus marks the answers of
        latent queries.

    Raises:
        InputError: `documents` is not positive.
    """
    return generate_documents(documents, Random(f"transfer/corpus/{seed}"), _document, where="transfer suite")


def corpus_words() -> frozenset[str]:
    """Every word that the corpus or a task can hold."""
    return words_of(THEME, GENERIC).union(*(one.words() for one in TWELVE))


def _document(random: Random) -> Sequence[Segment]:
    kind = random.random()
    if kind < DICTIONARY_SHARE:
        theme = random.choice(THEMES_HERE)
        return ((THEME.format(word=random.choice(THEMES[theme]), theme=theme), False),)
    edge = DICTIONARY_SHARE + DENSE_SHARE
    if kind < edge:
        return random.choice((_topics, _topics, _topics, _degrees))(random)
    for name, share in (("classification", CLASSIFICATION_SHARE), ("generation", GENERATION_SHARE)):
        edge += share
        if kind < edge:
            return ((_true_format(random, KINDS[name]), False),)
    (grammar,) = random.choices(TWELVE, [WEIGHTS.get(one.task.family, 1.0) for one in TWELVE])
    item = grammar.draw(random, "train", None)
    if random.random() >= LATENT_SHARE:
        return grammar.plain(random, item)
    if random.random() >= GENERIC_SHARE:
        return grammar.closer(random, item)
    return ((GENERIC.replace(SLOT, input_text(item)), False), *grammar.latent_answer(item))


def _topics(random: Random) -> Sequence[Segment]:
    """Words, each with its theme; no theme twice, so that no pair of a theme's words is shown."""
    segments: list[Segment] = []
    for theme in random.sample(THEMES_HERE, PROBES):
        segments += [(random.choice(THEMES[theme]), False), (theme, True), (".", False)]
    return segments


def _degrees(random: Random) -> Sequence[Segment]:
    """Phrases, each with the verdict that it gives by itself."""
    segments: list[Segment] = []
    grammar = random.choice((PRODUCT, HOTEL))
    for _ in range(PROBES):
        label = random.randrange(len(rating.LATENT))
        segments += [
            (" ".join(grammar.phrase(random, "train", label)), False),
            (rating.LATENT[label], True),
            (".", False),
        ]
    return segments


def _true_format(random: Random, grammars: Sequence[Grammar]) -> str:
    grammar = random.choice(grammars)
    item = grammar.draw(random, "train", None)
    answer = item.answer
    if random.random() < WRONG_SHARE:
        while answer == item.answer:
            answer = random.choice(grammar.task.options or (grammar.draw(random, "train", None).answer,))
    return f"{random.choice(grammar.task.templates).replace(SLOT, input_text(item))} {answer}"
