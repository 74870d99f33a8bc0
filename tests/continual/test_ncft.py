"""NCFT: what moves, what stays, and what it is when all neurons are a task's."""

import numpy as np
import pytest
import torch
from small_stream import STREAM

from taskneurons.continual.method import Given
from taskneurons.continual.ncft import as_patch, make, of_patch
from taskneurons.errors import InputError
from taskneurons.models.patching import patched
from taskneurons.neurons.patches import load_patch, save_patch
from taskneurons.neurons.sets import NeuronSet

ORDER = tuple(STREAM)
RATE = 3e-3
SETTINGS = {"percent": 20, "within": "model", "estimator": "taylor", "examples": 8, "batch_size": 4}


def ncft(rate, settings, **options):
    """NCFT, or a variant of it."""
    return make(Given("ncft", rate, len(ORDER), {"ncft": settings}, options))


def learned(tuner, method, order=ORDER):
    seen = []
    for task in order:
        seen.append(method.learn(tuner, seen, task))
    return seen


def test_with_all_neurons_it_is_tuning_of_all_ffn_neurons_one_task_after_another(make_tuner):
    tuner = make_tuner()
    first, second = map(as_patch, learned(tuner, ncft(RATE, SETTINGS | {"percent": 100}), ORDER[:2]))
    whole = tuner.tune({ORDER[0]: tuner.training(ORDER[0])}, "ffn", tuner.recipe.schedule(RATE)).change
    assert whole.digest == first.digest
    with patched(tuner.base.model, whole, base=tuner.base.digest):
        then = tuner.tune({ORDER[1]: tuner.training(ORDER[1])}, "ffn", tuner.recipe.schedule(RATE)).change
    assert then.digest == second.digest


def test_only_the_tasks_neurons_move(make_tuner):
    tuner = make_tuner()
    model = tuner.base.model
    before = {name: parameter.clone() for name, parameter in model.named_parameters()}
    seen = learned(tuner, ncft(RATE, SETTINGS))
    assert all(torch.equal(before[name], parameter) for name, parameter in model.named_parameters())
    touched = NeuronSet(np.any([as_patch(one).neurons.mask for one in seen], axis=0))
    with patched(model, *map(as_patch, seen), base=tuner.base.digest):
        for layer, block in enumerate(model.model.layers):
            for module, rows in [("gate_proj", True), ("up_proj", True), ("down_proj", False)]:
                weight = getattr(block.mlp, module).weight
                moved = (weight != before[f"model.layers.{layer}.mlp.{module}.weight"]).any(1 if rows else 0).numpy()
                np.testing.assert_array_equal(moved, touched.mask[layer])
        for name, parameter in model.named_parameters():
            if ".mlp." not in name:
                assert torch.equal(before[name], parameter)


def test_frozen_neurons_of_earlier_tasks_are_not_trained_again(make_tuner):
    for neurons in ("task", "random"):
        seen = learned(make_tuner(), ncft(RATE, SETTINGS, shared="frozen", neurons=neurons))
        masks = np.stack([as_patch(one).neurons.mask for one in seen])
        assert masks.sum(0).max() == 1
        assert len(set(masks.sum((1, 2)).tolist())) == 1


def test_when_no_neuron_is_left_it_says_so(make_tuner):
    with pytest.raises(InputError, match="frozen all") as error:
        learned(make_tuner(), ncft(RATE, SETTINGS | {"percent": 60}, shared="frozen"))
    assert "Lower the percentage" in error.value.remedy


def test_scores_of_the_base_are_those_of_the_base(make_tuner):
    """The first set is the same; later ones are those of a stream that begins with them."""
    tuner = make_tuner(steps=40)
    base = ncft(3e-2, SETTINGS, scored="base")
    current = ncft(3e-2, SETTINGS)
    of_base, of_current = learned(tuner, base), learned(tuner, current)
    assert as_patch(of_base[0]).digest == as_patch(of_current[0]).digest
    for place in (1, 2):
        alone = base.learn(tuner, [], ORDER[place])
        assert as_patch(alone).neurons == as_patch(of_base[place]).neurons
    assert any(as_patch(one).neurons != as_patch(other).neurons for one, other in zip(of_base, of_current, strict=True))


def test_random_controls_are_as_many_in_each_layer_and_others_than_the_tasks(make_tuner):
    tuner = make_tuner()
    own = as_patch(ncft(RATE, SETTINGS).learn(tuner, [], ORDER[0])).neurons
    drawn = [as_patch(one).neurons for one in learned(tuner, ncft(RATE, SETTINGS, neurons="random"))]
    same = [as_patch(one).neurons for one in learned(tuner, ncft(RATE, SETTINGS, neurons="same_random"))]
    np.testing.assert_array_equal(drawn[0].layers(), own.layers())
    assert not drawn[0] & own
    assert drawn[0] != drawn[1] and len(set(same)) == 1 and same[0] == drawn[0]


def test_patches_are_written_and_stack_as_in_the_stream(make_tuner, tmp_path):
    tuner = make_tuner()
    method = ncft(RATE, SETTINGS)
    seen = learned(tuner, method)
    read = []
    for place, one in enumerate(seen):
        save_patch(tmp_path / f"{place}.safetensors", as_patch(one))
        read.append(of_patch(load_patch(tmp_path / f"{place}.safetensors")))
    assert [dict(score) for _, score in method.test(tuner, read, ORDER)] == [
        dict(score) for _, score in method.test(tuner, seen, ORDER)
    ]
    with (
        pytest.raises(InputError, match="trained on top of"),
        patched(tuner.base.model, as_patch(read[1]), base=tuner.base.digest),
    ):
        pass
