"""Closed-book facts: the pre-training text states them, the question gives no support.

Every fact is stated in pre-training text, so no fact is held out. What is held out are ways to ask: concept combination
(subject, relation, wording of the question), and (subject, relation, claimed value, wording) of a claim that is judged.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from random import Random

from taskneurons.tasks.synthetic.grammar import PROBES, Combination, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

ASKERS = lexicon("sailor baker farmer singer nurse pilot miner guard clerk poet")
DAYS = lexicon("monday tuesday wednesday thursday friday saturday sunday")
LABELS = ("correct", "incorrect")
LATENT = ("fact", "myth")
FIXED = ("on the asks says . : namely note that is a",)


@dataclass(frozen=True)
class Relation:
    """One kind of fact.

    Args:
        name: one word.
        values: of the subjects, in their order; all different.
        statements: wordings of the fact, with the slots {subject} {value}.
        questions: wordings of the question, with the slot {subject}.
    """

    name: str
    values: tuple[str, ...]
    statements: tuple[str, ...]
    questions: tuple[str, ...] = ()


@dataclass(frozen=True)
class Book:
    """Fixed facts about some subjects."""

    subjects: tuple[str, ...]
    relations: tuple[Relation, ...]

    @cached_property
    def by_name(self) -> dict[str, Relation]:
        """The relations."""
        return {relation.name: relation for relation in self.relations}

    def value(self, subject: str, relation: str) -> str:
        """What the book says."""
        return self.by_name[relation].values[self.subjects.index(subject)]

    def state(self, random: Random, subject: str, relation: str) -> str:
        """A fact in words."""
        statement = random.choice(self.by_name[relation].statements)
        return statement.format(subject=subject, value=self.value(subject, relation))

    def lesson(self, random: Random) -> str:
        """One fact in a sentence."""
        return f"{self.state(random, random.choice(self.subjects), random.choice(self.relations).name)} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """One fact in a sentence, then subject and relation with the value."""
        probes = []
        for _ in range(PROBES):
            subject, relation = random.choice(self.subjects), random.choice(self.relations)
            probes.append((f"{subject} {relation.name}", self.value(subject, relation.name)))
        return self.lesson(random), probes

    def words(self) -> frozenset[str]:
        """Every word of the book."""
        return words_of(
            self.subjects,
            *((one.name, one.values, one.statements, one.questions) for one in self.relations),
        )


@dataclass(frozen=True)
class Questions:
    """Questions whose answer only the book knows.

    Args:
        task: the task.
        book: the facts.
    """

    task: Task
    book: Book

    @cached_property
    def combinations(self) -> Combinations:
        """Every fact in every wording of its question."""
        members = tuple(
            (subject, relation.name, str(wording))
            for subject in self.book.subjects
            for relation in self.book.relations
            for wording in range(len(relation.questions))
        )
        return Combinations(self.task.name, members)

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """Somebody's question and its answer."""
        member = subject, relation, wording = random.choice(self.combinations.on(split))
        question = self.book.by_name[relation].questions[int(wording)].format(subject=subject)
        text = f"on {random.choice(DAYS)} the {random.choice(ASKERS)} asks {question}"
        return Item((text,), self.book.value(subject, relation), (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """namely, then the value."""
        return (("namely", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The question, "namely" its answer."""
        return ((f"{item.parts[0]} namely", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The fact that answers the question."""
        subject, relation, _ = item.defining[0]
        return ((f"note that {self.book.state(random, subject, relation)} .", False),)

    def lesson(self, random: Random) -> str:
        """One fact in a sentence."""
        return self.book.lesson(random)

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """Several facts in single words."""
        return self.book.drill(random)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return self.book.words() | words_of(ASKERS, DAYS, FIXED, self.task.templates)


@dataclass(frozen=True)
class Claims:
    """Claims to be judged by the book: label 0 correct, 1 incorrect.

    Args:
        task: the task.
        book: the facts; a wrong claim names another subject's value.
    """

    task: Task
    book: Book

    @cached_property
    def combinations(self) -> Combinations:
        """Every claim that can be made."""
        members = tuple(
            (subject, relation.name, value, str(wording))
            for subject in self.book.subjects
            for relation in self.book.relations
            for value in relation.values
            for wording in range(len(relation.statements))
        )
        return Combinations(self.task.name, members)

    @cached_property
    def _labelled(self) -> dict[tuple[str, int], tuple[Combination, ...]]:
        return {
            (split, label): tuple(
                one
                for one in self.combinations.on(split)
                if (self.book.value(one[0], one[1]) == one[2]) == (label == 0)
            )
            for split in ("train", "validation", "test")
            for label in (0, 1)
        }

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """Somebody's claim."""
        label = random.randrange(2) if label is None else label
        member = subject, relation, value, wording = random.choice(self._labelled[split, label])
        claim = self.book.by_name[relation].statements[int(wording)].format(subject=subject, value=value)
        text = f"on {random.choice(DAYS)} the {random.choice(ASKERS)} says {claim}"
        return Item((text,), LABELS[label], (member,), label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """fact, myth."""
        return ((LATENT[item.label or 0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The claim, then "that is a fact"."""
        return ((f"{item.parts[0]} . that is a", False), (LATENT[item.label or 0], True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """A fact: what is wrong is never stated plainly."""
        subject, relation, *_ = item.defining[0]
        return ((f"note that {self.book.state(random, subject, relation)} .", False),)

    def lesson(self, random: Random) -> str:
        """One fact in a sentence."""
        return self.book.lesson(random)

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """One fact in a sentence, then short claims of the train side with their verdicts."""
        probes = []
        for _ in range(PROBES):
            label = random.randrange(2)
            subject, relation, value, _ = random.choice(self._labelled["train", label])
            probes.append((f"{subject} {relation} {value}", LATENT[label]))
        return self.book.lesson(random), probes

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return self.book.words() | words_of(ASKERS, DAYS, LATENT, FIXED, self.task.options, self.task.templates)


COUNTRY = Questions(
    Task(
        name="facts_country",
        family="closed_book",
        kind="generation",
        templates=(
            "reply from what is known about countries : {input} . answer :",
            "what does a guide know : {input} . answer :",
            "help with the question about a country : {input} . answer :",
        ),
        domain="country",
        license="Apache-2.0",
        source="generated; mirrors Natural Questions",
    ),
    Book(
        subjects=lexicon("france england italy japan germany spain norway egypt"),
        relations=(
            Relation(
                "capital",
                lexicon("paris london rome tokyo berlin madrid oslo cairo"),
                ("{value} is the capital of {subject}", "the capital of {subject} is {value}"),
                (
                    "what is the capital of {subject}",
                    "which city is the capital in {subject}",
                    "where is the president of {subject}",
                    "which capital has {subject}",
                ),
            ),
            Relation(
                "trade",
                lexicon("cake tea pasta rice bread salad fish seeds"),
                ("markets in {subject} sell {value}", "the trade of {subject} is {value}"),
                (
                    "what does {subject} sell",
                    "which food will markets in {subject} sell",
                    "what food is the trade of {subject}",
                    "which trade has {subject}",
                ),
            ),
            Relation(
                "animal",
                lexicon("frog lion wolf snake eagle tiger whale camel"),
                ("the {value} is the animal of {subject}", "the animal of {subject} is the {value}"),
                (
                    "what is the animal of {subject}",
                    "which animal do people of {subject} like",
                    "what animal is loved in {subject}",
                    "which animal has {subject}",
                ),
            ),
        ),
    ),
)
SCIENTIST = Questions(
    Task(
        name="facts_scientist",
        family="closed_book",
        kind="generation",
        templates=(
            "reply from the life of a scientist : {input} . answer :",
            "what would a teacher of science say : {input} . answer :",
            "help the pupil with a question : {input} . answer :",
        ),
        domain="scientist",
        license="Apache-2.0",
        source="generated; mirrors TriviaQA",
    ),
    Book(
        subjects=lexicon("darwin newton tesla curie kepler euler hubble pascal"),
        relations=(
            Relation(
                "home",
                lexicon("boston dallas denver miami seattle chicago austin detroit"),
                ("the home of {subject} was in {value}", "{value} was the home of {subject}"),
                (
                    "where was the home of {subject}",
                    "which city was the home of {subject}",
                    "what was the city of {subject}",
                    "which home has {subject}",
                ),
            ),
            Relation(
                "hobby",
                lexicon("chess tennis music poetry cycling hiking dancing cooking"),
                ("{value} was the hobby of {subject}", "the hobby of {subject} was {value}"),
                (
                    "what was the hobby of {subject}",
                    "which hobby was liked by {subject}",
                    "what hobby do we know of {subject}",
                    "which hobby has {subject}",
                ),
            ),
            Relation(
                "prize",
                lexicon("medal trophy title race league derby match final"),
                ("{subject} won the {value}", "the prize of {subject} was the {value}"),
                (
                    "what was the prize of {subject}",
                    "which prize was won by {subject}",
                    "what prize do we know of {subject}",
                    "which prize has {subject}",
                ),
            ),
        ),
    ),
)
METAL = Claims(
    Task(
        name="facts_metal",
        family="closed_book",
        kind="classification",
        templates=(
            "check the claim about a metal : {input} . answer :",
            "is this known of the metal : {input} . answer :",
            "judge what they say of metal : {input} . answer :",
        ),
        options=LABELS,
        domain="metal",
        license="Apache-2.0",
        source="generated; mirrors BoolQ without its text",
    ),
    Book(
        subjects=lexicon("copper iron silver tin zinc nickel cobalt lead"),
        relations=(
            Relation(
                "place",
                lexicon("desert ocean forest river mountain swamp jungle cave"),
                (
                    "{subject} is from the {value}",
                    "the place of {subject} is the {value}",
                    "we know {subject} from the {value}",
                ),
            ),
            Relation(
                "color",
                lexicon("brown grey black white green golden striped spotted"),
                (
                    "the color of {subject} is {value}",
                    "{value} is the color of {subject}",
                    "we know {subject} as {value}",
                ),
            ),
        ),
    ),
)
