"""Entailment: does the second sentence follow from the first? Inference with what contradicts and what is open in one.

The items are those of natural language inference, and so are the concept combinations and their splits, and the three
verdicts of the pre-training text: only the label words of the task merge two of them.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from random import Random
from types import MappingProxyType

from taskneurons.tasks.stream.prompts import stream_template
from taskneurons.tasks.synthetic import nli
from taskneurons.tasks.synthetic.grammar import Combinations, Item, Segment, words_of
from taskneurons.tasks.task import Task

LABELS = ("entailed", "unsupported")
MERGED = ((0,), (1, 2))


@dataclass(frozen=True)
class Entailment:
    """Premises and hypotheses of one domain, with two labels.

    Args:
        task: the task.
        inference: the same domain with three labels.
    """

    task: Task
    inference: nli.Inference
    _poles: Mapping[str, tuple[str, int]] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        poles = {
            word: (attribute[0][0], pole)
            for attribute in self.inference.attributes
            for pole in (0, 1)
            for word in attribute[pole]
        }
        object.__setattr__(self, "_poles", MappingProxyType(poles))

    @property
    def combinations(self) -> Combinations:
        """Those of the inference."""
        return self.inference.combinations

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A premise and a hypothesis: 0 entailed, 1 contradicted or left open."""
        label = random.randrange(len(LABELS)) if label is None else label
        item = self.inference.draw(random, split, random.choice(MERGED[label]))
        return replace(item, answer=self.task.options[label], label=label)

    def _inferred(self, item: Item) -> Item:
        """The item with the label of the inference, which follows from its words."""
        premise, hypothesis = (part.split() for part in item.parts)
        facts = dict(self._poles[word] for word in (premise[-3], premise[-1]))
        name, pole = self._poles[hypothesis[-1]]
        return replace(item, label=2 if name not in facts else int(facts[name] != pole))

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """The verdict of the inference in other words."""
        return self.inference.latent_answer(self._inferred(item))

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Premise, hypothesis, then the verdict of the inference in other words."""
        return self.inference.closer(random, self._inferred(item))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """Premise and hypothesis, joined by the linking phrase of the inference."""
        return self.inference.plain(random, self._inferred(item))

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        return words_of(
            self.inference.nouns, tuple(self._poles), nli.LATENT, nli.FIXED, self.task.options, self.task.templates
        )


ROOM = Entailment(
    Task(
        name="entailment_room",
        family="nli",
        kind="classification",
        templates=(stream_template("nli", LABELS),),
        options=LABELS,
        domain="room",
        license="Apache-2.0",
        source="generated; mirrors RTE",
    ),
    inference=nli.ROOM,
)
