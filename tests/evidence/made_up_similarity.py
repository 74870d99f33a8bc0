"""Made-up similarities and scores of models that were tuned on one task, with planted correlations."""

from typing import Any

import numpy as np

from taskneurons.evidence.similarity import CELL_COLUMNS
from taskneurons.evidence.tuned import COLUMNS

DEPTH = 4
FAMILIES = ("moods", "likes", "pairs", "facts", "lists", "news")
TASKS: list[dict[str, Any]] = [
    {"name": f"{family}_{letter}", "family": family, "suite": "mine", "source": "mirrors SST-2" * (family == "moods"),
     "kind": "classification" if place < 3 else "generation"}
    for place, family in enumerate(FAMILIES)
    for letter in "ab"
]  # fmt: skip
KIND = {task["name"]: task["kind"] for task in TASKS}
TRAIN, TEST = (tuple(f"{family}_{letter}" for family in FAMILIES) for letter in "ab")
# Rises from the first layer to the middle and drops at the last.
PROFILE = (0.1, 0.4, 0.4, 0.2)


def make_cells(seed: int = 0, *, norms: float = 0.01, model: str = "llama", depth: int = DEPTH) -> list[dict[str, Any]]:
    """The masked cosine is the overlap and a little more; overlap is high in a family, by layer as PROFILE says."""
    rng = np.random.default_rng(seed)
    rows = []
    shared = {"study": "similarity", "model": model, "suite": "mine", "seed": seed, "estimator": "taylor"}
    shared |= {"selection": "model", "percent": 10, "first": 20, "second": 20, "shared": 5, "reason": ""}
    for train in TRAIN:
        for test in TEST:
            overlap = 0.5 * (train[:-1] == test[:-1]) + 0.2 * rng.random()
            extra = norms * rng.normal()
            for layer in range(depth):
                value = PROFILE[layer] + overlap
                cells = shared | {"train_task": train, "test_task": test, "layer": layer, "jaccard": value / 2}
                cells |= {"ochiai": value, "ochiai_chance": 0.1, "masked_cosine": value + extra}
                cells |= {"mean_cosine": value, "best_match": value, "mean_cosine_outside": rng.normal()}
                cells |= {"best_match_outside": float(rng.random()), "best_match_chance": 0.4}
                rows += [cells | {"state": state} for state in ("base", "tuned")]
    return [{name: row[name] for name in CELL_COLUMNS} for row in rows]


def make_scores(seed: int, gains: dict[tuple[str, str], float], model: str = "llama") -> list[dict[str, Any]]:
    """Scores of 40 before tuning and 40 + gain after, losses of 2 and 2 - gain / 50."""
    rows = []
    shared = dict.fromkeys(COLUMNS) | {"study": "similarity", "model": model, "suite": "mine", "seed": seed, "n": 250}
    for test in TEST:
        metric = "accuracy" if KIND[test] == "classification" else "rougeL"
        for train in (None, *TRAIN):
            gain = gains[train, test] if train else 0.0
            cells = shared | {"condition": "full" if train else "zero_shot", "train_task": train, "test_task": test}
            rows += [cells | {"metric": metric, "value": 40 + gain}, cells | {"metric": "loss", "value": 2 - gain / 50}]
    return rows


def gains_like(
    cells: list[dict[str, Any]], *, slope: float, noise: float, seed: int = 0
) -> dict[tuple[str, str], float]:
    """Gains that follow the mean masked cosine over layers."""
    rng = np.random.default_rng(seed)
    sums: dict[tuple[str, str], list[float]] = {}
    for row in cells:
        if row["state"] == "tuned":
            sums.setdefault((row["train_task"], row["test_task"]), []).append(row["masked_cosine"])
    return {pair: slope * float(np.mean(values)) + noise * rng.normal() for pair, values in sums.items()}
