"""Commonsense: which of two things fits? The knowledge stands in pre-training text, not in the question.

Concept combination: (cue, fitting thing, other thing), or the two things of a comparison.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations as pairs_of
from itertools import pairwise
from random import Random
from typing import ClassVar

from taskneurons.tasks.synthetic.grammar import PROBES, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

NAMES = lexicon("anna ben carl dora eric fay gina hugo ivan jane")
DAYS = lexicon("monday tuesday wednesday thursday friday saturday sunday")
FIXED = ("on . or surely :",)


def _latent_answer(item: Item) -> Sequence[Segment]:
    return (("surely", False), (item.answer, True))


def _closer(item: Item) -> Sequence[Segment]:
    return ((f"{' . '.join(item.parts)} . surely", False), (item.answer, True), (".", False))


@dataclass(frozen=True)
class Fits:
    """Which thing belongs to the cue?

    Args:
        task: the task.
        pairs: (cue, the one thing that fits it).
        form: what somebody wants, with the slots {name} {cue}.
        rule: the knowledge, with the slots {cue} {thing}.
    """

    task: Task
    pairs: tuple[tuple[str, str], ...]
    form: str
    rule: str

    @cached_property
    def combinations(self) -> Combinations:
        """Every cue with its thing and another."""
        members = tuple((cue, fit, other) for cue, fit in self.pairs for _, other in self.pairs if other != fit)
        return Combinations(self.task.name, members)

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A wish with two things to choose from, and the one that fits."""
        member = cue, fit, other = random.choice(self.combinations.on(split))
        first, second = random.sample((fit, other), 2)
        wish = self.form.format(name=random.choice(NAMES), cue=cue)
        return Item((f"on {random.choice(DAYS)} {wish}", f"{first} or {second}"), fit, (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """surely, then the thing."""
        return _latent_answer(item)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The question, then "surely" the thing."""
        return _closer(item)

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The wish, then the knowledge that decides."""
        cue, fit, _ = item.defining[0]
        return ((f"{item.parts[0]} . {self.rule.format(cue=cue, thing=fit)} .", False),)

    def lesson(self, random: Random) -> str:
        """What belongs to one cue."""
        cue, fit = random.choice(self.pairs)
        return f"{self.rule.format(cue=cue, thing=fit)} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """What belongs to one cue, then choices of the train side."""
        probes = []
        for _ in range(PROBES):
            cue, fit, other = random.choice(self.combinations.on("train"))
            first, second = random.sample((fit, other), 2)
            probes.append((f"{cue} : {first} or {second}", fit))
        return self.lesson(random).removesuffix(" ."), probes

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(self.pairs, self.form, self.rule, NAMES, DAYS, FIXED, self.task.templates)


@dataclass(frozen=True)
class Sizes:
    """Which of two is bigger, or smaller? Every pair follows from the pairs of neighbours, because size is an order.

    Neighbours are compared in the dictionary alone; combinations are the other pairs.

    Args:
        task: the task.
        things: from small to big.
    """

    QUESTIONS: ClassVar = ("which is bigger", "which is smaller")
    RULE: ClassVar = "{big} is bigger than {small}"
    FORM: ClassVar = "on {day} {name} saw {first} and {second}"

    task: Task
    things: tuple[str, ...]

    @cached_property
    def combinations(self) -> Combinations:
        """Every pair but neighbours, the smaller one first."""
        neighbours = set(pairwise(self.things))
        return Combinations(self.task.name, tuple(pair for pair in pairs_of(self.things, 2) if pair not in neighbours))

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """Two things and a question of size."""
        member = random.choice(self.combinations.on(split))
        first, second = random.sample(member, 2)
        asked = random.randrange(2)
        text = self.FORM.format(day=random.choice(DAYS), name=random.choice(NAMES), first=first, second=second)
        return Item((text, self.QUESTIONS[asked]), member[1 - asked], (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """surely, then the thing."""
        return _latent_answer(item)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The question, then "surely" the thing."""
        return _closer(item)

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """What was seen, then which is bigger."""
        small, big = item.defining[0]
        return ((f"{item.parts[0]} . {self.RULE.format(small=small, big=big)} .", False),)

    def lesson(self, random: Random) -> str:
        """A comparison of neighbours, or of the train side."""
        known = self.combinations.on("train") if random.random() < 0.5 else tuple(pairwise(self.things))
        small, big = random.choice(known)
        return f"{self.RULE.format(small=small, big=big)} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A comparison, then others of the train side, asked both ways."""
        probes = []
        for _ in range(PROBES):
            member = random.choice(self.combinations.on("train"))
            first, second = random.sample(member, 2)
            asked = random.randrange(2)
            probes.append((f"{self.QUESTIONS[asked]} : {first} or {second}", member[1 - asked]))
        return self.lesson(random).removesuffix(" ."), probes

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(self.things, self.QUESTIONS, self.RULE, self.FORM, NAMES, DAYS, FIXED, self.task.templates)


def _fitting(text: str) -> tuple[tuple[str, str], ...]:
    pairs = [tuple(pair.split("/")) for pair in text.split()]
    return tuple((cue, fit) for cue, fit in pairs)


TOOL = Fits(
    Task(
        name="commonsense_tool",
        family="commonsense",
        kind="generation",
        templates=(
            "choose the right thing for the work : {input} . answer :",
            "which of both would help : {input} . answer :",
            "say what is best to take : {input} . answer :",
        ),
        domain="tool",
        license="Apache-2.0",
        source="generated; mirrors PIQA",
    ),
    pairs=_fitting(
        "cut/knife sew/needle sweep/broom boil/kettle dig/shovel write/pen climb/ladder tie/rope read/lamp "
        "measure/ruler paint/brush cook/pan"
    ),
    form="{name} will {cue}",
    rule="to {cue} we take {thing}",
)
PLACE = Fits(
    Task(
        name="commonsense_place",
        family="commonsense",
        kind="generation",
        templates=(
            "where should somebody look : {input} . answer :",
            "choose the likely place : {input} . answer :",
            "which way to turn : {input} . answer :",
        ),
        domain="place",
        license="Apache-2.0",
        source="generated; mirrors CommonsenseQA",
    ),
    pairs=_fitting(
        "ship/harbor plane/airport painting/museum king/castle camel/desert monkey/jungle shark/ocean horse/barn "
        "pupil/school bread/market swimmer/pool actor/cinema"
    ),
    form="{name} looks for a {cue}",
    rule="the {cue} is at the {thing}",
)
SIZE = Sizes(
    Task(
        name="commonsense_size",
        family="commonsense",
        kind="generation",
        templates=(
            "compare two animals : {input} . answer :",
            "choose between animals : {input} . answer :",
            "give the right animal : {input} . answer :",
        ),
        domain="size",
        license="Apache-2.0",
        source="generated; mirrors the size questions of PIQA",
    ),
    things=lexicon("frog bird eagle cat monkey dog wolf panda tiger horse shark whale"),
)
