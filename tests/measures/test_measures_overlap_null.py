"""Overlap by chance: against scipy's hypergeometric distribution, enumeration of all sets, and permuted masks."""

from itertools import combinations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import hypergeom, ks_2samp

from taskneurons.errors import InputError
from taskneurons.measures.overlap import chance_jaccard
from taskneurons.measures.overlap_null import LEAST_P, independent_jaccard, overlap_chance, union_draws


@pytest.mark.parametrize("shared", [0, 3, 10, 17, 40])
def test_p_of_the_whole_model_is_the_hypergeometric_one(shared):
    tails = hypergeom.sf(shared - 1, 1024, 102, 102), hypergeom.cdf(shared, 1024, 102, 102)
    found = overlap_chance(np.array([102]), np.array([102]), 1024, shared)
    assert found.p_value == pytest.approx(min(1, 2 * min(tails)), rel=1e-8)
    assert found.expected == pytest.approx(chance_jaccard(102, 102, 1024), rel=1e-12)
    for limit, q in ((found.low, 0.025), (found.high, 0.975)):
        number = hypergeom.ppf(q, 1024, 102, 102)
        assert limit == pytest.approx(number / (204 - number))


def test_within_layers_it_is_the_share_of_all_pairs_of_sets():
    size, first, second = 4, (1, 2), (2, 3)
    fixed = [set(range(number)) for number in first]
    values = []
    for others in product(*(combinations(range(size), number) for number in second)):
        shared = sum(len(a & set(b)) for a, b in zip(fixed, others, strict=True))
        values.append((shared, shared / (sum(first) + sum(second) - shared)))
    for observed in sorted({shared for shared, _ in values}):
        found = overlap_chance(np.array(first), np.array(second), size, observed)
        tails = [np.mean([s >= observed for s, _ in values]), np.mean([s <= observed for s, _ in values])]
        assert found.p_value == pytest.approx(min(1, 2 * min(tails)))
        assert found.expected == pytest.approx(np.mean([jaccard for _, jaccard in values]))


def test_sets_that_crowd_into_one_layer_are_expected_to_meet_there():
    crowded = np.array([90, 4, 4, 4])
    within = overlap_chance(crowded, crowded, 256, 40)
    anywhere = overlap_chance(np.array([102]), np.array([102]), 1024, 40)
    assert within.expected > 2 * anywhere.expected
    assert within.p_value > 1e3 * anywhere.p_value


@pytest.mark.parametrize("shared", [3300, 3800, 3980, 20000])
def test_large_models_have_right_p_values_down_to_the_least(shared):
    """Two sets of a tenth of 352,256 neurons."""
    tails = hypergeom.sf(shared - 1, 352256, 35226, 35226), hypergeom.cdf(shared, 352256, 35226, 35226)
    found = overlap_chance(np.array([35226]), np.array([35226]), 352256, shared)
    assert found.p_value == pytest.approx(max(LEAST_P, 2 * min(tails)), rel=1e-5)


def test_the_closed_form_is_the_published_digest_of_chance():
    """Unions of three independent sets, as the analysis of Table 8 states them."""
    for percent, expected in ((10, 15.7), (30, 48.9), (50, 77.8), (70, 94.7)):
        shares = np.full((3, 1), percent / 100)
        assert round(100 * independent_jaccard(shares, shares), 1) == expected


@given(
    st.integers(1, 3), st.integers(1, 3), st.integers(1, 4), st.integers(0, 2**32 - 1),
)  # fmt: skip
def test_the_closed_form_agrees_with_draws(one, other, strata, seed):
    size = 2000
    rng = np.random.default_rng(seed)
    first, second = (rng.integers(20, size, size=(number, strata)) for number in (one, other))
    draws = union_draws(first, second, size, draws=400, seed=seed % 1000)
    expected = independent_jaccard(first / size, second / size)
    assert expected == pytest.approx(draws.mean(), abs=5 * draws.std() / 20 + 5e-4)


def test_draws_are_distributed_as_permuted_masks_are():
    first, second = np.array([[5, 0], [3, 4]]), np.array([[6, 2], [1, 8], [4, 4]])
    size, rng = 12, np.random.default_rng(1)

    def union(sets):
        return np.logical_or.reduce([[rng.permutation(size) < number for number in members] for members in sets])

    permuted = []
    for _ in range(3000):
        a, b = union(first), union(second)
        permuted.append((a & b).sum() / (a | b).sum())
    drawn = union_draws(first, second, size, draws=3000, seed=0)
    assert ks_2samp(permuted, drawn).pvalue > 0.01
    assert np.mean(drawn) == pytest.approx(np.mean(permuted), abs=0.01)
    assert np.std(drawn) == pytest.approx(np.std(permuted), rel=0.06)


def test_one_set_each_is_drawn_from_the_exact_distribution():
    first, second = np.array([30, 5]), np.array([25, 12])
    exact = overlap_chance(first, second, 60)
    draws = union_draws(first[None], second[None], 60, draws=20000, seed=3)
    assert draws.mean() == pytest.approx(exact.expected, abs=4 * draws.std() / np.sqrt(20000))
    assert np.quantile(draws, [0.025, 0.975]) == pytest.approx([exact.low, exact.high], abs=0.02)


def test_full_sets_overlap_fully_and_disjoint_ones_can_be_forced_to_meet():
    full = np.array([8, 8])
    assert overlap_chance(full, full, 8, 16).p_value == 1
    assert independent_jaccard(np.ones((3, 2)), np.ones((3, 2))) == 1
    assert set(union_draws(full[None], full[None], 8, draws=5, seed=0)) == {1.0}
    assert overlap_chance(np.array([6]), np.array([6]), 8).low == pytest.approx(4 / 8)


def test_what_has_no_value_or_cannot_be_is_said():
    none = np.array([0, 0])
    assert overlap_chance(none, none, 5) is None
    assert independent_jaccard(np.zeros((1, 2)), np.zeros((2, 2))) is None
    with pytest.raises(InputError, match="4 shared members"):
        overlap_chance(np.array([3]), np.array([3]), 9, 4)
    with pytest.raises(InputError, match="3 shared members"):
        overlap_chance(np.array([6]), np.array([6]), 8, 3)
    with pytest.raises(InputError, match="in strata of 5"):
        overlap_chance(np.array([6]), np.array([3]), 5)
    with pytest.raises(InputError, match="between 0 and 1"):
        independent_jaccard(np.array([[1.5]]), np.array([[0.5]]))
    with pytest.raises(InputError, match="0 draws"):
        union_draws(np.array([[3]]), np.array([[3]]), 9, draws=0, seed=0)
    with pytest.raises(InputError, match="unions of 0 and 0"):
        union_draws(none[None], none[None], 9, draws=5, seed=0)
