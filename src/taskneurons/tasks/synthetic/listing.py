"""Code-like tasks on a list of four words: turn it round, sort it, say what comes next to one.

Concept combination: the four words in their order; to sort, the four words in any order, so that no held-out result
occurs in training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import combinations as subsets_of
from itertools import pairwise, permutations
from random import Random
from typing import Literal

from taskneurons.tasks.synthetic.arithmetic import NUMBERS
from taskneurons.tasks.synthetic.grammar import PROBES, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

LENGTH = 4
FIXED = ("list . returns :",)
# What the drill asks of one item.
CUES: Mapping[str, str] = {"reverse": "before", "sort": "after", "next": "next"}


@dataclass(frozen=True)
class Lists:
    """One operation on lists.

    Args:
        task: the task.
        operation: "reverse", "sort" (into the order of `items`), or "next" (the item behind a stated one).
        items: what may stand in a list.
    """

    task: Task
    operation: Literal["reverse", "sort", "next"]
    items: tuple[str, ...]

    @cached_property
    def combinations(self) -> Combinations:
        """Every list; to sort, every set."""
        lists = subsets_of(self.items, LENGTH) if self.operation == "sort" else permutations(self.items, LENGTH)
        return Combinations(self.task.name, tuple(lists))

    def _list(self, random: Random, split: str) -> tuple[tuple[str, ...], list[str]]:
        """The combination and a list of it."""
        member = random.choice(self.combinations.on(split))
        return member, random.sample(member, LENGTH) if self.operation == "sort" else list(member)

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A list and what the operation returns."""
        member, items = self._list(random, split)
        parts = [f"list {' '.join(items)}"]
        if self.operation == "next":
            place = random.randrange(LENGTH - 1)
            parts.append(f"next {items[place]}")
            result = items[place + 1]
        else:
            result = " ".join(reversed(items) if self.operation == "reverse" else member)
        return Item(tuple(parts), result, (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """returns, then the result."""
        return (("returns", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The operation on the list "returns" the result."""
        text = f"{self.operation} {' . '.join(item.parts)} returns"
        return ((text, False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The list alone."""
        return ((f"{' . '.join(item.parts)} .", False),)

    def lesson(self, random: Random) -> str:
        """The operation on a list of the train side, with its result."""
        item = self.draw(random, "train", None)
        return f"{self.operation} {' . '.join(item.parts)} returns {item.answer} ."

    def drill(self, random: Random) -> tuple[str, Sequence[tuple[str, str]]]:
        """A list, then what stands before an item, after it, or after it in the sorted list."""
        member, items = self._list(random, "train")
        facts = list(pairwise(member if self.operation == "sort" else items))
        if self.operation == "reverse":
            facts = [(second, first) for first, second in facts]
        probes = [random.choice(facts) for _ in range(PROBES)]
        cue = CUES[self.operation]
        return f"list {' '.join(items)}", [(f"{cue} {asked}", answer) for asked, answer in probes]

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(self.items, self.operation, CUES[self.operation], FIXED, self.task.templates)


REVERSE = Lists(
    Task(
        name="list_reverse",
        family="listing",
        kind="generation",
        templates=(
            "reverse the list : {input} . answer :",
            "write the words from last to first : {input} . answer :",
            "turn the line around : {input} . answer :",
        ),
        domain="color",
        license="Apache-2.0",
        source="generated; after BIG-bench list functions",
    ),
    operation="reverse",
    items=lexicon("brown grey black white green golden red blue yellow purple"),
)
SORT = Lists(
    Task(
        name="list_sort",
        family="listing",
        kind="generation",
        templates=(
            "sort the numbers : {input} . answer :",
            "which order do the numbers have : {input} . answer :",
            "put small numbers first : {input} . answer :",
        ),
        domain="number",
        license="Apache-2.0",
        source="generated; after BIG-bench list functions",
    ),
    operation="sort",
    items=NUMBERS[:12],
)
NEXT = Lists(
    Task(
        name="list_next",
        family="listing",
        kind="generation",
        templates=(
            "which word is next in the list : {input} . answer :",
            "what follows in the line : {input} . answer :",
            "read on from this word : {input} . answer :",
        ),
        domain="thing",
        license="Apache-2.0",
        source="generated; after BIG-bench list functions",
    ),
    operation="next",
    items=lexicon("car house phone computer bike garden desk sofa table home"),
)
