"""Made-up curves of learning whose speeds are known: what a training has gained goes as 1 - exp(-speed x steps)."""

import math
from collections.abc import Mapping, Sequence

from taskneurons.evidence.tasks import DescribedTask
from taskneurons.evidence.trained import Condition
from taskneurons.studies.training.rows import ReadingRow

START = {"classification": 40.0, "generation": 20.0}
BEST = 90.0
READINGS = (5, 10, 20, 40)
CELLS = ((1.0, 1e-3), (3.0, 3e-4), (3.0, 1e-3), (20.0, 1e-3))
# For one percent of the neurons at a rate of 0.001; the whole model learns as ten percent do, doubled.
SPEEDS: dict[Condition, float] = {
    "task": 0.02, "random": 0.005, "uniform": 0.007, "keystone": 0.01, "other_task": 0.01, "sibling": 0.02,
}  # fmt: skip


def speed(condition: Condition, percent: float, rate: float) -> float:
    """Of the gain, for one step."""
    if condition == "full":
        return 0.4 * rate / 1e-3
    return SPEEDS[condition] * percent * rate / 1e-3


def score(kind: str, of: float, steps: int) -> float:
    """Percent, after some steps at a speed."""
    return BEST - (BEST - START[kind]) * math.exp(-of * steps)


def reading_rows(
    tasks: Sequence[DescribedTask],
    *,
    seeds: Sequence[int] = (0, 1, 2),
    model: str = "llama",
    wobble: float = 0.0,
    cells: Sequence[tuple[float, float]] = CELLS,
    speeds: Mapping[Condition, float] = SPEEDS,
) -> list[ReadingRow]:
    """Rows of the study; with `wobble`, own neurons are that many points better for each number of the seed."""
    rows = []
    for task in tasks:
        for seed in seeds:
            run = {"suite": task.suite, "model": model, "seed": seed, "task": task.name}

            def add(condition, of, steps, percent=None, rate=None, run=run, task=task, **more):
                value = score(task.kind, of, steps) + (wobble * run["seed"] if condition == "task" else 0.0)
                made = (
                    {"estimator": "taylor", "selection": "model"}
                    if percent
                    else dict.fromkeys(("estimator", "selection"))
                )
                of_row = {
                    "condition": condition,
                    "neurons": None,
                    "percent": percent,
                    "share": percent,
                    "draw": None,
                } | more
                of_row |= {"learning_rate": rate, "steps": steps, "n": 100, **made}
                for metric, found in ((task.score, value), ("loss", (100 - value) / 40)):
                    rows.append(ReadingRow(**run, **of_row, metric=metric, value=found))

            add("zero_shot", 0.0, 0)
            for rate in sorted({rate for _, rate in cells}):
                for steps in READINGS:
                    add("full", speed("full", 0, rate), steps, rate=rate)
            for percent, rate in cells:
                for condition, base in speeds.items():
                    draws = (0, 1) if condition == "random" else (None,)
                    for draw in draws:
                        for steps in READINGS:
                            of = base * percent * rate / 1e-3
                            add(condition, of, steps, percent, rate, draw=draw)
    return rows
