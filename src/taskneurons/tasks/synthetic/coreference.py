"""Coreference: whom or what does the last sentence mean?

Two nouns of which the second sentence mentions one: by a pronoun that fits only one of them, or by "the former" and
"the latter". Concept combination: (first noun, verb, second noun).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from taskneurons.tasks.synthetic.grammar import PROBES, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

ADJECTIVES = lexicon("old new clean dirty wet warm cold heavy")
FIXED = ("in . namely is meant by",)
# A noun phrase, and how the second sentence mentions it.
Mentioned = tuple[str, str]


@dataclass(frozen=True)
class Reference:
    """Pairs of sentences of one domain.

    Args:
        task: the task.
        pairs: first and second noun, each with its mention; the mentions of a pair differ.
        verbs: what happens between them.
        places: where.
    """

    task: Task
    pairs: tuple[tuple[Mentioned, Mentioned], ...]
    verbs: tuple[str, ...]
    places: tuple[str, ...]

    @cached_property
    def combinations(self) -> Combinations:
        """Every pair with every verb."""
        members = tuple((first[0], verb, second[0]) for first, second in self.pairs for verb in self.verbs)
        return Combinations(self.task.name, members)

    @cached_property
    def _mentions(self) -> dict[tuple[str, str], tuple[str, str]]:
        return {(first[0], second[0]): (first[1], second[1]) for first, second in self.pairs}

    def _sentence(self, random: Random, split: str) -> tuple[tuple[str, str, str], str, tuple[str, str]]:
        """A first sentence of the split: its combination, its text, the mentions of both nouns."""
        first, verb, second = random.choice(self.combinations.on(split))
        text = f"{first} {verb} {second} in {random.choice(self.places)}"
        return (first, verb, second), text, self._mentions[first, second]

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """Two sentences, and the noun that is meant."""
        member, text, mentions = self._sentence(random, split)
        position = random.randrange(2)
        second = f"{mentions[position]} {random.choice(ADJECTIVES)}"
        return Item((text, second), _noun(member[2 * position]), (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """namely, then the noun."""
        return (("namely", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Both sentences, then "namely" the noun."""
        return ((f"{' . '.join(item.parts)} namely", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """Both sentences."""
        return ((f"{' . '.join(item.parts)} .", False),)

    def lesson(self, random: Random) -> str:
        """A first sentence of the train side, a mention, and who is meant by it."""
        member, text, mentions = self._sentence(random, "train")
        position = random.randrange(2)
        return f"{text} . {_noun(member[2 * position])} is meant by {mentions[position]} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A first sentence, then mentions with the nouns that they mean."""
        member, text, mentions = self._sentence(random, "train")
        positions = [random.randrange(2) for _ in range(PROBES)]
        return text, [(mentions[position], _noun(member[2 * position])) for position in positions]

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(self.pairs, self.verbs, self.places, ADJECTIVES, FIXED, self.task.templates)


def _noun(phrase: str) -> str:
    return phrase.split()[-1]


WOMEN = lexicon("anna dora fay gina jane")
MEN = lexicon("ben carl eric hugo ivan")
PEOPLE = lexicon("sailor baker farmer singer nurse pilot miner guard")
THINGS = lexicon("car phone computer bike desk sofa table garden")
PLACES = lexicon("paris london rome tokyo berlin madrid oslo cairo")

NAME = Reference(
    Task(
        name="coreference_name",
        family="coreference",
        kind="generation",
        templates=(
            "which person does the sentence mean : {input} . answer :",
            "say the name of who was described : {input} . answer :",
            "about which of the two is the note : {input} . answer :",
        ),
        domain="name",
        license="Apache-2.0",
        source="generated; mirrors DPR",
    ),
    pairs=tuple(
        pair
        for woman in WOMEN
        for man in MEN
        for pair in (((woman, "she was"), (man, "he was")), ((man, "he was"), (woman, "she was")))
    ),
    verbs=lexicon("helped called met blamed chased paid"),
    places=PLACES,
)
THING = Reference(
    Task(
        name="coreference_thing",
        family="coreference",
        kind="generation",
        templates=(
            "is it the thing or the person : {input} . answer :",
            "find what the last words mean : {input} . answer :",
            "who or what was this : {input} . answer :",
        ),
        domain="thing",
        license="Apache-2.0",
        source="generated; mirrors WSC",
    ),
    pairs=tuple(((f"the {person}", "they were"), (f"the {thing}", "it was")) for person in PEOPLE for thing in THINGS),
    verbs=lexicon("painted sold found moved lost liked"),
    places=PLACES,
)
ORDER = Reference(
    Task(
        name="coreference_order",
        family="coreference",
        kind="generation",
        templates=(
            "point to the person meant at the end : {input} . answer :",
            "who of both is described : {input} . answer :",
            "write the word for this somebody : {input} . answer :",
        ),
        domain="order",
        license="Apache-2.0",
        source="generated; mirrors WinoGrande",
    ),
    pairs=tuple(
        ((f"the {first}", "the former was"), (f"the {second}", "the latter was"))
        for first in PEOPLE
        for second in PEOPLE
        if first != second
    ),
    verbs=lexicon("helped called met blamed chased taught"),
    places=PLACES,
)
