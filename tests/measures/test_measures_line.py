"""The line against scipy, and its prediction interval against what it promises."""

import numpy as np
import pytest
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.measures.line import curvature_p, fit_line


def test_slope_and_interval_are_those_of_scipy():
    rng = np.random.default_rng(3)
    levels = rng.uniform(4, 7, 6)
    values = 2 - 0.5 * levels + rng.normal(0, 0.3, 6)
    line, found = fit_line(levels, values), stats.linregress(levels, values)
    half = stats.t.ppf(0.975, 4) * found.stderr
    assert [line.slope, line.low, line.high] == pytest.approx([found.slope, found.slope - half, found.slope + half])
    assert line.at(9.8).value == pytest.approx(found.intercept + 9.8 * found.slope)


@pytest.mark.parametrize("level", [5.5, 9.8])
def test_a_new_point_lies_in_its_prediction_interval_as_often_as_that_says(level):
    rng = np.random.default_rng(5)
    levels = np.linspace(4, 7, 5)
    hits = 0
    for _ in range(2000):
        band = fit_line(levels, 1 + levels + rng.normal(0, 1, 5)).at(level)
        hits += band.low <= 1 + level + rng.normal(0, 1) <= band.high
    # 0.95 within four standard errors.
    assert hits / 2000 == pytest.approx(0.95, abs=0.02)


def test_two_points_or_one_level_make_no_line_and_unequal_numbers_are_refused():
    assert fit_line([1, 2], [1, 2]) is None
    assert fit_line([1, 1, 1], [1, 2, 3]) is None
    with pytest.raises(InputError, match="in pairs"):
        fit_line([1, 2, 3], [1, 2])
    with pytest.raises(InputError, match="finite"):
        fit_line([1, 2, 3], [1, 2, np.nan])


def test_the_p_of_a_bend_is_that_of_comparing_parabola_and_line():
    rng = np.random.default_rng(7)
    levels = rng.uniform(4, 7, 7)
    values = levels**2 / 8 + rng.normal(0, 0.2, 7)
    left = [((np.polynomial.Polynomial.fit(levels, values, degree)(levels) - values) ** 2).sum() for degree in (1, 2)]
    statistic = (left[0] - left[1]) / (left[1] / 4)
    assert curvature_p(levels, values) == pytest.approx(stats.f.sf(statistic, 1, 4))
    assert curvature_p(levels[:3], values[:3]) is None
    assert curvature_p(levels, np.ones(7)) is None
