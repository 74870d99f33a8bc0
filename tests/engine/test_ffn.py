import pytest
import torch
from architectures import ARCHITECTURES, LAYERS, WIDTH, tiny_model
from torch import nn

from taskneurons.architectures import SUPPORTED
from taskneurons.errors import InputError
from taskneurons.models.ffn import ffn_layers, neuron_shape


def test_every_supported_architecture_has_a_tiny_model():
    assert set(ARCHITECTURES) == set(SUPPORTED)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_neurons_are_what_the_projections_map_to_and_from(architecture):
    model = tiny_model(architecture)
    width = 64 if architecture == "bloom" else WIDTH
    assert neuron_shape(model) == (LAYERS, width)
    for ffn in ffn_layers(model):
        entering, leaving = [], []
        ffn.output.module.register_forward_pre_hook(lambda _, args, shapes=entering: shapes.append(args[0].shape))
        ffn.inputs[-1].module.register_forward_hook(lambda _, args, out, shapes=leaving: shapes.append(out.shape))
        model(torch.tensor([[1, 5, 6, 7]]))
        assert entering[0][-1] == width
        assert leaving[0][-1] == ffn.inputs[-1].offset + width
        assert len(ffn.inputs) == 1 + ffn.gated


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_a_neurons_input_weights_alone_decide_its_activation(architecture):
    """Zeroing what neuron 3 owns of the inputs makes its activation act(0) = 0 and leaves the others as they were."""
    model = tiny_model(architecture)
    ffn = ffn_layers(model)[0]
    seen = []
    ffn.output.module.register_forward_pre_hook(lambda _, args: seen.append(args[0].reshape(-1, ffn.width)))
    model(torch.tensor([[1, 5, 6, 7]]))
    for projection in ffn.inputs:
        for parameter, dimension in projection.parameters():
            parameter.select(dimension, projection.offset + 3).zero_()
    model(torch.tensor([[1, 5, 6, 7]]))
    before, after = seen
    others = torch.arange(ffn.width) != 3
    assert before[:, 3].abs().max() > 0
    assert torch.equal(after[:, 3], torch.zeros(4))
    assert torch.equal(after[:, others], before[:, others])


def test_an_unknown_architecture_names_the_supported_ones():
    with pytest.raises(InputError, match=r"Linear.*Supported: llama, mistral.*opt"):
        ffn_layers(nn.Linear(2, 2))


def test_a_headless_model_is_refused():
    with pytest.raises(InputError, match="causal language model"):
        ffn_layers(tiny_model("llama").model)


def test_bloom_that_slices_its_down_projection_is_refused():
    with pytest.raises(InputError, match="slow_but_exact"):
        ffn_layers(tiny_model("bloom", slow_but_exact=True, pretraining_tp=2))
