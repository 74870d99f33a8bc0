"""Many fine-tunings of one model: each starts from the same weights, is tested, and leaves the model as it was."""

import gc
import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from tqdm import tqdm

from taskneurons.engine.evaluation import PreparedTask, evaluate
from taskneurons.engine.evaluation_study import Row, prepare_task, score_rows
from taskneurons.engine.task_by_task import naming
from taskneurons.engine.training import MIXED_PRECISION
from taskneurons.engine.tuning import Method, Tuned, tune, tuned
from taskneurons.errors import InputError
from taskneurons.files import read_jsonl, sha256, write_jsonl
from taskneurons.models.encoding import Encoded, encode
from taskneurons.models.kernels import fastest_on_cpu, fused_gelu
from taskneurons.models.load import Checkpoint, DType, load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.storage import read_split

# How `train` begins its advice when a loss explodes or is none.
DIVERGED = "The training diverged"
Folders = Mapping[str, str | Path]
"""The data folder of each task."""


@dataclass(frozen=True)
class Cell:
    """One fine-tuning and where it is tested.

    Args:
        tests: tasks that it is tested on.
        facts: cells of its rows that say what was done.
        method: what moves; None: nothing, the model is tested as it is.
        train: tasks that are trained on, equal shares of each batch.
        neurons: the set, for the method neurons alone.
        learning_rate: the highest of the schedule.
        keep: whether the result itself is wanted, not only its scores.
    """

    tests: tuple[str, ...]
    facts: Mapping[str, Any]
    method: Method | None = None
    train: tuple[str, ...] = ()
    neurons: NeuronSet | None = None
    learning_rate: float = 0.0
    keep: bool = False

    def __post_init__(self) -> None:
        if not self.tests or bool(self.method) != bool(self.train):
            raise InputError("a cell needs tasks to test, and tasks to train on where anything moves", where="cell")

    @property
    def key(self) -> str:
        """What the cell is, as text."""
        neurons = self.neurons.digest if self.neurons is not None else ""
        return json.dumps([self.tests, self.facts, self.method, self.train, neurons, self.learning_rate, self.keep])


@dataclass(frozen=True)
class Recipe:
    """What all cells of a job share.

    Args:
        steps: optimizer steps for each task that is trained on.
        batch_size: examples of a step.
        warmup: steps until the highest learning rate is reached, for each task that is trained on.
        seed: of the order of the data.
        evaluation: `batch_size` and `max_new_tokens` of `evaluate`.
        split: that cells are tested on.
        limit: test examples of each task, at most; None: all.
        metrics: see `evaluate`; None: all of the task's kind.
    """

    steps: int
    batch_size: int
    warmup: int
    seed: int
    evaluation: Mapping[str, int]
    split: str = "test"
    limit: int | None = None
    metrics: tuple[str, ...] | None = None


