"""Many fine-tunings of one model: each task is read and encoded once, and every training has the same budget."""

import gc
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

from taskneurons.engine.evaluation import Evaluation, PreparedTask, Score, prepare_task, score_task
from taskneurons.engine.execution import Decay, Execution, Schedule
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.tuning import Method, Tuned, tune
from taskneurons.errors import InputError
from taskneurons.job import Job
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.kernels import fastest
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.storage import read_split, read_task

Folders = Mapping[str, str | Path]
"""The data folder of each task."""


@dataclass(frozen=True)
class Recipe:
    """What all fine-tunings of a job share.

    Attributes:
        steps: optimizer steps for each task that is trained on.
        batch_size: examples of a step.
        warmup: steps until the highest learning rate is reached, for each task that is trained on.
        seed: of the order of the data.
        evaluation: how answers are generated and scored.
        split: that models are tested on.
        limit: test examples of each task, at most; None: all.
        metrics: see `evaluate`; None: all of the task's kind.
        decay: see `Schedule`.
        readings: steps after which a training is tested, for each task that is trained on; none: at its end alone.
    """

    steps: int
    batch_size: int
    warmup: int
    seed: int
    evaluation: Evaluation
    split: str = "test"
    limit: int | None = None
    metrics: tuple[str, ...] | None = None
    decay: Decay = "cosine"
    readings: tuple[int, ...] = ()

    def schedule(self, learning_rate: float, *, tasks: int = 1) -> Schedule:
        """The course of a training on some number of tasks."""
        return Schedule(
            tasks * self.steps,
            self.batch_size,
            learning_rate,
            tasks * self.warmup,
            self.seed,
            self.decay,
            tuple(tasks * step for step in self.readings),
        )


@dataclass(frozen=True, eq=False)
class FineTuner:
    """A base model with everything that its fine-tunings have in common.

    Attributes:
        base: the model.
        tasks: data folders of all tasks that are trained on or tested.
        recipe: shared by all fine-tunings.
        execution: its resume folder holds what a killed job leaves for the next one. Neurons and adapters train in
            float32 whatever the dtype is.
        job: identifies settings and code of the job; what another job left is not used.
    """

    base: Checkpoint
    tasks: Folders
    recipe: Recipe
    execution: Execution
    job: str = ""
    _encoded: dict[tuple[str, str], list[Encoded]] = field(default_factory=dict)
    _prepared: dict[str, PreparedTask] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        base: str | Path,
        tasks: Folders,
        recipe: Recipe,
        execution: Execution,
        *,
        job: str = "",
        full: bool = True,
    ) -> Self:
        """Load the base; `full` says that all of its weights may be trained, which needs them in float32."""
        dtype = "float32" if full else execution.dtype
        return cls(load_checkpoint(base, device=execution.device, dtype=dtype), tasks, recipe, execution, job)

    @classmethod
    def of(cls, job: Job[Any], recipe: Recipe, dtype: DType, *, full: bool) -> Self:
        """As a job of the workflow tunes, whose rule names the base `base` and the data of all tasks `tasks`."""
        return cls.load(
            job.inputs.folder("base"),
            job.inputs.folders("tasks"),
            recipe,
            Execution.of(job, dtype),
            job=job.identity,
            full=full,
        )

    def kinds(self) -> dict[str, tuple[str, str]]:
        """(kind, family) of each task."""
        return {name: (task.kind, task.family) for name, task in ((n, read_task(p)) for n, p in self.tasks.items())}

    def scores(self, files: Folders) -> dict[str, NeuronScores]:
        """Score files by task, which must be of the base.

        Raises:
            InputError: a file of another model.
        """
        found = {task: NeuronScores.load(path) for task, path in files.items()}
        for task, scores in found.items():
            if scores.model_digest != self.base.digest:
                raise InputError(
                    f"made with the model {scores.model_digest[:12]}, the base is {self.base.digest[:12]}",
                    where=str(files[task]),
                    remedy="Make the scores again with this model",
                )
        return found

    def training(self, task: str) -> list[Encoded]:
        """The task's training examples."""
        return self._split(task, "train")

    def tested(self, task: str) -> PreparedTask:
        """The examples that the task is tested on."""
        if task not in self._prepared:
            tokens, split, limit = self.recipe.evaluation.max_new_tokens, self.recipe.split, self.recipe.limit
            _, self._prepared[task] = prepare_task(self.base, self.tasks[task], tokens, split=split, limit=limit)
        return self._prepared[task]

    def tune(
        self,
        examples: Mapping[str, Sequence[Encoded]],
        method: Method,
        schedule: Schedule,
        *,
        neurons: NeuronSet | None = None,
        name: str | None = None,
    ) -> Tuned:
        """Fine-tune the base, with whatever lies on it now. See `tune`.

        Args:
            examples: by task; tasks give equal shares of each batch.
            method: what moves.
            schedule: such as `recipe.schedule` gives.
            neurons: the set, for the method neurons alone.
            name: what a message calls the training; None: its tasks.

        Raises:
            InputError: as `tune`.
        """
        execution = self.execution.resuming("tuning.safetensors")
        with naming(name or " + ".join(examples)):
            return tune(self.base, examples, method, schedule, execution, neurons=neurons)

    def test(self, tasks: Sequence[str]) -> list[Score]:
        """What the model as it is now scores on tasks."""
        metrics = self.recipe.metrics
        return [
            score
            for task in tasks
            for score in score_task(self.base.model, task, self.tested(task), self.recipe.evaluation, metrics=metrics)
        ]

    @contextmanager
    def many(self) -> Iterator[None]:
        """A block for many trainings and tests, with fast kernels and few garbage collections.

        accelerate collects garbage after every training; to walk through torch and transformers costs more than a small
        training, so what is there now is left out.
        """
        gc.collect()
        gc.freeze()
        try:
            with fastest(self.base.model):
                yield
        finally:
            gc.unfreeze()

    def _split(self, task: str, split: str) -> list[Encoded]:
        if (task, split) not in self._encoded:
            limit = None if split == "train" else self.recipe.limit
            with naming(self.tasks[task]):
                examples = read_split(self.tasks[task], split, limit=limit)
                reserve = self._reserve(task)
                self._encoded[task, split] = encode(examples, self.base.tokenizer, self.base.context, reserve=reserve)
        return self._encoded[task, split]

    def _reserve(self, task: str) -> int:
        """Room for an answer that a prompt must leave at least, tokens; its own answer always fits."""
        return 0
