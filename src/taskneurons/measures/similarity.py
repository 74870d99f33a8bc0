"""How alike the parameters of two neuron sets are inside one layer of one model (Leng & Xiong 2025, Figure 3).

A neuron's parameters are one vector x_j: its rows of the input projections, their biases, its column of the output
projection. Two sets have different members, so a similarity needs a rule for what is compared with what:

- masked cosine: the layer's parameters as one long vector, zero outside a set, against the same for the other set.
  Inside one model the two agree wherever both are not zero, so it is an overlap in which neurons count by their norm:
  sum over the shared j of |x_j|^2 / sqrt(sum over A of |x_j|^2 * sum over B of |x_j|^2). With equal norms it is
  |A & B| / sqrt(|A| |B|), the Ochiai coefficient, whatever the neurons compute.
- mean cosine: of the mean vectors of the two sets.
- best match: for every neuron of one set the largest cosine to a neuron of the other; the mean over the set, and the
  mean of both directions.

A shared neuron is like itself, so the latter two rise with the overlap too. Their values outside compare A - B with
B - A: what the sets have in common beside being the same neurons. The largest of many cosines is large by chance, and
sets that share more have fewer neurons outside, so the best match outside has a chance level of its own: the partners
of A - B are as many random neurons that are not in A, those of B - A as many that are not in B.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Bool, Float

from taskneurons.errors import InputError
from taskneurons.measures.overlap import log_factorials

_CHUNK = 1 << 24  # cosines at once


@dataclass(frozen=True)
class ParameterSimilarity:
    """The similarity of two neuron sets in one layer; None where it has no value, and `reason` says why.

    Attributes:
        first, second, shared: numbers of neurons.
        jaccard: |A & B| / |A | B| (Eq. 13).
        ochiai: |A & B| / sqrt(|A| |B|), the masked cosine of neurons of equal norm.
        ochiai_chance: its mean over random sets of these sizes in the layer, sqrt(|A| |B|) / number of neurons.
        masked_cosine, mean_cosine, best_match: see the module.
        mean_cosine_outside, best_match_outside: of A - B and B - A.
        best_match_chance: the mean of best_match_outside over random partners, exactly.
        reason: why some of these are None; empty when all are there.
    """

    first: int
    second: int
    shared: int
    jaccard: float | None = None
    ochiai: float | None = None
    ochiai_chance: float | None = None
    masked_cosine: float | None = None
    mean_cosine: float | None = None
    mean_cosine_outside: float | None = None
    best_match: float | None = None
    best_match_outside: float | None = None
    best_match_chance: float | None = None
    reason: str = ""


def parameter_similarity(
    parameters: Float[np.ndarray, "neuron width"],
    first: Bool[np.ndarray, " neuron"],
    second: Bool[np.ndarray, " neuron"],
) -> ParameterSimilarity:
    """Compare the parameters of two sets of neurons of one layer.

    Args:
        parameters: one row a neuron of the layer.
        first, second: members of the sets A and B.

    Raises:
        InputError: a parameter is not finite.
    """
    sizes = int(first.sum()), int(second.sum()), int((first & second).sum())
    if not sizes[0] or not sizes[1]:
        return ParameterSimilarity(*sizes, reason="a set has no neurons in this layer")
    used = np.flatnonzero(first | second)
    rows = np.asarray(parameters[used], dtype=np.float64)
    if not np.isfinite(parameters).all():
        raise InputError(f"a parameter of neuron {np.argwhere(~np.isfinite(parameters))[0, 0]} is not finite")
    a, b = first[used], second[used]
    norms = np.einsum("nw,nw->n", rows, rows)
    one, other, one_only, other_only = rows[a], rows[b], rows[a & ~b], rows[b & ~a]
    geometric = float(np.sqrt(sizes[0] * sizes[1]))
    masked = _ratio(float(norms[a & b].sum()), float(np.sqrt(norms[a].sum() * norms[b].sum())))
    outside = len(one_only) > 0 and len(other_only) > 0
    found = ParameterSimilarity(
        *sizes,
        jaccard=sizes[2] / (sizes[0] + sizes[1] - sizes[2]),
        ochiai=sizes[2] / geometric,
        ochiai_chance=geometric / len(parameters),
        masked_cosine=masked,
        mean_cosine=_cosine(one.mean(axis=0), other.mean(axis=0)),
        mean_cosine_outside=_cosine(one_only.mean(axis=0), other_only.mean(axis=0)) if outside else None,
        best_match=_best_match(one, other),
        best_match_outside=_best_match(one_only, other_only) if outside else None,
        best_match_chance=_best_match_chance(parameters, first, second) if outside else None,
        reason="" if outside else "one set lies inside the other, so that nothing can be compared outside both",
    )
    if outside and None in (found.masked_cosine, found.mean_cosine, found.mean_cosine_outside):
        return replace(found, reason="parameters or their mean are zero")
    return found


def residuals(values: Sequence[float | None], given: Sequence[float | None]) -> list[float | None]:
    """What a straight line through the points (given, value) leaves of each value; None where either is None.

    Returns:
        All None with fewer than 3 points or where all `given` are equal: such a line is not defined or fits exactly.
    """
    known = [place for place, pair in enumerate(zip(values, given, strict=True)) if None not in pair]
    left: list[float | None] = [None] * len(values)
    x, y = (np.array([column[place] for place in known], dtype=np.float64) for column in (given, values))
    if len(known) < 3 or float(np.ptp(x)) <= 1e-12 * float(np.abs(x).max()):
        return left
    design = np.column_stack([np.ones(len(x)), x])
    found = y - design @ np.linalg.lstsq(design, y, rcond=None)[0]
    for place, value in zip(known, found, strict=True):
        left[place] = float(value)
    return left


def _best_match(one: Float[np.ndarray, "member width"], other: Float[np.ndarray, "candidate width"]) -> float:
    """The mean of both directions of the mean largest cosine; a neuron of zeros has cosine 0 with all."""
    one, other = (rows / np.maximum(np.linalg.norm(rows, axis=1, keepdims=True), 1e-300) for rows in (one, other))
    forward, backward = np.empty(len(one)), np.full(len(other), -1.0)
    step = max(1, _CHUNK // len(other))
    for start in range(0, len(one), step):
        cosines = one[start : start + step] @ other.T
        forward[start : start + step] = cosines.max(axis=1)
        backward = np.maximum(backward, cosines.max(axis=0))
    return float((forward.mean() + backward.mean()) / 2)


def _best_match_chance(
    parameters: Float[np.ndarray, "neuron width"],
    first: Bool[np.ndarray, " neuron"],
    second: Bool[np.ndarray, " neuron"],
) -> float:
    """The mean best match of A - B and B - A with random partners, and of both directions."""
    # float32: the whole layer is needed, and a cosine is asked to three digits.
    unit = (parameters / np.maximum(np.linalg.norm(parameters, axis=1, keepdims=True), 1e-30)).astype(np.float32)
    means = []
    for own, other in ((first, second), (second, first)):
        rows, pool, partners = unit[own & ~other], unit[~own], int((other & ~own).sum())
        # P(the i-th largest of N is the largest of m random ones) = C(N - i, m - 1) / C(N, m)
        ln, rest = log_factorials(len(pool)), len(pool) - 1 - np.arange(len(pool) - partners + 1)
        inside = ln[rest] - ln[partners - 1] - ln[rest - partners + 1]
        chance = np.exp(inside - (ln[len(pool)] - ln[partners] - ln[len(pool) - partners]))
        step, total = max(1, _CHUNK // len(pool)), 0.0
        for start in range(0, len(rows), step):
            ordered = -np.sort(-(rows[start : start + step] @ pool.T), axis=1)
            total += float((ordered[:, : len(chance)] @ chance).sum())
        means.append(total / len(rows))
    return (means[0] + means[1]) / 2


def _cosine(one: Float[np.ndarray, " width"], other: Float[np.ndarray, " width"]) -> float | None:
    return _ratio(float(one @ other), float(np.linalg.norm(one) * np.linalg.norm(other)))


def _ratio(numerator: float, denominator: float) -> float | None:
    return numerator / denominator if denominator else None
