"""Sets of a chosen overlap, and the other task whose set a task's own is compared with."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.neurons.controlled import halves_by_score, with_overlap
from taskneurons.neurons.others import other_task, sibling_task
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet


def a_set(layers: int, width: int, size: int, seed: int = 0) -> NeuronSet:
    mask = np.zeros(layers * width, dtype=bool)
    mask[np.random.default_rng(seed).choice(mask.size, size, replace=False)] = True
    return NeuronSet(mask.reshape(layers, width))


def scores_of(target: NeuronSet, seed: int = 0) -> NeuronScores:
    drawn = np.random.default_rng(seed).random((3, *target.shape), dtype=np.float32)
    return NeuronScores(*drawn, "task", "0" * 64, "taylor", 1, 1)


@given(st.integers(1, 60), st.integers(1, 100), st.integers(0, 5), st.integers(0, 3))
def test_size_and_overlap_are_those_that_were_asked(size: int, percent: int, seed: int, choice: int) -> None:
    target = a_set(4, 32, size + 5, seed)
    found = with_overlap(target, target, percent, size=size, seed=seed, choice=choice)
    assert len(found) == size
    assert len(found & target) == max(1, round(size * percent / 100))
    assert found == with_overlap(target, target, percent, size=size, seed=seed, choice=choice)


@given(st.integers(2, 60), st.integers(0, 5))
def test_halves_share_the_layers_and_the_higher_one_has_the_higher_scores(size: int, seed: int) -> None:
    target = a_set(4, 32, size, seed)
    scores = scores_of(target, seed)
    higher, lower = halves_by_score(target, scores)
    assert higher | lower == target and not higher & lower
    assert set((higher.layers() - lower.layers()).tolist()) <= {0, 1}
    for one, other, values in zip(higher.mask, lower.mask, scores.scores, strict=True):
        if other.any():
            assert values[one].min() >= values[other].max()


def test_sets_of_both_halves_differ_inside_the_target_alone() -> None:
    target = a_set(4, 32, 36)
    halves = halves_by_score(target, scores_of(target))
    for percent in (10, 50, 100):
        one, other = (with_overlap(target, half, percent, size=12, seed=0, choice=0) for half in halves)
        assert one - target == other - target
        assert not (one & target) & (other & target)


def test_layers_are_those_of_the_target_at_every_overlap() -> None:
    target = NeuronSet(np.array([[1] * 12 + [0] * 20, [1] * 4 + [0] * 28, [0] * 32], dtype=bool))
    for percent in (10, 25, 50, 100):
        for choice in range(5):
            found = with_overlap(target, target, percent, size=8, seed=0, choice=choice)
            assert found.layers().tolist() == [6, 2, 0]


def test_what_a_full_layer_lacks_is_drawn_from_the_others() -> None:
    target = NeuronSet(np.array([[1] * 30 + [0] * 2, [0] * 32], dtype=bool))
    found = with_overlap(target, target, 50, size=30, seed=0, choice=0)
    assert found.layers().tolist() == [15 + 2, 13]
    assert len(found & target) == 15


def test_choices_and_seeds_differ_and_every_member_can_be_chosen() -> None:
    target = a_set(2, 32, 30)
    found = [
        with_overlap(target, target, 50, size=20, seed=seed, choice=choice)
        for seed in range(20)
        for choice in range(10)
    ]
    assert len({one.digest for one in found}) > 190
    often = np.mean([one.mask for one in found], axis=0)
    # Ten in all of each, spread over layers as the members are. Four standard errors of a share among 200 sets.
    for layer, members in enumerate(target.layers()):
        own = target.mask[layer]
        assert np.abs(often[layer, own] - 1 / 3).max() < 0.14
        assert np.abs(often[layer, ~own] - members / 3 / (~own).sum()).max() < 0.14


def test_there_are_several_choices_at_full_overlap() -> None:
    target = a_set(4, 32, 36)
    higher, _ = halves_by_score(target, scores_of(target))
    found = {with_overlap(target, higher, 100, size=12, seed=0, choice=choice) for choice in range(10)}
    assert len(found) == 10 and all(len(one & higher) == 12 for one in found)


@pytest.mark.parametrize("percent", [0, -1, 100.5, float("nan")])
def test_an_impossible_overlap_is_refused(percent: float) -> None:
    target = a_set(2, 8, 4)
    with pytest.raises(InputError, match="above 0 and at most 100"):
        with_overlap(target, target, percent, size=4, seed=0, choice=0)


def test_an_empty_target_and_too_few_others_are_refused() -> None:
    nothing, target = NeuronSet(np.zeros((2, 8), dtype=bool)), a_set(2, 8, 12)
    with pytest.raises(InputError, match="is empty"):
        with_overlap(nothing, nothing, 50, size=2, seed=0, choice=0)
    with pytest.raises(InputError, match="9 neurons outside the test task's set were asked, there are 4"):
        with_overlap(target, target, 25, size=12, seed=0, choice=0)
    with pytest.raises(InputError, match="13 neurons inside the test task's set were asked, there are 12"):
        with_overlap(target, target, 100, size=13, seed=0, choice=0)


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


def test_a_sibling_is_another_task_of_the_family() -> None:
    assert [sibling_task(name, KINDS, seed=0) for name in KINDS] == ["b", "a", None, "e", "d"]
    three = {**KINDS, "f": ("generation", "z")}
    assert {sibling_task("d", three, seed=seed) for seed in range(20)} == {"e", "f"}
