"""Rankings against their definitions by counting, and against all orders of what is tied."""

from itertools import pairwise, permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import mannwhitneyu, spearmanr

from taskneurons.errors import InputError
from taskneurons.measures.ranking import rank_correlation, ranking

# Few values, so that there are ties.
POINTS = st.lists(st.tuples(st.integers(0, 3), st.booleans()), min_size=3, max_size=7)


def split(points):
    return np.array([float(value) for value, _ in points]), np.array([positive for _, positive in points])


def orders_of_ties(scores, positive):
    """The labels in every order of the ranks, each order of equal scores once."""
    for order in permutations(range(len(scores))):
        if all(scores[a] >= scores[b] for a, b in pairwise(order)):
            yield positive[list(order)]


@given(POINTS)
def test_auroc_is_the_share_of_pairs_and_precision_the_mean_over_orders_of_ties(points) -> None:
    scores, positive = split(points)
    found = ranking(scores, positive)
    if positive.all() or not positive.any() or len(set(scores)) == 1:
        assert found.auroc is found.precision is None and found.reason
        return
    above = mannwhitneyu(scores[positive], scores[~positive]).statistic
    assert found.auroc == pytest.approx(above / (positive.sum() * (~positive).sum()))
    k = positive.sum()
    orders = list(orders_of_ties(scores, positive))
    assert found.precision == pytest.approx(np.mean([order[:k].mean() for order in orders]))
    # Scores tie at the cut if orders differ in which neurons stand above it.
    edge = np.sort(scores)[::-1]
    assert found.tied == ((scores == edge[k - 1]).sum() if edge[k - 1] == edge[k] else 0)


def test_average_precision_is_the_mean_precision_at_each_positive() -> None:
    scores, positive = np.arange(9.0), np.random.default_rng(0).random(9) < 0.5
    order = np.argsort(-scores)
    at = [positive[order][: place + 1].mean() for place in range(9) if positive[order][place]]
    assert ranking(scores, positive).average_precision == pytest.approx(np.mean(at))


def test_correlation_is_spearmans_and_there_is_none_of_a_constant() -> None:
    first, second = np.random.default_rng(0).integers(0, 5, (2, 40)).astype(float)
    assert rank_correlation(first, second) == pytest.approx(spearmanr(first, second).statistic)
    assert rank_correlation(first, np.ones(40)) is None


def test_constant_scores_and_one_kind_alone_have_a_reason_in_one_sentence() -> None:
    assert ranking(np.ones(4), np.array([1, 0, 0, 1], bool)).reason == "all scores are equal, so that they rank nothing"
    assert ranking(np.arange(4.0), np.ones(4, bool)).reason == "there are no neurons of one of the two kinds"
    with pytest.raises(InputError, match="a score is NaN or infinite"):
        ranking(np.array([0.0, np.nan]), np.array([True, False]))
    with pytest.raises(InputError, match="the first 5 of 2 neurons"):
        ranking(np.array([0.0, 1.0]), np.array([True, False]), k=5)
