"""Arithmetic on small numbers, written as words.

The table of sums stands whole in the pre-training text, as a pupil learns it; what is held out are its uses, so the
concept combination of a story is (first number, second number, goods). To compare numbers is to know their order, so
there the concept combination is the two numbers.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import product
from random import Random
from typing import ClassVar

from taskneurons.tasks.synthetic.grammar import PROBES, Combination, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

NUMBERS = lexicon(
    "zero one two three four five six seven eight nine ten eleven twelve thirteen fourteen fifteen sixteen seventeen "
    "eighteen"
)
# Larger sums have so few pairs that an answer might be rare or absent on one side of the split.
LARGEST_SUM = 14
NAMES = lexicon("anna ben carl dora eric fay gina hugo ivan jane")
GOODS = lexicon("seeds leaves tickets insects fish phones words numbers")
LABELS = ("more", "fewer")
LATENT = ("above", "below")
SUCCESSOR = "after {number} comes {next}"
FIXED = (". : makes against",)


def _successor(random: Random) -> str:
    value = random.randrange(len(NUMBERS) - 1)
    return f"{SUCCESSOR.format(number=NUMBERS[value], next=NUMBERS[value + 1])} ."


@dataclass(frozen=True)
class Sums:
    """Adding or taking away.

    Args:
        task: the task.
        sign: 1 to add two numbers of one digit, -1 to take the second of them from their sum.
        form: the story, with the slots {name} {first} {goods} {second}.
        rule: the operation in words, with the slots {first} {second}.
    """

    task: Task
    sign: int
    form: str
    rule: str

    @cached_property
    def _pairs(self) -> tuple[tuple[str, str], ...]:
        pairs = [(a, b) for a, b in product(range(10), repeat=2) if a + b <= LARGEST_SUM]
        return tuple((NUMBERS[a if self.sign == 1 else a + b], NUMBERS[b]) for a, b in pairs)

    @cached_property
    def combinations(self) -> Combinations:
        """Every pair of numbers, with everything that is counted."""
        return Combinations(self.task.name, tuple((*pair, goods) for pair in self._pairs for goods in GOODS))

    def _result(self, first: str, second: str) -> str:
        return NUMBERS[NUMBERS.index(first) + self.sign * NUMBERS.index(second)]

    def _line(self, first: str, second: str) -> str:
        return self.rule.format(first=first, second=second)

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A story and its result."""
        member = first, second, goods = random.choice(self.combinations.on(split))
        text = self.form.format(name=random.choice(NAMES), first=first, goods=goods, second=second)
        return Item((text,), self._result(first, second), (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """makes, then the result."""
        return (("makes", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The story "makes" the result."""
        return ((f"{item.parts[0]} makes", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The story, then its numbers and their result."""
        first, second, _ = item.defining[0]
        return ((f"{item.parts[0]} . {self._line(first, second)} makes {item.answer} .", False),)

    def lesson(self, random: Random) -> str:
        """A line of the table."""
        pair = random.choice(self._pairs)
        return f"{self._line(*pair)} makes {self._result(*pair)} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A number and the next, then lines of the table."""
        pairs = [random.choice(self._pairs) for _ in range(PROBES)]
        return _successor(random).removesuffix(" ."), [
            (f"{self._line(*pair)} makes", self._result(*pair)) for pair in pairs
        ]

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(NUMBERS, NAMES, GOODS, self.form, self.rule, SUCCESSOR, FIXED, self.task.templates)


@dataclass(frozen=True)
class Comparison:
    """Has the first more than the second: label 0 more, 1 fewer; never as many.

    Args:
        task: the task.
    """

    FORM: ClassVar = "{name} has {first} {goods} . {other} has {second}"

    task: Task

    @cached_property
    def combinations(self) -> Combinations:
        """Every ordered pair of different numbers in words."""
        return Combinations(self.task.name, tuple(pair for pair in product(NUMBERS, repeat=2) if pair[0] != pair[1]))

    @cached_property
    def _labelled(self) -> dict[tuple[str, int], tuple[Combination, ...]]:
        return {
            (split, label): tuple(pair for pair in self.combinations.on(split) if _label(pair) == label)
            for split in ("train", "validation", "test")
            for label in (0, 1)
        }

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """What two people have."""
        label = random.randrange(2) if label is None else label
        member = first, second = random.choice(self._labelled[split, label])
        name, other = random.sample(NAMES, 2)
        text = self.FORM.format(name=name, first=first, goods=random.choice(GOODS), other=other, second=second)
        return Item(tuple(text.split(" . ")), LABELS[label], (member,), label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """above, below."""
        return ((LATENT[item.label or 0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The story, then the first number against the second."""
        first, second = item.defining[0]
        line = f"{' . '.join(item.parts)} . {first} against {second} :"
        return ((line, False), (LATENT[item.label or 0], True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The story alone."""
        return ((f"{' . '.join(item.parts)} .", False),)

    def lesson(self, random: Random) -> str:
        """A number and the next."""
        return _successor(random)

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A number and the next, then comparisons of the train side."""
        members = [random.choice(self._labelled["train", random.randrange(2)]) for _ in range(PROBES)]
        return _successor(random).removesuffix(" ."), [
            (f"{first} against {second} :", LATENT[_label((first, second))]) for first, second in members
        ]

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            NUMBERS, NAMES, GOODS, self.FORM, SUCCESSOR, LATENT, FIXED, self.task.options, self.task.templates
        )


def _label(pair: Combination) -> int:
    first, second = (NUMBERS.index(word) for word in pair)
    return 0 if first > second else 1


ADD = Sums(
    Task(
        name="arithmetic_add",
        family="arithmetic",
        kind="generation",
        templates=(
            "how many are there now : {input} . answer :",
            "give the whole number : {input} . answer :",
            "sum it up : {input} . answer :",
        ),
        domain="sum",
        license="Apache-2.0",
        source="generated; mirrors AddSub",
    ),
    sign=1,
    form="{name} has {first} {goods} and will buy {second}",
    rule="{first} and {second}",
)
SUBTRACT = Sums(
    Task(
        name="arithmetic_subtract",
        family="arithmetic",
        kind="generation",
        templates=(
            "how many will remain : {input} . answer :",
            "give the number that is not lost : {input} . answer :",
            "what is the rest : {input} . answer :",
        ),
        domain="difference",
        license="Apache-2.0",
        source="generated; mirrors AddSub",
    ),
    sign=-1,
    form="{name} had {first} {goods} and lost {second}",
    rule="{first} without {second}",
)
COMPARE = Comparison(
    Task(
        name="arithmetic_compare",
        family="arithmetic",
        kind="classification",
        templates=(
            "compare who has what : {input} . answer :",
            "has the first person more or fewer : {input} . answer :",
            "judge the two numbers : {input} . answer :",
        ),
        options=LABELS,
        domain="comparison",
        license="Apache-2.0",
        source="generated; mirrors NumGLUE",
    )
)
