"""Made-up streams of tasks in the form that a stream's job writes them, with effects of known size."""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import SCORINGS, StreamRow, TrialRow

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
    """The rows of one stream: a task is learned to ALONE above its floor, and each later stage takes LOST of it.

    Among the options half as much is lost. A method that chooses learns at the equal rate as at its own, give or take
    the noise.
    """
    tasks = tuple(sequence) or ORDERS[order]
    counts = options or {name: count for name, (_, count) in PAPER.items()}
    floor = {task: 100 / counts.get(task, 4) for task in tasks}
    for rate in ("own",) if METHODS[method].is_bound else ("own", "equal"):
        rng = noise(method, order, seed, suite, model, *(() if rate == "own" else (rate,)))

        def tested(
            stage: int, test: str, age: int | None, scoring: str, rate: str = rate, rng: Any = rng
        ) -> Iterator[StreamRow]:
            if age is None:
                value = floor[test] - BASE * (method != "pertask")
            else:
                lost = LOST[method] / (1 if scoring == "free" else 2)
                value = floor[test] + (ALONE - floor[test]) * (1 - lost) ** age
            value = round(float(np.clip(value + spread * rng.normal(), 0, 100)), 4)
            train = tasks[stage - 1] if stage and method != "multitask" else None
            yield StreamRow(
                suite, model, seed, method, rate, order, stage, train, test, "accuracy", scoring, value, 200
            )  # fmt: skip

        total = len(tasks)
        for stage in range(total + 1):
            for task, age in _ages(method, stage, tasks).items():
                for scoring in SCORINGS:
                    yield from tested(stage, task, age, scoring)
            if method in ("epi", "wncft_inferred", "wncft_prototype", "wncft_gate"):
                for task in tasks[:stage]:
                    (row,) = tested(stage, task, 0, "free")
                    yield replace(row, metric="identification", scoring=None, value=90.0)
            if stage and (method != "multitask" or stage == total):
                train = tasks[stage - 1] if method != "multitask" else None
                for metric, value in _measured_costs(method, stage).items():
                    yield StreamRow(
                        suite, model, seed, method, rate, order, stage, train, None, metric, None, value, None
                    )  # fmt: skip


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
        "passes": 960 * (stage if method == "multitask" else 1) + 300 * ("ncft" in method),
        "loss": 0.4,
    }


def trials(method: str, rates: Sequence[float] = (1e-4, 3e-4, 1e-3, 3e-3, 1e-2)) -> list[TrialRow]:
    """Trials of one method: a hill over the learning rates, whose top differs from method to method."""
    top = -4 + 2 * noise("top", method).random()
    height = 75 - 60 * LOST[method]
    tried: list[TrialRow] = []
    if METHODS[method].family in ("static", "dynamic"):
        for rate in rates:
            for temperature in (1.0,) if method == "wncft_literal" else (0.02, 0.1, 0.5, 2.0):
                value = height - 4 * abs(np.log10(temperature) + 1) - 14 * (np.log10(rate) - top) ** 2
                tried.append(_trial(method, rate, None, temperature, value))
    else:
        for strength in (0.1, 1.0, 10.0) if method in ("ewc", "olora") else (None,):
            for rate in rates:
                value = height - 14 * (np.log10(rate) - top) ** 2 - (0 if strength in (None, 1.0) else 6)
                tried.append(_trial(method, rate, strength, None, value))
        tried[-1] = replace(tried[-1], accuracy=None, restricted=None, learned=None)
    best = max((row for row in tried if row.accuracy is not None), key=lambda row: row.accuracy)
    return [replace(row, chosen=row is best) for row in tried]


def _trial(method: str, rate: float, strength: float | None, temperature: float | None, value: float) -> TrialRow:
    value = max(value, 9.0)
    return TrialRow(method, rate, strength, temperature, value, min(value + 5, 100.0), 90.0, chosen=False)
