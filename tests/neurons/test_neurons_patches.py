"""A neuron patch survives its file bit for bit, has a digest of its own, and refuses what is no patch."""

import json
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from safetensors import safe_open

from taskneurons.errors import InputError
from taskneurons.files import read_safetensors, write_safetensors
from taskneurons.neurons.patches import NeuronPatch, load_patch, save_patch
from taskneurons.neurons.sets import NeuronSet

BASE, OTHER, LOWER = "a" * 64, "b" * 64, "c" * 64
SHAPE, HIDDEN = (3, 6), 5
members = st.sets(st.tuples(st.integers(0, SHAPE[0] - 1), st.integers(0, SHAPE[1] - 1)), min_size=1)


def make_patch(indices=((0, 1), (0, 4), (2, 0)), *, gated=True, bias=False, seed=0, **changes):
    neurons = NeuronSet.from_indices(indices, SHAPE)
    random = np.random.default_rng(seed)
    weights = {}
    for layer in np.flatnonzero(neurons.layers()):
        count = neurons.layers()[layer]
        for name in ("input.0", "input.1", "output") if gated else ("input.0", "output"):
            weights[f"layers.{layer}.{name}"] = random.normal(size=(count, HIDDEN)).astype(np.float32)
        if bias:
            weights[f"layers.{layer}.input.0.bias"] = random.normal(size=count).astype(np.float32)
    return NeuronPatch(**({"neurons": neurons, "weights": weights, "base": BASE} | changes))


@given(members, st.booleans(), st.booleans(), st.lists(st.text(max_size=8), max_size=3))
def test_a_file_gives_back_the_patch(tmp_path_factory, indices, gated, bias, tasks):
    path = tmp_path_factory.mktemp("patch") / "patch.safetensors"
    patch = make_patch(indices, gated=gated, bias=bias, below=(OTHER, LOWER), tasks=tuple(tasks))
    save_patch(path, patch)
    read = load_patch(path)
    assert read.neurons == patch.neurons
    assert (read.base, read.below, read.tasks, read.digest) == (BASE, (OTHER, LOWER), tuple(tasks), patch.digest)
    assert read.weights.keys() == patch.weights.keys()
    for name, array in patch.weights.items():
        assert np.array_equal(read.weights[name], array)


def test_the_file_is_what_its_description_says(tmp_path):
    patch = make_patch(tasks=("sentiment",))
    save_patch(tmp_path / "p.safetensors", patch)
    with safe_open(tmp_path / "p.safetensors", framework="numpy") as file:
        assert file.get_tensor("layers.0.neurons").tolist() == [1, 4]
        assert file.get_tensor("layers.2.neurons").tolist() == [0]
        header = file.metadata()
    assert header["base"] == BASE
    assert json.loads(header["tasks"]) == ["sentiment"]
    assert header["set"] == patch.neurons.digest
    assert patch.parameters == 3 * 3 * HIDDEN


def test_the_digest_sees_every_part():
    patch = make_patch()
    weights = dict(patch.weights)
    weights["layers.2.output"] = np.nextafter(weights["layers.2.output"], np.float32(9))
    others = [
        make_patch(base=OTHER),
        make_patch(below=(LOWER,)),
        make_patch(tasks=("nli",)),
        replace(patch, weights=weights),
        make_patch(((0, 1), (0, 5), (2, 0))),
    ]
    assert make_patch().digest == patch.digest
    assert len({patch.digest, *(other.digest for other in others)}) == 6


def test_its_arrays_cannot_be_written_to():
    patch = make_patch()
    with pytest.raises(ValueError, match="read-only"):
        patch.weights["layers.0.output"][0] = 1


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda w: w.pop("layers.0.input.1"), "layer 0 lacks input.1"),
        (lambda w: [w.pop("layers.0.output"), w.pop("layers.2.output")], "lacks output"),
        (lambda w: w.update({"layers.1.output": w["layers.2.output"]}), "layer 1 has no neuron"),
        (lambda w: w.update({"layers.0.gate": w["layers.0.output"]}), "not the name"),
        (lambda w: w.update({"layers.0.output": w["layers.0.output"][:1]}), "for 2 neurons"),
        (lambda w: w.update({"layers.0.output": w["layers.0.output"][0]}), "of 2 dimensions"),
        (lambda w: w.update({"layers.0.output": w["layers.0.output"].astype(np.float64)}), "float64"),
        (lambda w: w.update({"layers.0.output": w["layers.0.output"] * np.float32(np.nan)}), "NaN or infinite"),
        (lambda w: w.clear(), "lacks input.0, output"),
    ],
)
def test_arrays_that_do_not_belong_to_the_set_are_refused(change, message):
    patch = make_patch()
    weights = dict(patch.weights)
    change(weights)
    with pytest.raises(InputError, match=message):
        replace(patch, weights=weights)


@pytest.mark.parametrize("changes", [{"base": "llama"}, {"below": ("A" * 64,)}, {"base": "a" * 63}])
def test_what_is_no_digest_is_refused(changes):
    with pytest.raises(InputError, match="no SHA-256 digest"):
        make_patch(**changes)


def test_no_neurons_are_refused():
    with pytest.raises(InputError, match="no neurons"):
        NeuronPatch(NeuronSet(np.zeros(SHAPE, dtype=bool)), {}, BASE)


def test_a_damaged_file_is_refused_with_its_path(tmp_path):
    path = tmp_path / "patch.safetensors"
    save_patch(path, make_patch())
    tensors, header = read_safetensors(path)

    moved = tensors | {"layers.0.neurons": tensors["layers.0.neurons"] + np.int32(1)}
    for name, damage in {
        "moved": (moved, header),
        "flipped": (tensors | {"layers.2.output": -tensors["layers.2.output"]}, header),
        "outside": (tensors | {"layers.0.neurons": np.array([1, 99], dtype=np.int32)}, header),
        "headless": (tensors, {}),
        "renamed": (tensors, header | {"tasks": '["nli"]'}),
        "untyped": (tensors, header | {"tasks": '"nli"'}),
        "unshaped": (tensors, header | {"shape": "7"}),
        "unnumbered": (tensors, header | {"below": "[7]"}),
    }.items():
        write_safetensors(tmp_path / f"{name}.safetensors", *damage)
        with pytest.raises(InputError, match=rf"{name}\.safetensors"):
            load_patch(tmp_path / f"{name}.safetensors")

    path.write_bytes(path.read_bytes()[:40])
    with pytest.raises(InputError, match=r"patch\.safetensors: not a readable"):
        load_patch(path)
