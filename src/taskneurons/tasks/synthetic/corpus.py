"""Pre-training text: the suite's words and skills, mostly in formats that are not the tasks'.

A base model that never saw the format or the label words shows no difference between task neurons and random ones, so
a small share of the documents has the true format, half of it with wrong answers. Everything keeps to the train side
of the concept combinations.
"""

from collections.abc import Iterator, Sequence
from random import Random
from typing import Any

from taskneurons.errors import InputError
from taskneurons.tasks.synthetic import data_to_text, nli, paraphrase, question_generation, sentiment, summary
from taskneurons.tasks.synthetic.grammar import Grammar, Segment, either, input_text, words_of
from taskneurons.tasks.synthetic.suite import GRAMMARS
from taskneurons.tasks.task import SLOT

DICTIONARY_SHARE = 0.10
DENSE_SHARE = 0.25
TRUE_FORMAT_SHARE = 0.03
WRONG_ANSWER_SHARE = 0.5
# Of what remains: share of documents that pose a latent query, and of these the share in the generic format.
LATENT_SHARE, GENERIC_SHARE = 0.6, 0.55
SYNONYM_SHARE = 0.6
PROBES = 6
# The inference skills are the hardest to learn, so their families speak more often.
FAMILIES: tuple[tuple[float, tuple[Grammar, Grammar]], ...] = (
    (1.0, (sentiment.FOOD, sentiment.FILM)),
    (3.0, (paraphrase.QUESTION, paraphrase.SENTENCE)),
    (3.0, (nli.PERSON, nli.ROOM)),
    (1.0, (question_generation.ANIMAL, question_generation.PERSON)),
    (1.0, (data_to_text.RESTAURANT, data_to_text.SCENE)),
    (1.5, (summary.NEWS, summary.SPORT)),
)
WEIGHTS, PAIRS = zip(*FAMILIES, strict=True)
ATTRIBUTES = nli.PERSON.attributes + nli.ROOM.attributes
SYNONYMS = (
    *paraphrase.QUESTION.verbs,
    *paraphrase.QUESTION.nouns,
    *paraphrase.SENTENCE.people,
    *paraphrase.SENTENCE.verbs,
    *(pole for attribute in ATTRIBUTES for pole in attribute),
)
SAME_MEANING = "{first} is another word for {second} ."
OPPOSITE = "{first} is the opposite of {second} ."
GENERIC = "query : {input} . answer :"


def synthetic_corpus(documents: int, seed: int) -> Iterator[dict[str, Any]]:
    """Generate pre-training documents.

    Args:
        documents: how many.
        seed: of the generator.

    Yields:
        {"segments": [[text, focus], ...]}: the document is the texts joined by one space; focus marks the answers of
        latent queries, whose tokens get extra weight in the loss.

    Raises:
        InputError: `documents` is not positive.
    """
    if documents < 1:
        raise InputError(f"`corpus` must be at least 1, not {documents}", where="synthetic suite")
    random = Random(f"corpus/{seed}")
    for _ in range(documents):
        yield {"segments": _merged(_document(random))}


def corpus_words() -> frozenset[str]:
    """The words of the corpus that are no grammar's own."""
    return words_of(SAME_MEANING, OPPOSITE, GENERIC)


def _document(random: Random) -> Sequence[Segment]:
    kind = random.random()
    if kind < DICTIONARY_SHARE:
        return ((_dictionary_line(random), False),)
    if kind < DICTIONARY_SHARE + DENSE_SHARE:
        return _dense_queries(random)
    if kind < DICTIONARY_SHARE + DENSE_SHARE + TRUE_FORMAT_SHARE:
        return ((_true_format(random), False),)
    grammar = random.choice(random.choices(PAIRS, WEIGHTS)[0])
    item = grammar.draw(random, "train", None)
    if random.random() >= LATENT_SHARE:
        return grammar.plain(random, item)
    if random.random() >= GENERIC_SHARE:
        return grammar.closer(random, item)
    return ((GENERIC.replace(SLOT, input_text(item)), False), *grammar.latent_answer(item))


def _dictionary_line(random: Random) -> str:
    if random.random() < SYNONYM_SHARE:
        first, second = random.sample(random.choice(SYNONYMS), 2)
        return SAME_MEANING.format(first=first, second=second)
    pole, opposite = random.sample(random.choice(ATTRIBUTES), 2)
    return OPPOSITE.format(first=random.choice(pole), second=random.choice(opposite))


def _dense_queries(random: Random) -> Sequence[Segment]:
    """One statement, then several one-word queries about it."""
    segments: list[Segment] = []
    if random.random() < 0.5:
        inference = random.choice((nli.PERSON, nli.ROOM))
        _, statement, poles = inference.state(random, "train")
        for _ in range(PROBES):
            label = random.randrange(3)
            segments += [(inference.probe(random, poles, label), False), (nli.LATENT[label], True), (".", False)]
    else:
        pair = random.choice((paraphrase.QUESTION, paraphrase.SENTENCE))
        statement, named, lists = pair.state(random, "train")
        for _ in range(PROBES):
            slot, label = random.randrange(2), random.randrange(2)
            word = named[slot] if label == 0 else random.choice([one for one in lists[slot] if one not in named])
            segments += [(either(random, word), False), (paraphrase.LATENT[label], True), (".", False)]
    return ((f"{statement} .", False), *segments)


def _true_format(random: Random) -> str:
    grammar = random.choice(GRAMMARS)
    item = grammar.draw(random, "train", None)
    answer = item.answer
    if random.random() < WRONG_ANSWER_SHARE:
        while answer == item.answer:
            answer = random.choice(grammar.task.options) if grammar.task.options else _other_answer(random, grammar)
    return f"{random.choice(grammar.task.templates).replace(SLOT, input_text(item))} {answer}"


def _other_answer(random: Random, grammar: Grammar) -> str:
    return grammar.draw(random, "train", None).answer


def _merged(segments: Sequence[Segment]) -> list[list[Any]]:
    """Neighbours with the same focus become one segment."""
    merged: list[list[Any]] = []
    for text, focus in segments:
        if merged and merged[-1][1] == focus:
            merged[-1][0] += f" {text}"
        else:
            merged.append([text, focus])
    return merged
