"""Made-up similarities and scores of models that were tuned on one task, with planted correlations."""

from collections.abc import Mapping, Sequence

import numpy as np

from taskneurons.evidence.tasks import DescribedTask
from taskneurons.evidence.trained import TRAINED, Trained
from taskneurons.studies.similarity.rows import CellRow, SimilarityRow

DEPTH = 4
FAMILIES = ("moods", "likes", "pairs", "facts", "lists", "news")
TASKS = [
    DescribedTask(
        "mine", f"{family}_{letter}", family, "classification" if place < 3 else "generation",
        "mirrors SST-2" * (family == "moods"),
    )
    for place, family in enumerate(FAMILIES)
    for letter in "ab"
]  # fmt: skip
KIND = {task.name: task.kind for task in TASKS}
TRAIN, TEST = (tuple(f"{family}_{letter}" for family in FAMILIES) for letter in "ab")
# Rises from the first layer to the middle and drops at the last.
PROFILE = (0.1, 0.4, 0.4, 0.2)


def make_cells(seed: int = 0, *, norms: float = 0.01, model: str = "llama", depth: int = DEPTH) -> list[CellRow]:
    """The masked cosine is the overlap and a little more; overlap is high in a family, by layer as PROFILE says."""
    rng = np.random.default_rng(seed)
    rows = []
    for train in TRAIN:
        for test in TEST:
            overlap = 0.5 * (train[:-1] == test[:-1]) + 0.2 * rng.random()
            extra = norms * rng.normal()
            for layer in range(depth):
                value = PROFILE[layer] + overlap
                outside, match = float(rng.normal()), float(rng.random())
                rows += [
                    CellRow(
                        study="similarity", model=model, suite="mine", seed=seed, estimator="taylor", selection="model",
                        percent=10.0, state=state, train_task=train, test_task=test, layer=layer, first=20, second=20,
                        shared=5, jaccard=value / 2, ochiai=value, ochiai_chance=0.1, masked_cosine=value + extra,
                        mean_cosine=value, mean_cosine_outside=outside, best_match=value, best_match_outside=match,
                        best_match_chance=0.4, reason="",
                    )
                    for state in ("base", "tuned")
                ]  # fmt: skip
    return rows


def make_scores(seed: int, gains: Mapping[tuple[str, str], float], model: str = "llama") -> list[Trained]:
    """Scores of 40 before tuning and 40 + gain after, losses of 2 and 2 - gain / 50."""
    rows = []
    shared = dict.fromkeys(TRAINED.columns) | {"study": "similarity", "model": model, "suite": "mine", "seed": seed}
    for test in TEST:
        metric = "accuracy" if KIND[test] == "classification" else "rougeL"
        for train in (None, *TRAIN):
            gain = gains[train, test] if train else 0.0
            cells = shared | {"condition": "full" if train else "zero_shot", "train_task": train, "test_task": test}
            for name, value in ((metric, 40 + gain), ("loss", 2 - gain / 50)):
                rows.append(Trained(**cells | {"metric": name, "value": value, "n": 250}))
    return rows


def gains_like(
    cells: Sequence[CellRow] | Sequence[SimilarityRow], *, slope: float, noise: float, seed: int = 0
) -> dict[tuple[str, str], float]:
    """Gains that follow the mean masked cosine over layers."""
    rng = np.random.default_rng(seed)
    sums: dict[tuple[str, str], list[float]] = {}
    for row in cells:
        if row.state == "tuned":
            sums.setdefault((row.train_task, row.test_task), []).append(row.masked_cosine)
    return {pair: slope * float(np.mean(values)) + noise * rng.normal() for pair, values in sums.items()}
