"""Entailment: does the second sentence follow from the first? Inference with what contradicts and what is open in one.

The items are those of natural language inference, and so are the concept combinations and their splits.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from random import Random

from taskneurons.tasks.synthetic.grammar import Combinations, Item, Segment, words_of
from taskneurons.tasks.synthetic.nli import ROOM as INFERENCE_ROOM
from taskneurons.tasks.synthetic.nli import Inference
from taskneurons.tasks.task import Task

LABELS = ("entailed", "unsupported")
LATENT = ("certainly", "hardly")
MERGED = ((0,), (1, 2))
LINKS = ("so", "not necessarily")
FIXED = (". that is", *LINKS)


@dataclass(frozen=True)
class Entailment:
    """Premises and hypotheses of one domain, with two labels.

    Args:
        task: the task.
        inference: the same domain with three labels.
    """

    task: Task
    inference: Inference

    @property
    def combinations(self) -> Combinations:
        """Those of the inference."""
        return self.inference.combinations

    def draw(self, random: Random, split: str, label: int | None) -> Item:
        """A premise and a hypothesis: 0 entailed, 1 contradicted or left open."""
        label = random.randrange(len(LABELS)) if label is None else label
        item = self.inference.draw(random, split, random.choice(MERGED[label]))
        return replace(item, answer=self.task.options[label], label=label)

    def latent_answer(self, item: Item) -> Sequence[Segment]:
        """certainly, hardly."""
        return ((LATENT[item.label or 0], True),)

    def closer(self, random: Random, item: Item) -> Sequence[Segment]:
        """Premise, hypothesis, then "that is certainly"."""
        premise, hypothesis = item.parts
        return ((f"{premise} . {hypothesis} . that is", False), (LATENT[item.label or 0], True), (".", False))

    def plain(self, random: Random, item: Item) -> Sequence[Segment]:
        """Premise and hypothesis, joined by a linking phrase."""
        premise, hypothesis = item.parts
        return ((f"{premise} . {LINKS[item.label or 0]} {hypothesis} .", False),)

    def words(self) -> frozenset[str]:
        """Every word of the grammar."""
        poles = [pole for attribute in self.inference.attributes for pole in attribute]
        return words_of(
            self.inference.nouns, poles, "the was and", LATENT, FIXED, self.task.options, self.task.templates
        )


ROOM = Entailment(
    Task(
        name="entailment_room",
        family="nli",
        kind="classification",
        templates=(
            "does the second sentence follow from the first : {input} . answer :",
            "decide if the text about a site proves the statement : {input} . answer :",
            "is the conclusion on the place justified : {input} . answer :",
        ),
        options=LABELS,
        domain="room",
        license="Apache-2.0",
        source="generated; mirrors RTE",
    ),
    inference=INFERENCE_ROOM,
)
