"""Pre-training text: the suite's words and skills, mostly in formats that are not the tasks'.

A base model that never saw the format or the label words shows no difference between task neurons and random ones, so
a small share of the documents has the true format, some of it with wrong answers. Everything keeps to the train side
of the concept combinations.

The text of the twelve tasks is for studies that ask what training on some tasks does to others. There a base must have
room on both sides: with less of the form of classification, or with half of its answers wrong, it guesses; with more of
the form of generation, it has nothing left to gain.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random
from types import MappingProxyType
from typing import Any

from taskneurons.errors import InputError
from taskneurons.tasks.synthetic import (
    arithmetic,
    closed_book,
    commonsense,
    coreference,
    listing,
    nli,
    paraphrase,
    reading,
    translation,
)
from taskneurons.tasks.synthetic.grammar import (
    PROBES,
    Grammar,
    Segment,
    TaughtGrammar,
    either,
    input_text,
    words_of,
)
from taskneurons.tasks.synthetic.suite import TWELVE, WIDE, Collection
from taskneurons.tasks.task import SLOT

DICTIONARY_SHARE = 0.10
DENSE_SHARE, TWELVE_DENSE_SHARE, WIDE_DENSE_SHARE = 0.25, 0.40, 0.40
# Of the twelve tasks' short queries: words are repeated, since to find a word again is learned before its synonyms.
REPEATED_SHARE = 0.7
TRUE_FORMAT_SHARE = 0.03
WRONG_ANSWER_SHARE = 0.5
# Of the twelve tasks: shares of documents in the true format of a kind, and of these the share with a wrong answer.
CLASSIFICATION_SHARE, GENERATION_SHARE = 0.08, 0.015
TWELVE_WRONG_SHARE = 0.25
# Of what remains: share of documents that pose a latent query, and of these the share in the generic format.
LATENT_SHARE, GENERIC_SHARE = 0.6, 0.55
SYNONYM_SHARE = 0.6
# The inference skills are the hardest to learn, so their families speak more often.
FAMILY_WEIGHTS: Mapping[str, float] = MappingProxyType({"paraphrase": 3.0, "nli": 3.0, "summary": 1.5})
# Of the wide mixture: shares of its dictionary lines and dense documents that are those of the twelve tasks.
WIDE_SYNONYM_SHARE, WIDE_INFERENCE_SHARE = 0.3, 0.6
ATTRIBUTES = nli.PERSON.attributes + nli.ROOM.attributes
POLES = tuple(pole for attribute in ATTRIBUTES for pole in attribute)
SYNONYMS = (
    *paraphrase.QUESTION.verbs,
    *paraphrase.QUESTION.nouns,
    *paraphrase.SENTENCE.people,
    *paraphrase.SENTENCE.verbs,
    *POLES,
)
TAUGHT: tuple[tuple[TaughtGrammar, ...], ...] = (
    (reading.ANIMAL, reading.PERSON),
    (closed_book.COUNTRY, closed_book.SCIENTIST, closed_book.METAL),
    (commonsense.TOOL, commonsense.PLACE, commonsense.SIZE),
    (coreference.NAME, coreference.THING, coreference.ORDER),
    (arithmetic.ADD, arithmetic.SUBTRACT, arithmetic.COMPARE),
    (listing.REVERSE, listing.SORT, listing.NEXT),
    (translation.TO_LUMI, translation.FROM_LUMI, translation.TO_KAVO),
)
SAME_MEANING = "{first} is another word for {second} ."
OPPOSITE = "{first} is the opposite of {second} ."
GENERIC = "query : {input} . answer :"


@dataclass(frozen=True)
class Mixture:
    """What pre-training text is mixed of.

    Args:
        grammars: the tasks.
        dictionary: makes one line of the dictionary.
        dense: makes one document of short queries.
        dense_share: how many documents are such.
        true_format: groups of tasks, and how many documents have their true format.
        wrong_share: how many of these have a wrong answer.
    """

    grammars: tuple[Grammar, ...]
    dictionary: Callable[[Random], str]
    dense: Callable[[Random], Sequence[Segment]]
    dense_share: float
    true_format: tuple[tuple[tuple[Grammar, ...], float], ...]
    wrong_share: float

    @cached_property
    def families(self) -> dict[str, tuple[Grammar, ...]]:
        """The tasks by family, in their order."""
        names = dict.fromkeys(grammar.task.family for grammar in self.grammars)
        return {name: tuple(one for one in self.grammars if one.task.family == name) for name in names}

    @cached_property
    def _weights(self) -> list[float]:
        return [FAMILY_WEIGHTS.get(name, 1.0) for name in self.families]

    def choose(self, random: Random) -> Grammar:
        """A task: first a family by its weight, then one of its tasks."""
        return random.choice(random.choices(tuple(self.families.values()), self._weights)[0])


def synthetic_corpus(documents: int, seed: int, collection: Collection = "twelve") -> Iterator[dict[str, Any]]:
    """Generate pre-training documents.

    Args:
        documents: how many.
        seed: of the generator.
        collection: the tasks whose words and skills the text holds.

    Yields:
        {"segments": [[text, focus], ...]}: the document is the texts joined by one space; focus marks the answers of
        latent queries, whose tokens get extra weight in the loss.

    Raises:
        InputError: `documents` is not positive.
    """
    mixture = MIXTURES[collection]
    return generate_documents(
        documents, Random(f"corpus/{seed}"), lambda random: _document(random, mixture), where="synthetic suite"
    )


def generate_documents(
    documents: int, random: Random, draw: Callable[[Random], Sequence[Segment]], *, where: str
) -> Iterator[dict[str, Any]]:
    """Documents as `synthetic_corpus` yields them, each of the segments that `draw` gives.

    Args:
        documents: how many.
        random: what `draw` is given.
        draw: makes the segments of one document.
        where: the suite, for errors.

    Raises:
        InputError: `documents` is not positive.
    """
    if documents < 1:
        raise InputError(f"`corpus` must be at least 1, not {documents}", where=where)
    for _ in range(documents):
        yield {"segments": _merged(draw(random))}


def corpus_words() -> frozenset[str]:
    """The words of the corpus that are no grammar's own."""
    return words_of(SAME_MEANING, OPPOSITE, GENERIC)


