"""Pre-training text of a stream suite: its words and skills, mostly in formats that are not the tasks'.

The mixture is that of the synthetic suite: lines of a dictionary, documents of many short queries, a few documents in
the true format, and texts with or without an answer in words that no task uses. In the true format every label is as
likely as any other, whatever the input says (of two labels, half are wrong): it teaches the format and the label words,
and nothing of which label is right. All text keeps to the train side of every task.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from taskneurons.tasks.stream import rating
from taskneurons.tasks.stream.suite import EIGHT
from taskneurons.tasks.stream.themes import THEMES
from taskneurons.tasks.synthetic import nli, paraphrase
from taskneurons.tasks.synthetic.corpus import (
    GENERIC,
    GENERIC_SHARE,
    LATENT_SHARE,
    OPPOSITE,
    SAME_MEANING,
    TRUE_FORMAT_SHARE,
    generate_documents,
)
from taskneurons.tasks.synthetic.grammar import PROBES, Segment, either, input_text, words_of
from taskneurons.tasks.task import SLOT

DICTIONARY_SHARE, DENSE_SHARE = 0.10, 0.55
# The inference skills are the hardest to learn, so their tasks and queries come more often.
WEIGHTS = {"nli": 3.0, "paraphrase": 4.0}
DENSE_WEIGHTS = (8, 4, 1, 1)
ATTRIBUTES = nli.PERSON.attributes + nli.ROOM.attributes
SYNONYMS = (
    *paraphrase.QUESTION.verbs,
    *paraphrase.QUESTION.nouns,
    *(pole for attribute in ATTRIBUTES for pole in attribute),
)
THEME = "{word} belongs to {theme} ."


def stream_corpus(documents: int, seed: int) -> Iterator[dict[str, Any]]:
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
    return generate_documents(documents, Random(f"stream/corpus/{seed}"), _document, where="stream suite")


def corpus_words() -> frozenset[str]:
    """Every word that the corpus or a task can hold."""
    return words_of(SAME_MEANING, OPPOSITE, THEME, GENERIC, nli.LATENT).union(*(one.words() for one in EIGHT))


def _document(random: Random) -> Sequence[Segment]:
    kind = random.random()
    if kind < DICTIONARY_SHARE:
        return ((_dictionary_line(random), False),)
    if kind < DICTIONARY_SHARE + DENSE_SHARE:
        (dense,) = random.choices((_inferences, _meanings, _topics, _degrees), DENSE_WEIGHTS)
        return dense(random)
    if kind < DICTIONARY_SHARE + DENSE_SHARE + TRUE_FORMAT_SHARE:
        return ((_true_format(random), False),)
    (grammar,) = random.choices(EIGHT, [WEIGHTS.get(one.task.family, 1.0) for one in EIGHT])
    item = grammar.draw(random, "train", None)
    if random.random() >= LATENT_SHARE:
        return grammar.plain(random, item)
    if random.random() >= GENERIC_SHARE:
        return grammar.closer(random, item)
    return ((GENERIC.replace(SLOT, input_text(item)), False), *grammar.latent_answer(item))


def _dictionary_line(random: Random) -> str:
    kind = random.randrange(3)
    if kind == 0:
        theme = random.choice(tuple(THEMES))
        return THEME.format(word=random.choice(THEMES[theme]), theme=theme)
    if kind == 1:
        first, second = random.sample(random.choice(SYNONYMS), 2)
        return SAME_MEANING.format(first=first, second=second)
    pole, opposite = random.sample(random.choice(ATTRIBUTES), 2)
    return OPPOSITE.format(first=random.choice(pole), second=random.choice(opposite))


def _inferences(random: Random) -> Sequence[Segment]:
    """A premise, then words that follow, contradict or are left open."""
    inference = random.choice((nli.PERSON, nli.ROOM))
    _, statement, poles = inference.state(random, "train")
    segments: list[Segment] = [(f"{statement} .", False)]
    for _ in range(PROBES):
        label = random.randrange(3)
        segments += [(inference.probe(random, poles, label), False), (nli.LATENT[label], True), (".", False)]
    return segments


def _meanings(random: Random) -> Sequence[Segment]:
    """A question, then words that mean what one of its words means, or not."""
    statement, named, lists = paraphrase.QUESTION.state(random, "train")
    segments: list[Segment] = [(f"{statement} .", False)]
    for _ in range(PROBES):
        slot, label = random.randrange(2), random.randrange(2)
        word = named[slot] if label == 0 else random.choice([one for one in lists[slot] if one not in named])
        segments += [(either(random, word), False), (paraphrase.LATENT[label], True), (".", False)]
    return segments


def _topics(random: Random) -> Sequence[Segment]:
    """Words, each with its theme; no theme twice, so that no pair of a theme's words is shown."""
    segments: list[Segment] = []
    for theme in random.sample(tuple(THEMES), PROBES):
        segments += [(random.choice(THEMES[theme]), False), (theme, True), (".", False)]
    return segments


def _degrees(random: Random) -> Sequence[Segment]:
    """Phrases, each with the verdict that it gives by itself."""
    segments: list[Segment] = []
    for _ in range(PROBES):
        label = random.randrange(len(rating.LATENT))
        phrase = " ".join(rating.PRODUCT.phrase(random, "train", label))
        segments += [(phrase, False), (rating.LATENT[label], True), (".", False)]
    return segments


def _true_format(random: Random) -> str:
    grammar = random.choice(EIGHT)
    item = grammar.draw(random, "train", None)
    prompt = random.choice(grammar.task.templates).replace(SLOT, input_text(item))
    return f"{prompt} {random.choice(grammar.task.options)}"
