"""Random models of further architectures: sizes, seeds, no dropout, neurons where they are looked for."""

import pytest
import torch
from small_checkpoint import TOKENIZER
from torch import nn

from taskneurons.errors import InputError
from taskneurons.models.ffn import neuron_shape
from taskneurons.models.further import new_further_model
from taskneurons.models.load import load_checkpoint, save_checkpoint
from taskneurons.models.scratch import Shape, Vocabulary

ARCHITECTURES = ["gpt2", "opt", "gpt_neox", "gemma", "qwen3", "mixtral"]
SHAPE = Shape(hidden_size=16, layers=2, heads=2, ffn_size=40, context=24)
WORDS = Vocabulary(40, pad_id=0, bos_id=1, eos_id=2)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_it_has_the_wanted_sizes_and_forgets_nothing_by_chance(architecture):
    model = new_further_model(architecture, SHAPE, WORDS, seed=0)
    assert model.config.model_type == architecture and neuron_shape(model) == (2, 40)
    assert model.get_input_embeddings().weight.shape == (40, 16)
    assert all(parameter.dtype == torch.float32 for parameter in model.parameters())
    assert not any(module.p for module in model.modules() if isinstance(module, nn.Dropout))
    # Trained or tested, it says the same of a sequence as long as its context.
    tokens = torch.arange(24)[None] % 37 + 3
    with torch.no_grad():
        assert torch.equal(model.train()(tokens).logits, model.eval()(tokens).logits)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_its_checkpoint_is_read_with_the_same_weights_and_the_same_words(architecture, tmp_path):
    model = new_further_model(architecture, SHAPE, Vocabulary.of(TOKENIZER), seed=0)
    save_checkpoint(tmp_path, model, TOKENIZER, name="small", context=24, parent=None)
    loaded = load_checkpoint(tmp_path)
    text = "one red sun"
    assert loaded.tokenizer(text).input_ids == TOKENIZER(text).input_ids
    tokens = torch.tensor([TOKENIZER(text).input_ids])
    with torch.no_grad():
        assert torch.equal(loaded.model(tokens).logits, model.eval()(tokens).logits)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_seed_alone_decides_the_weights(architecture):
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first = new_further_model(architecture, SHAPE, WORDS, seed=0).state_dict()
    assert torch.equal(torch.get_rng_state(), state), "the global random state was touched"
    torch.manual_seed(8)
    second = new_further_model(architecture, SHAPE, WORDS, seed=0).state_dict()
    other = new_further_model(architecture, SHAPE, WORDS, seed=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_what_makes_no_model_is_refused():
    with pytest.raises(InputError, match="expected gpt2"):
        new_further_model("rwkv", SHAPE, WORDS, seed=0)
    with pytest.raises(InputError, match="do not divide"):
        new_further_model("opt", Shape(16, 2, 3, 40, 24), WORDS, seed=0)
    with pytest.raises(InputError, match="42 neurons are not shared out among 4 experts"):
        new_further_model("mixtral", Shape(16, 2, 2, 42, 24), WORDS, seed=0)


def test_a_mixture_takes_two_of_four_experts_which_share_its_neurons():
    model = new_further_model("mixtral", SHAPE, WORDS, seed=0)
    seen = []
    down = model.model.layers[0].mlp.down_proj
    down.register_forward_pre_hook(lambda _, inputs: seen.append(inputs[0].detach()))
    model.eval()(torch.arange(20)[None] + 3)
    active = seen[0].reshape(20, 4, 10).abs().sum(-1) > 0
    assert (active.sum(1) == 2).all() and active.any(0).sum() > 2
