"""Random models: sizes in closed form, weights that depend on the seed alone."""

import subprocess
import sys

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.size import parameter_count


def build(architecture="llama", **changes):
    seed, vocabulary = changes.pop("seed", 0), changes.pop("vocabulary_size", 40)
    sizes = {"hidden_size": 16, "layers": 2, "heads": 2, "ffn_size": 64, "context": 32} | changes
    return new_model(architecture, Shape(**sizes), Vocabulary(vocabulary, pad_id=0, bos_id=1, eos_id=2), seed=seed)


@settings(max_examples=8, deadline=None)
@given(
    architecture=st.sampled_from(["llama", "bloom"]),
    heads=st.integers(1, 3),
    head_width=st.sampled_from([2, 4]),
    layers=st.integers(1, 3),
    ffn_size=st.integers(1, 50),
    vocabulary_size=st.integers(4, 60),
)
def test_the_closed_form_is_the_true_count(architecture, heads, head_width, layers, ffn_size, vocabulary_size):
    hidden = heads * head_width
    ffn_size = 4 * hidden if architecture == "bloom" else ffn_size
    sizes = {"hidden_size": hidden, "layers": layers, "ffn_size": ffn_size, "vocabulary_size": vocabulary_size}
    model = build(architecture, **sizes, heads=heads, context=16)
    assert parameter_count(architecture, **sizes) == sum(p.numel() for p in model.parameters())


def test_the_closed_form_gives_llama_2_7b():
    sizes = {"hidden_size": 4096, "layers": 32, "ffn_size": 11008, "vocabulary_size": 32000}
    assert parameter_count("llama", **sizes) == 6_738_415_616  # what Meta's repository states


def test_the_closed_form_needs_no_torch():
    code = "import sys, taskneurons.models.size; sys.exit('torch' in sys.modules or 'transformers' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_the_seed_alone_decides_the_weights(architecture):
    torch.manual_seed(7)
    state = torch.get_rng_state()
    first = build(architecture).state_dict()
    assert torch.equal(torch.get_rng_state(), state), "the global random state was touched"
    torch.manual_seed(8)
    second = build(architecture).state_dict()
    other = build(architecture, seed=1).state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not all(torch.equal(first[name], other[name]) for name in first)


def test_bloom_ties_its_head_and_llama_does_not():
    bloom, llama = build("bloom"), build("llama")
    assert bloom.get_output_embeddings().weight is bloom.get_input_embeddings().weight
    assert llama.get_output_embeddings().weight is not llama.get_input_embeddings().weight


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"architecture": "rwkv"}, "llama or bloom"),
        ({"heads": 3}, "do not divide"),
        ({"architecture": "bloom", "ffn_size": 63}, "Write 64"),
    ],
)
def test_impossible_sizes_are_refused(changes, message):
    with pytest.raises(InputError, match=message):
        build(**changes)
