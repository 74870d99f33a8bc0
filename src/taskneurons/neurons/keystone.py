"""The neurons that every task needs, which a task's own are told apart from."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
from jaxtyping import Float, Int

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores, Within
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet


def keystone(scores: Mapping[str, NeuronScores], selection: Selection) -> NeuronSet:
    """The neurons that stand highest in the ranking of every task, as many as the selection takes for one task.

    A neuron's place is the worst of its ranks over the tasks, so that no task alone can bring it in. Equal places are
    ranked by lower layer, then by lower index. What ablation finds in pretrained models (a few neurons of huge
    activation that any output needs) lies here.

    Args:
        scores: of every task, of one model and shape.
        selection: how many are taken, and whether ranks are those over the model or inside each layer.

    Raises:
        InputError: no scores, scores of several models, or scores of another estimator than the selection's.
    """
    if not scores:
        raise InputError("there are no scores of any task", where="keystone")
    if len({one.model_digest for one in scores.values()}) > 1:
        raise InputError("the scores are of several models", where="keystone")
    for one in scores.values():
        # It refuses scores of another estimator.
        selection.of(one)
    worst = np.max([_ranks(one.scores, selection.within) for one in scores.values()], axis=0)
    first = next(iter(scores.values()))
    return replace(first, scores=-worst.astype(np.float32)).top(selection.percent, selection.within)


def _ranks(scores: Float[np.ndarray, "layer neuron"], within: Within) -> Int[np.ndarray, "layer neuron"]:
    """Each neuron's place in its ranking, from 0 for the highest score."""
    rows = scores.reshape(1, -1) if within == "model" else scores
    order = np.argsort(-rows, axis=1, kind="stable")
    ranks = np.empty_like(order)
    np.put_along_axis(ranks, order, np.broadcast_to(np.arange(rows.shape[1]), rows.shape), axis=1)
    return ranks.reshape(scores.shape)
