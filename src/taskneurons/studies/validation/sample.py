"""Which neurons are ablated one by one in a model that has too many to ablate all."""

from collections.abc import Mapping

import numpy as np
from jaxtyping import Float, Int

from taskneurons.errors import InputError
from taskneurons.studies.validation.rows import Kind

Scores = Float[np.ndarray, "layer neuron"]
Neurons = Int[np.ndarray, "sampled 2"]
"""Layer and number of each neuron."""


def sampled(scores: Mapping[str, Scores], task: str, count: int, seed: int) -> dict[Kind, Neurons]:
    """As many neurons of each kind, none of which is of two kinds.

    Args:
        scores: of every task, not negative.
        task: whose neurons are sampled.
        count: neurons of a kind.
        seed: of the draw of random ones.

    Returns:
        keystone: whose lowest score is highest, over tasks and relative to the mean of each task; top: those of the
        task that score highest among all others; random: any of the rest.

    Raises:
        InputError: the model has fewer neurons.
    """
    size = scores[task].size
    if 3 * count > size:
        raise InputError(
            f"three kinds of {count} neurons, the model has {size}",
            where="validation.sample.neurons",
            remedy=f"Write at most {size // 3}",
        )
    shared = np.min([one.astype(np.float64).ravel() / max(one.mean(), 1e-30) for one in scores.values()], axis=0)
    keystone = _highest(shared, count)
    own = scores[task].astype(np.float64).ravel().copy()
    own[keystone] = -np.inf
    top = _highest(own, count)
    rest = np.setdiff1d(np.arange(size), np.concatenate([keystone, top]))
    drawn = np.sort(np.random.default_rng([seed, 1]).choice(rest, count, replace=False))
    width = scores[task].shape[1]
    kinds: dict[Kind, Neurons] = {"keystone": keystone, "top": top, "random": drawn}
    return {kind: np.stack(np.divmod(flat, width), axis=1) for kind, flat in kinds.items()}


def _highest(values: Float[np.ndarray, " neuron"], count: int) -> Int[np.ndarray, " some"]:
    """Places of the highest values; of equal ones the first."""
    return np.sort(np.argsort(-values, kind="stable")[:count])
