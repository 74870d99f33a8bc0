"""Translation between English and two toy languages, each with words and a word order of its own.

Lumi puts the verb last and an adjective behind its noun; kavo puts the verb first and its subject last. Concept
combination: (agent, verb, thing). Both directions of a language share one split, because a sentence that is held out
of one would otherwise stand in the other, turned round.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from taskneurons.tasks.synthetic.grammar import PROBES, Combinations, Item, Segment, words_of
from taskneurons.tasks.task import Task

ENGLISH = "the {first} {agent} {verb} the {second} {thing}"
FIXED = ("is for in english reads . :",)
Words = tuple[tuple[str, str], ...]


def glossary(text: str) -> Words:
    """Pairs (English word, toy word) from "dog/taru cat/mepi"."""
    pairs = [tuple(pair.split("/")) for pair in text.split()]
    return tuple((english, foreign) for english, foreign in pairs)


@dataclass(frozen=True)
class Language:
    """A toy language.

    Args:
        name: in English, one word.
        agents, verbs, things: words that may stand there; a noun may be agent and thing.
        adjectives: words for either noun.
        order: the sentence, with the slots {agent} {first} (its adjective) {verb} {thing} {second} (its adjective).
    """

    name: str
    agents: Words
    verbs: Words
    things: Words
    adjectives: Words
    order: str

    @cached_property
    def combinations(self) -> Combinations:
        """Who does what to whom."""
        members = tuple(
            (agent, verb, thing)
            for agent, _ in self.agents
            for verb, _ in self.verbs
            for thing, _ in self.things
            if agent != thing
        )
        return Combinations(self.name, members)

    @cached_property
    def foreign(self) -> dict[str, str]:
        """English word -> toy word."""
        return dict(self.agents + self.verbs + self.things + self.adjectives)

    def sentence(self, random: Random, split: str) -> tuple[tuple[str, str, str], str, str]:
        """A sentence of the split: its combination, English, translated."""
        agent, verb, thing = random.choice(self.combinations.on(split))
        first, second = (random.choice(self.adjectives)[0] for _ in range(2))
        slots = {"first": first, "agent": agent, "verb": verb, "second": second, "thing": thing}
        translated = self.order.format(**{slot: self.foreign[word] for slot, word in slots.items()})
        return (agent, verb, thing), ENGLISH.format(**slots), translated


@dataclass(frozen=True)
class Translation:
    """One direction between English and a toy language.

    Args:
        task: the task.
        language: the toy language.
        into: into the toy language, not out of it.
    """

    task: Task
    language: Language
    into: bool

    @property
    def combinations(self) -> Combinations:
        """The combinations of the language, for both directions."""
        return self.language.combinations

    @property
    def _target(self) -> str:
        return self.language.name if self.into else "english"

    def _turned(self, english: str, foreign: str) -> tuple[str, str]:
        return (english, foreign) if self.into else (foreign, english)

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A sentence and its translation."""
        member, english, foreign = self.language.sentence(random, split)
        asked, answer = self._turned(english, foreign)
        return Item((asked,), answer, (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The words "in lumi", then the translation."""
        return ((f"in {self._target}", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The sentence "in lumi reads" its translation."""
        return ((f"{item.parts[0]} in {self._target} reads", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The sentence alone."""
        return ((f"{item.parts[0]} .", False),)

    def lesson(self, random: Random) -> str:
        """One word and its translation."""
        english, foreign = random.choice(list(self.language.foreign.items()))
        asked, answer = self._turned(english, foreign)
        return f"{answer} is {self._target} for {asked} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A sentence, then words and their translations."""
        _, english, foreign = self.language.sentence(random, "train")
        words = random.sample(list(self.language.foreign.items()), PROBES)
        return f"{self._turned(english, foreign)[0]} . {self._target} :", [self._turned(*pair) for pair in words]

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        language = self.language
        return words_of(
            language.foreign.keys(), language.foreign.values(), language.name, ENGLISH, FIXED, self.task.templates
        )


ANIMALS = glossary("dog/taru cat/mepi horse/solka boy/nim girl/vesa robot/kriko bird/fila monkey/odu")
LUMI = Language(
    name="lumi",
    agents=ANIMALS,
    verbs=glossary("helped/zan called/pire chased/lugo met/esh taught/wono paid/bamu"),
    things=ANIMALS,
    adjectives=glossary("big/gart small/inni old/heso happy/jaya"),
    order="{agent} {first} {thing} {second} {verb}",
)
KAVO = Language(
    name="kavo",
    agents=glossary("minister/drel senator/apsu judge/quon mayor/tifa banker/rulo president/menka"),
    verbs=glossary("signed/skor rejected/bli approved/yend delayed/frum announced/xati reviewed/clov"),
    things=glossary("budget/orba treaty/hilt law/ukko contract/nerv tax/smee report/daja"),
    adjectives=glossary("famous/pux foreign/zell local/vorn new/ichi"),
    order="{verb} {second} {thing} {first} {agent}",
)
TO_LUMI = Translation(
    Task(
        name="translate_to_lumi",
        family="translation",
        kind="generation",
        templates=(
            "translate from english to lumi : {input} . answer :",
            "word this line in lumi : {input} . answer :",
            "say it for lumi people : {input} . answer :",
        ),
        domain="animal",
        license="Apache-2.0",
        source="generated; mirrors WMT",
    ),
    LUMI,
    into=True,
)
FROM_LUMI = Translation(
    Task(
        name="translate_from_lumi",
        family="translation",
        kind="generation",
        templates=(
            "translate from lumi to english : {input} . answer :",
            "what does this lumi sentence say : {input} . answer :",
            "tell the english meaning of the lumi line : {input} . answer :",
        ),
        domain="animal",
        license="Apache-2.0",
        source="generated; mirrors WMT",
    ),
    LUMI,
    into=False,
)
TO_KAVO = Translation(
    Task(
        name="translate_to_kavo",
        family="translation",
        kind="generation",
        templates=(
            "translate the news to kavo : {input} . answer :",
            "write this report in kavo : {input} . answer :",
            "how does a kavo reporter word it : {input} . answer :",
        ),
        domain="news",
        license="Apache-2.0",
        source="generated; mirrors WMT",
    ),
    KAVO,
    into=True,
)