def _document(random: Random, mixture: Mixture) -> Sequence[Segment]:
    kind = random.random()
    if kind < DICTIONARY_SHARE:
        return ((mixture.dictionary(random), False),)
    edge = DICTIONARY_SHARE + mixture.dense_share
    if kind < edge:
        return mixture.dense(random)
    for grammars, share in mixture.true_format:
        edge += share
        if kind < edge:
            return ((_true_format(random, grammars, mixture.wrong_share), False),)
    grammar = mixture.choose(random)
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


def _dense_queries(random: Random, repeated: float = 0.0) -> Sequence[Segment]:
    """One statement, then several one-word queries about it.

    Args:
        random: draws.
        repeated: share of the queries that take the word of the statement where one of its synonyms stands there.
    """
    segments: list[Segment] = []
    if random.random() < 0.5:
        inference = random.choice((nli.PERSON, nli.ROOM))
        _, statement, poles = inference.state(random, "train")
        for _ in range(PROBES):
            label = random.randrange(3)
            word = inference.probe(random, poles, label)
            if repeated and random.random() < repeated:
                word = _stated(word, next(pole for pole in POLES if word in pole), statement)
            segments += [(word, False), (nli.LATENT[label], True), (".", False)]
    else:
        pair = random.choice((paraphrase.QUESTION, paraphrase.SENTENCE))
        statement, named, lists = pair.state(random, "train")
        for _ in range(PROBES):
            slot, label = random.randrange(2), random.randrange(2)
            pair_of = named[slot] if label == 0 else random.choice([one for one in lists[slot] if one not in named])
            word = either(random, pair_of)
            if repeated and random.random() < repeated:
                word = _stated(word, pair_of, statement)
            segments += [(word, False), (paraphrase.LATENT[label], True), (".", False)]
    return ((f"{statement} .", False), *segments)


def _stated(word: str, synonyms: Sequence[str], statement: str) -> str:
    """The synonym of a word that stands in a statement; the word itself where none does."""
    return next((one for one in synonyms if one in statement.split()), word)


def _twelve_dense_queries(random: Random) -> Sequence[Segment]:
    return _dense_queries(random, REPEATED_SHARE)


def _wide_dictionary_line(random: Random) -> str:
    if random.random() < WIDE_SYNONYM_SHARE:
        return _dictionary_line(random)
    return random.choice(random.choice(TAUGHT)).lesson(random)


def _wide_dense_queries(random: Random) -> Sequence[Segment]:
    if random.random() < WIDE_INFERENCE_SHARE:
        return _dense_queries(random)
    statement, probes = random.choice(random.choice(TAUGHT)).drill(random)
    segments: list[Segment] = [(f"{statement} .", False)]
    for query, answer in probes:
        segments += [(query, False), (answer, True), (".", False)]
    return segments


def _true_format(random: Random, grammars: Sequence[Grammar], wrong_share: float) -> str:
    grammar = random.choice(grammars)
    item = grammar.draw(random, "train", None)
    answer = item.answer
    if random.random() < wrong_share:
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


MIXTURES: Mapping[Collection, Mixture] = MappingProxyType(
    {
        "twelve": Mixture(
            TWELVE,
            _dictionary_line,
            _twelve_dense_queries,
            TWELVE_DENSE_SHARE,
            (
                (tuple(one for one in TWELVE if one.task.kind == "classification"), CLASSIFICATION_SHARE),
                (tuple(one for one in TWELVE if one.task.kind == "generation"), GENERATION_SHARE),
            ),
            TWELVE_WRONG_SHARE,
        ),
        "wide": Mixture(
            WIDE,
            _wide_dictionary_line,
            _wide_dense_queries,
            WIDE_DENSE_SHARE,
            ((WIDE, TRUE_FORMAT_SHARE),),
            WRONG_ANSWER_SHARE,
        ),
    }
)
