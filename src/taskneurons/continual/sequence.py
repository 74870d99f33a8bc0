"""Driving a method along a stream of tasks: learn one, test all, go on."""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from statistics import fmean
from typing import Any

from tqdm import tqdm

from taskneurons.continual.method import Learned, Method, Weighting
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.errors import InputError
from taskneurons.files import sha256

Order = tuple[str, ...]


@dataclass(frozen=True)
class StageScore:
    """What was measured after a stage of a stream.

    Attributes:
        stage: its number; 0: before the first.
        train_task: what it learned; None before the first stage and where all tasks were learned at once.
        test_task: the task that was tested; None for what the stage costs.
        metric: a score of the test task; or `trainable`, `storage` and `loss`.
        value: of the metric.
        n: test examples; None for costs.
    """

    stage: int
    train_task: str | None
    test_task: str | None
    metric: str
    value: float
    n: int | None


def follow(
    tuner: StreamTuner,
    method: Method,
    order: Order,
    stages: Stages,
    *,
    learned: Sequence[Learned] | None = None,
    only_last: bool = False,
) -> tuple[list[StageScore], list[Learned]]:
    """Learn a stream and test all of its tasks before it begins and after every stage.

    Args:
        tuner: where.
        method: what learns.
        order: the stream; two tasks at least, none twice.
        stages: what is known already, and where what is learned here is kept.
        learned: what was learned of this stream before; then nothing is trained.
        only_last: test after the last stage alone.

    Returns:
        The scores and the costs of every stage; what the stages left.

    Raises:
        InputError: a stream of one task, or one that repeats a task; a diverged training.
    """
    check_order(order)
    seen: list[Learned] = []
    scores: list[StageScore] = []
    with tuner.many():
        if not only_last:
            scores += _found(stages, ["base", _data(tuner, order, "test")], lambda: _base_scores(tuner, order))
        bar = tqdm(order, desc=f"{method.name}: {' > '.join(order)[:60]}", unit="stage", disable=None)
        for number, task in enumerate(bar, start=1):
            past = method.depends(order[:number])
            learner = method.learner if isinstance(method, Weighting) else method
            key = [repr(learner), _data(tuner, past, "train")]
            if learned is not None:
                seen.append(learned[number - 1])
            else:
                made = stages.learned(key, lambda task=task: method.learn(tuner, seen, task))  # type: ignore[misc]
                # A stage of joint training is the same whichever of its tasks came last.
                seen.append(replace(made, task=task))
            if only_last and number < len(order):
                continue
            tested = [repr(method), *key, _data(tuner, order[:number], "train"), _data(tuner, order, "test")]
            scores += _found(stages, tested, lambda number=number: _stage_scores(tuner, method, seen, order, number))  # type: ignore[misc]
    return scores, seen


def check_order(order: Sequence[str]) -> None:
    """Refuse what is no stream.

    Raises:
        InputError: fewer than two tasks, or a task twice.
    """
    where = f"stream {' > '.join(order)[:80]}"
    if len(order) < 2:
        raise InputError("a stream of one task forgets nothing", where=where, remedy="Name two tasks or more")
    if twice := sorted({task for task in order if order.count(task) > 1}):
        raise InputError(
            f"{', '.join(twice)} would be learned twice, and what is forgotten in between could not be separated from "
            "what is learned again",
            where=where,
            remedy="Name each task once",
        )


def identity(tuner: StreamTuner) -> str:
    """What decides every stage besides its method and its tasks."""
    whole = [tuner.job, tuner.base.digest, tuner.execution.dtype, repr(tuner.recipe)]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def trained(seen: Sequence[Learned]) -> Iterator[tuple[int, str | None, Learned]]:
    """The stages of a stream that trained, each with its number and its task; None where it trained all tasks at once.

    Args:
        seen: what the stages left.
    """
    # Earlier stages that left nothing only gathered their tasks.
    joint = not all(learned.tensors for learned in seen)
    for stage, learned in enumerate(seen, start=1):
        if learned.tensors:
            yield stage, None if joint else learned.task, learned


def final_accuracy(scores: Sequence[StageScore]) -> float:
    """The mean over tasks of the accuracy when each was last tested, in percent (Eq. 4).

    Raises:
        InputError: no task was tested.
    """
    last: dict[str, tuple[int, float]] = {}
    for score in scores:
        if score.metric == "accuracy" and score.stage and score.test_task:
            last[score.test_task] = max(last.get(score.test_task, (0, 0.0)), (score.stage, score.value))
    if not last:
        raise InputError("no task was tested after a stage", where="stream")
    return fmean(value for _, value in last.values())


def _found(stages: Stages, key: list[Any], make: Callable[[], list[StageScore]]) -> list[StageScore]:
    """Scores with this key: those that are kept, or new ones."""
    return [StageScore(**cells) for cells in stages.found(key, lambda: [asdict(score) for score in make()])]


def _base_scores(tuner: StreamTuner, order: Order) -> list[StageScore]:
    return [
        StageScore(0, None, task, metric, value, n)
        for task in order
        for metric, (value, n) in tuner.score(task).items()
    ]


def _stage_scores(
    tuner: StreamTuner, method: Method, seen: Sequence[Learned], order: Order, number: int
) -> list[StageScore]:
    """What a stage scores and costs."""
    # Earlier stages that left nothing only gathered their tasks: all were learned at once.
    joint = not all(learned.tensors for learned in seen)
    train = None if joint else order[number - 1]
    scores = [
        StageScore(number, train, task, metric, value, n)
        for task, found in method.test(tuner, seen, order)
        for metric, (value, n) in found.items()
    ]
    if scores:
        newest = seen[-1]
        costs = {"trainable": newest.trainable, "loss": newest.loss, "storage": method.storage(tuner, seen)}
        scores += [StageScore(number, train, None, metric, value, None) for metric, value in costs.items()]
    return scores


def _data(tuner: StreamTuner, tasks: Sequence[str], split: str) -> list[list[str]]:
    """Tasks with the digests of what they are and of a split."""
    name = "train" if split == "train" else tuner.recipe.split
    folders = [(task, Path(tuner.tasks[task])) for task in tasks]
    return [[task, sha256(folder / "task.json"), sha256(folder / f"{name}.jsonl")] for task, folder in folders]
