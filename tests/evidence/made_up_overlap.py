"""Made-up scores of neurons on three pre-trained models, with planted overlap."""

from typing import Any

import numpy as np

from taskneurons.evidence.overlap import ScoredRun
from taskneurons.neurons.scores import NeuronScores

DEPTH, WIDTH = 4, 250
FAMILIES = {"moods": "classification", "likes": "classification", "facts": "generation", "lists": "generation"}
TASKS: dict[str, dict[str, Any]] = {
    f"{family}_{letter}": {"name": f"{family}_{letter}", "family": family, "kind": kind, "suite": "mine"}
    for family, kind in FAMILIES.items()
    for letter in "ab"
}
GROUPS = {
    f"{role}_{kind}": [f"{family}_{letter}" for family in FAMILIES if FAMILIES[family] == kind]
    for role, letter in (("train", "a"), ("test", "b"))
    for kind in ("classification", "generation")
}


def make_scores(task: str, values: np.ndarray, digest: str = "0" * 64, estimator: str = "taylor") -> NeuronScores:
    filler = np.zeros_like(values, dtype=np.float32)
    return NeuronScores(values.astype(np.float32), filler, filler, task, digest, estimator, 10, 40)


def make_run(
    seed: int = 0,
    *,
    family: float = 2.0,
    kind: float = 0.7,
    noise: float = 0.2,
    first_layer: float = 0.0,
    model="llama",
) -> ScoredRun:
    """Scores that are the sum of parts shared by kind and by family, an own part, and noise of the examples."""
    rng = np.random.default_rng(seed)
    shape = (DEPTH, WIDTH)
    crowd = first_layer * (np.arange(DEPTH) == 0)[:, None]
    shared = {name: rng.normal(size=shape) for name in (*FAMILIES, *FAMILIES.values())}
    whole, halves = {}, {}
    for task, facts in TASKS.items():
        value = family * shared[facts["family"]] + kind * shared[facts["kind"]] + rng.normal(size=shape) + crowd
        one, other = (value + noise * rng.normal(size=shape) for _ in range(2))
        whole[task] = make_scores(task, (one + other) / 2, f"{seed:064d}")
        halves[task] = (make_scores(task, one, f"{seed:064d}"), make_scores(task, other, f"{seed:064d}"))
    return ScoredRun("mine", model, seed, whole, halves)
