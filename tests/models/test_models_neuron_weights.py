"""The parameters of neurons are all that the neurons own, and nothing else."""

import math

import numpy as np
import pytest
import torch
from small_checkpoint import small_model

from taskneurons.models.neuron_weights import layer_parameters


@pytest.mark.parametrize(("architecture", "width"), [("llama", 3 * 16), ("bloom", 2 * 8 + 1)])
def test_a_neurons_parameters_are_all_that_it_owns(architecture, width):
    """Noise in every other parameter changes nothing; noise in a neuron's own changes its row alone."""
    model = small_model(architecture)
    before = layer_parameters(model)
    assert [layer.shape for layer in before] == [(32, width)] * 2
    owned = 0
    for name, parameter in model.named_parameters():
        with torch.no_grad():
            if ".mlp." not in name or name.endswith(("dense_4h_to_h.bias", "down_proj.bias")):
                parameter.add_(1.0)
            else:
                owned += parameter.numel()
    after = layer_parameters(model)
    assert all(np.array_equal(one, other) for one, other in zip(before, after, strict=True))
    assert owned == sum(layer.size for layer in before)
    total = math.fsum(
        float((parameter.detach().double() ** 2).sum())
        for name, parameter in model.named_parameters()
        if ".mlp." in name and not name.endswith(("dense_4h_to_h.bias", "down_proj.bias"))
    )
    assert sum(float((layer.astype(np.float64) ** 2).sum()) for layer in before) == pytest.approx(total, rel=1e-6)
