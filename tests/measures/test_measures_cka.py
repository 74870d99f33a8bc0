import dataclasses
from itertools import permutations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.measures import cka as module
from taskneurons.measures import hsic
from taskneurons.measures.cka import CKA, CKAStream, cka, jackknife, shuffled_pairs
from taskneurons.measures.hsic import Side

SHAPES = [(4, 3, 3), (40, 200, 130), (64, 64, 64), (90, 70, 10), (300, 20, 33), (1000, 64, 64)]
KINDS = ["independent", "related", "huge variance", "offset", "outlier", "spread", "far scales"]


def pair(n, d_x, d_y, kind="related", seed=0):
    rng = np.random.default_rng(seed)
    x, y = rng.standard_normal((n, d_x)), rng.standard_normal((n, d_y))
    if kind != "independent":
        z = rng.standard_normal((n, 6))
        x, y = x + z @ rng.standard_normal((6, d_x)), y + z @ rng.standard_normal((6, d_y))
    if kind == "huge variance":
        x[:, :2] *= 1e4
        y[:, 1] *= 1e3
    if kind == "offset":
        x += 300
        y[:, 0] += 1e4
    if kind == "outlier":
        x[0] *= 1e3
        y[0] *= 50
        y[1] *= 100
    if kind == "spread":
        x *= np.exp(3 * rng.standard_normal(d_x))
    if kind == "far scales":
        x *= 1e25
        y *= 1e-25
    return x.astype(np.float32), y.astype(np.float32)


def reference(x, y):
    """The definitions, in float64: centring matrices, and the U-statistic of Song et al. 2012."""
    x, y = (side.astype(np.float64) / np.abs(side).max() for side in (x, y))
    n = len(x)
    centring = np.eye(n) - 1 / n
    ones = np.ones(n)

    def biased(k, l):  # noqa: E741
        return np.trace(k @ centring @ l @ centring)

    def unbiased(k, l):  # noqa: E741
        k, l = (gram - np.diag(np.diag(gram)) for gram in (k, l))  # noqa: E741
        cross = (ones @ k @ ones) * (ones @ l @ ones) / ((n - 1) * (n - 2))
        return np.trace(k @ l) + cross - 2 / (n - 2) * (ones @ k @ l @ ones)

    # The definition does not need centred features; without it float64 too would lose digits to an offset.
    x, y = x - x.mean(axis=0), y - y.mean(axis=0)
    k, l = x @ x.T, y @ y.T  # noqa: E741
    return [hsic(k, l) / np.sqrt(hsic(k, k) * hsic(l, l)) for hsic in (unbiased, biased)]


def both(result):
    assert result.available
    return [result.unbiased, result.biased]


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("shape", SHAPES)
def test_both_estimates_agree_with_the_float64_definitions(shape, kind):
    x, y = pair(*shape, kind)
    expected = reference(x, y)
    np.testing.assert_allclose(both(cka(x, y)), expected, rtol=0, atol=1e-6)
    stream = CKAStream()
    for begin in range(0, len(x), 37):
        stream.update(x[begin : begin + 37], y[begin : begin + 37])
    np.testing.assert_allclose(both(stream.result()), expected, rtol=0, atol=1e-6)


def test_float32_products_alone_would_not_do_for_outliers(monkeypatch):
    """What the second attempt in float64 is for; without an outlier it is not made."""
    x, y = pair(1000, 64, 64, "outlier")
    monkeypatch.setattr(hsic, "_GREATEST_CANCELLATION", np.inf)
    assert abs(cka(x, y).unbiased - reference(x, y)[0]) > 1e-6
    monkeypatch.undo()
    plain = [Side(side) for side in pair(1000, 64, 64, "related")]
    cka(*plain)
    assert all(np.float64 not in side._values for side in plain)


@pytest.mark.parametrize("shape", SHAPES)
def test_gram_and_feature_side_agree(shape, monkeypatch):
    x, y = pair(*shape)
    found = []
    for by_gram in (True, False):
        monkeypatch.setattr(module, "gram_is_cheaper", lambda *_, by_gram=by_gram: by_gram)
        found.append((both(cka(x, y)), jackknife(x, y) if len(x) >= 40 else None))
    np.testing.assert_allclose(found[0][0], found[1][0], atol=1e-6)
    if found[0][1]:
        np.testing.assert_allclose(*(dataclasses.astuple(interval)[3:7] for _, interval in found), rtol=1e-3, atol=1e-6)


