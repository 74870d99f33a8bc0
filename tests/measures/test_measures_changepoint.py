from itertools import product

import numpy as np
import pytest
from scipy.optimize import lsq_linear

from taskneurons.errors import InputError
from taskneurons.measures.borders import shapes_over
from taskneurons.measures.changepoint import layer_map


def noise(rng, tasks, layers, correlation):
    """Curves whose neighbouring layers are correlated."""
    values = rng.standard_normal((tasks, layers))
    for layer in range(1, layers):
        values[:, layer] = correlation * values[:, layer - 1] + np.sqrt(1 - correlation**2) * values[:, layer]
    return values


def ramp(layers, begin, end):
    return ((np.arange(layers) - begin) / (end - begin)).clip(0, 1)


@pytest.mark.parametrize("tasks, layers", [(6, 5), (12, 5), (24, 33)])
@pytest.mark.parametrize("correlation", [0.0, 0.9])
def test_flat_noise_seldom_has_a_map(tasks, layers, correlation):
    """Tasks of unequal noise too; 12 of 120 is the 99 % quantile at a rate of 5 %."""
    rng = np.random.default_rng(0)
    found = [
        layer_map(noise(rng, tasks, layers, correlation) * rng.exponential(1, (tasks, 1)), draws=59, seed=seed)
        for seed in range(120)
    ]
    assert sum(one.verdict != "none" for one in found) <= 12
    assert all(one.shared_end is None and one.available for one in found if one.verdict == "none")


@pytest.mark.parametrize("begin, end", [(9, 16), (4, 28), (15, 16), (1, 6)])
def test_a_planted_transition_is_found(begin, end):
    rng = np.random.default_rng(begin)
    curves = -0.05 + 0.1 * ramp(33, begin, end) + 0.01 * noise(rng, 24, 33, 0.5)
    found = layer_map(curves, draws=200)
    assert found.verdict == "transition"
    assert abs(found.shared_end - begin) <= 1 and abs(found.refinement_start - end) <= 1
    assert found.shared_interval[0] <= begin <= found.shared_interval[1]
    assert found.refinement_interval[0] <= end <= found.refinement_interval[1]
    assert found.shared_level == pytest.approx(-0.05, abs=0.01)
    assert found.refinement_level == pytest.approx(0.05, abs=0.01)
    assert found.explained > 0.95
    assert 0 < found.support <= 1


def test_intervals_cover_planted_borders():
    hits, transitions = np.zeros(2), 0
    for seed in range(24):
        rng = np.random.default_rng(seed)
        curves = 0.1 * ramp(9, 3, 5) * rng.uniform(0.5, 1.5, (16, 1)) + 0.04 * noise(rng, 16, 9, 0.7)
        found = layer_map(curves, draws=79, seed=seed)
        if found.verdict == "transition":
            transitions += 1
            hits += (
                found.shared_interval[0] <= 3 <= found.shared_interval[1],
                found.refinement_interval[0] <= 5 <= found.refinement_interval[1],
            )
    assert transitions >= 12
    assert (hits >= transitions - 3).all()


def test_few_layers_suffice_for_a_step():
    rng = np.random.default_rng(0)
    found = layer_map(0.1 * ramp(5, 2, 3) + 0.01 * rng.standard_normal((12, 5)), layers=[0, 1, 2, 3, 4])
    assert (found.verdict, found.shared_end, found.refinement_start) == ("transition", 2, 3)


def test_an_even_rise_is_a_drift_and_a_fall_is_none():
    for seed in range(4):
        curves = 0.1 * ramp(17, 0, 16) + 0.02 * noise(np.random.default_rng(seed), 24, 17, 0.5)
        found = layer_map(curves, draws=59)
        assert (found.verdict, found.shared_end, found.shared_interval) == ("drift", None, None)
        fallen = layer_map(-curves, draws=59)
        assert (fallen.verdict, fallen.p_border, fallen.power) == ("none", None, None)
        assert fallen.p_value > 0.5


