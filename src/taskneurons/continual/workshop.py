"""Where methods work: a base model, the tasks' examples encoded once, and the budget that every stage has."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from jaxtyping import Float

from taskneurons.engine.cells import Folders, Recipe
from taskneurons.engine.evaluation import PreparedTask, evaluate_examples, prepare
from taskneurons.engine.representations import representations
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import MIXED_PRECISION
from taskneurons.engine.tuning import Method as TuningMethod
from taskneurons.engine.tuning import Tuned, tune
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded, encode, encode_options
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.storage import read_split, read_task


@dataclass(frozen=True, eq=False)
class Workshop:
    """A base model with what all methods have in common.

    Args:
        base: the model; its weights float32, since some methods train all of them.
        tasks: data folders of all tasks.
        recipe: of every stage: steps, batch size, warm-up, seed; which split is tested, and how.
        dtype: precision of the products.
        resume: resume file of the training that is under way.
        checkpoint_minutes: see `train`.
    """

    base: Checkpoint
    tasks: Folders
    recipe: Recipe
    dtype: DType
    resume: Path
    checkpoint_minutes: float
    _encoded: dict[tuple[str, str], list[Encoded]] = field(default_factory=dict)
    _prepared: dict[str, PreparedTask] = field(default_factory=dict)
    _batches: dict[str, list[tuple[np.ndarray, PreparedTask]]] = field(default_factory=dict)
    _features: dict[tuple[str, str, int], np.ndarray] = field(default_factory=dict)

    @classmethod
    def load(
        cls,
        base: str | Path,
        tasks: Folders,
        recipe: Recipe,
        *,
        device: str | torch.device,
        dtype: DType,
        resume: str | Path,
        checkpoint_minutes: float,
    ) -> "Workshop":
        """Load the base.

        Raises:
            InputError: a task is no classification, or has one class; as `load_checkpoint`.
        """
        for folder in tasks.values():
            task = read_task(folder)
            if task.kind != "classification":
                raise InputError(
                    "the scores of a stream are accuracies (Leng & Xiong 2025, Eq. 4), which a generation has not",
                    where=f"task {task.name}",
                    remedy="Leave it out of the orders",
                )
        loaded = load_checkpoint(base, device=device, dtype="float32")
        return cls(loaded, tasks, recipe, dtype, Path(resume), checkpoint_minutes)

    def training(self, task: str) -> list[Encoded]:
        """The task's training examples."""
        return self._split(task, "train")

    def prompts(self, task: str) -> list[Encoded]:
        """The examples that the task is tested on; methods may read their prompts, never their answers."""
        return self._split(task, self.recipe.split)

    def tune(
        self,
        examples: Mapping[str, Sequence[Encoded]],
        method: TuningMethod,
        *,
        learning_rate: float,
        neurons: NeuronSet | None = None,
        steps: int | None = None,
    ) -> Tuned:
        """Train with the budget of a stage, on whatever lies on the model now. See `tune`.

        Args:
            examples: by task; tasks give equal shares of each batch.
            method: what moves.
            learning_rate: the highest of the schedule.
            neurons: the set, for the method neurons alone.
            steps: in place of the recipe's.

        Raises:
            InputError: as `tune`.
        """
        with naming(" + ".join(examples)):
            return tune(
                self.base.model,
                examples,
                method=method,
                base=self.base.digest,
                pad_id=self.base.tokenizer.pad_token_id,
                steps=steps or self.recipe.steps,
                batch_size=self.recipe.batch_size,
                learning_rate=learning_rate,
                warmup=self.recipe.warmup,
                seed=self.recipe.seed,
                neurons=neurons,
                device=self.base.model.device,
                mixed_precision=MIXED_PRECISION[self.dtype],
                resume=self.resume,
                checkpoint_minutes=self.checkpoint_minutes,
            )

    def correct(self, task: str, rows: Sequence[int] | None = None) -> Float[np.ndarray, " example"]:
        """For each test example, or each of some, 100 where the model as it is now answers it right, else 0.

        Args:
            task: that is tested.
            rows: places of examples among `prompts(task)`; None: all.
        """
        prepared = self._whole(task) if rows is None else self._prepare(task, rows)
        return evaluate_examples(self.base.model, prepared, **self.recipe.evaluation, metrics=["accuracy"])["accuracy"]

    def batches(self, task: str) -> list[tuple[np.ndarray, PreparedTask]]:
        """The test examples in batches of like length: their places among `prompts(task)`, as the model meets them."""
        if task not in self._batches:
            lengths = [len(example.prompt) + len(example.target) for example in self.prompts(task)]
            order = np.argsort(lengths, kind="stable")
            self._batches[task] = []
            for begin in range(0, len(order), self.recipe.evaluation["batch_size"]):
                rows = order[begin : begin + self.recipe.evaluation["batch_size"]]
                batch = self._prepare(task, rows.tolist())
                self._batches[task].append((rows[batch.order], batch))
        return self._batches[task]

    def correct_in_batch(self, batch: PreparedTask) -> Float[np.ndarray, " example"]:
        """As `correct`, of one of `batches`, which is not cut again."""
        whole = {**self.recipe.evaluation, "batch_size": len(batch)}
        return evaluate_examples(self.base.model, batch, **whole, metrics=["accuracy"])["accuracy"]

    def score(self, task: str) -> dict[str, tuple[float, int]]:
        """The accuracy of the model as it is now, in percent, and the number of test examples."""
        right = self.correct(task)
        return {"accuracy": (float(right.mean()), len(right))}

    def features(self, examples: Sequence[Encoded]) -> Float[np.ndarray, "example width"]:
        """The last layer's features of prompts in the model as it is, mean over tokens (Leng & Xiong 2025, Eq. 10)."""
        found = representations(
            self.base.model,
            examples,
            pad_id=self.base.tokenizer.pad_token_id,
            batch_size=self.recipe.evaluation["batch_size"],
            position="mean",
        )
        return found[-1]

    def base_features(self, task: str, split: str, limit: int) -> Float[np.ndarray, "example width"]:
        """Features of a split's first prompts in the base model, which must be as it was loaded; computed once."""
        key = (task, split, limit)
        if key not in self._features:
            self._features[key] = self.features(self._split(task, split)[:limit])
        return self._features[key]

    def _split(self, task: str, split: str) -> list[Encoded]:
        if (task, split) not in self._encoded:
            limit = None if split == "train" else self.recipe.limit
            with naming(self.tasks[task]):
                examples = read_split(self.tasks[task], split, limit=limit)
                # Room for what is written after a prompt: the longest label, or an answer.
                reserve = max(map(len, encode_options(read_task(self.tasks[task]).options, self.base.tokenizer)))
                self._encoded[task, split] = encode(examples, self.base.tokenizer, self.base.context, reserve=reserve)
        return self._encoded[task, split]

    def _whole(self, task: str) -> PreparedTask:
        if task not in self._prepared:
            self._prepared[task] = self._prepare(task, range(len(self.prompts(task))))
        return self._prepared[task]

    def _prepare(self, task: str, rows: Sequence[int]) -> PreparedTask:
        examples = self.prompts(task)
        options = encode_options(read_task(self.tasks[task]).options, self.base.tokenizer)
        return prepare("classification", [examples[row] for row in rows], self.base.tokenizer, options=options)
