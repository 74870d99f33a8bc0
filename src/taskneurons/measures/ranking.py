"""How well a score tells neurons of one kind from others: AUROC, average precision, precision among the first k."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Bool, Float

from taskneurons.errors import InputError


@dataclass(frozen=True)
class Ranking:
    """How well a ranking puts the positives first.

    Args:
        auroc: chance that a positive stands above a negative, ties counted half.
        average_precision: sum over distinct scores, from the highest, of precision times the rise of recall.
        precision: share of positives among the first k; where scores tie at the cut, its mean over their orders.
        k: how many stand above the cut.
        tied: how many have the score at the cut, if some of them stand above it and some below; else 0.
        reason: why there are no values; empty when there are.
    """

    auroc: float | None = None
    average_precision: float | None = None
    precision: float | None = None
    k: int = 0
    tied: int = 0
    reason: str = ""


def ranking(
    scores: Float[np.ndarray, " neuron"], positive: Bool[np.ndarray, " neuron"], *, k: int | None = None
) -> Ranking:
    """Compare a ranking, the highest score first, with what is known.

    Args:
        scores: of every neuron that is ranked.
        positive: which of them should stand first.
        k: of the precision; None: as many as there are positives.

    Raises:
        InputError: a score is not finite, the arrays differ in length, or k is not from 1 to their length.
    """
    if scores.shape != positive.shape or scores.ndim != 1:
        raise InputError(f"{scores.shape} scores and {positive.shape} labels", where="ranking")
    if not np.isfinite(scores).all():
        raise InputError("a score is NaN or infinite", where="ranking")
    positives = int(positive.sum())
    if positives in (0, len(scores)):
        return Ranking(reason="there are no neurons of one of the two kinds")
    if scores.min() == scores.max():
        return Ranking(reason="all scores are equal, so that they rank nothing")
    k = positives if k is None else k
    if not 1 <= k <= len(scores):
        raise InputError(f"the first {k} of {len(scores)} neurons", where="ranking")
    negatives = len(scores) - positives
    above = mean_ranks(scores)[positive].sum() - positives * (positives + 1) / 2
    # One step a distinct score, from the highest.
    _, place, taken = np.unique(-scores, return_inverse=True, return_counts=True)
    found = np.bincount(place, weights=positive.astype(np.float64))
    precision = found.cumsum() / taken.cumsum()
    cut = int(np.searchsorted(taken.cumsum(), k))
    over = k - (int(taken.cumsum()[cut]) - int(taken[cut]))
    share = over / int(taken[cut])
    first = found[:cut].sum() + share * found[cut]
    return Ranking(
        auroc=float(above / (positives * negatives)),
        average_precision=float((precision * found).sum() / positives),
        precision=float(first / k),
        k=k,
        tied=int(taken[cut]) if share < 1 else 0,
    )


def rank_correlation(first: Float[np.ndarray, " neuron"], second: Float[np.ndarray, " neuron"]) -> float | None:
    """Spearman's correlation; None where one of the two is constant."""
    ranks = [mean_ranks(one) for one in (first, second)]
    if any(one.min() == one.max() for one in ranks):
        return None
    return float(np.corrcoef(np.stack(ranks))[0, 1])


def slope(said: Float[np.ndarray, " neuron"], happens: Float[np.ndarray, " neuron"]) -> float | None:
    """Least squares through 0 of what happens on what is said; None where nothing is said."""
    square = float(said @ said)
    return float(said @ happens) / square if square else None


def mean_ranks(values: Float[np.ndarray, " value"]) -> Float[np.ndarray, " value"]:
    """1 for the lowest; those of equal values averaged.

    scipy.stats has them too, but its import would triple a table's job.
    """
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    return (np.cumsum(counts) - (counts - 1) / 2)[place]
