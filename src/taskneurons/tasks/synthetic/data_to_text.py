"""Data to text: a record in any order of its fields, worded as one sentence.

Concept combination: the record's first two fields, (name, cuisine) of a restaurant and (agent, action) of a scene.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from taskneurons.tasks.synthetic.grammar import Combination, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

FIXED = ("; means .",)


@dataclass(frozen=True)
class Records:
    """Records of four fields.

    Args:
        task: the task.
        fields: four lists of (word in the record, word in the sentence).
        keys: the name of each field in the record, empty for bare concepts.
        form: the sentence, with the slots {a} {b} {c} {d}.
    """

    task: Task
    fields: tuple[tuple[tuple[str, str], ...], ...]
    keys: tuple[str, str, str, str]
    form: str
    combinations: Combinations = field(init=False)
    _members: dict[str, tuple[Combination, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        members = tuple((first, second) for first, _ in self.fields[0] for second, _ in self.fields[1])
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))
        object.__setattr__(
            self, "_members", {split: self.combinations.on(split) for split in ("train", "validation", "test")}
        )

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A record and its sentence."""
        member = random.choice(self._members[split])
        words = [*member, *(random.choice(values)[0] for values in self.fields[2:])]
        a, b, c, d = (dict(values)[word] for values, word in zip(self.fields, words, strict=True))
        entries = [f"{key} {word}".strip() for key, word in zip(self.keys, words, strict=True)]
        random.shuffle(entries)
        return Item((" ; ".join(entries),), self.form.format(a=a, b=b, c=c, d=d), (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """means, then the sentence."""
        return (("means", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The record "means" the sentence."""
        return ((f"{item.parts[0]} means", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The sentence alone."""
        return ((f"{item.answer} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        values = [word for values in self.fields for word in values]
        return words_of(values, self.keys, self.form, FIXED, self.task.templates)


def same(text: str) -> tuple[tuple[str, str], ...]:
    """Values that read the same in the record and in the sentence."""
    return tuple((word, word) for word in text.split())


RESTAURANT = Records(
    Task(
        name="data_restaurant",
        family="data_to_text",
        kind="generation",
        templates=(
            "describe the restaurant from the data : {input} . answer :",
            "word this menu entry for a guide : {input} . answer :",
            "tell where to dine : {input} . answer :",
        ),
        domain="restaurant",
        license="Apache-2.0",
        source="generated; mirrors E2E",
    ),
    fields=(
        same("alimentum bibimbap zizzi strada wildwood clowns waterman cocum"),
        same("thai french indian italian chinese greek mexican japanese"),
        same("riverside station harbor airport museum bridge market castle"),
        same("lowcost pricey moderate affordable luxury thrifty fancy casual"),
    ),
    keys=("name", "food", "area", "price"),
    form="{a} serves {d} {b} food near the {c}",
)
SCENE = Records(
    Task(
        name="data_scene",
        family="data_to_text",
        kind="generation",
        templates=(
            "write a sentence using the concepts : {input} . answer :",
            "compose a picture caption with these words : {input} . answer :",
            "combine all terms into one line : {input} . answer :",
        ),
        domain="scene",
        license="Apache-2.0",
        source="generated; mirrors CommonGen",
    ),
    fields=(
        same("dog cat horse boy girl robot bird monkey"),
        tuple((verb, f"{verb}s") for verb in lexicon("run jump sleep play hide swim climb sing")),
        same("park street field beach kitchen barn school pool"),
        same("morning evening winter summer night spring autumn noon"),
    ),
    keys=("", "", "", ""),
    form="the {a} {b} at the {c} in the {d}",
)
