"""Similarity of parameters: against loops in float64, and the facts that make the paper's measure hard to read."""

import math
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.measures.similarity import parameter_similarity, residuals


def layer(seed, neurons=12, width=7, spread=1.0):
    rng = np.random.default_rng(seed)
    return (rng.normal(size=(neurons, width)) * rng.uniform(1, 1 + spread, size=(neurons, 1))).astype(np.float32)


def masks(seed, neurons=12):
    rng = np.random.default_rng(seed + 1000)
    first, second = rng.random((2, neurons)) < 0.5
    first[0], second[0], first[1], second[1], first[2], second[2] = True, True, True, False, False, True
    return first, second


def cosine(one, other):
    dot = math.fsum(float(a) * float(b) for a, b in zip(one, other, strict=True))
    lengths = [math.sqrt(math.fsum(float(a) ** 2 for a in vector)) for vector in (one, other)]
    return dot / (lengths[0] * lengths[1])


def best(ones, others):
    return math.fsum(max(cosine(one, other) for other in others) for one in ones) / len(ones)


@given(st.integers(0, 10_000))
def test_every_measure_is_its_definition(seed):
    x, (first, second) = layer(seed), masks(seed)
    found = parameter_similarity(x, first, second)
    a, b = (set(np.flatnonzero(mask)) for mask in (first, second))
    assert (found.first, found.second, found.shared) == (len(a), len(b), len(a & b))
    assert found.jaccard == pytest.approx(len(a & b) / len(a | b))
    assert found.ochiai == pytest.approx(len(a & b) / math.sqrt(len(a) * len(b)))
    long = [[value for n, row in enumerate(x) for value in (row if n in part else [0.0] * len(row))] for part in (a, b)]
    assert found.masked_cosine == pytest.approx(cosine(*long), abs=1e-12)

    def rows(part):
        return [x[n] for n in sorted(part)]

    def mean(part):
        return [math.fsum(float(row[i]) for row in rows(part)) / len(part) for i in range(x.shape[1])]

    for one, other, means, match in (
        (a, b, found.mean_cosine, found.best_match),
        (a - b, b - a, found.mean_cosine_outside, found.best_match_outside),
    ):
        assert means == pytest.approx(cosine(mean(one), mean(other)), abs=1e-12)
        assert match == pytest.approx((best(rows(one), rows(other)) + best(rows(other), rows(one))) / 2, abs=1e-12)
    assert found.reason == ""


@given(st.integers(0, 10_000))
def test_inside_one_model_the_masked_cosine_is_an_overlap_weighted_by_norm(seed):
    """It does not change when every neuron is turned into another one of the same norm."""
    x, (first, second) = layer(seed), masks(seed)
    found = parameter_similarity(x, first, second)
    norms = (x.astype(np.float64) ** 2).sum(axis=1)
    weighted = norms[first & second].sum() / math.sqrt(norms[first].sum() * norms[second].sum())
    assert found.masked_cosine == pytest.approx(weighted, rel=1e-12)
    other = np.random.default_rng(seed).normal(size=x.shape)
    other *= np.sqrt(norms / (other**2).sum(axis=1))[:, None]
    assert parameter_similarity(other, first, second).masked_cosine == pytest.approx(weighted, rel=1e-12)
    equal = x / np.linalg.norm(x, axis=1, keepdims=True)
    assert parameter_similarity(equal, first, second).masked_cosine == pytest.approx(found.ochiai, rel=1e-6)


def test_chance_of_the_ochiai_coefficient_is_its_mean_over_random_sets():
    rng = np.random.default_rng(0)
    x, values = layer(0, neurons=40), []
    for _ in range(3000):
        first, second = rng.permutation(40) < 9, rng.permutation(40) < 16
        values.append((first & second).sum() / math.sqrt(9 * 16))
    found = parameter_similarity(x, np.arange(40) < 9, np.arange(40) < 16)
    assert found.ochiai_chance == pytest.approx(np.mean(values), abs=0.01)