def test_long_inputs_are_summed_in_parts(monkeypatch):
    x, y = pair(1000, 20, 30)
    expected = both(cka(x, y))
    for one in (hsic, module):
        monkeypatch.setattr(one, "ROWS", 128)
    assert both(cka(x, y)) != expected
    np.testing.assert_allclose(both(cka(x, y)), expected, atol=1e-7)


@given(st.integers(0, 1000), st.integers(4, 30), st.integers(1, 12), st.integers(1, 12))
def test_laws(seed, n, d_x, d_y):
    """Symmetry, bounds, CKA with itself, and invariance to rotation, shift and scale."""
    x, y = pair(n, d_x, d_y, seed=seed)
    found = cka(x, y)
    if not found.available:
        return
    assert -1 <= found.unbiased <= 1 and 0 <= found.biased <= 1
    np.testing.assert_allclose(both(cka(y, x)), both(found), atol=1e-6)
    np.testing.assert_allclose(both(cka(x, x)), [1, 1], atol=1e-6)
    rng = np.random.default_rng(seed)
    turned = x.astype(np.float64) @ np.linalg.qr(rng.standard_normal((d_x, d_x)))[0] * -3 + rng.standard_normal(d_x)
    np.testing.assert_allclose(both(cka(turned, y)), both(found), atol=1e-5)


@pytest.mark.parametrize("n, published", [(71, 0.98), (277, 0.94), (1000, 0.80)])
def test_the_biased_estimate_of_independent_features_is_near_1_and_the_unbiased_near_0(n, published):
    """For Gaussian features biased CKA tends to (d / n) / (d / n + 1)."""
    rng = np.random.default_rng(n)
    x, y = (rng.standard_normal((n, 4096), dtype=np.float32) for _ in range(2))
    found = cka(x, y)
    assert found.biased == pytest.approx(published, abs=0.01)
    assert found.biased == pytest.approx(4096 / (4096 + n), abs=0.01)
    assert abs(found.unbiased) < 4 / n
    assert jackknife(x, y).low < 0 < jackknife(x, y).high


def test_the_unbiased_estimate_does_not_drift_with_n():
    """The same population at several n: the biased estimate falls towards it, the unbiased one is there."""
    means = []
    for n in (20, 80, 320):
        draws = [both(cka(*pair_of_population(n, seed))) for seed in range(60)]
        means.append(np.mean(draws, axis=0))
    unbiased, biased = np.transpose(means)
    assert np.ptp(unbiased) < 0.04
    assert biased[0] > biased[1] + 0.05 > biased[2] + 0.1


def pair_of_population(n, seed, d=100):
    rng, fixed = np.random.default_rng(seed), np.random.default_rng(12345)
    z = rng.standard_normal((n, 10))
    w = np.hstack([z[:, :5], rng.standard_normal((n, 5))])
    a, b = fixed.standard_normal((2, 10, d))
    return z @ a + 2 * rng.standard_normal((n, d)), w @ b + 2 * rng.standard_normal((n, d))


def population_cka(d=100):
    """|S_xy|^2 / (|S_xx| |S_yy|) of the population above."""
    a, b = np.random.default_rng(12345).standard_normal((2, 10, d))
    shared = a[:5].T @ b[:5]
    own = [np.linalg.norm(m.T @ m + 4 * np.eye(d)) for m in (a, b)]
    return np.linalg.norm(shared) ** 2 / (own[0] * own[1])


def coverage(make, truth, runs):
    hits = 0
    for seed in range(runs):
        interval = jackknife(*make(seed), seed=seed)
        hits += interval.low <= truth <= interval.high
    return hits / runs


@pytest.mark.parametrize("n", [60, 200])
def test_intervals_cover_independent_representations(n):
    """Also where n < d: there a bootstrap over examples covers nothing at all (next test)."""

    def make(seed):
        rng = np.random.default_rng(seed)
        return rng.standard_normal((2, n, 100))

    assert coverage(make, 0.0, 150) >= 0.93


@pytest.mark.parametrize("n", [60, 200])
def test_intervals_cover_related_representations(n):
    assert 0.90 <= coverage(lambda seed: pair_of_population(n, seed), population_cka(), 150) < 1
    widths = [jackknife(*pair_of_population(m, 0)) for m in (60, 600)]
    assert widths[1].high - widths[1].low < 0.5 * (widths[0].high - widths[0].low)


def test_a_bootstrap_over_examples_would_be_far_off():
    rng = np.random.default_rng(0)
    x, y = rng.standard_normal((2, 100, 400))
    draws = []
    for _ in range(20):
        rows = rng.integers(100, size=100)
        draws.append(cka(x[rows], y[rows]).unbiased)
    interval = jackknife(x, y)
    assert min(draws) > 0.3
    assert interval.low < 0 < interval.high < 0.1


