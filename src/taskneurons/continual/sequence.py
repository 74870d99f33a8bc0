"""Driving a method along a stream of tasks: learn one, test all, go on."""

import hashlib
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

from taskneurons.continual.method import Learned, Method, Weighting
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.engine.counting import counted
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
        metric: a score of the test task; or `trainable`, `storage`, `passes` and `loss`.
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
    whole: bool = True,
) -> tuple[list[StageScore], list[Learned]]:
    """Learn a stream and test all of its tasks before it begins and after every stage.

    What is the same is tested once: a task before any stream, and a weighting of a single task, which has the weight 1.

    Args:
        tuner: where.
        method: what learns.
        order: the stream; two tasks at least, none twice.
        stages: what is known already, and where what is learned here is kept.
        learned: what was learned of this stream before; then nothing is trained.
        whole: test all tasks each time; else after each stage its own task, and all after the last one.

    Returns:
        The scores and the costs of every stage; what the stages left.

    Raises:
        InputError: a stream of one task, or one that repeats a task; a diverged training.
    """
    check_order(order)
    seen: list[Learned] = []
    scores: list[StageScore] = []
    with tuner.many():
        for task in order if whole else ():
            key = ["base", _data(tuner, [task], "test")]
            scores += _found(stages, key, partial(_base_scores, tuner, task))
        bar = counted(order, name=f"{method.name}: {' > '.join(order)[:60]}", unit="stage")
        for number, task in enumerate(bar, start=1):
            past = method.depends(order[:number])
            learner = method.learner if isinstance(method, Weighting) else method
            key = [repr(learner), _data(tuner, past, "train")]
            if learned is not None:
                made = learned[number - 1]
            else:
                made = stages.learned(key, partial(method.learn, tuner, seen, task))
            # A stage of joint training is the same whichever of its tasks came last.
            seen.append(replace(made, task=task))
            train = None if _joint(seen) else task
            tested = order if whole or number == len(order) else (task,)
            tester = learner if number == 1 else method
            place = [repr(tester), *key, _data(tuner, order[:number], "train"), _data(tuner, tested, "test")]
            found = _found(stages, place, partial(_stage_scores, tuner, tester, seen, tested))
            scores += [replace(score, train_task=train) for score in found]
            if found:
                costs = {"trainable": made.trainable, "passes": made.passes, "loss": made.loss}
                costs["storage"] = method.storage(tuner, seen)
                scores += [StageScore(number, train, None, metric, value, None) for metric, value in costs.items()]
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


def final_accuracy(scores: Sequence[StageScore], metric: str = "accuracy") -> float:
    """The mean over tasks of the accuracy when each was last tested, in percent (Eq. 4).

    Raises:
        InputError: no task was tested.
    """
    last = {score.test_task: score.value for score in _of_stages(scores, metric)}
    return _mean(last.values())


def learned_accuracy(scores: Sequence[StageScore], metric: str = "accuracy") -> float:
    """The mean over tasks of the accuracy just after each was learned, in percent.

    Raises:
        InputError: no task was tested.
    """
    own = [score for score in _of_stages(scores, metric) if score.train_task in (None, score.test_task)]
    return _mean([score.value for score in own])


def _of_stages(scores: Sequence[StageScore], metric: str) -> list[StageScore]:
    """The scores of tasks, an earlier stage first."""
    found = [score for score in scores if score.metric == metric and score.stage and score.test_task]
    return sorted(found, key=lambda score: score.stage)


def _mean(values: Iterable[float]) -> float:
    values = list(values)
    if not values:
        raise InputError("no task was tested after a stage", where="stream")
    return fmean(values)


def _found(stages: Stages, key: list[Any], make: Callable[[], Iterable[StageScore]]) -> list[StageScore]:
    """Scores with this key: those that are kept, or new ones."""
    return [StageScore(**cells) for cells in stages.found(key, lambda: [asdict(score) for score in make()])]


def _base_scores(tuner: StreamTuner, task: str) -> list[StageScore]:
    return [StageScore(0, None, task, metric, value, n) for metric, (value, n) in tuner.score(task).items()]


def _joint(seen: Sequence[Learned]) -> bool:
    """Whether all tasks were learned at once: earlier stages that left nothing only gathered their tasks."""
    return not all(learned.tensors for learned in seen)


def _stage_scores(
    tuner: StreamTuner, method: Method, seen: Sequence[Learned], tasks: Sequence[str]
) -> Iterator[StageScore]:
    """What a stage scores."""
    for task, found in method.test(tuner, seen, tasks):
        for metric, (value, n) in found.items():
            yield StageScore(len(seen), None, task, metric, value, n)


def _data(tuner: StreamTuner, tasks: Sequence[str], split: str) -> list[list[str]]:
    """Tasks with the digests of what they are and of a split."""
    name = "train" if split == "train" else tuner.recipe.split
    folders = [(task, Path(tuner.tasks[task])) for task in tasks]
    return [[task, sha256(folder / "task.json"), sha256(folder / f"{name}.jsonl")] for task, folder in folders]