@given(st.integers(0, 10_000))
def test_measures_are_symmetric_bounded_and_one_for_equal_sets(seed):
    x, (first, second) = layer(seed), masks(seed)
    forward, backward = parameter_similarity(x, first, second), parameter_similarity(x, second, first)
    for name in ("masked_cosine", "mean_cosine", "mean_cosine_outside", "best_match", "best_match_outside", "jaccard"):
        assert getattr(forward, name) == pytest.approx(getattr(backward, name), abs=1e-12)
        assert -1 - 1e-12 <= getattr(forward, name) <= 1 + 1e-12
    turn = np.linalg.qr(np.random.default_rng(seed).normal(size=(7, 7)))[0]
    turned = parameter_similarity(x.astype(np.float64) @ turn, first, second)
    assert turned.best_match_outside == pytest.approx(forward.best_match_outside, abs=1e-6)
    same = parameter_similarity(x, first, first)
    assert (same.jaccard, same.ochiai) == (1, pytest.approx(1))
    assert [same.masked_cosine, same.mean_cosine, same.best_match] == pytest.approx([1, 1, 1])
    assert same.best_match_outside is None and "inside the other" in same.reason


def test_best_match_outside_sees_copies_that_the_overlap_does_not():
    x = layer(3, neurons=20, width=30)
    first, second = np.arange(20) < 5, (np.arange(20) >= 10) & (np.arange(20) < 15)
    before = parameter_similarity(x, first, second)
    x[10:15] = 2 * x[:5]
    after = parameter_similarity(x, first, second)
    assert after.masked_cosine == before.masked_cosine == 0
    assert after.best_match_outside == pytest.approx(1) and before.best_match_outside < 0.7


def test_chance_of_the_best_match_is_its_mean_over_all_partners():
    x = layer(7, neurons=8)
    first, second = np.arange(8) < 3, (np.arange(8) >= 2) & (np.arange(8) < 6)
    ways = []
    for own, other in (({0, 1, 2}, {2, 3, 4, 5}), ({2, 3, 4, 5}, {0, 1, 2})):
        choices = combinations(sorted(set(range(8)) - own), len(other - own))
        ways.append(np.mean([best([x[n] for n in own - other], [x[n] for n in chosen]) for chosen in choices]))
    found = parameter_similarity(x, first, second)
    assert found.best_match_chance == pytest.approx(np.mean(ways), abs=1e-6)


def test_sets_without_a_common_cause_match_as_chance_says_whatever_their_size():
    rng, x = np.random.default_rng(0), layer(8, neurons=60, width=20)
    for few, many in ((4, 6), (20, 25)):
        excess = []
        for _ in range(60):
            order = rng.permutation(60)
            found = parameter_similarity(x, order < few, order >= 60 - many)
            excess.append(found.best_match_outside - found.best_match_chance)
        assert abs(np.mean(excess)) < 4 * np.std(excess) / np.sqrt(60)


def test_large_sets_are_matched_in_pieces(monkeypatch):
    x, (first, second) = layer(5), masks(5)
    whole = parameter_similarity(x, first, second)
    monkeypatch.setattr("taskneurons.measures.similarity._CHUNK", 1)
    found = parameter_similarity(x, first, second)
    assert found.best_match == pytest.approx(whole.best_match, abs=1e-14)
    assert found.best_match_chance == pytest.approx(whole.best_match_chance, abs=1e-6)


def test_what_has_no_value_says_why():
    x = layer(0)
    none, some = np.zeros(12, dtype=bool), np.arange(12) < 4
    empty = parameter_similarity(x, none, some)
    assert (empty.jaccard, empty.masked_cosine, empty.best_match) == (None, None, None)
    assert empty.reason == "a set has no neurons in this layer"
    zero = parameter_similarity(np.zeros_like(x), some, np.arange(12) >= 3)
    assert zero.masked_cosine is None and zero.reason == "parameters or their mean are zero"
    x[2, 3] = np.nan
    with pytest.raises(InputError, match="neuron 2 is not finite"):
        parameter_similarity(x, some, some)


def test_residuals_are_those_of_a_straight_line():
    rng = np.random.default_rng(0)
    given, noise = rng.normal(size=(2, 30))
    values = 3 * given + 1 + noise
    slope, intercept = np.polyfit(given, values, 1)
    found = residuals(values.tolist(), given.tolist())
    assert found == pytest.approx((values - slope * given - intercept).tolist())
    assert np.corrcoef(found, given)[0, 1] == pytest.approx(0, abs=1e-12)
    gap = residuals([*values.tolist(), None, 5.0], [*given.tolist(), 1.0, None])
    assert gap[:-2] == pytest.approx(found) and gap[-2:] == [None, None]
    assert residuals([1.0, 2.0, 4.0], [0.5, 0.5, 0.5]) == [None] * 3
    assert residuals([1.0, 2.0], [0.5, 0.6]) == [None] * 2
