"""Attribution scores of FFN neurons for one task, the selection of neurons by them, and scores derived across tasks."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float, Float32

from taskneurons.errors import InputError
from taskneurons.files import read_safetensors, write_safetensors
from taskneurons.neurons.sets import NeuronSet

Within = Literal["model", "layer"]
_TENSORS = ("scores", "activation", "activation_mean")
_HEADER = ("task", "model", "estimator", "examples", "tokens")


@dataclass(frozen=True, eq=False)
class NeuronScores:
    """What one estimator says of every FFN neuron of one model on one task.

    Args:
        scores: (layers, neurons of a layer), higher means more relevant to the task.
        activation: same shape, mean |w| of the neuron's activation over the counted tokens.
        activation_mean: same shape, mean of w, the value that an intervention to the mean puts in.
        task: name of the task.
        model_digest: SHA-256 of the weights that were scored.
        estimator: name of the estimator.
        examples, tokens: how many were counted, both at least 1.

    Raises:
        InputError: shapes differ, a value is NaN or infinite, a name is empty or a count is below 1.
    """

    scores: Float32[np.ndarray, "layer neuron"]
    activation: Float32[np.ndarray, "layer neuron"]
    activation_mean: Float32[np.ndarray, "layer neuron"]
    task: str
    model_digest: str
    estimator: str
    examples: int
    tokens: int

    def __post_init__(self) -> None:
        shape = np.shape(self.scores)
        if len(shape) != 2 or 0 in shape:
            raise InputError(f"scores are a matrix (layers, neurons), not of shape {shape}", where=self.task)
        for name in _TENSORS:
            array = np.array(getattr(self, name), dtype=np.float32)
            if array.shape != shape:
                raise InputError(f"`{name}` has shape {array.shape}, the scores have {shape}", where=self.task)
            if not np.isfinite(array).all():
                layer, neuron = np.argwhere(~np.isfinite(array))[0]
                raise InputError(
                    f"`{name}` is {array[layer, neuron]} at layer {layer}, neuron {neuron}; every value must be finite",
                    where=self.task,
                    remedy="Check the model's weights and its dtype",
                )
            array.setflags(write=False)
            object.__setattr__(self, name, array)
        for name in ("task", "model_digest", "estimator"):
            if not getattr(self, name):
                raise InputError(f"scores need a `{name}`", where=self.task or None)
        for name in ("examples", "tokens"):
            if getattr(self, name) < 1:
                raise InputError(f"scores over {getattr(self, name)} {name}; at least 1 is needed", where=self.task)

    @property
    def shape(self) -> tuple[int, int]:
        """(layers, neurons of a layer) of the scored model."""
        return self.scores.shape[0], self.scores.shape[1]

    def top(self, percent: float, within: Within = "model") -> NeuronSet:
        """The `percent` % of neurons with the highest scores.

        The number taken is percent / 100 of the neurons, rounded half up, and never below 1. Equal scores are ranked
        by lower layer, then by lower index, so that the set depends on the scores alone and a smaller percentage
        always gives a subset of a larger one.

        Args:
            percent: in (0, 100].
            within: rank over the whole model (Leng & Xiong 2025, literally) or in each layer apart.

        Raises:
            InputError: percent or within is outside its range.
        """
        return self._ranked(percent, within, first=True)

    def bottom(self, percent: float, within: Within = "model") -> NeuronSet:
        """The `percent` % of neurons at the other end of the ranking of `top`.

        Top and bottom share no neuron as long as their percentages add up to at most 100 (less the rounding).
        """
        return self._ranked(percent, within, first=False)

    def save(self, path: str | Path) -> None:
        """Write safetensors whose header says task, model, estimator, examples, tokens."""
        header = dict(
            zip(
                _HEADER,
                (self.task, self.model_digest, self.estimator, str(self.examples), str(self.tokens)),
                strict=True,
            )
        )
        write_safetensors(path, {name: getattr(self, name) for name in _TENSORS}, header)

    @classmethod
    def load(cls, path: str | Path) -> "NeuronScores":
        """Read what `save` wrote.

        Raises:
            InputError: the file is unreadable, lacks a tensor or a header field, or a value is not finite.
        """
        tensors, header = read_safetensors(path)
        missing = [name for name in _TENSORS if name not in tensors] + [name for name in _HEADER if name not in header]
        if missing:
            raise InputError(f"not a file of neuron scores: it lacks {', '.join(missing)}", where=str(path))
        for name in ("examples", "tokens"):
            if not header[name].isdecimal():
                raise InputError(f"header field `{name}` is `{header[name]}`, not a whole number", where=str(path))
        try:
            return cls(
                tensors["scores"],
                tensors["activation"],
                tensors["activation_mean"],
                task=header["task"],
                model_digest=header["model"],
                estimator=header["estimator"],
                examples=int(header["examples"]),
                tokens=int(header["tokens"]),
            )
        except InputError as error:
            raise InputError(str(error), where=str(path)) from None

    def _ranked(self, percent: float, within: Within, *, first: bool) -> NeuronSet:
        if not 0 < percent <= 100:
            raise InputError(f"percent is {percent}; it must be above 0 and at most 100", where="percent")
        if within not in get_args(Within):
            raise InputError(f"within is `{within}`; it must be `model` or `layer`", where="within")
        scores = self.scores.reshape(1, -1) if within == "model" else self.scores
        count = max(1, int(np.floor(percent * scores.shape[1] / 100 + 0.5)))
        # A stable sort keeps equal scores in the order of (layer, index).
        order = np.argsort(-scores, axis=1, kind="stable")
        mask = np.zeros(scores.shape, dtype=bool)
        np.put_along_axis(mask, order[:, :count] if first else order[:, -count:], True, axis=1)
        return NeuronSet(mask.reshape(self.shape))


def contrast(scores_by_task: Mapping[str, NeuronScores]) -> dict[str, NeuronScores]:
    """Relative relevance to the task minus the mean relative relevance to the other tasks.

    Args:
        scores_by_task: the scores of one estimator on one model, for at least two tasks, none negative.

    Raises:
        InputError: fewer than two tasks, scores of different models or estimators, negative or all-zero scores.
    """
    relative = _relative(scores_by_task)
    total = sum(relative.values())
    others = len(relative) - 1
    return _derived(scores_by_task, "contrast", {t: own - (total - own) / others for t, own in relative.items()})


def entropy(scores_by_task: Mapping[str, NeuronScores]) -> dict[str, NeuronScores]:
    """Relative relevance to the task, weighted by how few tasks the neuron serves.

    With p the neuron's relative relevances divided by their sum over the T tasks, the weight is 1 - H(p) / log T: 1 for
    a neuron of one task, 0 for one that serves all alike. This follows the language activation probability entropy
    (LAPE) of Tang et al. 2024 (ACL, arXiv 2402.16438), with relevance in place of the activation probability, and the
    product in place of their two cuts (lowest entropy, then at least one high probability).

    Args, Raises: as `contrast`.
    """
    relative = _relative(scores_by_task)
    stacked = np.stack(list(relative.values()))
    total = stacked.sum(axis=0)
    shares = np.divide(stacked, total, out=np.zeros_like(stacked), where=total > 0)
    logs = np.log(shares, out=np.zeros_like(shares), where=shares > 0)
    weight = np.clip(1 + (shares * logs).sum(axis=0) / np.log(len(relative)), 0.0, 1.0)
    return _derived(scores_by_task, "entropy", {task: own * weight for task, own in relative.items()})


DERIVED = {"contrast": contrast, "entropy": entropy}
"""The estimators that are made of the scores of all tasks."""


def _relative(scores_by_task: Mapping[str, NeuronScores]) -> dict[str, Float[np.ndarray, "layer neuron"]]:
    """Each task's scores divided by their mean over the neurons, in float64, after the checks of `contrast`."""
    if len(scores_by_task) < 2:
        raise InputError(f"scores across tasks need at least two tasks, not {len(scores_by_task)}")
    kinds = {(s.model_digest, s.estimator, s.shape) for s in scores_by_task.values()}
    if len(kinds) != 1:
        raise InputError(
            "scores across tasks must come from one model and one estimator, not from "
            + "; ".join(f"{estimator} on {digest[:8]} {shape}" for digest, estimator, shape in sorted(kinds))
        )
    relative = {}
    for task, own in scores_by_task.items():
        if own.scores.min() < 0 or own.scores.max() == 0:
            raise InputError("scores across tasks need relevances >= 0 that are not all zero", where=task)
        # ASSUME: the raw scale grows with the length of the answer, so tasks are compared after dividing by the mean.
        relative[task] = own.scores.astype(np.float64) / own.scores.mean(dtype=np.float64)
    return relative


def _derived(
    sources: Mapping[str, NeuronScores], estimator: str, scores: Mapping[str, np.ndarray]
) -> dict[str, NeuronScores]:
    return {
        task: replace(own, scores=scores[task].astype(np.float32), estimator=estimator) for task, own in sources.items()
    }
