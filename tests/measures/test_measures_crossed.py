"""Correlations of a few points and of two crossed matrices: against scipy, enumeration, and error rates."""

from itertools import permutations, product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import PermutationMethod, binom, norm, pearsonr, rankdata, spearmanr

from taskneurons.errors import InputError
from taskneurons.measures.crossed import correlation, crossed_test, fisher_interval, selected_correlation

FUNCTIONS = {"pearson": pearsonr, "spearman": spearmanr}


@pytest.mark.parametrize("coefficient", FUNCTIONS)
@given(seed=st.integers(0, 10_000), ties=st.booleans())
def test_coefficients_are_scipys(coefficient, seed, ties):
    x, y = np.random.default_rng(seed).normal(size=(2, 9))
    if ties:
        x, y = np.round(x), np.round(y)
    if np.ptp(x) == 0 or np.ptp(y) == 0:
        return
    found = correlation(x.tolist(), y.tolist(), coefficient, draws=5)
    assert found.value == pytest.approx(FUNCTIONS[coefficient](x, y).statistic, abs=1e-12)


@pytest.mark.parametrize("coefficient", FUNCTIONS)
@pytest.mark.parametrize("seed", range(3))
def test_p_of_six_points_is_that_of_all_720_orders(coefficient, seed):
    x, y = np.random.default_rng(seed).normal(size=(2, 6))
    y += x
    found = correlation(x.tolist(), y.tolist(), coefficient)
    form = rankdata if coefficient == "spearman" else np.asarray
    null = [abs(np.corrcoef(form(x)[list(order)], form(y))[0, 1]) for order in permutations(range(6))]
    assert found.p_value == pytest.approx(np.mean(np.array(null) >= abs(found.value) - 1e-9))
    assert (found.exact, found.permutations) == (True, 720)


def test_more_points_are_permuted_at_random():
    x, y = np.random.default_rng(0).normal(size=(2, 12))
    found = correlation(x.tolist(), y.tolist(), "pearson", draws=2000)
    expected = pearsonr(x, y, method=PermutationMethod(n_resamples=2000, rng=1)).pvalue
    assert not found.exact and found.p_value == pytest.approx(expected, abs=0.05)


def test_the_interval_is_fishers_and_covers():
    assert fisher_interval(0.79, 6, "pearson") == pytest.approx((-0.06, 0.98), abs=0.005)
    x, y = np.random.default_rng(3).normal(size=(2, 15))
    found, expected = correlation(x.tolist(), y.tolist(), "pearson", draws=1), pearsonr(x, y).confidence_interval(0.95)
    assert (found.low, found.high) == pytest.approx((expected.low, expected.high))
    assert fisher_interval(0.5, 6, "spearman")[0] < fisher_interval(0.5, 6, "pearson")[0]
    rng, inside = np.random.default_rng(0), 0
    for _ in range(300):
        x, noise = rng.normal(size=(2, 6))
        low, high = fisher_interval(float(np.corrcoef(x, 0.6 * x + 0.8 * noise)[0, 1]), 6, "pearson")
        inside += low <= 0.6 <= high
    assert norm.ppf(0.005) * 3.8 < inside - 285 < norm.ppf(0.995) * 3.8
    assert fisher_interval(1.0, 6, "pearson") == (None, None)


def test_the_price_of_choosing_a_layer_is_paid():
    """The best of eight unrelated layers is often nominally significant; its own p-value is not."""
    rng, nominal, honest = np.random.default_rng(1), 0, 0
    for _ in range(150):
        curves, y = rng.normal(size=(8, 6)), rng.normal(size=6).tolist()
        best, found = selected_correlation(curves, y, "pearson")
        values = np.abs(np.corrcoef(np.vstack([curves, y]))[-1, :-1])
        assert best == int(values.argmax()) and abs(found.value) == pytest.approx(values.max())
        nominal += correlation(curves[best].tolist(), y, "pearson").p_value <= 0.05
        honest += found.p_value <= 0.05
        assert (found.low, found.high) == (None, None)
    assert honest <= 15 and nominal >= 30


def test_one_layer_is_no_choice():
    curves, y = np.random.default_rng(2).normal(size=(1, 6)), [3.0, 1.0, 4.0, 1.5, 9.0, 2.0]
    _, found = selected_correlation(curves, y, "spearman")
    assert found.p_value == pytest.approx(correlation(curves[0].tolist(), y, "spearman").p_value)


def partial(x, y, nuisance):
    sides = [rankdata(matrix, axis=0).ravel() for matrix in (x, y)]
    design = np.column_stack([np.ones(x.size), *[np.ravel(one) for one in nuisance]])
    left = [side - design @ np.linalg.pinv(design) @ side for side in sides]
    return float(np.corrcoef(*left)[0, 1])


