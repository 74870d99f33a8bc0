"""Random controls have the target's size, share nothing with it while they can, and match what they claim to match."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import chisquare

from taskneurons.errors import InputError
from taskneurons.neurons.controls import random_like, select_with_controls
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

masks = arrays(np.bool_, (3, 12))
magnitudes = arrays(np.float32, (3, 12), elements=st.floats(0, 4, width=32))
matchings = st.sampled_from(["layer", "magnitude", "uniform"])


@given(masks, magnitudes, matchings, st.integers(0, 2**40), st.integers(0, 99))
@settings(max_examples=200)
def test_size_is_the_targets_and_members_are_others_first(
    mask: np.ndarray, magnitude: np.ndarray, matching: str, seed: int, draw: int
) -> None:
    target = NeuronSet(mask)
    control = random_like(target, matching=matching, seed=seed, draw=draw, magnitude=magnitude)
    assert len(control) == len(target)
    shared = control & target
    if matching == "uniform":
        assert len(shared) == max(0, 2 * len(target) - mask.size)
    else:
        np.testing.assert_array_equal(control.layers(), target.layers())
        np.testing.assert_array_equal(shared.layers(), np.maximum(0, 2 * target.layers() - mask.shape[1]))
    again = random_like(target, matching=matching, seed=seed, draw=draw, magnitude=magnitude)
    assert control == again


@pytest.mark.parametrize("matching", ["layer", "magnitude", "uniform"])
def test_draws_seeds_and_targets_give_different_sets(matching: str) -> None:
    rng = np.random.default_rng(0)
    magnitude = rng.random((4, 200))
    target = NeuronSet(rng.random((4, 200)) < 0.1)
    other = NeuronSet(rng.random((4, 200)) < 0.1)
    sets = [
        random_like(of, matching=matching, seed=seed, draw=draw, magnitude=magnitude)
        for of in (target, other)
        for seed in (0, 1)
        for draw in (0, 1)
    ]
    assert len({control.digest for control in sets}) == 8


@pytest.mark.parametrize("matching", ["layer", "uniform"])
def test_every_other_neuron_is_equally_likely(matching: str) -> None:
    target = NeuronSet(np.arange(40).reshape(1, 40) < 4)
    counts = sum(random_like(target, matching=matching, seed=3, draw=d).mask.astype(int) for d in range(2000))
    assert counts[0, :4].sum() == 0
    assert chisquare(counts[0, 4:]).pvalue > 1e-4


def test_uniform_draws_leave_the_targets_layers() -> None:
    target = NeuronSet(np.array([[True] * 20, [False] * 20, [False] * 20]))
    assert random_like(target, matching="uniform", seed=0, draw=0).layers()[0] == 0
    # Layer 0 has no others left, so a control matched by layer can only be the target itself.
    assert random_like(target, matching="layer", seed=0, draw=0) == target


def test_magnitude_matching_follows_the_targets_magnitudes() -> None:
    rng = np.random.default_rng(1)
    magnitude = rng.lognormal(size=(1, 4000))
    # The task's neurons are loud ones, as relevant neurons tend to be.
    loud = rng.random((1, 4000)) < 0.2 * (magnitude > np.quantile(magnitude, 0.7))
    target = NeuronSet(loud)
    gaps = {}
    for matching in ("layer", "magnitude"):
        control = random_like(target, matching=matching, seed=0, draw=0, magnitude=magnitude)
        deciles = [np.quantile(magnitude[s.mask], np.linspace(0.1, 0.9, 9)) for s in (target, control)]
        gaps[matching] = np.abs(np.log(deciles[0] / deciles[1])).mean()
    assert gaps["magnitude"] < 0.05 < 0.5 < gaps["layer"]


def test_magnitude_matching_takes_the_nearest_where_a_bin_has_no_others() -> None:
    magnitude = np.array([[10.0, 9.0, 5.0, 1.0, 0.5, 0.1]])
    target = NeuronSet(np.array([[True, True, False, False, False, False]]))
    control = random_like(target, matching="magnitude", seed=0, draw=0, magnitude=magnitude)
    # Below the median 9.5 lie all others, so one is drawn there; above it there is none but the nearest that is free.
    drawn = magnitude[control.mask]
    assert drawn.max() == 5.0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"matching": "depth"}, "one of layer, magnitude, uniform"),
        ({"matching": "layer", "seed": -1}, "negative"),
        ({"matching": "layer", "draw": -1}, "negative"),
        ({"matching": "magnitude"}, "needs the neurons' activation magnitudes"),
        ({"matching": "magnitude", "magnitude": np.ones((2, 3))}, "shape"),
        ({"matching": "magnitude", "magnitude": np.full((2, 2), np.nan)}, "finite"),
        ({"matching": "magnitude", "magnitude": np.full((2, 2), -1.0)}, "not negative"),
    ],
)
def test_bad_arguments_are_refused(arguments: dict, message: str) -> None:
    target = NeuronSet(np.array([[True, False], [False, False]]))
    with pytest.raises(InputError, match=message):
        random_like(target, **({"seed": 0, "draw": 0} | arguments))


@pytest.mark.parametrize("within", ["model", "layer"])
@pytest.mark.parametrize("matching", ["layer", "magnitude", "uniform"])
def test_a_selection_comes_with_its_controls(within: str, matching: str) -> None:
    """What the workflow stores: the set, the other end of its ranking, and each draw as `random_like` makes it."""
    rng = np.random.default_rng(0)
    scores, activation = rng.random((2, 3, 40), dtype=np.float32)
    of = NeuronScores(scores, activation, activation - 0.5, "t", "d", "taylor", 5, 9)
    selection = Selection("taylor", 10, within)
    sets = select_with_controls(of, selection, draws=3, matching=matching, seed=7)
    assert list(sets) == ["task", "bottom", "random.0", "random.1", "random.2"]
    best = scores[sets["task"].mask]
    if within == "model":
        assert len(best) == 12 and best.min() >= np.sort(scores, axis=None)[-12]
        assert scores[sets["bottom"].mask].max() <= np.sort(scores, axis=None)[11]
    else:
        np.testing.assert_array_equal(sets["task"].layers(), [4, 4, 4])
        for row, top, bottom in zip(scores, sets["task"].mask, sets["bottom"].mask, strict=True):
            assert row[top].min() >= np.sort(row)[-4] and row[bottom].max() <= np.sort(row)[3]
    for draw in range(3):
        control = sets[f"random.{draw}"]
        assert len(control) == 12 and not len(control & sets["task"])
        # Matched by |w|, never by the mean of w, which has other signs and sizes.
        assert control == random_like(sets["task"], matching=matching, seed=7, draw=draw, magnitude=activation)
    assert len({one.digest for one in sets.values()}) == 5
    none = select_with_controls(of, selection, draws=0, matching=matching, seed=7)
    assert list(none) == ["task", "bottom"]
