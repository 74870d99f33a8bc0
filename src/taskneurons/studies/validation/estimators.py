"""The scores that are judged, as arrays: those across tasks, and those of others that a user would try."""

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np
from jaxtyping import Float

Scores = Float[np.ndarray, "layer neuron"]
ByTask = Mapping[str, Scores]
"""The scores of each task."""

# ASSUME: integrated gradients take the 16 points of `Attributor` in each of two layers. Those along the path of the
# input take its 50 points for all layers together.
BACKWARD: Mapping[str, int] = MappingProxyType(
    {
        "taylor": 1,
        "taylor_token": 1,
        "taylor_global": 1,
        "taylor_all_tokens": 1,
        "activation": 0,
        "integrated_gradients": 32,
        "conductance": 50,
        "internal_influence": 50,
        "contrast": 1,
        "entropy": 1,
        "taylor_less_others": 1,
        "signed": 1,
        "signed_contrast": 1,
        "signed_less_others": 1,
        "wanda": 0,
        "lape": 0,
        "random": 0,
        "exact_signed": 0,
        "exact_absolute": 0,
        "exact_contrast": 0,
    }
)
"""Backward passes over each example of the tasks, by the names of all estimators."""
EXACT = ("exact_signed", "exact_absolute", "exact_contrast")


def less_mean(scores: ByTask) -> dict[str, Scores]:
    """The scores of each task less the mean of those of the other tasks."""
    total, others = sum(scores.values()), len(scores) - 1
    return {task: own - (total - own) / others for task, own in scores.items()}


def less_largest(scores: ByTask) -> dict[str, Scores]:
    """The scores of each task less the largest among those of the other tasks."""
    return {
        task: own - np.max([other for name, other in scores.items() if name != task], axis=0)
        for task, own in scores.items()
    }


def relative(scores: ByTask) -> dict[str, Scores]:
    """The scores of each task divided by their mean over the neurons: tasks of other lengths then compare."""
    return {task: own / own.mean() for task, own in scores.items()}


def lape(active: ByTask) -> dict[str, Scores]:
    """How often a neuron is active in a task, weighted by how few tasks have that.

    After the activation probability entropy of Tang et al. 2024 (ACL, arXiv 2402.16438): the weight is 1 - H / log T;
    their two cuts become one product, so that there is a ranking.

    Args:
        active: share of the tokens of each task at which a neuron is active.
    """
    stacked = np.stack(list(active.values()))
    total = stacked.sum(axis=0)
    shares = np.divide(stacked, total, out=np.zeros_like(stacked), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    weight = np.clip(1 + (shares * logs).sum(axis=0) / np.log(len(active)), 0.0, 1.0)
    return {task: own * weight for task, own in active.items()}


def unsigned(scores: Mapping[str, ByTask]) -> dict[str, dict[str, Scores]]:
    """What is made of the scores of all tasks by `taylor`, beside the product's contrast and entropy."""
    return {"taylor_less_others": less_largest(relative(scores["taylor"]))}


def signed(effects: ByTask) -> dict[str, dict[str, Scores]]:
    """The scores that keep the sign of what removal does, in nats, so that tasks compare as they are."""
    return {
        "signed": dict(effects),
        "signed_contrast": less_mean(effects),
        "signed_less_others": less_largest(effects),
    }
