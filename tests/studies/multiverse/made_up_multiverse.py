"""Rows of a small multiverse: two shares and two controls over three tasks, with known differences."""

from dataclasses import replace
from itertools import product

from taskneurons.studies.multiverse.rows import MeasuredRow
from taskneurons.studies.multiverse.tables import Pattern

TASKS = {"mood": "classification", "topic": "classification", "echo": "generation"}
SHARES = {1: 4.0, 10: 9.5}
CONTROLS = {"layer": 2.0, "other_task": 8.0}
PATTERN = Pattern((9, 10), (1, 3))


def row(task, place, percent=10, control="layer", *, seed=0, within="model", **change):
    """What a share costs beyond the control, a little more for each further task and seed."""
    metric = "accuracy" if TASKS[task] == "classification" else "rougeL"
    beside = 80.0 - CONTROLS[control]
    own = beside - SHARES[percent] - 0.2 * (place - 1) - 0.1 * seed
    found = MeasuredRow(
        "small", "mine", seed, task, TASKS[task], "taylor", "answer", "top", within, percent, "zero", control, metric,
        80.0, own, beside, 8, percent, percent, 1.0, 0.5,
    )  # fmt: skip
    return replace(found, **change)


def rows(**change):
    return [
        row(task, place, percent, control, **change)
        for place, task in enumerate(TASKS)
        for percent, control in product(SHARES, CONTROLS)
    ]
