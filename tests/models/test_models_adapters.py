"""A neuron patch, exported, is an adapter that the PEFT library itself loads and merges to the same model."""

import numpy as np
import pytest
import torch
from architectures import tiny_model
from patches import BASE, OTHER, assert_bit_equal, logits, random_patch, state
from peft import LoraConfig, PeftModel

from taskneurons.errors import InputError
from taskneurons.files import write_json
from taskneurons.models.adapters import Adapter, adapted, injected, load_adapter, patch_as_adapter, save_adapter
from taskneurons.models.patching import patched
from taskneurons.neurons.sets import NeuronSet

# Gated and plain, with and without biases, turned (GPT-2), gate and up in one (Phi-3).
EXPORTED = ["llama", "mistral", "bloom", "gpt2", "phi3", "opt"]


@pytest.mark.parametrize("architecture", EXPORTED)
def test_peft_loads_an_exported_patch_with_equal_logits(architecture, tmp_path):
    model = tiny_model(architecture)
    patch, before, plain = random_patch(model, scale=0.1), state(model), logits(model)
    with patched(model, patch, base=BASE):
        expected, weights = logits(model), state(model)
    assert (expected - plain).abs().max() > 0.1

    save_adapter(tmp_path, patch_as_adapter(model, patch, base=BASE))
    assert_bit_equal(model, before)
    loaded = PeftModel.from_pretrained(model, tmp_path).eval()
    torch.testing.assert_close(logits(loaded), expected, rtol=1e-4, atol=1e-5)
    merged = loaded.merge_and_unload()
    torch.testing.assert_close(logits(merged), expected, rtol=1e-4, atol=1e-5)
    for name, tensor in merged.state_dict().items():
        torch.testing.assert_close(tensor, weights[name], rtol=0, atol=1e-6)


def test_layers_without_neurons_get_no_adapter():
    model = tiny_model("llama")
    patch = random_patch(model, neurons=NeuronSet.from_indices([(1, 3), (1, 7), (1, 8)], (2, 24)))
    adapter = patch_as_adapter(model, patch, base=BASE)
    assert set(adapter.settings["rank_pattern"].values()) == {3}
    assert all(".layers.1.mlp." in name for name in adapter.tensors)
    assert {array.shape for name, array in adapter.tensors.items() if "gate_proj.lora_A" in name} == {(3, 16)}


def test_a_patch_of_another_base_is_not_exported():
    model = tiny_model("llama")
    with pytest.raises(InputError, match="trained on base"):
        patch_as_adapter(model, random_patch(model), base=OTHER)


@pytest.mark.parametrize("architecture", ["llama", "bloom", "gpt2"])
def test_an_adapter_leaves_no_trace(architecture, tmp_path):
    model = tiny_model(architecture)
    before, plain, modules = state(model), logits(model), dict(model.named_modules())
    save_adapter(tmp_path, patch_as_adapter(model, random_patch(model, scale=0.1), base=BASE))
    for _ in range(2):
        with adapted(model, load_adapter(tmp_path)):
            assert (logits(model) - plain).abs().max() > 0.1
            assert not any(parameter.requires_grad for parameter in model.parameters())
        assert_bit_equal(model, before)
        assert dict(model.named_modules()) == modules
        assert torch.equal(logits(model), plain)


def test_an_adapter_that_does_not_fit_is_refused(tmp_path):
    model = tiny_model("llama")
    before = state(model)
    adapter = patch_as_adapter(model, random_patch(model), base=BASE)
    name = next(iter(adapter.tensors))
    fewer = {key: array for key, array in adapter.tensors.items() if key != name}
    more = adapter.tensors | {name.replace("lora_A", "lora_C"): np.ones(1, dtype=np.float32)}
    for tensors in (fewer, more, adapter.tensors | {name: np.ones((3, 3), dtype=np.float32)}):
        with pytest.raises(InputError, match="does not fit"), adapted(model, Adapter(adapter.settings, tensors)):
            pass
        assert_bit_equal(model, before)
    other = tiny_model("bloom")
    with pytest.raises(InputError, match="do not fit"), adapted(other, adapter):
        pass
    with pytest.raises(InputError, match="do not fit"), injected(model, LoraConfig(target_modules=["nowhere"])):
        pass
    with pytest.raises(InputError, match="NaN"):
        Adapter(adapter.settings, {name: np.array([np.nan], dtype=np.float32)})
    write_json(tmp_path / "adapter_config.json", {"peft_type": "IA3"})
    with pytest.raises(InputError, match="not the configuration of a LoRA"):
        load_adapter(tmp_path)
