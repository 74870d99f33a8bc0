"""Sets of a chosen overlap, and the other task whose set a task's own is compared with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.neurons.controlled import with_overlap
from taskneurons.neurons.others import other_task
from taskneurons.neurons.sets import NeuronSet


def a_set(layers: int, width: int, size: int, seed: int = 0) -> NeuronSet:
    mask = np.zeros(layers * width, dtype=bool)
    mask[np.random.default_rng(seed).choice(mask.size, size, replace=False)] = True
    return NeuronSet(mask.reshape(layers, width))


@given(st.integers(1, 60), st.integers(1, 100), st.integers(0, 5), st.integers(0, 3))
def test_size_and_overlap_are_those_that_were_asked(size: int, percent: int, seed: int, choice: int) -> None:
    target = a_set(4, 32, size, seed)
    found = with_overlap(target, percent, seed=seed, choice=choice)
    assert len(found) == size
    assert len(found & target) == max(1, round(size * percent / 100))
    assert found == with_overlap(target, percent, seed=seed, choice=choice)


def test_layers_are_those_of_the_target_at_every_overlap() -> None:
    target = NeuronSet(np.array([[1] * 12 + [0] * 20, [1] * 4 + [0] * 28, [0] * 32], dtype=bool))
    for percent in (10, 25, 50, 100):
        for choice in range(5):
            assert with_overlap(target, percent, seed=0, choice=choice).layers().tolist() == [12, 4, 0]


def test_what_a_full_layer_lacks_is_drawn_from_the_others() -> None:
    target = NeuronSet(np.array([[1] * 30 + [0] * 2, [0] * 32], dtype=bool))
    found = with_overlap(target, 50, seed=0, choice=0)
    assert found.layers().tolist() == [15 + 2, 13]
    assert len(found & target) == 15


def test_choices_and_seeds_differ_and_every_member_can_be_chosen() -> None:
    target = a_set(2, 32, 10)
    found = [with_overlap(target, 50, seed=seed, choice=choice) for seed in range(20) for choice in range(10)]
    assert len({one.digest for one in found}) > 190
    often = np.mean([one.mask for one in found], axis=0)
    # Half of the members; as many others of each layer as it loses. Four standard errors of a share among 200 sets.
    assert np.abs(often[target.mask] - 0.5).max() < 0.15
    for layer, members in enumerate(target.layers()):
        others = often[layer, ~target.mask[layer]]
        assert np.abs(others - members / 2 / len(others)).max() < 0.09


@pytest.mark.parametrize("percent", [0, -1, 100.5, float("nan")])
def test_an_impossible_overlap_is_refused(percent: float) -> None:
    with pytest.raises(InputError, match="above 0 and at most 100"):
        with_overlap(a_set(2, 8, 4), percent, seed=0, choice=0)


def test_an_empty_target_and_too_few_others_are_refused() -> None:
    with pytest.raises(InputError, match="is empty"):
        with_overlap(NeuronSet(np.zeros((2, 8), dtype=bool)), 50, seed=0, choice=0)
    with pytest.raises(InputError, match="9 neurons outside a set of 12 were asked, the model has 4"):
        with_overlap(a_set(2, 8, 12), 25, seed=0, choice=0)


KINDS = {
    "a": ("classification", "x"),
    "b": ("classification", "x"),
    "c": ("classification", "y"),
    "d": ("generation", "z"),
    "e": ("generation", "z"),
}


def test_the_other_task_is_of_the_same_kind_and_another_family_where_there_is_one() -> None:
    assert {other_task("a", KINDS, seed=seed) for seed in range(20)} == {"c"}
    assert {other_task("c", KINDS, seed=seed) for seed in range(20)} == {"a", "b"}
    assert {other_task("d", KINDS, seed=seed) for seed in range(40)} == {"a", "b", "c"}
    assert other_task("d", {name: KINDS[name] for name in "de"}, seed=0) == "e"
    with pytest.raises(InputError, match="no other task"):
        other_task("a", {"a": KINDS["a"]}, seed=0)
