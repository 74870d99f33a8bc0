"""Made-up scores of neurons on three pre-trained models, with planted overlap."""

import numpy as np

from taskneurons.evidence.tasks import DescribedTask, Kind
from taskneurons.neurons.scores import NeuronScores
from taskneurons.studies.overlap.sets import ScoredRun

DEPTH, WIDTH = 4, 250
FAMILIES: dict[str, Kind] = {
    "moods": "classification",
    "likes": "classification",
    "facts": "generation",
    "lists": "generation",
}
TASKS = {
    f"{family}_{letter}": DescribedTask("mine", f"{family}_{letter}", family, kind)
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
    model: str = "llama",
) -> ScoredRun:
    """Scores that are the sum of parts shared by kind and by family, an own part, and noise of the examples."""
    rng = np.random.default_rng(seed)
    shape = (DEPTH, WIDTH)
    crowd = first_layer * (np.arange(DEPTH) == 0)[:, None]
    shared = {name: rng.normal(size=shape) for name in (*FAMILIES, *FAMILIES.values())}
    whole, halves = {}, {}
    for name, task in TASKS.items():
        value = family * shared[task.family] + kind * shared[task.kind] + rng.normal(size=shape) + crowd
        one, other = (value + noise * rng.normal(size=shape) for _ in range(2))
        whole[name] = make_scores(name, (one + other) / 2, f"{seed:064d}")
        halves[name] = (make_scores(name, one, f"{seed:064d}"), make_scores(name, other, f"{seed:064d}"))
    return ScoredRun("mine", model, seed, whole, halves)
