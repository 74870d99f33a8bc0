"""Made-up comparisons of layers, of the form that the layers study writes, with borders of known place."""

import numpy as np

from taskneurons.evidence.runs import Run
from taskneurons.neurons.sets import NeuronSet
from taskneurons.studies.layers.rows import CKA_METRICS, ComparedRow, TransferRow

FAMILIES = {f"{family}_{n}": family for family in ("facts", "sums", "lists", "moods", "words", "names") for n in "ab"}
UNSEEN = ("facts_a", "facts_b", "sums_a", "lists_a", "moods_a", "words_a")
DEPTH = 8
RUN = Run("wide", "llama", 0)
CONSTANT = "all features are constant"


def gain(layer: int, role: str, task: str) -> float:
    """-0.2 up to layer 3, +0.3 from layer 6 on; nothing happens on unseen tasks."""
    if role == "base" or (role == "held_out" and task in UNSEEN):
        return 0.0
    return -0.2 + 0.5 * float(np.clip((layer - 3) / 3, 0, 1))


def make_layer_rows(*, seeds=(0,), depth: int = DEPTH, noise: float = 0.01, tasks=tuple(FAMILIES)) -> list[ComparedRow]:
    """Rows of CKA and effective rank; layer 0 is constant. The base falls from 0.9 to 0.6."""
    rows = []
    rng = np.random.default_rng(0)
    for seed in seeds:
        for task in tasks:
            task_cells = ("layers", "llama", "wide", seed, task, FAMILIES[task], task in UNSEEN)
            for role, score in (("base", 20.0), ("experimental", 90.0), ("held_out", 80.0), ("control", 95.0)):
                rows.append(ComparedRow(*task_cells, None, role, "accuracy", score, n=100))
                rows.append(ComparedRow(*task_cells, None, role, "loss", 2 - score / 50, n=100))
                for layer in range(depth + 1):
                    at, counts = (*task_cells, layer, role), {"n": 300, "dropped": 0}
                    rows.append(ComparedRow(*at, "effective_rank", 3.0 + layer, **counts))
                    if role == "control":
                        continue
                    for metric in CKA_METRICS:
                        if layer == 0:
                            rows.append(ComparedRow(*at, metric, reason=CONSTANT, **counts))
                            continue
                        value = 0.9 - 0.3 * (layer - 1) / max(1, depth - 1) + gain(layer, role, task) * 0.3
                        value += noise * rng.normal() + (0.02 if "biased" in metric else 0)
                        limits = {"low": value - 0.03, "high": value + 0.03, "p": 0.01} if "un" in metric else {}
                        rows.append(ComparedRow(*at, metric, value, null=0.0, null_high=0.05, **limits, **counts))
    return rows


def make_sets(depth: int = DEPTH, width: int = 160, seed: int = 0) -> dict[str, NeuronSet]:
    """Sets of 10 % in which tasks of a family share half of their neurons; most lie in the last layers."""
    rng = np.random.default_rng(seed)
    members: dict[str, np.ndarray] = {}
    for task, family in FAMILIES.items():
        own, shared = (
            rng.random((depth, width)),
            np.random.default_rng(list(FAMILIES.values()).index(family)).random((depth, width)),
        )
        chance = np.linspace(0.02, 0.18, depth)[:, None]
        members[task] = (own < chance / 2) | (shared < chance / 2)
        members[task][:, 0] = True
    return {task: NeuronSet(mask) for task, mask in members.items()}


def make_transfer_rows(seed: int = 0, depth: int = DEPTH) -> list[TransferRow]:
    """Tasks of a family have CKA 0.8 and transfer, others 0.4 and none."""
    rng = np.random.default_rng(seed)
    rows = []
    for source in FAMILIES:
        for task in FAMILIES:
            if source == task:
                continue
            same = FAMILIES[source] == FAMILIES[task]
            pair = ("layers", "llama", "wide", seed, source, task)
            rows.append(TransferRow(*pair, 0, "cka_unbiased", n=100, reason=CONSTANT))
            for layer in range(1, depth + 1):
                value = (0.8 if same else 0.4) + 0.05 * rng.normal()
                rows.append(TransferRow(*pair, layer, "cka_unbiased", value, 100))
            rows.append(TransferRow(*pair, None, "accuracy", 60.0 if same else 20.0 + rng.normal(), 100))
            rows.append(TransferRow(*pair, None, "loss", 1.0 if same else 1.6 + 0.01 * rng.normal(), 100))
    return rows
