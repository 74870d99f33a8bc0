"""Driving a method along a stream of tasks: learn one, test all, go on."""

import gc
import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from statistics import fmean
from typing import Any

from tqdm import tqdm

from taskneurons.continual.method import Learned, Method
from taskneurons.continual.stages import Stages
from taskneurons.continual.wncft import WNCFT
from taskneurons.continual.workshop import Workshop
from taskneurons.engine.evaluation_study import Row
from taskneurons.errors import InputError
from taskneurons.files import sha256
from taskneurons.models.kernels import fastest_on_cpu, fused_gelu

Order = tuple[str, ...]


def follow(
    workshop: Workshop,
    method: Method,
    order: Order,
    stages: Stages,
    *,
    learned: Sequence[Learned] | None = None,
    only_last: bool = False,
) -> tuple[list[Row], list[Learned]]:
    """Learn a stream and test all of its tasks before it begins and after every stage.

    Args:
        workshop: where.
        method: what learns.
        order: the stream; two tasks at least, none twice.
        stages: what is known already, and where what is learned here is kept.
        learned: what was learned of this stream before; then nothing is trained.
        only_last: test after the last stage alone.

    Returns:
        Rows of `stage` (0: before the first), `train_task`, `test_task`, `metric`, `value` and `n`: the scores of
        every stage, and its `seconds`, `trainable`, `storage` and `loss`, which have no test task. What the stages
        left.

    Raises:
        InputError: a stream of one task, or one that repeats a task; a diverged training.
    """
    check_order(order)
    # accelerate collects garbage after every training; to walk through torch and transformers costs more than a small
    # training does.
    gc.collect()
    gc.freeze()
    seen: list[Learned] = []
    rows: list[Row] = []
    with fastest_on_cpu(workshop.base.model), fused_gelu(workshop.base.model):
        if not only_last:
            rows += stages.found(["base", _data(workshop, order, "test")], lambda: _base_rows(workshop, order))
        bar = tqdm(order, desc=f"{method.name}: {' > '.join(order)[:60]}", unit="stage", disable=None)
        for number, task in enumerate(bar, start=1):
            past = method.depends(order[:number])
            # Weightings learn as NCFT does, and share its stages.
            learner = method.ncft if isinstance(method, WNCFT) else method
            key = [repr(learner), _data(workshop, past, "train")]
            if learned is not None:
                seen.append(learned[number - 1])
            else:
                made = stages.learned(key, lambda task=task: method.learn(workshop, seen, task))  # type: ignore[misc]
                # A stage of joint training is the same whichever of its tasks came last.
                seen.append(replace(made, task=task))
            if only_last and number < len(order):
                continue
            tested = [repr(method), *key, _data(workshop, order[:number], "train"), _data(workshop, order, "test")]
            rows += stages.found(tested, lambda number=number: _stage_rows(workshop, method, seen, order, number))  # type: ignore[misc]
    return rows, seen


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
            f"{', '.join(twice)} would be learned twice, and what is forgotten in between could not be told from what "
            "is learned again",
            where=where,
            remedy="Name each task once",
        )


def identity(workshop: Workshop, code: str) -> str:
    """What decides every stage besides its method and its tasks."""
    recipe = workshop.recipe
    whole = [code, workshop.base.digest, workshop.dtype, repr(recipe)]
    return hashlib.sha256(json.dumps(whole).encode()).hexdigest()


def final_accuracy(rows: Sequence[Mapping[str, Any]]) -> float:
    """The mean over tasks of the accuracy when each was last tested, in percent (Eq. 4).

    Raises:
        InputError: no task was tested.
    """
    last: dict[str, tuple[int, float]] = {}
    for row in rows:
        if row["metric"] == "accuracy" and row["stage"]:
            last[row["test_task"]] = max(last.get(row["test_task"], (0, 0.0)), (row["stage"], row["value"]))
    if not last:
        raise InputError("no task was tested after a stage", where="stream")
    return fmean(value for _, value in last.values())


def _base_rows(workshop: Workshop, order: Order) -> list[Row]:
    return [_row(0, None, task, name, *score) for task in order for name, score in workshop.score(task).items()]


def _stage_rows(workshop: Workshop, method: Method, seen: Sequence[Learned], order: Order, number: int) -> list[Row]:
    """What a stage scores and costs."""
    # Earlier stages that left nothing only gathered their tasks: all were learned at once.
    joint = not all(learned.tensors for learned in seen)
    train = None if joint else order[number - 1]
    rows = [
        _row(number, train, task, name, *score)
        for task, scores in method.test(workshop, seen, order)
        for name, score in scores.items()
    ]
    if rows:
        newest = seen[-1]
        costs = {"seconds": newest.seconds, "trainable": newest.trainable, "loss": newest.loss}
        costs["storage"] = method.storage(workshop, seen)
        rows += [_row(number, train, None, name, value, None) for name, value in costs.items()]
    return rows


def _row(stage: int, train: str | None, test: str | None, metric: str, value: float, n: int | None) -> Row:
    return {"stage": stage, "train_task": train, "test_task": test, "metric": metric, "value": value, "n": n}


def _data(workshop: Workshop, tasks: Sequence[str], split: str) -> list[list[str]]:
    """Tasks with the digests of what they are and of a split."""
    name = "train" if split == "train" else workshop.recipe.split
    folders = [(task, Path(workshop.tasks[task])) for task in tasks]
    return [[task, sha256(folder / "task.json"), sha256(folder / f"{name}.jsonl")] for task, folder in folders]
