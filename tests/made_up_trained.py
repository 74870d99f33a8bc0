"""Made-up results of the studies that train neurons, with effects of known size."""

import hashlib
from collections.abc import Iterator, Sequence
from itertools import product
from typing import Any

import numpy as np

from taskneurons.evidence.tasks import DescribedTask
from taskneurons.evidence.trained import TRAINED, Trained

ZERO_SHOT = {"classification": 40.0, "generation": 20.0}


def group_tasks(tasks: Sequence[DescribedTask]) -> dict[str, list[str]]:
    """The first task of each family is trained on, the second only tests."""
    kinds = {kind: [task.name for task in tasks if task.kind == kind] for kind in ZERO_SHOT}
    trained = {f"train_{kind}": names[0::2] for kind, names in kinds.items()}
    return trained | {f"test_{kind}": names[1::2] for kind, names in kinds.items()}


def measured(test: DescribedTask, score: float, noise: float, n: int = 500, **cells: Any) -> Iterator[Trained]:
    """The rows of one model on one task; the noise is a function of what is measured."""
    row = dict.fromkeys(TRAINED.columns) | {"suite": test.suite, "test_task": test.name, "n": n} | cells
    drawn = hashlib.sha256(repr(list(row.values())).encode()).hexdigest()
    score += noise * np.random.default_rng(int(drawn[:8], 16)).normal()
    for metric, value in ((test.score, round(score, 6)), ("loss", round((100 - score) / 40, 6))):
        yield Trained(**row | {"metric": metric, "value": value})


def proportion_rows(
    tasks: Sequence[DescribedTask],
    *,
    seeds: Sequence[int] = (0,),
    noise: float = 0.5,
    rise: float = 0.2,
    percents: Sequence[float] = (10.0, 30.0, 50.0, 70.0, 100.0),
    draws: int = 2,
    elsewhere: float = 1 / 3,
) -> list[Trained]:
    """Trained neurons add 5 points and `rise` for each percent to what was trained on, a share of it elsewhere.

    Unseen tasks test what was trained jointly alone, which has random neurons beside it.
    """
    groups = group_tasks(tasks)
    named = {task.name: task for task in tasks}
    unseen = groups["test_classification"] + groups["test_generation"]
    rows: list[Trained] = []
    for seed in seeds:
        run = {"study": "proportion", "model": "llama", "seed": seed}
        for task in tasks:
            rows += measured(task, ZERO_SHOT[task.kind], noise, condition="zero_shot", **run)
        for kind in ZERO_SHOT:
            together = groups[f"train_{kind}"]
            for name, trained in ((kind, together), *((task, [task]) for task in together)):
                for percent in percents:
                    share = 100 * (1 - (1 - percent / 100) ** len(trained))
                    of = run | {"train_task": name, "percent": percent, "share": share, "learning_rate": 1e-3}
                    of |= {"estimator": "taylor", "selection": "model"}
                    joint = name == kind
                    for test in (*trained, *(unseen if joint else ())):
                        start = ZERO_SHOT[named[test].kind]
                        gain = (5 + rise * percent) * (1 if test in trained else elsewhere)
                        own = of | {"condition": "task", "neurons": name}
                        rows += measured(named[test], start + gain, noise, **own)
                        for draw in range(draws if joint and percent < 100 else 0):
                            rows += measured(named[test], start + 3, noise, condition="random", draw=draw, **of)
    return rows


def overlap_rows(
    tasks: Sequence[DescribedTask],
    *,
    seeds: Sequence[int] = (0,),
    noise: float = 0.5,
    rise: float = 0.0,
    percents: Sequence[float] = (10.0, 30.0, 50.0),
    overlaps: Sequence[float] = (10.0, 50.0, 100.0),
    choices: int = 3,
    higher: float = 0.0,
) -> list[Trained]:
    """Ten points of overlap add `rise` points, with higher-scored neurons `higher` more; test tasks have own levels."""
    groups = group_tasks(tasks)
    named = {task.name: task for task in tasks}
    rows: list[Trained] = []
    for seed in seeds:
        run = {"study": "overlap", "model": "llama", "seed": seed}
        for kind in ZERO_SHOT:
            for place, name in enumerate(groups[f"test_{kind}"]):
                rows += measured(named[name], ZERO_SHOT[kind], noise, condition="zero_shot", **run)
                for trained in ("classification", "generation") if kind == "classification" else ("generation",):
                    for percent in percents:
                        for overlap in overlaps:
                            for members, draw in product(("higher", "lower"), range(choices)):
                                of = run | {"condition": members, "train_task": trained, "neurons": trained}
                                of |= {"percent": percent, "share": percent, "overlap": overlap, "draw": draw}
                                of |= {"estimator": "taylor", "selection": "model", "learning_rate": 1e-3}
                                each = rise + (higher if members == "higher" else 0)
                                score = ZERO_SHOT[kind] + 10 * place + each * overlap / 10
                                rows += measured(named[name], score, noise, **of)
    return rows


def the(rows: Sequence[Any], **cells: Any) -> Any:
    """The only row with these cells."""
    found = [row for row in rows if all(getattr(row, name) == value for name, value in cells.items())]
    assert len(found) == 1, (len(found), cells)
    return found[0]
