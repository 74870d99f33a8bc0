"""Mixtures of experts: the neurons of each expert, against transformers' own blocks and exact ablation."""

import numpy as np
import pytest
import torch
from architectures import _SETTINGS, EOS, PAD, VOCABULARY, checkpoint, randomise, tiny_model
from small_checkpoint import TOKENIZER
from torch.nn.functional import cross_entropy
from transformers import CONFIG_MAPPING, AutoModelForCausalLM

from taskneurons.architectures import MIXTURES
from taskneurons.engine.attribution import attribute
from taskneurons.engine.deactivation import deactivated
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import ExposedExperts, neuron_shape
from taskneurons.models.load import load_checkpoint, save_checkpoint
from taskneurons.neurons.sets import NeuronSet

IDS = torch.tensor([[1, 5, 6, 7, 20, 31, 8, 9]])


def fused(architecture: str, **settings):
    """The same model as transformers runs it."""
    config = CONFIG_MAPPING[architecture](
        vocab_size=VOCABULARY,
        pad_token_id=PAD,
        bos_token_id=1,
        eos_token_id=EOS,
        **(_SETTINGS[architecture] | settings),
    )
    # Its loop over experts, which takes float64 too.
    model = AutoModelForCausalLM.from_config(config, dtype=torch.float32, experts_implementation="eager")
    randomise(model, 0)
    return model.eval().requires_grad_(False)


@pytest.mark.parametrize("architecture", MIXTURES)
def test_exposed_experts_compute_what_those_of_transformers_do(architecture):
    with torch.no_grad():
        assert torch.allclose(tiny_model(architecture)(IDS).logits, fused(architecture)(IDS).logits, atol=1e-5)


@pytest.mark.parametrize("architecture", MIXTURES)
def test_a_mixture_is_kept_as_transformers_reads_it(architecture, tmp_path):
    model = tiny_model(architecture)
    save_checkpoint(tmp_path, model, TOKENIZER, name="m", context=16, parent=None)
    read = AutoModelForCausalLM.from_pretrained(tmp_path).eval()
    again = load_checkpoint(tmp_path).model
    assert not any(isinstance(module, ExposedExperts) for module in read.modules())
    with torch.no_grad():
        assert torch.allclose(read(IDS).logits, model(IDS).logits, atol=1e-5)
        assert torch.equal(again(IDS).logits, model(IDS).logits)
    assert again.load_state_dict(read.state_dict()).missing_keys == []


@pytest.mark.parametrize("architecture", MIXTURES)
def test_taking_a_neuron_out_is_taking_its_column_out_of_its_expert(architecture):
    model, plain = tiny_model(architecture), fused(architecture)
    layers, width = neuron_shape(model)
    for neuron in (3, 11, width - 2):
        mask = np.zeros((layers, width), dtype=bool)
        mask[1, neuron] = True
        block = plain.model.layers[1].mlp
        expert, place = divmod(neuron, 8)
        shared = expert >= len(block.experts.down_proj)
        column = block.shared_expert.down_proj.weight[:, place] if shared else block.experts.down_proj[expert, :, place]
        kept = column.clone()
        with torch.no_grad():
            column.zero_()
            expected = plain(IDS).logits
            column.copy_(kept)
            with deactivated(model, NeuronSet(mask)):
                found = model(IDS).logits
            assert torch.allclose(found, expected, atol=1e-5)
            assert not torch.allclose(found, plain(IDS).logits, atol=1e-5), "no token was routed to this expert"


@pytest.mark.parametrize("architecture", MIXTURES)
def test_equation_3_of_an_experts_neuron_is_the_loss_that_a_little_less_of_it_costs(architecture):
    """|dL/dw w| is the slope of the loss along w (1 - t); the expert of transformers takes that step in its weights."""
    draw = np.random.default_rng(0)
    encoded = [Encoded((1, *draw.integers(3, VOCABULARY, 6).tolist()), (8 + n, EOS)) for n in range(8)]
    scores = attribute(
        checkpoint(tiny_model(architecture)), encoded, task="t", batch_size=2, estimators=["taylor_global"]
    )["taylor_global"].scores
    # Norms of transformers round to float32, so that the steps are not too small.
    plain, step = fused(architecture).double(), 0.02
    experts = plain.model.layers[1].mlp.experts

    def loss() -> float:
        total = 0.0
        for one in encoded:
            logits = plain(torch.tensor([one.prompt + one.target[:-1]])).logits[0, -len(one.target) :]
            total += float(cross_entropy(logits, torch.tensor(one.target), reduction="sum"))
        return total

    for expert, own in enumerate(scores[1][: 8 * len(experts.down_proj)].reshape(-1, 8)):
        for place in (own.argmax(), own.argmin()):
            column, losses = experts.down_proj[expert, :, place], []
            kept = column.clone()
            for scale in (1 - step, 1 + step):
                column.copy_(kept * scale)
                losses.append(loss())
            column.copy_(kept)
            assert own[place] == pytest.approx(abs(losses[0] - losses[1]) / (2 * step), rel=2e-3, abs=1e-4)
        assert own.max() > 0.005, "no token was routed to this expert"
