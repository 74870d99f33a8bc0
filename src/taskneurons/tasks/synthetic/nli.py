"""Natural language inference: does the premise entail, contradict or leave open the hypothesis?

The premise gives a noun two attributes; the hypothesis gives it one of them, the opposite of one, or a third.
Concept combination: (noun, the two attributes of the premise).
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import combinations as pairs_of
from random import Random

from taskneurons.tasks.synthetic.grammar import Combination, Combinations, Item, Segment, either, lexicon, words_of
from taskneurons.tasks.task import Task

LABELS = ("true", "false", "maybe")
LATENT = ("indeed", "wrong", "perhaps")
LINKS = ("so", "never say", "also maybe")
FIXED = ("the was and .", *LINKS)
# An attribute: the synonyms of one pole, the synonyms of the other.
Attribute = tuple[tuple[str, str], tuple[str, str]]


def attributes(text: str) -> tuple[Attribute, ...]:
    """Attributes from "tired/weary:rested/refreshed happy/glad:sad/upset"."""
    found = []
    for attribute in text.split():
        (first, second), (third, fourth) = (pole.split("/") for pole in attribute.split(":"))
        found.append(((first, second), (third, fourth)))
    return tuple(found)


@dataclass(frozen=True)
class Inference:
    """Premises and hypotheses of one domain.

    Args:
        task: the task.
        nouns: who or what is described.
        attributes: pairs of opposite poles, each with two synonyms.
    """

    task: Task
    nouns: tuple[str, ...]
    attributes: tuple[Attribute, ...]
    combinations: Combinations = field(init=False)
    _members: dict[str, tuple[Combination, ...]] = field(init=False, repr=False, compare=False)
    _by_name: dict[str, Attribute] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        by_name = {attribute[0][0]: attribute for attribute in self.attributes}
        members = tuple((noun, *pair) for noun in self.nouns for pair in pairs_of(by_name, 2))
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))
        object.__setattr__(
            self, "_members", {split: self.combinations.on(split) for split in ("train", "validation", "test")}
        )
        object.__setattr__(self, "_by_name", by_name)

    def state(self, random: Random, split: str) -> tuple[Combination, str, dict[str, int]]:
        """A premise of the split: its combination, its text and the pole of each of its two attributes."""
        member = random.choice(self._members[split])
        names = random.sample(member[1:], 2)
        poles = {name: random.randrange(2) for name in names}
        first, second = (either(random, self._by_name[name][poles[name]]) for name in names)
        return member, f"the {member[0]} was {first} and {second}", poles

    def probe(self, random: Random, poles: dict[str, int], label: int) -> str:
        """A word about the described noun: 0 entailed, 1 contradicted, 2 left open."""
        if label == 2:
            name = random.choice([name for name in self._by_name if name not in poles])
            return either(random, self._by_name[name][random.randrange(2)])
        name = random.choice(list(poles))
        return either(random, self._by_name[name][poles[name] if label == 0 else 1 - poles[name]])

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A premise and a hypothesis: 0 entailed, 1 contradicted, 2 left open."""
        label = random.randrange(3) if label is None else label
        member, premise, poles = self.state(random, split)
        hypothesis = f"the {member[0]} was {self.probe(random, poles, label)}"
        return Item((premise, hypothesis), LABELS[label], (member,), label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """indeed, wrong, perhaps."""
        return ((LATENT[item.label or 0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Premise, hypothesis, then the verdict in other words."""
        premise, hypothesis = item.parts
        return ((f"{premise} . {hypothesis} .", False), (LATENT[item.label or 0], True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """Premise and hypothesis, joined by a linking phrase."""
        premise, hypothesis = item.parts
        return ((f"{premise} . {LINKS[item.label or 0]} {hypothesis} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        poles = [pole for attribute in self.attributes for pole in attribute]
        return words_of(self.nouns, poles, LATENT, FIXED, self.task.options, self.task.templates)


PERSON = Inference(
    Task(
        name="nli_person",
        family="nli",
        kind="classification",
        templates=(
            "does the person premise support the hypothesis : {input} . answer :",
            "given who is described check the claim : {input} . answer :",
            "can we infer this about somebody : {input} . answer :",
        ),
        options=LABELS,
        domain="person",
        license="Apache-2.0",
        source="generated; mirrors MNLI",
    ),
    nouns=lexicon("sailor baker farmer singer nurse pilot miner guard clerk poet"),
    attributes=attributes(
        "tired/weary:rested/refreshed happy/glad:sad/upset rich/wealthy:needy/penniless brave/bold:timid/scared "
        "tall/lanky:short/little fast/quick:slow/sluggish loud/noisy:quiet/silent smart/wise:dumb/foolish"
    ),
)
ROOM = Inference(
    Task(
        name="nli_room",
        family="nli",
        kind="classification",
        templates=(
            "given the place premise judge the hypothesis : {input} . answer :",
            "is the note on this building correct : {input} . answer :",
            "verify what follows for the space : {input} . answer :",
        ),
        options=LABELS,
        domain="room",
        license="Apache-2.0",
        source="generated; mirrors GPTNLI",
    ),
    nouns=lexicon("room hall cabin tower office garage attic cellar tent shop"),
    attributes=attributes(
        "warm/hot:cold/chilly tidy/neat:dirty/filthy big/large:small/tiny bright/sunny:dark/dim "
        "new/modern:ancient/antique empty/vacant:full/crowded open/unlocked:closed/shut wet/damp:dry/arid"
    ),
)
