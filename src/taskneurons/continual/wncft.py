"""W-NCFT: at inference, what NCFT learned for each task is weighted by its similarity to the task that is asked.

Leng & Xiong 2025, Eq. 10 to 12, in several readings, and dynamic weightings, the paper's own open question: those look
at single prompts and at the model as the stream has made it, and need no name of the task that is asked.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from typing import Literal

import numpy as np
import torch
from jaxtyping import Float
from scipy.special import softmax
from torch import Tensor, nn

from taskneurons.continual.blending import Branch, Component
from taskneurons.continual.identification import TaskGaussians
from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.ncft import NCFT, as_patch
from taskneurons.continual.ncft import make as make_ncft
from taskneurons.continual.similarity import Gate, cosines
from taskneurons.continual.stream_tuner import ACCURACIES, StreamTuner, averaged
from taskneurons.engine.batches import permutation
from taskneurons.models.encoding import Encoded
from taskneurons.models.neuron_weights import neuron_weights
from taskneurons.models.patching import patched
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.sets import NeuronSet

Reading = Literal["added", "literal", "averaged", "max", "rewound"]
"""What the similarities s_1 .. s_i (softmax over the tasks so far) do to the FFN.

- added: base + sum_k (s_k / max s) * delta_k, where delta_k is what stage k changed. Neurons of no task stay.
- literal: Eq. 12 as it stands: the weights of a task's neurons are multiplied by s_k, about 1 / i.
- averaged: the same with i * s_k, which is 1 on average.
- max: as averaged; a neuron that several tasks trained takes the largest of their s_k, not that of the last one.
- rewound: base + sum_l (s_l + ... + s_i) * delta_l. Stage k trained on top of the stages before it, so a prompt that is
  surely of task k meets the model as it was just after stage k. (Ours, not the paper's.)
"""

Similarity = Literal["known", "inferred", "prototype", "gate", "online"]
"""Where the similarities come from.

- known: the task of a test example is known; cosines of task vectors (the paper's appendix implies it). A task that was
  not trained yet is as similar as its vector, made of its training prompts without their answers.
- inferred: nothing is known; cosines of the prompt's own features with the task vectors.
- prototype: the posterior of the tasks under Gaussians of the base's features, as in EPI.
- gate: the probabilities of a small gate that is trained after each stage on a few kept prompts of the tasks so far.
- online: as inferred, in the model as it is after each stage: vectors and features are measured anew, the vectors on
  the kept prompts.
"""

_FEATURE_BYTES = 4


@dataclass(frozen=True)
class WNCFT:
    """Weighted NCFT: learns as NCFT does and differs when it answers.

    Args:
        ncft: how it learns.
        reading: what the weights do.
        similarity: where they come from.
        temperature: of the softmax; the paper has none, which is 1.
        vector_examples: training prompts that make a task's vector or Gaussian, at most (the paper takes 1,000).
        kept: prompts of each learned task that are kept for gate and online.
        name: of this variant.
    """

    ncft: NCFT
    reading: Reading
    similarity: Similarity
    temperature: float
    vector_examples: int
    kept: int
    name: str = "wncft"

    @property
    def learner(self) -> NCFT:
        """It learns as NCFT."""
        return self.ncft

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """All tasks so far."""
        return self.ncft.depends(tasks)

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """As NCFT."""
        return self.ncft.learn(tuner, seen, task)

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer with weights that fit the task, or each example."""
        if not seen:
            yield from self.ncft.test(tuner, seen, tasks)
            return
        model, base = tuner.base.model, tuner.base.digest
        patches = [as_patch(learned) for learned in seen]
        owners: list[tuple[int, ...]] = []
        if self.reading in ("added", "rewound"):
            components = changes(model, patches, base=base)
        else:
            owners, components = owned(model, patches, base=base)
        branch = Branch(model, components)
        names = [learned.task for learned in seen]
        for task, logits in self._logits(tuner, seen, tasks):
            weights = softmax(logits / self.temperature, axis=1)
            coefficients = self._coefficients(weights, owners)
            scores: dict[str, tuple[float, int]] = {}
            if len(coefficients) == 1:
                with branch.blended(coefficients):
                    scores |= tuner.score(task)
            else:
                right = []
                for rows, batch in tuner.batches(task):
                    with branch.blended(coefficients[rows]):
                        right.append(tuner.correct_in_batch(batch))
                scores |= averaged({name: np.concatenate([part[name] for part in right]) for name in ACCURACIES})
            if self.similarity != "known" and task in names:
                found = logits.argmax(1) == names.index(task)
                scores["identification"] = (100 * float(found.mean()), len(found))
            yield task, scores

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """All patches, and what the similarities are made of."""
        width = tuner.base.model.config.hidden_size
        tokens = sum(len(example.prompt) for learned in seen for example in self._kept(tuner, learned.task))
        extra = {
            "known": _FEATURE_BYTES * width * len(seen),
            "inferred": _FEATURE_BYTES * width * len(seen),
            "prototype": _FEATURE_BYTES * width * (len(seen) + width),
            # Kept prompts as 32-bit tokens, and the gate: mean, scale, weights, biases.
            "gate": 4 * tokens + _FEATURE_BYTES * (2 * width + (width + 1) * len(seen)),
            "online": 4 * tokens + _FEATURE_BYTES * width * len(seen),
        }
        total: int = self.ncft.storage(tuner, seen) + extra[self.similarity]
        return total

    def _logits(
        self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]
    ) -> Iterator[tuple[str, Float[np.ndarray, "example learned"]]]:
        """For each task similarities to the learned ones: one row, or one for each of its test examples."""
        split, few = tuner.recipe.split, self.vector_examples
        names = [learned.task for learned in seen]
        if self.similarity == "online":
            yield from self._online(tuner, seen, tasks)
            return
        learned = {name: tuner.base_features(name, "train", few) for name in names}
        vectors = np.stack([features.mean(0) for features in learned.values()])
        if self.similarity == "known":
            for task in tasks:
                own = tuner.base_features(task, "train", few).mean(0, keepdims=True)
                yield task, cosines(own, vectors)
            return
        gaussians = TaskGaussians.fit(learned) if self.similarity == "prototype" else None
        gate = None
        if self.similarity == "gate":
            gate = Gate.fit([tuner.features(self._kept(tuner, name)) for name in names])
        for task in tasks:
            features = tuner.base_features(task, split, len(tuner.prompts(task)))
            if gaussians is not None:
                yield task, gaussians.log_posterior(features)
            elif gate is not None:
                yield task, gate.logits(features)
            else:
                yield task, cosines(features, vectors)

    def _online(
        self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]
    ) -> Iterator[tuple[str, Float[np.ndarray, "example learned"]]]:
        """Cosines in the model with all patches, whose features show what the stream has made of it."""
        with patched(tuner.base.model, *map(as_patch, seen), base=tuner.base.digest):
            vectors = np.stack([tuner.features(self._kept(tuner, one.task)).mean(0) for one in seen])
            logits = {task: cosines(tuner.features(tuner.prompts(task)), vectors) for task in tasks}
        yield from logits.items()

    def _kept(self, tuner: StreamTuner, task: str) -> list[Encoded]:
        """The prompts of a task that are kept: random ones, always the same."""
        examples = tuner.training(task)
        return [examples[index] for index in permutation(len(examples), tuner.recipe.seed)[: self.kept]]

    def _coefficients(
        self, weights: Float[np.ndarray, "example learned"], owners: Sequence[tuple[int, ...]]
    ) -> Float[np.ndarray, "example component"]:
        """What the components are multiplied by."""
        if self.reading == "added":
            relative: np.ndarray = weights / weights.max(1, keepdims=True)
            return relative
        if self.reading == "rewound":
            return weights[:, ::-1].cumsum(1)[:, ::-1]
        scale = 1 if self.reading == "literal" else weights.shape[1]
        columns = [
            weights[:, list(owner)].max(1) if self.reading == "max" else weights[:, owner[-1]] for owner in owners
        ]
        return np.column_stack([scale * np.column_stack(columns), np.ones(len(weights))])


