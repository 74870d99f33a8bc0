"""NCFT: while a task is learned, only its neurons' weights move (Leng & Xiong 2025, section 6.1)."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np

from taskneurons.continual.method import Given, Learned, Scores, nbytes
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.attribution import attribute
from taskneurons.errors import InputError
from taskneurons.models.patching import patched
from taskneurons.neurons.controls import random_like
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

_MASK = "neurons"


@dataclass(frozen=True)
class NCFT:
    """Neuron-level continual fine-tuning.

    Args:
        learning_rate: of every stage.
        selection: of the neurons that a task trains.
        examples: training examples that are scored, at most.
        batch_size: of the scoring.
        scored: sets are those of the current model, scored before each stage, or of the base.
        shared: a neuron that earlier tasks trained is trained again, or it is frozen, and the set is the best of the
            others.
        neurons: the task's own; or as controls random ones for each task, as many in each layer, or one random set for
            all tasks (matched to the first task's).
        name: of this variant.
    """

    learning_rate: float
    selection: Selection
    examples: int
    batch_size: int
    scored: Literal["current", "base"] = "current"
    shared: Literal["overwritten", "frozen"] = "overwritten"
    neurons: Literal["task", "random", "same_random"] = "task"
    name: str = "ncft"

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All tasks so far."""
        return tasks

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Select the task's neurons and train them on top of what earlier stages left.

        Raises:
            InputError: earlier tasks have frozen every neuron.
        """
        base = tuner.base
        patches = [as_patch(learned) for learned in seen]
        in_base = self._scores(tuner, task) if self.scored == "base" else None
        with patched(base.model, *patches, base=base.digest):
            scores = in_base or self._scores(tuner, task)
            neurons = self._chosen(scores, [patch.neurons for patch in patches], tuner.recipe.seed)
            schedule = tuner.recipe.schedule(self.learning_rate)
            result = tuner.tune({task: tuner.training(task)}, "neurons", schedule, neurons=neurons)
        assert isinstance(result.change, NeuronPatch)
        scored = min(self.examples, len(tuner.training(task)))
        passes = schedule.steps * schedule.batch_size + scored
        return replace(of_patch(result.change), passes=passes, loss=result.log.rows[-1][1])

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with all patches on the base."""
        with patched(tuner.base.model, *map(as_patch, seen), base=tuner.base.digest):
            for task in tasks:
                yield task, tuner.score(task)

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """All patches."""
        return sum(map(patch_bytes, seen))

    def _scores(self, tuner: StreamTuner, task: str) -> NeuronScores:
        """Of the model as it is now."""
        estimator = self.selection.estimator
        return attribute(
            tuner.base,
            tuner.training(task)[: self.examples],
            task=task,
            batch_size=self.batch_size,
            estimators=[estimator],
        )[estimator]

    def _chosen(self, scores: NeuronScores, earlier: Sequence[NeuronSet], seed: int) -> NeuronSet:
        """The neurons that the stage trains."""
        if self.neurons == "same_random" and earlier:
            return earlier[0]
        taken = NeuronSet(np.zeros(scores.scores.shape, dtype=bool))
        if self.shared == "frozen":
            for neurons in earlier:
                taken = taken | neurons
            # A frozen neuron ranks below every other one.
            scores = replace(scores, scores=np.where(taken.mask, 0, scores.scores))
        own = self.selection.of(scores) - taken
        if not own:
            raise InputError(
                f"earlier tasks have frozen all {taken.mask.size} neurons",
                where=f"task {scores.task}",
                remedy="Lower the percentage of neurons that a task trains, or let later tasks overwrite",
            )
        if self.neurons == "task":
            return own
        if self.shared == "frozen":
            return _random_outside(taken, own, [seed, len(earlier)])
        return random_like(own, matching="layer", seed=seed, draw=len(earlier))


def make(given: Given) -> NCFT:
    """NCFT with the selection of `ncft`, or the variant of it that the options name."""
    own = dict(given.parameters["ncft"])
    selection = Selection(own.pop("estimator"), own.pop("percent"), own.pop("within"))
    return NCFT(given.learning_rate, selection, **own, **given.options, name=given.name)


def of_patch(patch: NeuronPatch) -> Learned:
    """A patch as what a stage leaves."""
    tensors = {**patch.weights, _MASK: patch.neurons.mask}
    settings = {"base": patch.base, "below": list(patch.below)}
    return Learned(patch.tasks[0], tensors, settings, trainable=patch.parameters)


def as_patch(learned: Learned) -> NeuronPatch:
    """What a stage left, as a patch that `patched` puts on the model."""
    weights = {name: array for name, array in learned.tensors.items() if name != _MASK}
    neurons = NeuronSet(learned.tensors[_MASK])
    return NeuronPatch(neurons, weights, learned.settings["base"], tuple(learned.settings["below"]), (learned.task,))


def patch_bytes(learned: Learned) -> int:
    """The bytes of a patch's weights, and of its neurons as 32-bit indices."""
    mask = learned.tensors[_MASK]
    return nbytes(learned) - mask.nbytes + 4 * int(mask.sum())


def _random_outside(taken: NeuronSet, like: NeuronSet, key: Sequence[int]) -> NeuronSet:
    """As many random neurons in each layer as a set has there, none of them taken; fewer where fewer are left."""
    rng = np.random.default_rng([*key, int(like.digest[:16], 16)])
    mask = np.zeros(like.shape, dtype=bool)
    for layer, count in enumerate(like.layers()):
        free = np.flatnonzero(~taken.mask[layer])
        mask[layer, rng.choice(free, min(int(count), len(free)), replace=False)] = True
    return NeuronSet(mask)