def test_the_smooth_alternative_is_the_nearest_curve_that_its_rises_make():
    """Against a general quadratic program on random curves."""
    names = np.arange(6)
    borders = np.array([pair for pair in product(range(6), repeat=2) if pair[0] < pair[1]])
    ramps = np.array([ramp(6, *pair) - ramp(6, *pair).mean() for pair in borders])
    shapes = shapes_over(names, borders, ramps / np.linalg.norm(ramps, axis=1, keepdims=True))
    for target in (np.arange(6) ** 2.0, np.arange(6) ** 0.5, np.arange(6.0)):
        target = target - target.mean()
        found = lsq_linear(shapes.smooth.T, target, bounds=(0, np.inf))
        assert 2 * found.cost <= 1e-3 * (target @ target)
    step = (np.arange(6) > 2) - 0.5
    assert 2 * lsq_linear(shapes.smooth.T, step, bounds=(0, np.inf)).cost > 0.03 * (step @ step)


def test_curves_without_noise_are_decided_by_their_shape():
    assert layer_map(np.tile(ramp(8, 3, 4), (6, 1))).p_border == 0
    assert layer_map(np.tile(ramp(8, 0, 7), (6, 1))).p_border == 1


def test_p_is_exact_for_few_tasks():
    """Against every flip of signs and every ramp, one at a time."""
    curves = np.random.default_rng(5).standard_normal((6, 5)) + 0.5 * ramp(5, 1, 3)
    centred = curves - curves.mean(axis=1, keepdims=True)

    def statistic(signs):
        mean = (np.array(signs)[:, None] * centred).sum(axis=0)
        shapes = [ramp(5, i, j) - ramp(5, i, j).mean() for i in range(5) for j in range(i + 1, 5)]
        return max(shape @ mean / np.linalg.norm(shape) for shape in shapes)

    flips = list(product((1, -1), repeat=6))
    expected = np.mean([statistic(signs) >= statistic((1,) * 6) - 1e-12 for signs in flips])
    assert layer_map(curves).p_value == pytest.approx(expected)


def test_names_of_layers_and_their_spacing():
    curves = 0.1 * ramp(8, 2, 5) + 0.005 * np.random.default_rng(0).standard_normal((10, 8))
    plain, named = layer_map(curves), layer_map(curves, layers=range(1, 9))
    assert (named.shared_end, named.refinement_start) == (plain.shared_end + 1, plain.refinement_start + 1) == (3, 6)
    assert named.shared_interval == tuple(layer + 1 for layer in plain.shared_interval)


def test_a_level_of_a_curve_does_not_matter_and_the_result_is_reproducible():
    rng = np.random.default_rng(1)
    curves = 0.1 * ramp(12, 3, 7) + 0.02 * rng.standard_normal((14, 12))
    one, other = layer_map(curves, seed=3), layer_map(curves + rng.standard_normal((14, 1)), seed=3)
    assert one == layer_map(curves, seed=3)
    assert (one.shared_end, one.refinement_start, one.p_value) == (
        other.shared_end,
        other.refinement_start,
        other.p_value,
    )


def test_curves_that_are_not_finite_are_dropped_and_counted():
    curves = 0.1 * ramp(8, 2, 5) + 0.005 * np.random.default_rng(0).standard_normal((10, 8))
    more = np.vstack([curves, np.full((2, 8), np.nan)])
    found = layer_map(more)
    assert (found.curves, found.dropped) == (10, 2)
    assert found.p_value == layer_map(curves).p_value


def test_what_is_not_available_says_why():
    assert layer_map(np.zeros((4, 9))).reason == "4 families, at least 5 are needed"
    assert layer_map(np.zeros((9, 3))).reason == "3 layers, at least 4 are needed"
    assert not layer_map(np.zeros((9, 3))).available
    flat = layer_map(np.full((9, 6), 0.3))
    assert (flat.available, flat.verdict, flat.p_value) == (True, "none", 1.0)


def test_bad_requests_are_refused():
    curves = np.zeros((6, 5))
    with pytest.raises(InputError, match="5 columns need as many increasing layers"):
        layer_map(curves, layers=[0, 1, 2])
    with pytest.raises(InputError, match="increasing"):
        layer_map(curves, layers=[0, 1, 3, 2, 4])
    with pytest.raises(InputError, match="alpha"):
        layer_map(curves, alpha=0)
    with pytest.raises(InputError, match="draw"):
        layer_map(curves, draws=0)
