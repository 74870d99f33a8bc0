"""Fine-tunings in a row: each starts from the same weights, is tested, and leaves the model as it was."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import nullcontext
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from taskneurons.engine.counting import counted
from taskneurons.engine.evaluation import Score
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.engine.training import Diverged
from taskneurons.engine.tuning import Method, Tuned, tuned
from taskneurons.errors import InputError
from taskneurons.evidence.trained import Condition as Name
from taskneurons.evidence.trained import Trained
from taskneurons.files import read_jsonl, sha256, write_jsonl
from taskneurons.job import Job
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet


@dataclass(frozen=True)
class Condition:
    """What is done in a cell, as tables name it.

    Attributes:
        name: zero_shot (nothing is trained), full, or whose neurons are trained: task, random, other_task.
        train_task: the task that is trained on, or the name of a group of tasks.
        neurons: the task or the group whose set is trained.
        selection: how that set was made.
        share: the share of all neurons that is trained, in percent.
        overlap: the share of the trained neurons that lie in a test task's set, in percent.
        draw: number of a random set.
        learning_rate: the highest of the schedule.
    """

    name: Name
    train_task: str | None = None
    neurons: str | None = None
    selection: Selection | None = None
    share: float | None = None
    overlap: float | None = None
    draw: int | None = None
    learning_rate: float | None = None

    def __str__(self) -> str:
        said = {
            "condition": self.name,
            "train_task": self.train_task,
            "neurons": self.neurons,
            "selection": self.selection and self.selection.slug,
            "overlap": self.overlap,
            "draw": self.draw,
            "learning_rate": self.learning_rate,
        }
        return ", ".join(f"{key} {value}" for key, value in said.items() if value is not None)


@dataclass(frozen=True)
class Cell:
    """One fine-tuning and where it is tested.

    Attributes:
        tests: tasks that it is tested on.
        condition: what is done.
        method: what moves; None: nothing, the model is tested as it is.
        train: tasks that are trained on, equal shares of each batch.
        neurons: the set, for the method neurons alone.
        keep: whether the result itself is wanted, not only its scores.

    Raises:
        InputError: there is nothing to test, or something moves and there is no task to train on or no learning rate.
    """

    tests: tuple[str, ...]
    condition: Condition
    method: Method | None = None
    train: tuple[str, ...] = ()
    neurons: NeuronSet | None = None
    keep: bool = False

    def __post_init__(self) -> None:
        if not self.tests or bool(self.method) != bool(self.train):
            raise InputError("a cell needs tasks to test, and tasks to train on where anything moves", where="cell")
        if self.method and self.condition.learning_rate is None:
            raise InputError("a cell needs a learning rate where anything moves", where="cell")

    @property
    def key(self) -> str:
        """What the cell is, as text."""
        neurons = self.neurons.digest if self.neurons is not None else ""
        return json.dumps([self.tests, asdict(self.condition), self.method, self.train, neurons, self.keep])


def trained_rows(study: str, job: Job[Any], cell: Cell, scores: Iterable[Score]) -> list[Trained]:
    """What a cell scores, as rows of the tables of trained neurons.

    Args:
        study: that the job belongs to.
        job: says the run.
        cell: what was done.
        scores: of the model that came of it.
    """
    return [
        Trained(
            **said(job, cell, score),
            study=study,
            train_task=cell.condition.train_task,
            test_task=score.test_task,
            overlap=cell.condition.overlap,
        )
        for score in scores
    ]


def said(job: Job[Any], cell: Cell, score: Score) -> dict[str, Any]:
    """What every table of trained neurons says of a score: the columns of the run, of what was done, of the value."""
    done, made = cell.condition, cell.condition.selection
    return {
        "model": job.model,
        "suite": job.suite,
        "seed": job.seed,
        "condition": done.name,
        "neurons": done.neurons,
        "percent": made.percent if made else None,
        "share": done.share,
        "estimator": made.estimator if made else None,
        "selection": made.within if made else None,
        "draw": done.draw,
        "learning_rate": done.learning_rate,
        "metric": score.metric,
        "value": score.value,
        "n": score.n,
    }


def share_of(neurons: NeuronSet) -> float:
    """The share of all neurons that a set holds, in percent."""
    return 100 * len(neurons) / neurons.mask.size


def run_cells(
    tuner: FineTuner, cells: Iterable[Cell], *, name: str, may_diverge: bool = False
) -> Iterator[tuple[Cell, list[Score], Tuned | None]]:
    """Tune and test cell by cell; yield each with its scores, and its result where it is kept.

    Where the recipe has readings, a trained cell is tested after each of them, and each score says its steps. Cells
    that a killed job had finished are not done again, except those whose result is kept.

    Args:
        tuner: the base, the tasks and the recipe.
        cells: what is done.
        name: shown beside the progress bar.
        may_diverge: a cell whose training diverges has no scores, instead of ending the job.

    Raises:
        InputError: a training diverged (the message names task, condition and step), or a task without examples.
    """
    finished = _Finished(tuner)
    with tuner.many():
        for cell in counted(list(cells), name=name, unit="cell"):
            scores = None if cell.keep else finished.scores(cell)
            result = None
            if scores is None:
                try:
                    scores, result = _run(tuner, cell)
                except Diverged:
                    if not may_diverge:
                        raise
                    scores = []
                finished.add(cell, scores)
            yield cell, scores, result if cell.keep else None
    finished.forget()


def _run(tuner: FineTuner, cell: Cell) -> tuple[list[Score], Tuned | None]:
    result = None
    if cell.method and cell.condition.learning_rate is not None:
        result = tuner.tune(
            {task: tuner.training(task) for task in cell.train},
            cell.method,
            tuner.recipe.schedule(cell.condition.learning_rate, tasks=len(cell.train)),
            neurons=cell.neurons,
            name=f"{' + '.join(cell.train)} ({cell.condition})",
        )
    if result is None or not result.readings:
        with tuned(tuner.base.model, result, base=tuner.base.digest) if result else nullcontext():
            return tuner.test(cell.tests), result
    scores = []
    for steps, change in result.readings.items():
        with tuned(tuner.base.model, replace(result, change=change), base=tuner.base.digest):
            scores += [replace(score, steps=steps) for score in tuner.test(cell.tests)]
    return scores, result


class _Finished:
    """The scores of finished cells, kept in a file for the case that the job is killed."""

    def __init__(self, tuner: FineTuner) -> None:
        self._path = tuner.execution.resuming("cells.jsonl").resume
        self._identity = _identity(tuner) if self._path else ""
        self._known: dict[str, list[Score]] = {}
        if self._path is None or not self._path.exists():
            return
        try:
            lines = [line for line in read_jsonl(self._path) if line["job"] == self._identity]
            self._known = {line["cell"]: [Score(**score) for score in line["scores"]] for line in lines}
        except (InputError, KeyError, TypeError):
            # It was made for this purpose only; without it the cells are done again.
            self._path.unlink(missing_ok=True)

    def scores(self, cell: Cell) -> list[Score] | None:
        return self._known.get(cell.key)

    def add(self, cell: Cell, scores: list[Score]) -> None:
        self._known[cell.key] = scores
        if self._path is not None:
            self._path.parent.mkdir(parents=True, exist_ok=True)
            write_jsonl(
                self._path,
                [
                    {"job": self._identity, "cell": key, "scores": [asdict(score) for score in found]}
                    for key, found in self._known.items()
                ],
            )

    def forget(self) -> None:
        if self._path is not None:
            self._path.unlink(missing_ok=True)


def _identity(tuner: FineTuner) -> str:
    """Everything besides the cell that decides its scores."""
    splits = [
        [task, sha256(Path(folder) / f"{split}.jsonl")]
        for task, folder in tuner.tasks.items()
        for split in ("train", tuner.recipe.split)
    ]
    whole = [tuner.job, tuner.base.digest, repr(tuner.recipe), tuner.execution.dtype, splits]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()
