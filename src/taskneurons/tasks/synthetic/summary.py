"""Summary: a story of two sentences, one of them filler; its summary is agent, verb, object.

Concept combination: (agent, verb, object), which is the summary itself: no held-out summary occurs in training.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from random import Random

from taskneurons.tasks.synthetic.grammar import Combination, Combinations, Item, Segment, lexicon, words_of
from taskneurons.tasks.task import Task

DAYS = lexicon("monday tuesday wednesday thursday friday saturday sunday")
FIXED = ("on the said in short .",)


@dataclass(frozen=True)
class Stories:
    """Stories of one domain.

    Args:
        task: the task.
        agents: who acts.
        verbs: what they do.
        objects: to what.
        adjectives: words for the agent that the summary leaves out.
        fillers: clauses that the summary leaves out.
    """

    task: Task
    agents: tuple[str, ...]
    verbs: tuple[str, ...]
    objects: tuple[str, ...]
    adjectives: tuple[str, ...]
    fillers: tuple[str, ...]
    combinations: Combinations = field(init=False)
    _members: dict[str, tuple[Combination, ...]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        members = tuple((agent, verb, thing) for agent in self.agents for verb in self.verbs for thing in self.objects)
        object.__setattr__(self, "combinations", Combinations(self.task.name, members))
        object.__setattr__(
            self, "_members", {split: self.combinations.on(split) for split in ("train", "validation", "test")}
        )

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A story and its summary."""
        member = random.choice(self._members[split])
        agent, verb, thing = member
        day, adjective = random.choice(DAYS), random.choice(self.adjectives)
        core = f"the {adjective} {agent} {verb} the {thing}"
        core = f"on {day} {core}" if random.random() < 0.5 else f"{core} on {day}"
        filler = random.choice(self.fillers)
        if random.random() < 0.5:
            witness = random.choice([other for other in self.agents if other != agent])
            filler = f"the {witness} said {filler}"
        parts = (core, filler) if random.random() < 0.6 else (filler, core)
        return Item(parts, f"{agent} {verb} {thing}", (member,))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The words "in short", then the summary."""
        return (("in short", False), (item.answer, True))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """The story, "in short" its summary."""
        return ((f"{' . '.join(item.parts)} . in short", False), (item.answer, True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """The story alone."""
        return ((f"{' . '.join(item.parts)} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            self.agents,
            self.verbs,
            self.objects,
            self.adjectives,
            self.fillers,
            DAYS,
            FIXED,
            self.task.templates,
        )


NEWS = Stories(
    Task(
        name="summary_news",
        family="summary",
        kind="generation",
        templates=(
            "summarize the news article : {input} . answer :",
            "shorten this report for the front page : {input} . answer :",
            "what happened in politics : {input} . answer :",
        ),
        domain="news",
        license="Apache-2.0",
        source="generated; mirrors CNN/DailyMail",
    ),
    agents=lexicon("minister senator judge mayor banker general governor president"),
    verbs=lexicon("signed rejected approved delayed cancelled defended announced reviewed"),
    objects=lexicon("budget treaty law contract merger election tax report"),
    adjectives=lexicon("veteran local famous former young senior foreign popular"),
    fillers=(
        "critics were surprised",
        "markets fell sharply",
        "voters were pleased",
        "experts praised the move",
        "talks will continue",
        "protests are expected",
    ),
)
SPORT = Stories(
    Task(
        name="summary_sport",
        family="summary",
        kind="generation",
        templates=(
            "give a headline for the sports story : {input} . answer :",
            "condense the stadium bulletin : {input} . answer :",
            "one line on the game : {input} . answer :",
        ),
        domain="sport",
        license="Apache-2.0",
        source="generated; mirrors XSum",
    ),
    agents=lexicon("striker keeper coach captain defender runner boxer swimmer"),
    verbs=lexicon("won lost missed claimed retained celebrated entered dominated"),
    objects=lexicon("match trophy final race medal title league derby"),
    adjectives=lexicon("injured talented rookie confident tireless skilled angry lucky"),
    fillers=(
        "fans cheered all night",
        "rain stopped play",
        "tickets sold out",
        "the crowd was huge",
        "scouts were watching",
        "training will resume",
    ),
)
