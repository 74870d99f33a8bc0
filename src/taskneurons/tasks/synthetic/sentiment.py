"""Sentiment: the polarity of a short review is that of its last clause; "not" turns an adjective round.

Concept combination: (noun, adjective). Every pair of a held-out review is unseen in training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from taskneurons.tasks.synthetic.grammar import Combination, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

LABELS = ("positive", "negative")
LATENT = ("recommended", "avoid")
SHARED = (("great", "good", "lovely", "excellent"), ("awful", "bad", "terrible", "horrible"))
VERDICTS = (("loved", "enjoyed", "liked"), ("hated", "disliked", "regretted"))
FIXED = ("the was not and but overall i it .",)


@dataclass(frozen=True)
class Sentiment:
    """Reviews of one domain.

    Args:
        task: the task.
        nouns: what is reviewed.
        adjectives: the domain's positive and negative adjectives.
    """

    task: Task
    nouns: tuple[str, ...]
    adjectives: tuple[tuple[str, ...], tuple[str, ...]]
    combinations: Combinations = field(init=False)
    _pairs: dict[tuple[str, int], tuple[Combination, ...]] = field(init=False, repr=False, compare=False)
    _partners: dict[tuple[str, int, Combination], tuple[Combination, ...]] = field(
        init=False, repr=False, compare=False
    )

    def __post_init__(self) -> None:
        polarities = [self.adjectives[label] + SHARED[label] for label in (0, 1)]
        members = tuple((noun, word) for noun in self.nouns for polarity in polarities for word in polarity)
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))
        pairs = {
            (split, label): tuple(pair for pair in self.combinations.on(split) if pair[1] in polarities[label])
            for split in ("train", "validation", "test")
            for label in (0, 1)
        }
        partners = {
            (*key, pair): tuple(other for other in own if other[0] == pair[0] and other != pair)
            for key, own in pairs.items()
            for pair in own
        }
        object.__setattr__(self, "_pairs", pairs)
        object.__setattr__(self, "_partners", partners)

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A review whose last clause has the polarity `label` (0 positive, 1 negative)."""
        label = random.randrange(2) if label is None else label
        defining: list[Combination] = []

        def clause(polarity: int) -> str:
            if random.random() < 0.15:
                noun, adjective = random.choice(self._pairs[split, 1 - polarity])
                defining.append((noun, adjective))
                return f"the {noun} was not {adjective}"
            pair = noun, adjective = random.choice(self._pairs[split, polarity])
            defining.append(pair)
            partners = self._partners[split, polarity, pair]
            if partners and random.random() < 0.4:
                defining.append(random.choice(partners))
                return f"the {noun} was {adjective} and {defining[-1][1]}"
            return f"the {noun} was {adjective}"

        shape = random.random()
        if shape < 0.35:
            text = f"{clause(1 - label)} but {clause(label)}"
        elif shape < 0.7:
            text = f"{clause(label)} and {clause(label)}"
        else:
            text = clause(label)
        return Item((text,), LABELS[label], tuple(defining), label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """Another verdict word."""
        return ((LATENT[item.label or 0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The review, then "overall i loved it"."""
        verdict = random.choice(VERDICTS[item.label or 0])
        return ((f"{item.parts[0]} . overall i", False), (verdict, True), ("it .", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The review alone."""
        return ((f"{item.parts[0]} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            self.nouns, self.adjectives, SHARED, VERDICTS, LATENT, FIXED, self.task.options, self.task.templates
        )


FOOD = Sentiment(
    Task(
        name="sentiment_food",
        family="sentiment",
        kind="classification",
        templates=(
            "classify the sentiment of this food review : {input} . answer :",
            "did the guest enjoy the meal : {input} . answer :",
            "rate the opinion about a dish : {input} . answer :",
        ),
        options=LABELS,
        domain="food",
        license="Apache-2.0",
        source="generated; mirrors AmazonFood",
    ),
    nouns=lexicon("pizza soup coffee bread cake salad noodle burger curry tea rice pasta"),
    adjectives=(
        lexicon("tasty fresh delicious crispy savory yummy juicy tender"),
        lexicon("stale bland soggy rotten greasy bitter burnt raw"),
    ),
)
FILM = Sentiment(
    Task(
        name="sentiment_film",
        family="sentiment",
        kind="classification",
        templates=(
            "what feeling does this film review express : {input} . answer :",
            "judge the critic about the cinema : {input} . answer :",
            "say how the viewer liked it : {input} . answer :",
        ),
        options=LABELS,
        domain="film",
        license="Apache-2.0",
        source="generated; mirrors SST-2",
    ),
    nouns=lexicon("movie film plot actor scene script ending director cast show drama comedy"),
    adjectives=(
        lexicon("gripping brilliant moving clever stunning witty charming funny"),
        lexicon("boring dull clumsy tedious shallow silly predictable messy"),
    ),
)
