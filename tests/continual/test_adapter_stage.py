"""Training one adapter is what `tune` does; a start and a penalty add what they should; the base never changes."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from architectures import tiny_model
from patches import assert_bit_equal, state
from peft import LoraConfig, PeftModel, get_peft_model
from small_checkpoint import TOKENIZER, lay_checkpoint, small_model
from torch.nn.functional import cross_entropy

from taskneurons.continual import adapter_stage
from taskneurons.continual.adapter_stage import down_projections, merged, tune_adapter
from taskneurons.continual.olora import Orthogonality
from taskneurons.engine.batches import MixedTasks
from taskneurons.engine.training import BETAS, train
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter, adapted, load_adapter, save_adapter
from taskneurons.models.encoding import collate

RATE, STRENGTH = 3e-2, 0.5
FORMS = ["llama", "bloom", "gpt2"]


def assert_equal(one, other):
    assert one.settings == other.settings
    assert one.tensors.keys() == other.tensors.keys()
    for name, array in one.tensors.items():
        np.testing.assert_array_equal(array, other.tensors[name], err_msg=name)


def logits(model):
    ids = torch.tensor([TOKENIZER("<bos> mood of red blue", add_special_tokens=False)["input_ids"]])
    with torch.no_grad():
        return model(input_ids=ids).logits


def noisy(adapter, seed=0, scale=0.3):
    """An adapter of the same form that is far from doing nothing."""
    random = np.random.default_rng(seed)
    values = {name: random.normal(0, scale, array.shape).astype(np.float32) for name, array in adapter.tensors.items()}
    return Adapter(adapter.settings, values)


def learn(tuner, task="mood", **changes):
    return tune_adapter(tuner, {task: tuner.training(task)}, **({"learning_rate": RATE} | changes))


@pytest.fixture
def tuner_of(make_tuner, tmp_path):
    """Makes tuners on a small model of an architecture; GPT-2 drops activations in training, where it may."""

    def make(architecture, *, dropout=0.0, **recipe):
        drops = dict.fromkeys(("resid_pdrop", "embd_pdrop", "attn_pdrop"), dropout)
        model = tiny_model("gpt2", **drops) if architecture == "gpt2" else small_model(architecture)
        return make_tuner(base=lay_checkpoint(tmp_path / architecture, model), **recipe)

    return make


@pytest.mark.parametrize("architecture", FORMS)
def test_a_fresh_adapter_is_that_of_tune(tuner_of, architecture):
    # With dropout: the random numbers must be drawn in the same order.
    tuner = tuner_of(architecture, dropout=0.1)
    before = state(tuner.base.model)
    examples = {"mood": tuner.training("mood"), "count": tuner.training("count")}
    theirs = tuner.tune(examples, "lora", tuner.recipe.schedule(RATE))
    random_state = torch.random.get_rng_state()
    ours = tune_adapter(tuner, examples, learning_rate=RATE)
    assert torch.equal(torch.random.get_rng_state(), random_state)
    assert_equal(ours.change, theirs.change)
    assert [row[:2] for row in ours.log.rows] == [row[:2] for row in theirs.log.rows]
    assert_bit_equal(tuner.base.model, before)
    assert not any(parameter.requires_grad for parameter in tuner.base.model.parameters())
    with pytest.raises(AssertionError):
        assert_equal(tune_adapter(tuner, examples, learning_rate=RATE, seed=1).change, theirs.change)


def trained_by_hand(tuner, start, earlier, strength):
    """PEFT's own model under a start, with loss + strength * sum |A_earlier A^T| and a plain backward pass."""
    model = get_peft_model(
        copy.deepcopy(tuner.base.model),
        LoraConfig(r=8, lora_alpha=16, fan_in_fan_out=tuner.base.architecture == "gpt2", task_type="CAUSAL_LM"),
    )
    model.load_state_dict(
        {name.replace(".weight", ".default.weight"): torch.tensor(array) for name, array in start.tensors.items()},
        strict=False,
    )
    moving = {name: parameter for name, parameter in model.named_parameters() if parameter.requires_grad}
    assert len(moving) == len(start.tensors)
    optimizer = torch.optim.AdamW(moving.values(), lr=RATE, betas=BETAS, weight_decay=0.0)
    recipe, examples = tuner.recipe, tuner.training("mood")
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps)
    order = MixedTasks({"mood": len(examples)}, recipe.batch_size, recipe.seed)
    for step in range(recipe.steps):
        batch = collate([examples[index] for _, index in order[step]], tuner.base.tokenizer.pad_token_id)
        found = model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
        ).logits
        loss = cross_entropy(found.flatten(0, 1), batch.labels.flatten())
        for adapter in earlier:
            for name, a in adapter.tensors.items():
                if "lora_A" in name:
                    new = moving[name.replace(".weight", ".default.weight")]
                    loss = loss + strength * (torch.tensor(a) @ new.T).abs().sum()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving.values(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return {name.replace(".default", ""): parameter.detach() for name, parameter in moving.items()}


@pytest.mark.parametrize("architecture", FORMS)
@pytest.mark.parametrize("strength", [None, STRENGTH])
def test_a_start_and_a_penalty_are_those_of_a_plain_training(tuner_of, architecture, strength):
    tuner = tuner_of(architecture, warmup=0)
    start = noisy(learn(tuner).change, scale=0.1)
    earlier = [noisy(start, seed) for seed in (1, 2)]
    expected = trained_by_hand(tuner, start, earlier if strength else [], strength)
    before = state(tuner.base.model)
    penalty = Orthogonality(strength, earlier, torch.device("cpu")) if strength else None
    found = learn(tuner, start=start, penalty=penalty).change
    assert found.settings == start.settings
    for name, array in found.tensors.items():
        torch.testing.assert_close(torch.tensor(array), expected[name], rtol=0, atol=2e-5, msg=lambda t, n=name: n + t)
        assert abs(array - start.tensors[name]).max() > RATE / 2, name
    assert_bit_equal(tuner.base.model, before)


@pytest.mark.parametrize("architecture", FORMS)
def test_merged_adapters_compute_what_peft_computes_with_all_of_them(tuner_of, architecture, tmp_path):
    tuner = tuner_of(architecture)
    model = tuner.base.model
    adapters = [noisy(learn(tuner).change, seed) for seed in range(3)]
    for number, adapter in enumerate(adapters):
        save_adapter(tmp_path / str(number), adapter)
    theirs = PeftModel.from_pretrained(copy.deepcopy(model), tmp_path / "0", adapter_name="0")
    for number in ("1", "2"):
        theirs.load_adapter(tmp_path / number, adapter_name=number)
    theirs.base_model.set_adapter(["0", "1", "2"])
    before, plain = state(model), logits(model)
    with merged(model, adapters):
        torch.testing.assert_close(logits(model), logits(theirs), rtol=1e-4, atol=1e-4)
        assert (logits(model) - plain).abs().max() > 0.1
        together = logits(model)
    assert_bit_equal(model, before)
    # What lies in the weights and what is put on top are one sum.
    with merged(model, adapters[:2]), adapted(model, load_adapter(tmp_path / "2")):
        torch.testing.assert_close(logits(model), together, rtol=1e-4, atol=1e-4)
    assert_bit_equal(model, before)
    with merged(model, []):
        assert torch.equal(logits(model), plain)


def test_an_error_inside_or_on_the_way_leaves_the_weights(make_tuner):
    tuner = make_tuner()
    model = tuner.base.model
    before = state(model)
    fits = noisy(learn(tuner).change)
    strange = Adapter(fits.settings, {name: array[:, :-1] for name, array in fits.tensors.items()})
    with pytest.raises(RuntimeError, match="inside"), merged(model, [fits]):
        raise RuntimeError("inside")
    assert_bit_equal(model, before)
    with pytest.raises(InputError, match="does not fit"), merged(model, [fits, strange]):
        pass
    assert_bit_equal(model, before)
    with pytest.raises(InputError, match="does not fit"):
        learn(tuner, start=strange)
    with pytest.raises(InputError, match=r"mood: adapter tuning: the loss is .* at step \d of 6.*diverged"):
        learn(tuner, learning_rate=1e38)
    assert_bit_equal(model, before)


def killed_at(step, monkeypatch):
    """Let trainings die before a step."""

    def killed(model, data, *rest, **settings):
        def until_killed(now):
            if now == step:
                raise KeyboardInterrupt
            return data.batch(now)

        return train(model, replace(data, batch=until_killed), *rest, **settings)

    monkeypatch.setattr(adapter_stage, "train", killed)


def test_a_killed_training_goes_on_and_only_as_the_same_one(make_tuner, monkeypatch):
    tuner = make_tuner(checkpoint_minutes=0)
    before = state(tuner.base.model)
    start = noisy(learn(tuner).change, scale=0.1)
    cpu = torch.device("cpu")
    penalty, other = (Orthogonality(strength, [noisy(start, 1)], cpu) for strength in (STRENGTH, 2 * STRENGTH))
    whole, otherwise = learn(tuner, start=start, penalty=penalty), learn(tuner, start=start, penalty=other)
    restarted = learn(tuner, start=noisy(start, 5, 0.1), penalty=penalty)
    for expected, changes in (
        (whole, {"start": start, "penalty": penalty}),
        (otherwise, {"start": start, "penalty": other}),
        (restarted, {"start": noisy(start, 5, 0.1), "penalty": penalty}),
    ):
        with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
            killed_at(4, patch)
            learn(tuner, start=start, penalty=penalty)
        assert (tuner.execution.resume / "tuning.safetensors").exists()
        assert_bit_equal(tuner.base.model, before)
        asked = []
        with monkeypatch.context() as patch:
            patch.setattr(adapter_stage, "train", lambda model, data, *rest, seen=asked, **settings: train(
                model, replace(data, batch=lambda step: seen.append(step) or data.batch(step)), *rest,
                **settings))  # fmt: skip
            again = learn(tuner, **changes)
        assert_equal(again.change, expected.change)
        # Resumed where it was; another training begins anew. The first batch is asked for before: it chooses kernels.
        assert asked[:2] == [0, 4 if expected is whole else 0]
        assert not (tuner.execution.resume / "tuning.safetensors").exists()


def test_a_penalty_is_refused_where_gradients_are_scaled(make_tuner):
    earlier = learn(make_tuner()).change
    with pytest.raises(InputError, match="unscaled gradients"):
        learn(make_tuner(dtype="float16"), penalty=Orthogonality(STRENGTH, [earlier], torch.device("cpu")))


def test_bfloat16_products_leave_no_trace(make_tuner):
    AcceleratorState._reset_state(reset_partial_state=True)
    exact, tuner = make_tuner(), make_tuner(dtype="bfloat16")
    before = state(tuner.base.model)
    start = noisy(learn(exact).change, scale=0.1)
    penalty = Orthogonality(STRENGTH, [noisy(start, 1)], torch.device("cpu"))
    expected = learn(exact, start=start, penalty=penalty)
    AcceleratorState._reset_state(reset_partial_state=True)
    found = learn(tuner, start=start, penalty=penalty)
    AcceleratorState._reset_state(reset_partial_state=True)
    assert found.log.rows[-1][1] == pytest.approx(expected.log.rows[-1][1], rel=0.05)
    assert found.log.rows[-1][1] != expected.log.rows[-1][1]
    assert_bit_equal(tuner.base.model, before)


def test_down_projections_are_named_by_module(make_tuner):
    tuner = make_tuner()
    found = down_projections(learn(tuner).change)
    assert set(found) == {f"model.layers.{layer}.self_attn.{which}_proj" for layer in (0, 1) for which in "qv"}
    assert {rows.shape for rows in found.values()} == {(8, 16)}