@pytest.mark.parametrize("centred", [False, True])
def test_the_crossed_p_is_the_share_of_all_relabellings(centred):
    rng = np.random.default_rng(4)
    x, noise = rng.normal(size=(2, 4, 3))
    y = x + 0.8 * noise
    kind = np.outer([1, 1, 0, 0], [1, 0, 0]) + np.outer([0, 0, 1, 1], [0, 1, 1])
    means = [np.repeat(row[:, None], 3, axis=1) for row in np.eye(4)] + [
        np.tile(column, (4, 1)) for column in np.eye(3)
    ]
    nuisance = [kind, *(means if centred else [])]
    found = crossed_test(x, y, nuisance=[kind], centred=centred)
    assert found.value == pytest.approx(partial(x, y, nuisance))
    assert (found.exact, found.permutations) == (True, 24 * 6)
    # Covariates are taken out of each relabelled matrix as they are of the observed one.
    design = np.column_stack([np.ones(12), *[np.ravel(one) for one in nuisance]])
    left = [
        (side - design @ np.linalg.pinv(design) @ side).reshape(4, 3)
        for side in (rankdata(matrix, axis=0).ravel() for matrix in (x, y))
    ]
    values = [
        np.corrcoef(moved - design @ np.linalg.pinv(design) @ moved, left[1].ravel())[0, 1]
        for rows, columns in product(permutations(range(4)), permutations(range(3)))
        for moved in [left[0][np.ix_(rows, columns)].ravel()]
    ]
    assert found.p_value == pytest.approx(np.mean(np.abs(values) >= abs(found.value) - 1e-9))


def test_the_level_holds_where_covariates_explain_much():
    """Correlations of residuals that were relabelled, and not fitted again, would be too small: 10 % and more here."""
    rng, hits = np.random.default_rng(7), 0
    left_out = [np.eye(36)[place].reshape(6, 6) for place in range(0, 36, 3)]
    for _ in range(400):
        x, y = rng.normal(size=(2, 6, 6)) + 2 * np.sum(left_out, axis=0)
        hits += crossed_test(x, y, nuisance=left_out, centred=False, draws=99).p_value <= 0.05
    assert binom.ppf(0.005, 400, 0.05) <= hits <= binom.ppf(0.995, 400, 0.05)


def test_tasks_that_differ_as_a_whole_are_not_taken_for_related_pairs():
    """Training tasks that help everywhere, and are like everything, correlate over cells by chance of six tasks."""
    rng = np.random.default_rng(5)
    crossed = cell_wise = 0
    for _ in range(150):
        a, b = rng.normal(size=(2, 6, 1))
        x, y = (effect + 0.2 * rng.normal(size=(6, 6)) for effect in (a, b))
        crossed += crossed_test(x, y, centred=False, draws=199).p_value <= 0.05
        cell_wise += abs(np.corrcoef(rankdata(x), rankdata(y))[0, 1]) > 0.33  # p = 0.05 of 36 cells
    assert crossed <= 15 and cell_wise >= 60


def test_what_a_kind_explains_is_taken_out():
    rng = np.random.default_rng(6)
    kind = np.kron(np.eye(2), np.ones((3, 3)))
    hits = 0
    for _ in range(100):
        x, y = (2 * kind + 0.3 * rng.normal(size=(6, 6)) for _ in range(2))
        hits += crossed_test(x, y, nuisance=[kind], draws=199).p_value <= 0.05
    assert hits <= 12
    assert crossed_test(x, y, centred=False, draws=999).p_value <= 0.05
    shared = rng.normal(size=(6, 6))
    x, y = (2 * kind + shared + 0.2 * rng.normal(size=(6, 6)) for _ in range(2))
    assert crossed_test(x, y, nuisance=[kind], draws=999).p_value <= 0.05


@pytest.mark.parametrize(
    ("x", "y", "reason"),
    [
        ([1.0, 2.0, 3.0], [1.0, 2.0, 3.0], "3 points, at least 4"),
        ([1.0] * 6, [1.0, 2.0, 3.0, 4.0, 5.0, 6.0], "all values of one side are equal"),
        ([1.0, 2.0, 3.0, np.nan], [1.0, 2.0, 3.0, 4.0], "not finite"),
    ],
)
def test_what_cannot_be_correlated_says_why(x, y, reason):
    found = correlation(x, y, "pearson")
    assert (found.value, found.p_value, found.low) == (None, None, None) and reason in found.reason
    _, chosen = selected_correlation(np.array([x]), y, "pearson")
    assert chosen.value is None and chosen.reason


def test_what_cannot_be_crossed_says_why():
    rng = np.random.default_rng(0)
    x = rng.normal(size=(6, 6))
    assert "2 x 6 tasks" in crossed_test(x[:2], x[:2]).reason
    assert "given the nuisance" in crossed_test(np.ones((6, 6)), x).reason
    holes = x.copy()
    holes[0, :2] = np.nan
    assert crossed_test(holes, x).reason == "2 of 36 pairs of tasks are not available"
    with pytest.raises(InputError, match="one shape"):
        crossed_test(x, x, nuisance=[x[:5]])
    with pytest.raises(InputError, match="coefficients are"):
        correlation([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0, 3.0], "kendall")
    with pytest.raises(InputError, match="4 and 3 values"):
        correlation([1.0, 2.0, 3.0, 4.0], [1.0, 2.0, 4.0], "pearson")
    with pytest.raises(InputError, match="at most 7"):
        selected_correlation(rng.normal(size=(2, 8)), [1.0] * 8, "pearson")
