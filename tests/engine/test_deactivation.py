import copy

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, PAD, VOCABULARY, tiny_model

from taskneurons.engine.deactivation import INTERVENTIONS, deactivated
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded, collate
from taskneurons.models.ffn import ffn_layers, neuron_shape
from taskneurons.neurons.sets import NeuronSet


def some_neurons(model, seed=0, share=0.3):
    return NeuronSet(np.random.default_rng(seed).random(neuron_shape(model)) < share)


def logits(model):
    random = np.random.default_rng(1)
    encoded = [Encoded((1, *random.integers(3, VOCABULARY, size=n).tolist()), (5, 2)) for n in (4, 9)]
    batch = collate(encoded, PAD)
    with torch.no_grad():
        return model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
        ).logits[:, -2:]


def with_zero_columns(model, neurons):
    """A copy in which the output weights of the neurons are zero, by plain indexing of the weights."""
    changed = copy.deepcopy(model)
    for ffn in ffn_layers(changed):
        for neuron in np.flatnonzero(neurons.mask[ffn.layer]):
            weight = ffn.output.module.weight
            # Conv1D, of GPT-2 alone, keeps its weight turned.
            (weight if model.config.model_type == "gpt2" else weight.T)[neuron] = 0
    return changed


def arguments(model, intervention):
    if intervention != "mean":
        return {"intervention": intervention}
    means = np.random.default_rng(2).normal(size=neuron_shape(model)).astype(np.float32)
    return {"intervention": "mean", "means": means}


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("intervention", ["zero", "parameters"])
def test_it_equals_zeroed_output_weights(architecture, intervention):
    model = tiny_model(architecture)
    neurons = some_neurons(model)
    expected = logits(with_zero_columns(model, neurons))
    assert not torch.allclose(logits(model), expected, atol=0.1)
    with deactivated(model, neurons, intervention=intervention):
        torch.testing.assert_close(logits(model), expected, rtol=1e-5, atol=1e-5)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_parameters_are_zero_for_the_neurons_and_for_no_other(architecture):
    model = tiny_model(architecture)
    neurons = some_neurons(model)
    before = copy.deepcopy(model)
    with deactivated(model, neurons, intervention="parameters"):
        for ffn, old in zip(ffn_layers(model), ffn_layers(before), strict=True):
            gone = torch.tensor(neurons.mask[ffn.layer])
            for now, then in zip((*ffn.inputs, ffn.output), (*old.inputs, old.output), strict=True):
                for (parameter, dimension), (original, _) in zip(now.parameters(), then.parameters(), strict=True):
                    mine = parameter.narrow(dimension, now.offset, ffn.width).movedim(dimension, 0)
                    theirs = original.narrow(dimension, now.offset, ffn.width).movedim(dimension, 0)
                    assert not mine[gone].any()
                    assert torch.equal(mine[~gone], theirs[~gone])


@pytest.mark.parametrize("architecture", ["llama", "gpt2", "opt"])
def test_mean_puts_the_means_in(architecture):
    model = tiny_model(architecture)
    neurons = some_neurons(model)
    settings = arguments(model, "mean")
    seen = []
    with deactivated(model, neurons, **settings):
        handles = [
            ffn.output.module.register_forward_pre_hook(lambda _, args: seen.append(args[0].flatten(0, -2)))
            for ffn in ffn_layers(model)
        ]
        logits(model)
        for handle in handles:
            handle.remove()
    for mask, means, activation in zip(neurons.mask, settings["means"], seen, strict=True):
        kept = activation.numpy()[:, mask]
        np.testing.assert_array_equal(kept, np.broadcast_to(means[mask], kept.shape))
        assert activation.numpy()[:, ~mask].std(0).any()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_the_model_is_bit_equal_afterwards_also_after_an_error(architecture, intervention):
    model = tiny_model(architecture)
    weights = copy.deepcopy(model.state_dict())
    before = logits(model)
    with pytest.raises(KeyboardInterrupt), deactivated(model, some_neurons(model), **arguments(model, intervention)):
        assert not torch.equal(logits(model), before)
        raise KeyboardInterrupt
    assert torch.equal(logits(model), before)
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    assert not any(module._forward_pre_hooks for module in model.modules())


@pytest.mark.parametrize("inner", INTERVENTIONS)
@pytest.mark.parametrize("outer", INTERVENTIONS)
def test_blocks_nest(outer, inner):
    model = tiny_model("bloom")
    one, other = some_neurons(model, 1), some_neurons(model, 2)
    weights = copy.deepcopy(model.state_dict())
    with deactivated(model, one, **arguments(model, outer)):
        between = logits(model)
        with deactivated(model, other, **arguments(model, inner)):
            both = logits(model)
        assert torch.equal(logits(model), between)
    assert all(torch.equal(weights[name], tensor) for name, tensor in model.state_dict().items())
    if outer == inner == "zero":
        with deactivated(model, one | other):
            torch.testing.assert_close(logits(model), both)


@pytest.mark.parametrize("intervention", INTERVENTIONS)
def test_the_empty_set_is_the_identity(intervention):
    model = tiny_model("llama")
    nothing = NeuronSet(np.zeros(neuron_shape(model), dtype=bool))
    before = logits(model)
    with deactivated(model, nothing, **arguments(model, intervention)):
        assert torch.equal(logits(model), before)


def test_bfloat16_stays_bfloat16():
    model = tiny_model("llama").bfloat16()
    for intervention in INTERVENTIONS:
        with deactivated(model, some_neurons(model), **arguments(model, intervention)):
            assert logits(model).dtype == torch.bfloat16


def test_bad_requests_are_refused():
    model = tiny_model("llama")
    neurons = some_neurons(model)
    with (
        pytest.raises(InputError, match=r"shape \(3, 24\), the model has \(2, 24\)"),
        deactivated(model, NeuronSet(np.ones((3, 24), dtype=bool))),
    ):
        pass
    for settings, message in (
        ({"intervention": "median"}, "zero, mean, parameters, not 'median'"),
        ({"intervention": "mean"}, "means go with"),
        ({"intervention": "zero", "means": np.zeros((2, 24))}, "means go with"),
        ({"intervention": "mean", "means": np.zeros((2, 23))}, r"found shape \(2, 23\)"),
        ({"intervention": "mean", "means": np.full((2, 24), np.nan)}, "finite"),
    ):
        with pytest.raises(InputError, match=message), deactivated(model, neurons, **settings):
            pass
