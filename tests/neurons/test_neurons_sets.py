"""Neuron sets obey the algebra of Python's own sets, survive their file, and refuse what is no set."""

import hashlib
import struct

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.files import write_safetensors
from taskneurons.neurons.sets import NeuronSet, load_sets, save_sets

SHAPE = (3, 7)
members = st.sets(st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)))


def as_python_set(neurons: NeuronSet) -> set[tuple[int, int]]:
    return {(int(layer), int(index)) for layer, index in neurons.to_indices()}


@given(members, members)
def test_algebra_is_that_of_python_sets(a: set, b: set) -> None:
    left, right = NeuronSet.from_indices(a, SHAPE), NeuronSet.from_indices(b, SHAPE)
    universe = {(layer, index) for layer in range(SHAPE[0]) for index in range(SHAPE[1])}
    assert as_python_set(left | right) == a | b
    assert as_python_set(left & right) == a & b
    assert as_python_set(left - right) == a - b
    assert as_python_set(left ^ right) == a ^ b
    assert as_python_set(~left) == universe - a
    assert len(left) == len(a)
    assert bool(left) == bool(a)
    assert (left == right) == (a == b)
    assert (left.digest == right.digest) == (a == b)
    assert list(left.layers()) == [sum(layer == row for layer, _ in a) for row in range(SHAPE[0])]
    assert all(neuron in left for neuron in a)
    if a | b:
        assert left.jaccard(right) == pytest.approx(len(a & b) / len(a | b))
        assert left.jaccard(right) == right.jaccard(left)


def test_digest_is_sha256_of_shape_and_packed_bits() -> None:
    neurons = NeuronSet.from_indices([(0, 0), (0, 7), (1, 1)], (2, 8))
    expected = hashlib.sha256(struct.pack("<qq", 2, 8) + bytes([0b10000001, 0b01000000])).hexdigest()
    assert neurons.digest == expected


def test_digest_tells_shapes_with_equal_bits_apart() -> None:
    assert NeuronSet(np.eye(4, dtype=bool)).digest != NeuronSet(np.eye(4, dtype=bool).reshape(2, 8)).digest


def test_set_is_frozen_and_keeps_a_copy() -> None:
    mask = np.zeros((2, 3), dtype=bool)
    neurons = NeuronSet(mask)
    mask[0, 0] = True
    assert len(neurons) == 0
    with pytest.raises(ValueError, match="read-only"):
        neurons.mask[0, 0] = True


@pytest.mark.parametrize("pair", [(3, 0), (0, 7), (-1, 0), (0, -1)])
def test_index_outside_the_model_is_refused(pair: tuple[int, int]) -> None:
    with pytest.raises(InputError, match="outside a model of 3 x 7"):
        NeuronSet.from_indices([pair], SHAPE)
    assert pair not in NeuronSet(np.ones(SHAPE, dtype=bool))


def test_sets_of_different_models_are_refused() -> None:
    with pytest.raises(InputError, match="different models: 2 x 2 and 2 x 3"):
        NeuronSet(np.ones((2, 2), dtype=bool)) | NeuronSet(np.ones((2, 3), dtype=bool))


def test_overlap_of_empty_sets_is_refused() -> None:
    empty = NeuronSet(np.zeros((2, 2), dtype=bool))
    with pytest.raises(InputError, match="two empty"):
        empty.jaccard(empty)


@given(members, members)
def test_file_keeps_every_set_and_the_header(tmp_path_factory: pytest.TempPathFactory, a: set, b: set) -> None:
    path = tmp_path_factory.mktemp("sets") / "task.safetensors"
    sets = {"task": NeuronSet.from_indices(a, SHAPE), "random.0": NeuronSet.from_indices(b, SHAPE)}
    save_sets(path, sets, {"percent": "10"})
    read, header = load_sets(path)
    assert list(read) == ["random.0", "task"]
    assert read == sets
    assert header == {"percent": "10"}


def test_file_of_other_tensors_is_refused_by_name(tmp_path) -> None:
    path = tmp_path / "weights.safetensors"
    write_safetensors(path, {"layer.weight": np.ones((2, 2), dtype=np.float32)}, {})
    with pytest.raises(InputError, match=r"weights\.safetensors: layer\.weight: a neuron set is a boolean matrix"):
        load_sets(path)
    write_safetensors(path, {}, {"percent": "10"})
    with pytest.raises(InputError, match="holds no neuron set"):
        load_sets(path)


def test_truncated_file_is_refused_with_its_path(tmp_path) -> None:
    path = tmp_path / "task.safetensors"
    save_sets(path, {"task": NeuronSet(np.ones((4, 4), dtype=bool))}, {})
    path.write_bytes(path.read_bytes()[:-3])
    with pytest.raises(InputError, match=r"task\.safetensors"):
        load_sets(path)


def test_one_file_holds_sets_of_one_model(tmp_path) -> None:
    sets = {"a": NeuronSet(np.ones((1, 2), dtype=bool)), "b": NeuronSet(np.ones((2, 1), dtype=bool))}
    with pytest.raises(InputError, match="one model"):
        save_sets(tmp_path / "x", sets, {})
