"""Made-up results of the deactivation study, with effects of known size."""

import hashlib
from collections.abc import Iterator, Sequence

import numpy as np

from taskneurons.evidence.measurements import CONDITIONS, MEASUREMENTS, NO_SETTING, Condition, Measurement, Setting
from taskneurons.evidence.tasks import DescribedTask

ZEROED = {within: Setting("taylor", 10, within, "zero") for within in ("layer", "model")}
"""The top 10 % by Taylor scores, set to zero."""


def make_rows(
    tasks: Sequence[DescribedTask],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    model: str = "llama",
    within: str = "layer",
    draws: int = 5,
    noise: float = 1.0,
    conditions: Sequence[str] = CONDITIONS,
) -> list[Measurement]:
    """Rows in which the task loses 45 points, its sibling 23, its kind 4, others 1.5, random ones 1, all of them 60."""
    rows = []

    def add(
        seed: int, condition: Condition, test: DescribedTask, lost: float, train: str | None, draw: int | None
    ) -> None:
        drawn = [test.name, train or "", condition, str(draw), str(seed), model]
        rng = np.random.default_rng(int(hashlib.sha256(" ".join(drawn).encode()).hexdigest()[:8], 16))
        start = 92.0 if test.kind == "classification" else 71.0
        score = float(np.clip(start - lost + noise * rng.normal(), 0, 100))
        setting = NO_SETTING if condition == "original" else ZEROED[within]
        for metric, value in ((test.score, round(score, 3)), ("loss", round((100 - score) / 40, 4))):
            rows.append(
                Measurement(
                    study="deactivation", model=model, suite=test.suite, seed=seed, condition=condition,
                    train_task=train, test_task=test.name, **vars(setting), draw=draw, metric=metric, value=value,
                    n=500,
                )
            )  # fmt: skip

    for seed in seeds:
        for test in tasks:
            for condition, lost, train, draw in _deactivations(test, tasks, draws):
                if condition in conditions:
                    add(seed, condition, test, lost, train, draw)
    return MEASUREMENTS.sorted(rows)


def _deactivations(
    test: DescribedTask, tasks: Sequence[DescribedTask], draws: int
) -> Iterator[tuple[Condition, float, str | None, int | None]]:
    """Each condition of a tested task with the points that it loses, the task of the neurons and the draw."""
    yield "original", 0.0, None, None
    yield "bottom", 0.2, test.name, None
    yield "all_tasks", 60.0, None, None
    for draw in range(draws):
        yield "random", 1.0, None, draw
    for train in tasks:
        if train.name == test.name:
            yield "task", 45.0, train.name, None
        else:
            close = 23.0 if train.family == test.family else 4.0
            yield "other_task", close if train.kind == test.kind else 1.5, train.name, None