@pytest.mark.parametrize("by_gram", [True, False])
def test_leaving_blocks_out_equals_computing_without_them(by_gram, monkeypatch):
    monkeypatch.setattr(module, "gram_is_cheaper", lambda *_: by_gram)
    x, y = pair(60, 25, 12, "offset")
    block = np.random.default_rng(3).permutation(60) % 7
    without = module._without_blocks_gram if by_gram else module._without_blocks_features
    found = without(Side(x), Side(y), block, np.float32)
    expected = [reference(x[block != number], y[block != number])[0] for number in range(7)]
    np.testing.assert_allclose(found, expected, atol=2e-6)


def test_shuffling_over_all_permutations_gives_0_on_average():
    x, y = pair(5, 8, 3, "related")
    values = [cka(x, y[list(order)]).unbiased for order in permutations(range(5))]
    assert np.mean(values) == pytest.approx(0, abs=1e-7)


@pytest.mark.parametrize("widths", [(30, 20), (400, 300)])
def test_shuffles_equal_the_cka_of_shuffled_rows(widths):
    x, y = pair(50, *widths)
    found = shuffled_pairs(x, y, permutations=7, level=0.5, seed=4)
    rng = np.random.default_rng(4)
    each = np.array([both(cka(x, y[rng.permutation(50)])) for _ in range(7)])
    assert found.unbiased_mean == pytest.approx(each[:, 0].mean(), abs=1e-6)
    assert found.biased_mean == pytest.approx(each[:, 1].mean(), abs=1e-6)
    assert found.unbiased_quantile == pytest.approx(np.median(each[:, 0]), abs=1e-6)
    assert found.biased_quantile == pytest.approx(np.median(each[:, 1]), abs=1e-6)
    assert found.p_value == 1 / 8
    assert found == shuffled_pairs(Side(x), Side(y), permutations=7, level=0.5, seed=4)


def test_p_values_of_independent_representations_are_uniform():
    values = []
    for seed in range(200):
        values.append(shuffled_pairs(*pair(30, 10, 40, "independent", seed), permutations=39, seed=seed).p_value)
    for limit in (0.05, 0.25, 0.5):
        share = np.mean(np.array(values) <= limit)
        assert abs(share - limit) <= 3.3 * np.sqrt(limit * (1 - limit) / 200)


def test_rows_that_are_not_finite_are_dropped_in_pairs():
    x, y = pair(50, 12, 9)
    keep = np.ones(50, dtype=bool)
    keep[[3, 10, 11]] = False
    bad_x, bad_y = x.copy(), y.copy()
    bad_x[3, 0], bad_x[10] = np.nan, np.inf
    bad_y[10, 2], bad_y[11, 8] = -np.inf, np.nan
    expected = both(cka(x[keep], y[keep]))
    found = cka(bad_x, bad_y)
    assert (found.n, found.dropped) == (47, 3)
    np.testing.assert_allclose(both(found), expected, atol=1e-7)
    base = Side(bad_x)
    assert both(cka(base, bad_y)) == both(found)
    assert cka(base, y).dropped == 2
    assert jackknife(base, bad_y) == jackknife(x[keep], y[keep])
    stream = CKAStream()
    for begin in range(0, 50, 7):
        stream.update(bad_x[begin : begin + 7], bad_y[begin : begin + 7])
    assert (stream.result().n, stream.result().dropped) == (47, 3)
    np.testing.assert_allclose(both(stream.result()), expected, atol=1e-7)


def test_too_few_examples():
    x, y = pair(4, 3, 5)
    assert cka(x, y).available
    for n in (0, 1, 3):
        for found in (cka(x[:n], y[:n]), jackknife(x[:n], y[:n]), shuffled_pairs(x[:n], y[:n])):
            assert not found.available
            assert found.reason == f"{n} examples, at least 4 are needed"
    x[0, 0] = np.nan
    assert cka(x, y) == CKA(3, 1, reason="3 examples, at least 4 are needed")
    stream = CKAStream()
    assert stream.result().reason == "0 examples, at least 4 are needed"
    stream.update(x, y)
    assert stream.result() == cka(x, y)
    assert "at least 16" in jackknife(*pair(15, 3, 5)).reason


