"""Rating: how many stars does a review give? The adjective says the side, the adverb how far.

A plain adjective has three stars whatever its adverb. A review has one clause or two; its stars are the mean of theirs.
Concept combination: (adverb, adjective). Every one of a held-out review is unseen in training.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

from taskneurons.tasks.stream.prompts import stream_template
from taskneurons.tasks.synthetic.grammar import Combination, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.synthetic.sentiment import SHARED
from taskneurons.tasks.task import Task

LABELS = ("one", "two", "three", "four", "five")
LATENT = ("dreadful", "weak", "mixed", "decent", "superb")
WEAK, STRONG = 0, 1
ADVERBS = (lexicon("fairly rather somewhat slightly"), lexicon("very extremely totally absolutely"))
SINGLE_SHARE = 0.4
# For each label the pairs of clauses whose mean it is, by their own labels.
BLENDS = (((0, 0),), ((1, 1), (0, 2)), ((2, 2), (1, 3), (0, 4)), ((3, 3), (2, 4)), ((4, 4),))
FIXED = ("the was and but . in short",)


@dataclass(frozen=True)
class Rating:
    """Reviews of one domain.

    Args:
        task: the task, with five labels from the worst to the best.
        nouns: what is reviewed.
        adjectives: the bad, the plain and the good ones.
    """

    task: Task
    nouns: tuple[str, ...]
    adjectives: tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]
    combinations: Combinations = field(init=False)
    _pairs: Mapping[tuple[str, int, int], tuple[Combination, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        members = tuple(
            (adverb, adjective)
            for adverbs in ADVERBS
            for adverb in adverbs
            for side in self.adjectives
            for adjective in side
        )
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))
        pairs = {
            (split, strength, side): tuple(
                pair
                for pair in self.combinations.on(split)
                if pair[0] in ADVERBS[strength] and pair[1] in self.adjectives[side]
            )
            for split in ("train", "validation", "test")
            for strength in (WEAK, STRONG)
            for side in range(3)
        }
        object.__setattr__(self, "_pairs", MappingProxyType(pairs))

    def phrase(self, random: Random, split: str, label: int) -> Combination:
        """An adverb and an adjective that by themselves give the stars of a label."""
        strength = random.randrange(2) if label == 2 else STRONG if label in (0, 4) else WEAK
        return random.choice(self._pairs[split, strength, (label > 1) + (label > 2)])

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A review that gives `label` + 1 stars."""
        label = random.randrange(len(LABELS)) if label is None else label
        # Chosen alike for all labels, so that the length and the joint tell nothing about the label.
        single, joint = random.random() < SINGLE_SHARE, random.choice(("and", "but"))
        blend = (label,) if single else random.sample(random.choice(BLENDS[label]), 2)
        phrases = [self.phrase(random, split, one) for one in blend]
        nouns = random.sample(self.nouns, len(phrases))
        clauses = [f"the {noun} was {' '.join(phrase)}" for noun, phrase in zip(nouns, phrases, strict=True)]
        return Item((f" {joint} ".join(clauses),), self.task.options[label], tuple(phrases), label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """One word for the whole review."""
        return ((LATENT[item.label or 0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The review, then "in short superb"."""
        return ((f"{item.parts[0]} . in short", False), (LATENT[item.label or 0], True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The review alone."""
        return ((f"{item.parts[0]} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            self.nouns, self.adjectives, ADVERBS, LATENT, FIXED, "and but", self.task.options, self.task.templates
        )


PRODUCT = Rating(
    Task(
        name="rating_product",
        family="sentiment",
        kind="classification",
        templates=(stream_template("sentiment", LABELS),),
        options=LABELS,
        domain="product",
        license="Apache-2.0",
        source="generated; mirrors Amazon reviews",
    ),
    nouns=lexicon("battery charger cable handle zipper lamp blender kettle speaker backpack mattress printer"),
    adjectives=(
        SHARED[1] + lexicon("flimsy faulty useless fragile"),
        lexicon("average ordinary usual common standard normal typical regular"),
        SHARED[0] + lexicon("sturdy reliable handy durable"),
    ),
)
