"""What is special to a task: sets of neurons beside its top, and the keystone neurons that nothing can do without.

Every set of a share is made of the tops of that share. So a task's top is the disjoint union of the keystone neurons
and of what is left of the top without them.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property, reduce
from operator import and_, or_
from pathlib import Path
from typing import Literal

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores, Within, contrast
from taskneurons.neurons.sets import NeuronSet

Special = Literal["top", "top_less_keystone", "top_less_others", "contrast", "signed"]
"""How a set of a task is made.

- top: the highest scores of Eq. 3 (Leng & Xiong 2025).
- top_less_keystone: the top without the keystone neurons.
- top_less_others: the top without the union of the other tasks' tops.
- contrast: the highest scores of `contrast`, relative relevance less that to the other tasks.
- signed: the highest signed scores, by which setting the neuron to zero raises the task's loss.
"""


@dataclass(frozen=True, eq=False)
class Rankings:
    """The rankings of the neurons of one model, of which sets of any share are made.

    Attributes:
        relevance: scores of Eq. 3 of every task.
        neutral: scores of Eq. 3 of neutral text.
        within: neurons are ranked over the whole model or in each layer.
        signed: signed scores of every task; without them there are no `signed` sets.

    Raises:
        InputError: fewer than two tasks, scores of several models or shapes, or signed scores of other tasks.
    """

    relevance: Mapping[str, NeuronScores]
    neutral: NeuronScores
    within: Within
    signed: Mapping[str, NeuronScores] | None = None

    def __post_init__(self) -> None:
        if len(self.relevance) < 2:
            raise InputError(
                f"{len(self.relevance)} task: what is special to a task shows beside another one",
                where="keystone",
                remedy="Give the suite at least two tasks",
            )
        if self.signed is not None and set(self.signed) != set(self.relevance):
            raise InputError("the signed scores are of other tasks than the scores", where="keystone")
        every = [*self.relevance.values(), self.neutral, *(self.signed or {}).values()]
        if len({(one.model_digest, one.shape) for one in every}) > 1:
            raise InputError(
                "the scores are of several models", where="keystone", remedy="Make them again with one model"
            )

    @property
    def shape(self) -> tuple[int, int]:
        """(layers, neurons of a layer) of the model."""
        return self.neutral.shape

    def tops(self, percent: float) -> dict[str, NeuronSet]:
        """The top of each task at a share."""
        return {task: scores.top(percent, self.within) for task, scores in self.relevance.items()}

    def keystone(self, percent: float) -> NeuronSet:
        """The neurons in the top of every task and of neutral text; it may be empty."""
        return reduce(and_, self.tops(percent).values(), self.neutral.top(percent, self.within))

    def sets(self, how: Special, percent: float) -> dict[str, NeuronSet]:
        """The set of each task at a share; it may be empty where something is taken out of a top.

        Args:
            how: the sets are made.
            percent: share of the neurons of a top.

        Raises:
            InputError: signed sets are asked for without signed scores.
        """
        tops = self.tops(percent)
        if how == "top":
            return tops
        if how == "top_less_keystone":
            keystone = self.keystone(percent)
            return {task: top - keystone for task, top in tops.items()}
        if how == "top_less_others":
            return {
                task: top - reduce(or_, (other for name, other in tops.items() if name != task))
                for task, top in tops.items()
            }
        scores = self._contrasts if how == "contrast" else self.signed
        if scores is None:
            raise InputError("there are no signed scores", where="keystone")
        return {task: one.top(percent, self.within) for task, one in scores.items()}

    @cached_property
    def _contrasts(self) -> dict[str, NeuronScores]:
        return contrast(self.relevance)


def load_scores(paths: Iterable[str | Path]) -> dict[str, NeuronScores]:
    """The scores of files, by their task.

    Raises:
        InputError: see `NeuronScores.load`.
    """
    return {scores.task: scores for scores in map(NeuronScores.load, paths)}
