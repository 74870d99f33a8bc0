"""A neuron patch, exported, is an adapter that the PEFT library itself loads and merges to the same model."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from architectures import tiny_model
from patches import BASE, OTHER, assert_bit_equal, logits, random_patch, state
from peft import AutoPeftModelForCausalLM, LoraConfig, PeftModel
from small_checkpoint import ECHO, lay_checkpoint, lay_task

from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.tune_changes import tune_changes
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.models.adapters import Adapter, adapted, injected, load_adapter, patch_as_adapter, save_adapter
from taskneurons.models.load import load_checkpoint
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


def said(model):
    with torch.no_grad():
        return model(input_ids=torch.tensor([[1, 5, 9, 13, 7]])).logits


@pytest.mark.parametrize("kind", ["patch", "tuned"])
def test_an_adapter_names_its_base_so_that_peft_loads_both(kind, tmp_path, monkeypatch):
    """Also where the folder of the whole study has another place by then."""
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    loaded = load_checkpoint(lay_checkpoint(Path("models/base")))
    if kind == "patch":
        patch = replace(random_patch(loaded.model, scale=0.1), base=loaded.digest)
        save_adapter("kept", patch_as_adapter(loaded.model, patch, base=loaded.digest))
        with patched(loaded.model, patch, base=loaded.digest):
            expected = said(loaded.model)
    else:
        lay_task(Path("echo"), ECHO)
        schedule = Schedule(steps=2, batch_size=4, learning_rate=0.1, seed=0, warmup=0, decay="cosine", readings=())
        folders = {"echo": "echo"}
        tune_changes("models/base", folders, {Path("kept"): ["echo"]}, schedule, Execution(), lora=Lora(2, 4, "all"))
        with adapted(loaded.model, load_adapter("kept")):
            expected = said(loaded.model)
    assert read_json(Path("kept/adapter_config.json"))["base_model_name_or_path"] == "models/base"
    (tmp_path / "here").rename(tmp_path / "there")
    monkeypatch.chdir(tmp_path / "there")
    found = AutoPeftModelForCausalLM.from_pretrained("kept", dtype=torch.float32).eval()
    torch.testing.assert_close(said(found), expected, rtol=1e-4, atol=1e-5)
    assert (expected - said(loaded.model)).abs().max() > 1e-3


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
