"""Paraphrase: do two texts mean the same? Words are swapped for synonyms, and the order of the text changes.

Concept combination: (verb, adjective, noun) of a question, (first person, verb, second person) of a sentence. Both
texts of a held-out example express combinations that no training text expresses.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random
from typing import ClassVar

from taskneurons.tasks.synthetic.grammar import Combinations, Item, Segment, accepted, either, lexicon, words_of
from taskneurons.tasks.task import Task

LABELS = ("yes", "no")
LATENT = ("agree", "differ")
LINKS = ("in other words", "on the other hand")
FIXED = (". they", *LINKS)
Synonyms = tuple[tuple[str, str], ...]


def synonyms(text: str) -> Synonyms:
    """Pairs from "fix/repair buy/purchase"."""
    pairs = [tuple(pair.split("/")) for pair in text.split()]
    return tuple((first, second) for first, second in pairs)


def _latent_answer(item: Item) -> Sequence[Segment]:
    return ((LATENT[item.label or 0], True),)


def _closer(item: Item) -> Sequence[Segment]:
    first, second = item.parts
    return ((f"{first} . {second} . they", False), (LATENT[item.label or 0], True), (".", False))


def _plain(item: Item) -> Sequence[Segment]:
    first, second = item.parts
    return ((f"{first} . {LINKS[item.label or 0]} {second} .", False),)


@dataclass(frozen=True)
class Questions:
    """Pairs of questions: how can i VERB my ADJECTIVE NOUN.

    Args:
        task: the task.
        verbs: synonym pairs.
        adjectives: words that both questions share.
        nouns: synonym pairs.
    """

    FORMS: ClassVar = ("how can i {verb} my {adjective} {noun}", "what is the best way to {verb} my {adjective} {noun}")

    task: Task
    verbs: Synonyms
    adjectives: tuple[str, ...]
    nouns: Synonyms
    combinations: Combinations = field(init=False)

    def __post_init__(self) -> None:
        members = tuple(
            (verb[0], adjective, noun[0]) for verb in self.verbs for adjective in self.adjectives for noun in self.nouns
        )
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))

    def state(self, random: Random, split: str) -> tuple[str, tuple[tuple[str, str], ...], tuple[Synonyms, ...]]:
        """A question of the split with the synonym pairs that it names and the lists that they come from."""
        while True:
            verb, adjective, noun = random.choice(self.verbs), random.choice(self.adjectives), random.choice(self.nouns)
            if self.combinations.sides[verb[0], adjective, noun[0]] == split:
                text = self._render(random, verb, adjective, noun, self.FORMS[0])
                return text, (verb, noun), (self.verbs, self.nouns)

    def _render(self, random: Random, verb: tuple[str, str], adjective: str, noun: tuple[str, str], form: str) -> str:
        return form.format(verb=either(random, verb), adjective=adjective, noun=either(random, noun))

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A pair of questions: label 0 the same meaning; 1 another verb, another noun, or both."""
        label = random.randrange(2) if label is None else label
        changes = random.choice(("verb", "noun", "both", "both")) if label else ""
        # Chosen before anything is rejected, so that the length tells nothing about the label.
        forms = random.choice(self.FORMS), random.choice(self.FORMS)
        while True:
            verb, adjective, noun = random.choice(self.verbs), random.choice(self.adjectives), random.choice(self.nouns)
            other_verb, other_noun = verb, noun
            if changes in ("verb", "both"):
                other_verb = random.choice([pair for pair in self.verbs if pair != verb])
            if changes in ("noun", "both"):
                other_noun = random.choice([pair for pair in self.nouns if pair != noun])
            first = self._render(random, verb, adjective, noun, forms[0])
            second = self._render(random, other_verb, adjective, other_noun, forms[1])
            defining = ((verb[0], adjective, noun[0]), (other_verb[0], adjective, other_noun[0]))
            item = Item((first, second), LABELS[label], defining, label=label)
            if accepted(item, split, self.combinations) and item.parts[0] != item.parts[1]:
                return item

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """agree, differ."""
        return _latent_answer(item)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Both questions, then "they agree"."""
        return _closer(item)

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """Both questions, joined by a linking phrase."""
        return _plain(item)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            self.verbs, self.adjectives, self.nouns, self.FORMS, FIXED, LATENT, self.task.options, self.task.templates
        )


@dataclass(frozen=True)
class Sentences:
    """Pairs of sentences: the PERSON VERB the PERSON in PLACE.

    Args:
        task: the task.
        people: synonym pairs.
        verbs: synonym pairs; both sentences share the verb's meaning.
        places: words that both sentences share.
    """

    FORMS: ClassVar = ("in {place} the {first} {verb} the {second}", "the {first} {verb} the {second} in {place}")

    task: Task
    people: Synonyms
    verbs: Synonyms
    places: tuple[str, ...]
    combinations: Combinations = field(init=False)

    def __post_init__(self) -> None:
        members = tuple(
            (first[0], verb[0], second[0])
            for first in self.people
            for verb in self.verbs
            for second in self.people
            if first != second
        )
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))

    def state(self, random: Random, split: str) -> tuple[str, tuple[tuple[str, str], ...], tuple[Synonyms, ...]]:
        """A sentence of the split with the synonym pairs that it names and the lists that they come from."""
        while True:
            first, second = random.sample(self.people, 2)
            verb = random.choice(self.verbs)
            if self.combinations.sides[first[0], verb[0], second[0]] == split:
                text = self._render(random, first, either(random, verb), second, random.choice(self.places), 1)
                return text, (first, second), (self.people, self.people)

    def _render(
        self, random: Random, first: tuple[str, str], verb: str, second: tuple[str, str], place: str, form: int
    ) -> str:
        return self.FORMS[form].format(
            first=either(random, first), verb=verb, second=either(random, second), place=place
        )

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A pair of sentences: label 0 the same meaning; 1 other people, or the same ones in exchanged roles."""
        label = random.randrange(2) if label is None else label
        changes = random.choices(("roles", "both", "first", "second"), (10, 45, 23, 22))[0] if label else ""
        forms = random.randrange(2), random.randrange(2)
        while True:
            first, second = random.sample(self.people, 2)
            verb, place = random.choice(self.verbs), random.choice(self.places)
            others = [person for person in self.people if person not in (first, second)]
            third, fourth = random.sample(others, 2)
            pairs = {"roles": (second, first), "both": (third, fourth), "first": (third, second)}
            pair = pairs.get(changes, (first, third if changes == "second" else second))
            defining = ((first[0], verb[0], second[0]), (pair[0][0], verb[0], pair[1][0]))
            # The verb is worded alike in both: only the people decide.
            word = either(random, verb)
            texts = (
                self._render(random, first, word, second, place, forms[0]),
                self._render(random, pair[0], word, pair[1], place, forms[1]),
            )
            item = Item(texts, LABELS[label], defining, label=label)
            if accepted(item, split, self.combinations) and item.parts[0] != item.parts[1]:
                return item

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """agree, differ."""
        return _latent_answer(item)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Both sentences, then "they agree"."""
        return _closer(item)

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """Both sentences, joined by a linking phrase."""
        return _plain(item)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            self.people, self.verbs, self.places, self.FORMS, FIXED, LATENT, self.task.options, self.task.templates
        )


QUESTION = Questions(
    Task(
        name="paraphrase_question",
        family="paraphrase",
        kind="classification",
        templates=(
            "do these two questions mean the same : {input} . answer :",
            "would one reply fit both questions : {input} . answer :",
            "is the second request a duplicate : {input} . answer :",
        ),
        options=LABELS,
        domain="question",
        license="Apache-2.0",
        source="generated; mirrors QQP",
    ),
    verbs=synonyms("fix/repair buy/purchase clean/wash sell/trade paint/color build/construct move/shift lock/secure"),
    adjectives=lexicon("old red broken cheap heavy spare"),
    nouns=synonyms(
        "car/vehicle house/home phone/mobile computer/laptop bike/bicycle garden/yard desk/table sofa/couch"
    ),
)
SENTENCE = Sentences(
    Task(
        name="paraphrase_sentence",
        family="paraphrase",
        kind="classification",
        templates=(
            "are these two sentences equivalent : {input} . answer :",
            "does the rewording keep the meaning : {input} . answer :",
            "compare both statements : {input} . answer :",
        ),
        options=LABELS,
        domain="sentence",
        license="Apache-2.0",
        source="generated; mirrors PAWS",
    ),
    people=synonyms(
        "doctor/physician lawyer/attorney teacher/tutor king/monarch kid/child artist/painter writer/author cop/officer"
    ),
    verbs=synonyms(
        "helped/assisted called/phoned hired/employed blamed/accused taught/trained paid/funded met/encountered "
        "chased/pursued"
    ),
    places=lexicon("paris london rome tokyo berlin madrid oslo cairo"),
)
