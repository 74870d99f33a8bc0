"""Made-up streams of tasks in the form that a stream's job writes them, with effects of known size."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import CostRow, StreamRow, TrialRow

PAPER = {
    "topic_encyclopedia": ("DBpedia", 14), "rating_product": ("Amazon", 5), "topic_question": ("Yahoo", 10),
    "topic_news": ("AGNews", 4), "nli_person": ("MNLI", 3), "paraphrase_question": ("QQP", 2),
    "entailment_room": ("RTE", 2), "sentiment_film": ("SST-2", 2),
}  # fmt: skip
PRINTED = {
    "1": "DBpedia Amazon Yahoo AGNews",
    "2": "DBpedia Amazon AGNews Yahoo",
    "3": "Yahoo Amazon AGNews DBpedia",
    "4": "MNLI QQP RTE Amazon SST-2 DBpedia AGNews Yahoo",
    "5": "Amazon AGNews Yahoo QQP RTE MNLI DBpedia SST-2",
    "6": "AGNews Yahoo SST-2 RTE QQP MNLI DBpedia Amazon",
}
OURS = {theirs: ours for ours, (theirs, _) in PAPER.items()}
ORDERS = {order: tuple(OURS[task] for task in tasks.split()) for order, tasks in PRINTED.items()}
BENCHMARKS = {"stream": {"standard": ("1", "2", "3"), "large": ("4", "5", "6")}}
TASKS = [
    DescribedTask(
        suite="stream",
        name=name,
        family=name.split("_")[0],
        kind="classification",
        source=f"generated; mirrors {theirs}",
        options=tuple(f"label {n}" for n in range(count)),
        constant=100 / count,
    )
    for name, (theirs, count) in PAPER.items()
]
# How much of what was learned one further stage takes away, and what is kept besides the base (MB).
LOST = {
    "seqft": 0.45, "seqlora": 0.3, "ewc": 0.25, "replay": 0.07, "olora": 0.08, "epi": 0.35, "ncft": 0.12,
    "ncft_base": 0.13, "ncft_disjoint": 0.11, "ncft_random": 0.14, "ncft_same_random": 0.3,
    "ncft_random_disjoint": 0.12, "wncft": 0.06, "wncft_literal": 0.8, "wncft_averaged": 0.1, "wncft_max": 0.09,
    "wncft_inferred": 0.1, "wncft_prototype": 0.07, "wncft_gate": 0.05, "wncft_online": 0.08, "wncft_rewind": 0.0,
    "multitask": 0.0, "pertask": 0.0,
}  # fmt: skip
KEPT = {"seqft": 0.0, "seqlora": 0.4, "ewc": 12.0, "replay": 0.1, "olora": 2.1, "epi": 3.0, "multitask": 0.0}
ALONE, BASE = 82.0, 5.0


def noise(*key: Any) -> np.random.Generator:
    """A source of noise that is a function of what is measured."""
    return np.random.default_rng(int(hashlib.sha256(repr(key).encode()).hexdigest()[:8], 16))


def stream_rows(
    method: str,
    order: str,
    *,
    sequence: Sequence[str] = (),
    seed: int = 0,
    spread: float = 2.0,
    suite: str = "stream",
    model: str = "llama",
    options: Mapping[str, int] | None = None,
) -> Iterator[StreamRow]:
    """The rows of one stream: a task is learned to ALONE above its floor, and each later stage takes LOST of it."""
    tasks = tuple(sequence) or ORDERS[order]
    counts = options or {name: count for name, (_, count) in PAPER.items()}
    rng = noise(method, order, seed, suite, model)
    floor = {task: 100 / counts.get(task, 4) for task in tasks}

    def score(task: str, age: int | None) -> float:
        if age is None:
            value = floor[task] - BASE * (method != "pertask")
        else:
            value = floor[task] + (ALONE - floor[task]) * (1 - LOST[method]) ** age
        return round(float(np.clip(value + spread * rng.normal(), 0, 100)), 4)

    def tested(stage: int, train: str | None, test: str, age: int | None) -> StreamRow:
        return StreamRow(suite, model, seed, method, order, stage, train, test, "accuracy", score(test, age), 200)

    total = len(tasks)
    for stage in range(total + 1):
        train = tasks[stage - 1] if stage and method != "multitask" else None
        for task, age in _ages(method, stage, tasks).items():
            yield tested(stage, train, task, age)
        if method in ("epi", "wncft_inferred", "wncft_prototype", "wncft_gate"):
            for task in tasks[:stage]:
                yield replace(tested(stage, train, task, 0), metric="identification", value=90.0)
        if stage and (method != "multitask" or stage == total):
            for metric, value in _measured_costs(method, stage).items():
                yield StreamRow(suite, model, seed, method, order, stage, train, None, metric, value, None)


def _ages(method: str, stage: int, tasks: Sequence[str]) -> dict[str, int | None]:
    """The tasks that are tested after a stage, each with the stages since it was learned; None: not yet learned."""
    if method == "pertask":
        return {tasks[stage - 1]: 0} if stage else {}
    if method == "multitask":
        return dict.fromkeys(tasks, 0) if stage == len(tasks) else {}
    return {task: stage - 1 - place if place < stage else None for place, task in enumerate(tasks)}


def _measured_costs(method: str, stage: int) -> dict[str, float]:
    family = METHODS[method].family
    return {
        "trainable": 12_000 if "lora" in method else 700_000 if family in ("sequential", "stored") else 70_000,
        "storage": 1e6 * (KEPT[method] if method in KEPT else 0.3 * stage),
        "loss": 0.4,
    }


def stream_costs(
    method: str,
    order: str,
    *,
    sequence: Sequence[str] = (),
    seed: int = 0,
    suite: str = "stream",
    model: str = "llama",
) -> Iterator[CostRow]:
    """The costs of one stream: 6 to 9 seconds a stage, 4 more of methods that read earlier tasks again."""
    tasks, rng = tuple(sequence) or ORDERS[order], noise("seconds", method, order, seed, suite, model)
    for stage, task in enumerate(tasks, start=1):
        if method != "multitask" or stage == len(tasks):
            seconds = 6.0 + 3.0 * rng.random() + (4.0 if method in ("ewc", "replay") else 0.0)
            task = None if method == "multitask" else task
            yield CostRow(suite, model, seed, method, order, stage, task, seconds)


def trials(method: str, rates: Sequence[float] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)) -> list[TrialRow]:
    """Trials of one method: a hill over the learning rates, whose top differs from method to method."""
    top = -4 + 2 * noise("top", method).random()
    height = 75 - 60 * LOST[method]
    tried: list[TrialRow] = []
    if METHODS[method].family in ("static", "dynamic"):
        for rate in rates:
            for temperature in (1.0,) if method == "wncft_literal" else (0.02, 0.1, 0.5, 2.0):
                value = height - 4 * abs(np.log10(temperature) + 1) - 14 * (np.log10(rate) - top) ** 2
                tried.append(TrialRow(method, rate, None, temperature, max(value, 9.0), False))
    else:
        for strength in (0.1, 1.0, 10.0) if method in ("ewc", "olora") else (None,):
            for rate in rates:
                value = height - 14 * (np.log10(rate) - top) ** 2 - (0 if strength in (None, 1.0) else 6)
                tried.append(TrialRow(method, rate, strength, None, max(value, 9.0), False))
        tried[-1] = replace(tried[-1], accuracy=None)
    best = max((row for row in tried if row.accuracy is not None), key=lambda row: row.accuracy)
    return [replace(row, chosen=row is best) for row in tried]
