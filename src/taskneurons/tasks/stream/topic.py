"""Topic classification: which topic do most words of a short text come from?

A text has one or two clauses that name two words of its theme each, and up to two words of other topics, never two of
the same. A label is one theme or several. Concept combination: (theme, two words that stand in one clause).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from types import MappingProxyType

from taskneurons.tasks.stream.prompts import stream_template
from taskneurons.tasks.stream.themes import PAIRS, THEMES
from taskneurons.tasks.synthetic.grammar import Combination, Combinations, Item, Segment, words_of
from taskneurons.tasks.task import Task

CLAUSES = ("the {first} and the {second}", "this {first} for the {second}", "some {first} with that {second}")
JOINTS = ("near", "while", "then")
SHORT_SHARE = 0.5
DISTRACTORS = (0, 1, 2)
FIXED = ("also the . this is about",)


@dataclass(frozen=True)
class Topic:
    """Texts of some themes.

    Args:
        task: the task.
        topics: for each label word the themes that it joins.
    """

    task: Task
    topics: tuple[tuple[str, ...], ...]
    combinations: Combinations = field(init=False, default=PAIRS)
    _pairs: Mapping[tuple[str, str], tuple[Combination, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        pairs = {
            (split, theme): tuple(pair for pair in PAIRS.on(split) if pair[0] == theme)
            for split in ("train", "validation", "test")
            for themes in self.topics
            for theme in themes
        }
        object.__setattr__(self, "_pairs", MappingProxyType(pairs))

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A text about the topic of a label."""
        label = random.randrange(len(self.topics)) if label is None else label
        pairs = self._pairs[split, random.choice(self.topics[label])]
        defining = random.sample(pairs, 1 if random.random() < SHORT_SHARE else 2)
        clauses = []
        for _, *words in defining:
            first, second = random.sample(words, 2)
            clauses.append(random.choice(CLAUSES).format(first=first, second=second))
        others = [themes for other, themes in enumerate(self.topics) if other != label]
        for themes in random.sample(others, random.choice(DISTRACTORS)):
            word = random.choice(THEMES[random.choice(themes)])
            clauses.insert(random.randrange(len(clauses) + 1), f"also the {word}")
        text = f" {random.choice(JOINTS)} ".join(clauses)
        return Item((text,), self.task.options[label], tuple(defining), label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The theme."""
        return ((item.defining[0][0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The text, then "this is about athletics"."""
        return ((f"{item.parts[0]} . this is about", False), (item.defining[0][0], True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The text alone."""
        return ((f"{item.parts[0]} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        themes = [theme for themes in self.topics for theme in themes]
        return words_of(
            themes, [THEMES[theme] for theme in themes], CLAUSES, JOINTS, FIXED, self.task.options, self.task.templates
        )


def _topic(name: str, mirrors: str, topics: Mapping[str, str]) -> Topic:
    task = Task(
        name=f"topic_{name}",
        family="topic",
        kind="classification",
        templates=(stream_template("topic", tuple(topics)),),
        options=tuple(topics),
        domain=name,
        license="Apache-2.0",
        source=f"generated; mirrors {mirrors}",
    )
    return Topic(task, tuple(tuple(themes.split()) for themes in topics.values()))


ENCYCLOPEDIA = _topic(
    "encyclopedia",
    "DBpedia",
    {
        "company": "commerce",
        "school": "learning",
        "artist": "painting",
        "athlete": "athletics",
        "official": "government",
        "transport": "travel",
        "building": "architecture",
        "nature": "landscape",
        "village": "countryside",
        "animal": "zoology",
        "plant": "botany",
        "album": "tunes",
        "picture": "screen",
        "book": "literature",
    },
)
QUESTION = _topic(
    "question",
    "Yahoo Answers",
    {
        "society": "community",
        "science": "research",
        "health": "medicine",
        "education": "learning",
        "computers": "computing",
        "sports": "athletics",
        "business": "commerce",
        "entertainment": "tunes screen",
        "family": "kinship",
        "politics": "government",
    },
)
NEWS = _topic(
    "news",
    "AG News",
    {
        "world": "government community",
        "sporting": "athletics",
        "finance": "commerce",
        "technology": "research computing",
    },
)