@pytest.mark.parametrize("value", [0.0, 0.1, 12345.678])
@pytest.mark.parametrize("standardise", [False, True])
def test_constant_features(value, standardise):
    x, y = pair(30, 6, 7)
    x[:] = np.float32(value)
    reason = "all features of the {} representation are constant"
    sides = Side(x, standardise=standardise), Side(y, standardise=standardise)
    assert cka(*sides).reason == reason.format("first")
    assert cka(*sides[::-1]).reason == reason.format("second")
    assert jackknife(*sides).reason == shuffled_pairs(*sides).reason == reason.format("first")
    stream = CKAStream()
    stream.update(x, y)
    assert stream.result().reason == reason.format("first")


def test_constant_features_beside_others_change_nothing():
    x, y = pair(30, 6, 7)
    more = np.hstack([x, np.full((30, 2), 77.7, np.float32)])
    for standardise in (False, True):
        expected = cka(Side(x, standardise=standardise), Side(y, standardise=standardise))
        found = cka(Side(more, standardise=standardise), Side(y, standardise=standardise))
        np.testing.assert_allclose(both(found), both(expected), atol=1e-6)


def test_a_representation_whose_examples_are_all_equally_far_has_no_unbiased_estimate():
    found = cka(np.eye(20), pair(20, 5, 5)[1])
    assert found.unbiased is None and found.biased is not None
    assert not found.available
    assert found.reason == "all pairs of examples of the first representation are equally far"
    assert not jackknife(np.eye(20), np.eye(20)).available


@pytest.mark.parametrize("shape", [(40, 200, 130), (300, 20, 33)])
def test_standardised_features(shape):
    x, y = pair(*shape, "huge variance")
    scaled = [(side.astype(np.float64) - side.mean(axis=0)) / side.astype(np.float64).std(axis=0) for side in (x, y)]
    found = cka(Side(x, standardise=True), Side(y, standardise=True))
    np.testing.assert_allclose(both(found), reference(*scaled), atol=1e-6)
    assert abs(found.unbiased - cka(x, y).unbiased) > 0.1


def test_one_side_serves_many_comparisons():
    x, y = pair(60, 100, 80)
    others = [pair(60, 100, 40, seed=seed)[1] for seed in range(3)]
    base = Side(x)
    for other in (*others, y):
        assert cka(base, other) == cka(x, other)
    own = base.own(True, np.float32)
    cka(base, y)
    assert base.own(True, np.float32) is own


def test_batches_do_not_change_a_stream():
    x, y = pair(700, 20, 30, "offset")
    results = []
    for size in (1, 50, 700):
        stream = CKAStream()
        for begin in range(0, 700, size):
            stream.update(x[begin : begin + size], y[begin : begin + size])
            if begin == 350:
                stream.result()
        results.append(both(stream.result()))
    np.testing.assert_allclose(results, [results[0]] * 3, atol=1e-9)


def test_a_stream_does_not_keep_the_callers_arrays():
    x, y = pair(40, 5, 6)
    stream, buffers = CKAStream(), (np.empty((10, 5), np.float32), np.empty((10, 6), np.float32))
    for begin in range(0, 40, 10):
        buffers[0][:], buffers[1][:] = x[begin : begin + 10], y[begin : begin + 10]
        stream.update(*buffers)
    np.testing.assert_allclose(both(stream.result()), both(cka(x, y)), atol=1e-6)


def test_bad_requests_are_refused():
    x, y = pair(20, 5, 6)
    with pytest.raises(InputError, match="20 and 19 examples"):
        cka(x, y[:19])
    with pytest.raises(InputError, match="20 and 19 examples"):
        CKAStream().update(x, y[:19])
    with pytest.raises(InputError, match="matrix"):
        cka(x[0], y)
    with pytest.raises(InputError, match="real numbers"):
        cka(x.astype(complex), y)
    with pytest.raises(InputError, match="at least 4 blocks, not 3"):
        jackknife(x, y, blocks=3)
    with pytest.raises(InputError, match="level"):
        jackknife(x, y, level=1.0)
    with pytest.raises(InputError, match="at least 1 shuffle"):
        shuffled_pairs(x, y, permutations=0)
    stream = CKAStream()
    stream.update(x, y)
    with pytest.raises(InputError, match=r"\(4, 6\) follow batches of widths \(5, 6\)"):
        stream.update(x[:, :4], y)
    with pytest.raises(ValueError, match="reason"):
        CKA(5, 0)


def test_integers_and_half_precision_are_taken():
    x, y = pair(40, 5, 6)
    counts = (10 * x).astype(int)
    np.testing.assert_allclose(both(cka(counts, y)), reference(counts.astype(float), y), atol=1e-6)
    np.testing.assert_allclose(both(cka(x.astype(np.float16), y)), reference(x.astype(np.float16), y), atol=1e-6)