def make(given: Given) -> WNCFT:
    """W-NCFT with the reading and the similarity that the options name, on what NCFT learns with `ncft`.

    Raises:
        InputError: no temperature is given.
    """
    learner = make_ncft(replace(given, name="ncft", options={}))
    own = {**given.parameters["wncft"], **given.options}
    return WNCFT(learner, temperature=given.needed("temperature"), **own, name=given.name)


def changes(model: nn.Module, patches: Sequence[NeuronPatch], *, base: str) -> list[Component]:
    """What each patch changes of the model below it: base + sum of all is the model with all of them.

    Args:
        model: the base, without patches; afterwards bit for bit as before.
        patches: the first one first.
        base: digest of the base.
    """
    found = []
    with ExitStack() as applied:
        for patch in patches:
            before = _rows(model, patch.neurons)
            found.append(Component(patch.neurons, {name: patch.weights[name] - before[name] for name in before}))
            applied.enter_context(patched(model, patch, base=base))
    return found


def owned(
    model: nn.Module, patches: Sequence[NeuronPatch], *, base: str
) -> tuple[list[tuple[int, ...]], list[Component]]:
    """The neurons by the patches that trained them, with their weights under all patches.

    Returns:
        For each group of neurons the places of its patches, the last one last; and a component for each group, followed
        by one that takes the base's own weights of all these neurons away.
    """
    masks = np.stack([patch.neurons.mask for patch in patches])
    code = np.tensordot(2 ** np.arange(len(patches), dtype=np.int64), masks.astype(np.int64), axes=1)
    every = NeuronSet(code > 0)
    taken = Component(every, {name: -rows for name, rows in _rows(model, every).items()})
    owners, components = [], []
    with patched(model, *patches, base=base):
        for number in np.unique(code[code > 0]):
            neurons = NeuronSet(code == number)
            owners.append(tuple(place for place in range(len(patches)) if int(number) >> place & 1))
            components.append(Component(neurons, _rows(model, neurons)))
    return owners, [*components, taken]


def _rows(model: nn.Module, neurons: NeuronSet) -> Mapping[str, np.ndarray]:
    """The weights of a set in the model as it is, float32."""
    found = {}
    for place in neuron_weights(model, neurons):
        rows, bias = place.read()
        found[place.name] = _array(rows)
        if bias is not None:
            found[f"{place.name}.bias"] = _array(bias)
    return found


def _array(tensor: Tensor) -> np.ndarray:
    return tensor.to("cpu", torch.float32).numpy()
