"""A neuron patch changes its neurons and nothing else, leaves no trace, and is refused where it does not belong."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, tiny_model
from patches import BASE, OTHER, assert_bit_equal, logits, owned, random_patch, state

from taskneurons.errors import InputError
from taskneurons.models.ffn import ffn_layers, neuron_shape
from taskneurons.models.neuron_weights import neuron_weights
from taskneurons.models.patching import applied_patches, apply_patch, patched, remove_patch
from taskneurons.neurons.sets import NeuronSet


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_only_the_neurons_weights_change_and_all_come_back(architecture):
    model = tiny_model(architecture)
    patch, before = random_patch(model), state(model)
    with patched(model, patch, base=BASE):
        for name, mask in owned(model, patch.neurons).items():
            changed = model.get_parameter(name) != before[name]
            assert torch.equal(changed, mask), name
        assert applied_patches(model) == (patch.digest,)
    assert_bit_equal(model, before)
    assert applied_patches(model) == ()


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
def test_the_rows_are_those_of_the_neurons(architecture):
    model = tiny_model(architecture)
    patch = random_patch(model, neurons=NeuronSet.from_indices([(1, 5), (1, 20)], neuron_shape(model)))
    ffn = ffn_layers(model)[1]
    with patched(model, patch, base=BASE):
        out = ffn.output.module.weight
        out = out if architecture == "gpt2" else out.T
        assert torch.equal(out[20], torch.tensor(patch.weights["layers.1.output"][1]))
        into = ffn.inputs[-1].module.weight
        into = into.T if architecture == "gpt2" else into
        key = f"layers.1.input.{len(ffn.inputs) - 1}"
        assert torch.equal(into[5], torch.tensor(patch.weights[key][0]))


def test_a_stack_is_applied_and_removed_in_order():
    model = tiny_model("llama")
    before = state(model)
    first = random_patch(model, 1)
    with patched(model, first, base=BASE):
        second = random_patch(model, 2, below=(first.digest,))
        under = state(model)
    with patched(model, first, second, base=BASE):
        both = logits(model)
        assert applied_patches(model) == (first.digest, second.digest)
        with pytest.raises(InputError, match="not the topmost"):
            remove_patch(model, first)
        remove_patch(model, second)
        assert_bit_equal(model, under)
        apply_patch(model, second, base=BASE)
        assert torch.equal(logits(model), both)
    assert_bit_equal(model, before)


def test_a_failing_block_leaves_the_base():
    model = tiny_model("bloom")
    before = state(model)
    with pytest.raises(RuntimeError, match="inside"), patched(model, random_patch(model), base=BASE):
        raise RuntimeError("inside")
    assert_bit_equal(model, before)


def refusals():
    llama = tiny_model("llama")
    patch = random_patch(llama)
    narrow = {name: array[:, :8] for name, array in patch.weights.items() if array.ndim == 2}
    narrow |= {name: array for name, array in patch.weights.items() if array.ndim == 1}
    plain = {name: array for name, array in patch.weights.items() if "input.1" not in name}
    unbiased = {name: array for name, array in patch.weights.items() if not name.endswith("bias")}
    wide = NeuronSet(np.pad(patch.neurons.mask, ((0, 0), (0, 1))))
    return {
        "another base": (replace(patch, base=OTHER), "trained on base bbbb"),
        "a patch below that is absent": (replace(patch, below=(OTHER,)), "on top of bbbb.*lies no patch"),
        "another hidden size": (replace(patch, weights=narrow), "another shape"),
        "a plain FFN": (replace(patch, weights=plain), "input.1 has shape none"),
        "no biases": (replace(patch, weights=unbiased), "bias has shape none"),
        "another width": (replace(patch, neurons=wide), "2 x 25 neurons, this one has 2 x 24"),
        "huge values": (random_patch(llama, scale=1e37), None),
    }


@pytest.mark.parametrize("case", refusals())
def test_what_does_not_belong_is_refused_and_changes_nothing(case):
    patch, message = refusals()[case]
    model = tiny_model("llama")
    if message is None:
        model, message = model.half(), "float16 cannot hold"
    before = state(model)
    with pytest.raises(InputError, match=message):
        apply_patch(model, patch, base=BASE)
    assert_bit_equal(model, before)
    assert applied_patches(model) == ()


def test_the_order_of_two_patches_matters():
    model = tiny_model("llama")
    before = state(model)
    first = random_patch(model, 1)
    second = random_patch(model, 2, below=(first.digest,))
    with pytest.raises(InputError, match="in the order"), patched(model, second, first, base=BASE):
        pass
    with pytest.raises(InputError, match="in the order"), patched(model, first, second, first, base=BASE):
        pass
    assert_bit_equal(model, before)


def test_a_patch_on_a_bfloat16_model_is_rounded_and_removed_exactly():
    model = tiny_model("phi3").to(torch.bfloat16)
    patch, before = random_patch(model), state(model)
    with patched(model, patch, base=BASE):
        for place in neuron_weights(model, patch.neurons):
            rows, _ = place.read()
            assert torch.equal(rows, torch.tensor(patch.weights[place.name]).bfloat16())
    assert_bit_equal(model, before)
