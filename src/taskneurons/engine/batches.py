"""What a training sees: batches, each a pure function of (seed, step)."""

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor

from taskneurons.engine.execution import Schedule
from taskneurons.errors import InputError
from taskneurons.models.corpus import Corpus
from taskneurons.models.encoding import IGNORED, Encoded, collate


@dataclass(frozen=True)
class WeightedBatch:
    """Right-padded sequences; under causal attention no token sees a pad after it, so no mask is needed.

    Attributes:
        input_ids: token ids.
        labels: the id to be predicted AT a position (already shifted), -100 where none is.
        weights: how much the cross-entropy of a position counts; the loss is their weighted SUM.
        lengths: tokens of each sequence, without pads.
    """

    input_ids: Int[Tensor, "batch tokens"]
    labels: Int[Tensor, "batch tokens"]
    weights: Float[Tensor, "batch tokens"]
    lengths: Int[Tensor, " batch"]

    def __post_init__(self) -> None:
        if not self.input_ids.shape == self.labels.shape == self.weights.shape:
            raise ValueError("input_ids, labels and weights need one shape")
        if int(self.lengths.max()) != self.input_ids.shape[1]:
            raise ValueError("a batch must be as wide as its longest sequence")

    def __len__(self) -> int:
        return self.input_ids.shape[0]

    def rows(self, begin: int, end: int) -> "WeightedBatch":
        """Some of the sequences, as wide as the longest of them; losses of parts add up to that of the whole."""
        if begin == 0 and end == len(self):
            return self
        lengths = self.lengths[begin:end]
        part = slice(begin, end), slice(0, int(lengths.max()))
        return WeightedBatch(self.input_ids[part], self.labels[part], self.weights[part], lengths)

    def counting_nothing(self) -> "WeightedBatch":
        """The same with weights of 0: for a process that has to go through a pass for which it has no sequence."""
        return replace(self, weights=torch.zeros_like(self.weights))


@dataclass(frozen=True)
class TrainingData:
    """What a training sees.

    Attributes:
        batch: the batch of a step (from 0), a pure function of the step.
        digest: identifies what `batch` gives; a resume file of other data is not used.
    """

    batch: Callable[[int], WeightedBatch]
    digest: str


def shuffled_text(corpus: Corpus, schedule: Schedule, pad_id: int, focus_weight: float) -> TrainingData:
    """Batches of a shuffled corpus; the loss is the mean cross-entropy of all tokens and of those in focus.

    Args:
        focus_weight: weight of the second mean; 0: none.
    """
    order = ShuffledBatches(len(corpus), schedule.batch_size, schedule.seed)

    def batch(step: int) -> WeightedBatch:
        return _language_model_batch(corpus, order[step], pad_id, focus_weight)

    identity = json.dumps([corpus.digest(), schedule.batch_size, schedule.seed, focus_weight])
    return TrainingData(batch, hashlib.sha256(identity.encode()).hexdigest())


def mixed_tasks(encoded: Mapping[str, Sequence[Encoded]], schedule: Schedule, pad_id: int) -> TrainingData:
    """Batches of which every task gives the same share; the loss is the mean cross-entropy of their answer tokens.

    Raises:
        InputError: there is no task, or a task has no examples.
    """
    order = MixedTasks({task: len(examples) for task, examples in encoded.items()}, schedule.batch_size, schedule.seed)

    def batch(step: int) -> WeightedBatch:
        return answer_batch([encoded[task][index] for task, index in order[step]], pad_id)

    content = hashlib.sha256(json.dumps([schedule.batch_size, schedule.seed, pad_id]).encode())
    for task, examples in encoded.items():
        content.update(json.dumps([task, [[example.prompt, example.target] for example in examples]]).encode())
    return TrainingData(batch, content.hexdigest())


def answer_batch(examples: Sequence[Encoded], pad_id: int) -> WeightedBatch:
    """Examples as a batch whose loss is the mean cross-entropy of the answer tokens."""
    batch = collate(examples, pad_id, padding="right")
    answers = (batch.labels != IGNORED).float()
    return WeightedBatch(batch.input_ids, batch.labels, answers / answers.sum(), batch.attention_mask.sum(1))


class ShuffledBatches:
    """Batches of a shuffled corpus; `[step]` gives indices, a pure function of (count, batch size, seed, step).

    Every epoch is shuffled anew. The remainder that fills no batch is left out; it is another one in every epoch.
    Batches of similar length would have fewer pads (1.04 instead of 1.39 positions a token) but also similar content:
    they cost 14 % less time, and the held-out loss was 2.51 instead of 1.53 after 150 steps, 1.17 instead of 1.12 after
    1,000 (sentences of 21 tokens).
    """

    def __init__(self, count: int, batch_size: int, seed: int) -> None:
        self._count, self._size, self._seed = count, min(batch_size, count), seed
        self._order = lru_cache(maxsize=1)(lambda epoch: permutation(count, seed, epoch))

    def __getitem__(self, step: int) -> Int[np.ndarray, " batch"]:
        epoch, index = divmod(step, self._count // self._size)
        return self._order(epoch)[index * self._size : (index + 1) * self._size]


class MixedTasks:
    """Batches in which tasks take turns; `[step]` gives (task, index) pairs, a pure function of (counts, seed, step).

    The examples of a task come in a new random order whenever all of them have been seen.
    """

    def __init__(self, counts: Mapping[str, int], batch_size: int, seed: int) -> None:
        if not counts:
            raise InputError("there is no task to tune on")
        for task, count in counts.items():
            if count < 1:
                raise InputError("the task has no training examples", where=f"task {task}")
        self._tasks, self._size, self._seed = list(counts.items()), batch_size, seed
        self._order = lru_cache(maxsize=2 * len(counts))(self._order_of_epoch)

    def __getitem__(self, step: int) -> list[tuple[str, int]]:
        drawn = []
        for slot in range(step * self._size, (step + 1) * self._size):
            turn, number = divmod(slot, len(self._tasks))
            task, count = self._tasks[number]
            epoch, index = divmod(turn, count)
            drawn.append((task, int(self._order(number, epoch)[index])))
        return drawn

    def _order_of_epoch(self, number: int, epoch: int) -> Int[np.ndarray, " examples"]:
        return permutation(self._tasks[number][1], self._seed, number, epoch)


def permutation(count: int, *key: int) -> Int[np.ndarray, " count"]:
    """A random order of `count` things that depends on the key alone: raw Philox bits are the same everywhere."""
    bits = np.random.Philox(np.random.SeedSequence(key)).random_raw(count)
    return np.argsort(bits, kind="stable")


def with_shuffled_answers(examples: Sequence[Encoded]) -> list[Encoded]:
    """The same prompts with the same answers in another order, always the same one."""
    order = permutation(len(examples), 0)
    return [replace(example, target=examples[index].target) for example, index in zip(examples, order, strict=True)]


def _language_model_batch(
    corpus: Corpus, indices: Int[np.ndarray, " batch"], pad_id: int, focus_weight: float
) -> WeightedBatch:
    inputs, targets, real, focus = corpus.rows(indices, pad_id)
    weights = real / real.sum()
    if focus.any():
        weights = weights + focus_weight * focus / focus.sum()
    return WeightedBatch(
        torch.from_numpy(inputs),
        torch.from_numpy(np.where(real, targets, IGNORED)),
        torch.from_numpy(weights.astype(np.float32)),
        torch.from_numpy(real.sum(1)),
    )
