"""Trends agree with scipy and with least squares, are exact on small cases, find what was planted and nothing else."""

from itertools import permutations

import numpy as np
import pytest
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.measures.trend import rank_correlation, slope


def blocks_of(rng: np.random.Generator, rise: float = 0.0, count: int = 3, columns: int = 1) -> list:
    levels = np.repeat([1.0, 5.0, 10.0], 3)
    return [
        (levels, 10 * place + rise * levels[:, None] + rng.normal(size=(9, columns))) for place in range(count)
    ]  # fmt: skip


def test_slope_of_one_block_is_scipys_with_its_interval() -> None:
    rng = np.random.default_rng(0)
    levels, responses = blocks_of(rng, 0.3, 1)[0]
    found, theirs = slope([(levels, responses)]), stats.linregress(levels, responses[:, 0])
    half = stats.t.ppf(0.975, 7) * theirs.stderr
    assert found.value == pytest.approx(theirs.slope)
    assert (found.low, found.high) == pytest.approx((theirs.slope - half, theirs.slope + half))


def test_slope_of_several_blocks_is_that_of_a_model_with_an_intercept_each() -> None:
    rng = np.random.default_rng(1)
    blocks = blocks_of(rng, 0.3)
    blocks[1] = (blocks[1][0][:5], blocks[1][1][:5])
    found = slope(blocks)
    y = np.concatenate([responses[:, 0] for _, responses in blocks])
    design = np.zeros((len(y), 4))
    start = 0
    for place, (levels, _) in enumerate(blocks):
        design[start : start + len(levels), 0] = levels
        design[start : start + len(levels), 1 + place] = 1
        start += len(levels)
    fitted, squares, *_ = np.linalg.lstsq(design, y)
    error = np.sqrt(squares[0] / (len(y) - 4) * np.linalg.inv(design.T @ design)[0, 0])
    half = stats.t.ppf(0.975, len(y) - 4) * error
    assert found.value == pytest.approx(fitted[0])
    assert (found.low, found.high) == pytest.approx((fitted[0] - half, fitted[0] + half))
    assert found.units == 23


def test_small_cases_are_enumerated() -> None:
    levels = np.array([1.0, 2.0, 3.0, 4.0, 5.0])
    scores = np.array([3.0, 1.0, 4.0, 9.0, 5.0])
    every = [stats.spearmanr(order, scores).statistic for order in permutations(levels)]
    observed = stats.spearmanr(levels, scores).statistic
    found = rank_correlation([(levels, scores[:, None])])
    assert (found.permutations, found.exact, found.value) == (120, True, pytest.approx(observed))
    assert found.p_value == np.mean(np.abs(every) >= abs(observed) - 1e-12)
    # A perfect trend is as extreme as its reverse: two of 120.
    assert rank_correlation([(levels, levels[:, None])]).p_value == 2 / 120
    # Units of one level are exchangeable: 4! / (2! 2!) = 6 labellings, two of which part the levels.
    tied = slope([(np.array([1.0, 1.0, 2.0, 2.0]), np.array([[0.0], [0.1], [5.0], [6.0]]))])
    assert (tied.permutations, tied.exact, tied.p_value) == (6, True, 2 / 6)
    both = slope([(levels, levels[:, None]), (levels[:3], levels[:3, None])])
    assert (both.permutations, both.p_value) == (720, 2 / 720)


def test_measurements_of_one_unit_stay_together() -> None:
    """Copies of a response are no further evidence."""
    rng = np.random.default_rng(2)
    levels, scores = np.arange(6.0), rng.normal(size=(6, 1))
    once, thrice = (rank_correlation([(levels, np.tile(scores, copies))]) for copies in (1, 3))
    assert (once.value, once.p_value) == (pytest.approx(thrice.value), thrice.p_value)


def test_random_labellings_agree_with_all_of_them() -> None:
    rng = np.random.default_rng(3)
    blocks = blocks_of(rng, 0.1, 2)
    assert not slope(blocks).exact
    # 1,680 labellings of one block are enumerated; drawn, they must give the same within four standard errors.
    exact = slope(blocks[:1])
    assert (exact.permutations, exact.exact) == (1680, True)
    own = blocks[0][1][:, 0]
    w = blocks[0][0] - blocks[0][0].mean()
    null = np.abs(rng.permuted(np.tile(w, (20_000, 1)), axis=1) @ own)
    assert np.mean(null >= abs(w @ own) - 1e-9) == pytest.approx(exact.p_value, abs=4 * np.sqrt(0.25 / 20_000))


@pytest.mark.parametrize("test", [slope, rank_correlation])
def test_planted_trends_are_found_and_none_is_not(test) -> None:
    rng = np.random.default_rng(4)
    planted = [test(blocks_of(rng, 0.3), draws=500).p_value for _ in range(20)]
    assert max(planted) < 0.05
    null = [test(blocks_of(rng), draws=200).p_value for _ in range(400)]
    # 5 % of 400 are 20; binomial standard deviation 4.4.
    assert 6 <= sum(p <= 0.05 for p in null) <= 36


def test_intervals_cover_the_true_slope() -> None:
    rng = np.random.default_rng(5)
    found = [slope(blocks_of(rng, 0.2), draws=1) for _ in range(600)]
    covered = np.mean([one.low <= 0.2 <= one.high for one in found])
    assert covered == pytest.approx(0.95, abs=0.03)


def test_what_cannot_be_tested_says_so() -> None:
    levels = np.array([1.0, 1.0])
    assert slope([]).reason == "nothing was measured"
    assert slope([(levels, np.ones((2, 1)))]).reason == "one level, at least 2 are needed"
    assert slope([(np.array([1.0, 2.0]), np.array([[1.0], [np.nan]]))]).reason == "1 values are not available"
    constant = rank_correlation([(np.array([1.0, 2.0, 3.0]), np.ones((3, 1)))])
    assert (constant.value, constant.p_value) == (0, 1)
    two = slope([(np.array([1.0, 2.0]), np.array([[1.0], [2.0]]))])
    assert (two.value, two.low, two.high) == (1, None, None)
    with pytest.raises(InputError, match="do not fit"):
        slope([(levels, np.ones((3, 1)))])
    with pytest.raises(InputError, match="at least 1 draw"):
        slope([], draws=0)
