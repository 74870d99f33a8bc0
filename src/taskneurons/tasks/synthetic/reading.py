"""Reading comprehension: a text and a question; the answer stands in the text.

The texts and questions are those of question generation, whose tasks therefore never share a suite with these. Concept
combination: (subject, answer).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from taskneurons.tasks.synthetic import question_generation
from taskneurons.tasks.synthetic.grammar import PROBES, Combinations, Item, Segment, accepted, words_of
from taskneurons.tasks.synthetic.question_generation import Facts
from taskneurons.tasks.task import Task

FIXED = (". so it says has",)


@dataclass(frozen=True)
class Reading:
    """Texts with questions.

    Args:
        task: the task.
        facts: subjects, values, wordings and questions.
        probes: for each kind of fact one word that asks for it.
    """

    task: Task
    facts: Facts
    probes: tuple[str, str, str]

    @cached_property
    def combinations(self) -> Combinations:
        """Every subject with every value."""
        return Combinations(self.task.name, self.facts.combinations.members)

    def _text(self, random: Random, split: str, asked: int) -> tuple[str, str, tuple[str, ...]]:
        """A text that may stand in the split: its subject, its wording, its three values."""
        while True:
            subject = random.choice(self.facts.subjects)
            values = tuple(random.choice(kind) for kind in self.facts.values)
            text = random.choice(self.facts.forms).format(subject=subject, a=values[0], b=values[1], c=values[2])
            others = tuple((subject, value) for index, value in enumerate(values) if index != asked)
            if accepted(Item((text,), "", ((subject, values[asked]),), others), split, self.combinations):
                return subject, text, values

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A text, a question, and its answer."""
        asked = random.randrange(3)
        subject, text, values = self._text(random, split, asked)
        others = tuple((subject, value) for index, value in enumerate(values) if index != asked)
        question = self.facts.questions[asked].format(subject=subject)
        return Item((text, question), values[asked], ((subject, values[asked]),), others)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The words "it says", then the answer."""
        return (("it says", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Text and question, "so it says" the answer."""
        return ((f"{' . '.join(item.parts)} so it says", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The text alone."""
        return ((f"{item.parts[0]} .", False),)

    def lesson(self, random: Random) -> str:
        """A word that asks, with one of the values that it asks for."""
        asked = random.randrange(3)
        return f"{self.probes[asked]} has {random.choice(self.facts.values[asked])} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A text, then its values, each asked for by one word."""
        _, text, values = self._text(random, "train", 0)
        asked = [random.randrange(3) for _ in range(PROBES)]
        return text, [(self.probes[index], values[index]) for index in asked]

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        facts = self.facts
        return words_of(
            facts.subjects, facts.values, facts.forms, facts.questions, self.probes, FIXED, self.task.templates
        )


ANIMAL = Reading(
    Task(
        name="reading_animal",
        family="reading",
        kind="generation",
        templates=(
            "read about nature and reply : {input} . answer :",
            "what does the science text say : {input} . answer :",
            "find it in the text : {input} . answer :",
        ),
        domain="animal",
        license="Apache-2.0",
        source="generated; mirrors SQuAD",
    ),
    question_generation.ANIMAL,
    ("live", "eat", "color"),
)
PERSON = Reading(
    Task(
        name="reading_person",
        family="reading",
        kind="generation",
        templates=(
            "read the profile and reply : {input} . answer :",
            "what would the profile say : {input} . answer :",
            "look up the person : {input} . answer :",
        ),
        domain="person",
        license="Apache-2.0",
        source="generated; mirrors SQuAD",
    ),
    question_generation.PERSON,
    ("city", "hobby", "field"),
)
