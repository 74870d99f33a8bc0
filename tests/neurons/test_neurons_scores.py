"""Selections by score agree with a plain sort, break ties as documented, and derived scores with their formulas."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.stats import entropy as shannon

from taskneurons.errors import InputError
from taskneurons.files import read_safetensors, write_safetensors
from taskneurons.neurons.scores import NeuronScores, contrast, entropy

# Few distinct values, so that ties at the cut are the rule.
tied = arrays(np.float32, (3, 10), elements=st.sampled_from([0.0, 0.5, 1.0, 2.0]))
percents = st.floats(0.01, 100)


def scored(scores: np.ndarray, task: str = "sst2", **changes) -> NeuronScores:
    scores = np.asarray(scores, dtype=np.float32)
    values = {"model_digest": "d" * 64, "estimator": "taylor", "examples": 4, "tokens": 9} | changes
    return NeuronScores(scores, np.abs(scores), scores * 0.5, task=task, **values)


def ranking(scores: np.ndarray) -> list[tuple[int, int]]:
    pairs = [(layer, index) for layer in range(scores.shape[0]) for index in range(scores.shape[1])]
    return sorted(pairs, key=lambda pair: (-scores[pair], pair))


@given(tied, percents)
def test_top_of_the_model_is_the_head_of_a_plain_sort(scores: np.ndarray, percent: float) -> None:
    count = max(1, math.floor(percent * scores.size / 100 + 0.5))
    order = ranking(scores)
    assert {tuple(pair) for pair in scored(scores).top(percent).to_indices()} == set(order[:count])
    assert {tuple(pair) for pair in scored(scores).bottom(percent).to_indices()} == set(order[-count:])


@given(tied, percents)
def test_top_within_layers_takes_as_many_in_each(scores: np.ndarray, percent: float) -> None:
    chosen = scored(scores).top(percent, within="layer")
    count = max(1, math.floor(percent * 10 / 100 + 0.5))
    assert list(chosen.layers()) == [count] * 3
    for layer in range(3):
        assert {tuple(p) for p in chosen.to_indices() if p[0] == layer} == {
            (layer, index) for _, index in ranking(scores[layer : layer + 1])[:count]
        }


@given(tied, percents, percents)
def test_smaller_percentages_are_subsets(scores: np.ndarray, a: float, b: float) -> None:
    small, large = scored(scores).top(min(a, b)), scored(scores).top(max(a, b))
    assert not small - large


def test_top_and_bottom_share_nothing_even_when_all_scores_are_equal() -> None:
    scores = scored(np.ones((2, 10)))
    assert not scores.top(50) & scores.bottom(50)
    assert not scores.top(50, "layer") & scores.bottom(50, "layer")
    assert scores.top(20).to_indices().tolist() == [[0, 0], [0, 1], [0, 2], [0, 3]]


def test_selection_does_not_change_with_the_scale() -> None:
    scores = np.random.default_rng(0).random((4, 50))
    assert scored(scores).top(10) == scored(scores * 1024).top(10)


@pytest.mark.parametrize("percent", [0, -1, 100.1, float("nan"), float("inf")])
def test_percent_outside_its_range_is_refused(percent: float) -> None:
    with pytest.raises(InputError, match="percent"):
        scored(np.ones((2, 2))).top(percent)


def test_unknown_scope_is_refused() -> None:
    with pytest.raises(InputError, match="`model` or `layer`"):
        scored(np.ones((2, 2))).top(10, within="block")


def test_file_keeps_scores_and_header(tmp_path) -> None:
    scores = scored(np.random.default_rng(1).normal(size=(2, 5)))
    scores.save(tmp_path / "s.safetensors")
    assert read_safetensors(tmp_path / "s.safetensors")[1] == {
        "task": "sst2", "model": "d" * 64, "estimator": "taylor", "examples": "4", "tokens": "9",
    }  # fmt: skip
    read = NeuronScores.load(tmp_path / "s.safetensors")
    for name in ("scores", "activation", "activation_mean"):
        np.testing.assert_array_equal(getattr(read, name), getattr(scores, name))
    assert (read.task, read.model_digest, read.estimator, read.examples, read.tokens) == (
        "sst2", "d" * 64, "taylor", 4, 9,
    )  # fmt: skip


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["scores", "activation", "activation_mean"])
def test_non_finite_scores_are_refused_with_their_place(name: str, value: float) -> None:
    tensors = {key: np.ones((2, 3), dtype=np.float32) for key in ("scores", "activation", "activation_mean")}
    tensors[name][1, 2] = value
    with pytest.raises(InputError, match=f"sst2: `{name}` is .* layer 1, neuron 2"):
        NeuronScores(**tensors, task="sst2", model_digest="d", estimator="taylor", examples=1, tokens=1)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"examples": 0}, "0 examples"),
        ({"tokens": 0}, "0 tokens"),
        ({"estimator": ""}, "`estimator`"),
        ({"model_digest": ""}, "`model_digest`"),
    ],
)
def test_incomplete_scores_are_refused(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        scored(np.ones((2, 2)), **changes)


def test_arrays_of_different_shapes_are_refused() -> None:
    with pytest.raises(InputError, match="shape"):
        NeuronScores(np.ones((2, 2)), np.ones((2, 3)), np.ones((2, 2)), "t", "d", "taylor", 1, 1)  # type: ignore[arg-type]


def test_file_without_a_field_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "s.safetensors"
    write_safetensors(path, {"scores": np.ones((1, 1), dtype=np.float32)}, {"task": "sst2"})
    with pytest.raises(InputError, match=r"s\.safetensors.*lacks activation, activation_mean, model, estimator"):
        NeuronScores.load(path)


def test_file_with_a_broken_count_is_refused(tmp_path) -> None:
    scored(np.ones((1, 2))).save(tmp_path / "good")
    tensors, header = read_safetensors(tmp_path / "good")
    write_safetensors(tmp_path / "bad", tensors, header | {"tokens": "many"})
    with pytest.raises(InputError, match="`tokens` is `many`"):
        NeuronScores.load(tmp_path / "bad")


positive = arrays(np.float32, (4, 2, 5), elements=st.floats(0.0078125, 8, width=32))


@given(positive)
def test_derived_scores_follow_their_formulas(stack: np.ndarray) -> None:
    sources = {f"t{i}": scored(layer, task=f"t{i}") for i, layer in enumerate(stack)}
    relative = stack.astype(np.float64) / stack.mean(axis=(1, 2), keepdims=True, dtype=np.float64)
    weight = 1 - shannon(relative, base=4, axis=0)
    for i, task in enumerate(sources):
        others = np.delete(relative, i, axis=0).mean(axis=0)
        np.testing.assert_allclose(contrast(sources)[task].scores, relative[i] - others, atol=1e-5)
        np.testing.assert_allclose(entropy(sources)[task].scores, relative[i] * weight, atol=1e-5)


def test_derived_scores_prefer_the_neuron_of_one_task() -> None:
    # Neuron 0 serves every task strongly, neuron 1 serves only task a.
    a, b, c = np.full((1, 6), 0.1), np.full((1, 6), 0.1), np.full((1, 6), 0.1)
    a[0, 0] = b[0, 0] = c[0, 0] = 9
    a[0, 1] = 5
    sources = {name: scored(value, task=name) for name, value in (("a", a), ("b", b), ("c", c))}
    assert sources["a"].top(1).to_indices().tolist() == [[0, 0]]
    for derive, name in ((contrast, "contrast"), (entropy, "entropy")):
        derived = derive(sources)["a"]
        assert derived.top(1).to_indices().tolist() == [[0, 1]]
        assert (derived.estimator, derived.task, derived.examples) == (name, "a", 4)


def test_derived_scores_do_not_depend_on_the_scale_of_a_task() -> None:
    rng = np.random.default_rng(0)
    one, two = rng.random((2, 8)), rng.random((2, 8))
    for derive in (contrast, entropy):
        plain = derive({"a": scored(one, "a"), "b": scored(two, "b")})["a"].scores
        longer = derive({"a": scored(one, "a"), "b": scored(two * 64, "b")})["a"].scores
        np.testing.assert_allclose(plain, longer, rtol=1e-5, atol=1e-7)


def test_a_neuron_that_serves_no_task_is_worth_nothing() -> None:
    one = np.array([[0.0, 1.0]])
    assert entropy({"a": scored(one, "a"), "b": scored(one, "b")})["a"].scores[0, 0] == 0


@pytest.mark.parametrize("derive", [contrast, entropy])
@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({}, "at least two tasks"),
        ({"b": scored(np.ones((1, 3)), model_digest="e" * 64)}, "one model and one estimator"),
        ({"b": scored(np.ones((1, 3)), estimator="activation")}, "one model and one estimator"),
        ({"b": scored(np.ones((3, 1)))}, "one model and one estimator"),
        ({"b": scored([[-1.0, 1, 1]])}, "b: .*not all zero"),
        ({"b": scored(np.zeros((1, 3)))}, "b: .*not all zero"),
    ],
)
def test_scores_that_cannot_be_compared_are_refused(derive, changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        derive({"a": scored(np.ones((1, 3)))} | changes)
