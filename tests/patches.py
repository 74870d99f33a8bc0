"""Neuron sets and patches for tiny models, and what a test needs to see of a model's weights."""

import numpy as np
import torch
from architectures import VOCABULARY

from taskneurons.models.ffn import ffn_layers, neuron_shape
from taskneurons.models.neuron_weights import neuron_weights
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.sets import NeuronSet

BASE, OTHER = "a" * 64, "b" * 64


def some_neurons(model, seed=0, share=0.3):
    return NeuronSet(np.random.default_rng(seed).random(neuron_shape(model)) < share)


def random_patch(model, seed=0, neurons=None, below=(), scale=1.0):
    """New weights near those of the model, for a random set."""
    random = np.random.default_rng(100 + seed)
    neurons = neurons or some_neurons(model, seed)
    weights = {}
    for place in neuron_weights(model, neurons):
        for name, part in zip((place.name, f"{place.name}.bias"), place.read(), strict=True):
            if part is not None:
                noise = random.normal(size=tuple(part.shape)) * scale
                weights[name] = (part.float().numpy() + noise).astype(np.float32)
    return NeuronPatch(neurons, weights, BASE, below, ("sentiment",))


def tensors(model):
    """What a model holds by its own names; those of `state_dict` differ for a mixture of experts."""
    return dict(model.named_parameters(remove_duplicate=False)) | dict(model.named_buffers())


def state(model):
    return {name: tensor.detach().clone() for name, tensor in tensors(model).items()}


def assert_bit_equal(model, before):
    after = tensors(model)
    assert after.keys() == before.keys()
    for name, tensor in before.items():
        assert torch.equal(after[name], tensor), name


def logits(model):
    ids = torch.from_numpy(np.random.default_rng(1).integers(3, VOCABULARY, size=(2, 7)))
    with torch.no_grad():
        return model(input_ids=ids).logits


def owned(model, neurons):
    """For every parameter, which of its entries belong to the neurons; by plain indexing, once per neuron."""
    masks = {name: torch.zeros_like(parameter, dtype=torch.bool) for name, parameter in model.named_parameters()}
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    turned = model.config.model_type == "gpt2"
    for ffn in ffn_layers(model):
        for neuron in np.flatnonzero(neurons.mask[ffn.layer]):
            for projection in ffn.inputs:
                mask = masks[names[id(projection.module.weight)]]
                (mask.T if turned else mask)[neuron + projection.offset] = True
                if projection.module.bias is not None:
                    masks[names[id(projection.module.bias)]][neuron + projection.offset] = True
            mask = masks[names[id(ffn.output.module.weight)]]
            (mask if turned else mask.T)[neuron] = True
    return masks