@dataclass(frozen=True, eq=False)
class Bench:
    """A base model with everything that its fine-tunings have in common; each task is read and encoded once.

    Args:
        base: the model.
        tasks: data folders of all tasks that are trained on or tested.
        recipe: shared by all cells.
        dtype: precision of the products; neurons and adapters train in float32 whatever it is.
        resume: folder of what a killed job leaves for the next: a resume file and the rows of finished cells.
        job: identifies settings and code of the job; rows of another job are not used.
        checkpoint_minutes: see `train`.
    """

    base: Checkpoint
    tasks: Folders
    recipe: Recipe
    dtype: DType
    resume: Path
    job: str
    checkpoint_minutes: float
    _encoded: dict[str, list[Encoded]] = field(default_factory=dict)
    _prepared: dict[str, PreparedTask] = field(default_factory=dict)

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
        job: str,
        checkpoint_minutes: float,
        full: bool,
    ) -> "Bench":
        """Load the base; `full` says that all of it will be trained, which needs float32 weights."""
        loaded = load_checkpoint(base, device=device, dtype="float32" if full else dtype)
        return cls(loaded, tasks, recipe, dtype, Path(resume), job, checkpoint_minutes)

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

    def run(
        self, cells: Iterable[Cell], *, name: str, may_diverge: bool = False
    ) -> Iterator[tuple[Cell, list[Row], Tuned | None]]:
        """Tune and test cell by cell; yield each with its tidy rows, and its result where it is kept.

        Cells that a killed job had finished are not done again, except those whose result is kept.

        Args:
            cells: what is done.
            name: shown beside the progress bar.
            may_diverge: a cell whose training diverges has no rows, instead of ending the job.

        Raises:
            InputError: a training diverged (the message names task, arm and step), or a task without examples.
        """
        finished = _Finished(self.resume / "cells.jsonl", self._identity)
        with fastest_on_cpu(self.base.model), fused_gelu(self.base.model), _few_garbage():
            for cell in tqdm(list(cells), desc=name, unit="cell", disable=None):
                rows = None if cell.keep else finished.rows(cell)
                result = None
                if rows is None:
                    try:
                        rows, result = self._one(cell)
                    except InputError as error:
                        if not (may_diverge and (error.remedy or "").startswith(DIVERGED)):
                            raise
                        rows = []
                    finished.add(cell, rows)
                yield cell, rows, result if cell.keep else None
        finished.forget()

    def _one(self, cell: Cell) -> tuple[list[Row], Tuned | None]:
        result = None
        if cell.method:
            count = len(cell.train)
            with naming(_told(cell)):
                result = tune(
                    self.base.model,
                    {task: self._training(task) for task in cell.train},
                    method=cell.method,
                    base=self.base.digest,
                    pad_id=self.base.tokenizer.pad_token_id,
                    steps=count * self.recipe.steps,
                    batch_size=self.recipe.batch_size,
                    learning_rate=cell.learning_rate,
                    warmup=count * self.recipe.warmup,
                    seed=self.recipe.seed,
                    neurons=cell.neurons,
                    device=self.base.model.device,
                    mixed_precision=MIXED_PRECISION[self.dtype],
                    resume=self.resume / "tuning.safetensors",
                    checkpoint_minutes=self.checkpoint_minutes,
                )
        model = self.base.model
        rows: list[Row] = []
        wearing = tuned(model, result, base=self.base.digest) if result else nullcontext()
        with wearing:
            for task in cell.tests:
                prepared = self._tested(task)
                wanted = self.recipe.metrics
                values = evaluate(model, prepared, **self.recipe.evaluation, metrics=wanted)
                rows += score_rows(values, test_task=task, **cell.facts)
        return rows, result

    def _training(self, task: str) -> Sequence[Encoded]:
        if task not in self._encoded:
            with naming(self.tasks[task]):
                examples = read_split(self.tasks[task], "train")
                self._encoded[task] = encode(examples, self.base.tokenizer, self.base.context)
        return self._encoded[task]

    def _tested(self, task: str) -> PreparedTask:
        if task not in self._prepared:
            tokens, split, limit = self.recipe.evaluation["max_new_tokens"], self.recipe.split, self.recipe.limit
            _, self._prepared[task] = prepare_task(self.base, self.tasks[task], tokens, split=split, limit=limit)
        return self._prepared[task]

    @cached_property
    def _identity(self) -> str:
        """Everything besides the cell that decides its rows."""
        splits = [[task, sha256(Path(folder) / f"{split}.jsonl")] for task, folder in self.tasks.items()
                  for split in ("train", self.recipe.split)]  # fmt: skip
        whole = [self.job, self.base.digest, repr(self.recipe), self.dtype, splits]
        return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


class _Finished:
    """The rows of finished cells, kept in a file for the case that the job is killed."""

    def __init__(self, path: Path, identity: str) -> None:
        self._path, self._identity = path, identity
        self._known: dict[str, list[Row]] = {}
        try:
            lines = list(read_jsonl(path)) if path.exists() else []
            self._known = {line["cell"]: line["rows"] for line in lines if line["job"] == identity}
        except (InputError, KeyError, TypeError):
            # It was made for this purpose only; without it the cells are done again.
            path.unlink(missing_ok=True)

    def rows(self, cell: Cell) -> list[Row] | None:
        return self._known.get(cell.key)

    def add(self, cell: Cell, rows: list[Row]) -> None:
        self._known[cell.key] = rows
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_jsonl(
            self._path, [{"job": self._identity, "cell": key, "rows": rows} for key, rows in self._known.items()]
        )

    def forget(self) -> None:
        self._path.unlink(missing_ok=True)


@contextmanager
def _few_garbage() -> Iterator[None]:
    """Keep what is there now out of garbage collections inside the block.

    accelerate collects after every training; to walk through torch and transformers costs more than a small training.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


def _told(cell: Cell) -> str:
    facts = ", ".join(f"{key} {value}" for key, value in cell.facts.items() if value is not None)
    return f"{' + '.join(cell.train)} ({facts})"
