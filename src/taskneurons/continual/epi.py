"""EPI (Wang et al. 2023, "Rehearsal-free Continual Language Learning via Efficient Parameter Isolation").

Each task has private parameters, trained alone on the frozen base, so that nothing is forgotten but which task an
example is of. That is inferred: Gaussians of the base's features, the mean over tokens of the last layer, with one
covariance for all tasks; the nearest in Mahalanobis distance is answered with.

Where this differs from the paper and its code: the private parameters are a LoRA adapter, as in the other methods here,
not a prefix; a Gaussian stands for a task, theirs for a class, the nearest class giving the task; the covariance is
shrunk, theirs has a pseudo-inverse; the answer is what the model writes, theirs comes from a linear
classifier on the encoder.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace

import numpy as np
from jaxtyping import Int

from taskneurons.continual.adapter_stage import adapter_of, learned_adapter, merged, tune_adapter
from taskneurons.continual.identification import Moments, TaskGaussians
from taskneurons.continual.method import Given, Learned, Scores
from taskneurons.continual.stream_tuner import ACCURACIES, StreamTuner, averaged
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError

_MEAN, _SCATTER, _COUNT = "features.mean", "features.scatter", "prompts"


@dataclass(frozen=True)
class EPI:
    """An adapter a task, chosen for each example by its prompt.

    Args:
        learning_rate: the highest of the schedule.
        prompts: training prompts whose features make a task's Gaussian, at most; the paper takes all.
        form: of the adapters.

    Raises:
        InputError: fewer than two prompts.
    """

    learning_rate: float
    # ASSUME: a mean and a shrunk covariance gain little from more.
    prompts: int = 1000
    form: Lora = field(default_factory=Lora)
    name: str = "epi"

    def __post_init__(self) -> None:
        if self.prompts < 2:
            raise InputError(f"two prompts or more make a covariance, not {self.prompts}", where="epi")

    def depends(self, tasks: tuple[str, ...]) -> tuple[str, ...]:
        """The task alone."""
        return tasks[-1:]

    def learn(self, tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Learned:
        """Train an adapter on the base, and measure what the base makes of the task's prompts."""
        examples = {task: tuner.training(task)}
        result = tune_adapter(tuner, examples, learning_rate=self.learning_rate, form=self.form)
        found = learned_adapter(tuner, task, result)
        moments = Moments.of(tuner.base_features(task, "train", self.prompts))
        return replace(
            found,
            tensors={**found.tensors, _MEAN: moments.mean, _SCATTER: moments.scatter},
            settings={**found.settings, _COUNT: moments.count},
        )

    def test(self, tuner: StreamTuner, seen: Sequence[Learned], tasks: Sequence[str]) -> Iterator[tuple[str, Scores]]:
        """Answer each example under the adapter of its inferred task; one of a task not learned has a wrong one."""
        inferred = {task: infer(tuner, seen, task) for task in tasks} if seen else {}
        right = {task: {name: np.empty(len(owners)) for name in ACCURACIES} for task, owners in inferred.items()}
        # An adapter is put on once, for all tasks that have examples for it.
        for number, learned in enumerate(seen):
            with merged(tuner.base.model, [adapter_of(learned)]):
                for task, owners in inferred.items():
                    rows = np.flatnonzero(owners == number)
                    if len(rows):
                        for name, values in tuner.correct(task, rows.tolist()).items():
                            right[task][name][rows] = values
        names = [learned.task for learned in seen]
        for task in tasks:
            if not seen:
                yield task, tuner.score(task)
                continue
            scores = averaged(right[task])
            if task in names:
                found = inferred[task] == names.index(task)
                scores["identification"] = (100 * float(found.mean()), len(found))
            yield task, scores

    def storage(self, tuner: StreamTuner, seen: Sequence[Learned]) -> int:
        """All adapters, a mean a task and one covariance."""
        adapters = sum(array.nbytes for learned in seen for array in adapter_of(learned).tensors.values())
        return adapters + (gaussians(seen).nbytes if seen else 0)


def make(given: Given) -> EPI:
    """EPI with the adapters of `lora`."""
    return EPI(given.learning_rate, form=Lora(**given.parameters["lora"]))


def gaussians(seen: Sequence[Learned]) -> TaskGaussians:
    """The Gaussians of what EPI's stages left.

    Raises:
        InputError: as `TaskGaussians`.
    """
    return TaskGaussians.pooled(
        {
            learned.task: Moments(learned.settings[_COUNT], learned.tensors[_MEAN], learned.tensors[_SCATTER])
            for learned in seen
        }
    )


def infer(tuner: StreamTuner, seen: Sequence[Learned], task: str) -> Int[np.ndarray, " example"]:
    """For each test example of a task the place of the likeliest stage."""
    features = tuner.base_features(task, tuner.recipe.split, len(tuner.prompts(task)))
    places: np.ndarray = gaussians(seen).log_posterior(features).argmax(1)
    return places
