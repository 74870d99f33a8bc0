"""Training some neurons equals training everything with masked gradients; every method leaves the base as it was."""

import copy
from dataclasses import replace

import numpy as np
import pytest
import torch
from accelerate.state import AcceleratorState
from architectures import ARCHITECTURES, EOS, LAYERS, PAD, VOCABULARY, checkpoint, tiny_model
from patches import BASE, OTHER, assert_bit_equal, logits, owned, some_neurons, state
from peft import LoraConfig, get_peft_model
from torch.nn.functional import cross_entropy

from taskneurons.architectures import MIXTURES
from taskneurons.engine import tuning
from taskneurons.engine.batches import MixedTasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.sparse_linear import training_only
from taskneurons.engine.training import BETAS, train
from taskneurons.engine.tuning import METHODS, Lora, Tuned, fresh_adapter, tune, tuned
from taskneurons.errors import InputError
from taskneurons.models.adapters import load_adapter, save_adapter
from taskneurons.models.encoding import Encoded, collate
from taskneurons.models.ffn import ffn_layers, neuron_shape
from taskneurons.models.patching import patched
from taskneurons.neurons.patches import NeuronPatch, load_patch, save_patch
from taskneurons.neurons.sets import NeuronSet

STEPS, BATCH, RATE, SEED = 6, 4, 1e-2, 3
EXECUTION = Execution()
NO_DROPOUT = {
    "gpt2": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "opt": {"dropout": 0.0, "attention_dropout": 0.0},
}
# Gated and plain, with and without biases, Linear and Conv1D, fused and apart, tied embeddings.
FORMS = [*((name, {}) for name in ARCHITECTURES), ("llama", {"tie_word_embeddings": True})]


def model_of(architecture, **settings):
    return tiny_model(architecture, **NO_DROPOUT.get(architecture, {}), **settings)


def examples(count=20, seed=0):
    random = np.random.default_rng(seed)

    def ids(low, high):
        return tuple(random.integers(3, VOCABULARY, size=random.integers(low, high)).tolist())

    return [Encoded((1, *ids(3, 14)), (*ids(1, 5), EOS)) for _ in range(count)]


def run(model, method="neurons", data=None, *, execution=EXECUTION, **changes):
    course = {"steps": STEPS, "batch_size": BATCH, "learning_rate": RATE, "seed": SEED, "warmup": 0}
    course |= {"decay": "cosine", "readings": ()}
    schedule = Schedule(**{name: changes.pop(name, value) for name, value in course.items()})
    return tune(checkpoint(model, BASE), data or {"task": examples()}, method, schedule, execution, **changes)


def trained_by_hand(model, parameters, masks=None):
    """Plain torch: left-padded batches, all logits, a full backward pass, gradients masked, clipped, AdamW."""
    optimizer = torch.optim.AdamW(parameters, lr=RATE, betas=BETAS, weight_decay=0.0)
    # The learning rate falls as a cosine from its highest value to 0, which it would reach at step STEPS.
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, STEPS)
    order, data = MixedTasks({"task": len(examples())}, BATCH, SEED), examples()
    for step in range(STEPS):
        batch = collate([data[index] for _, index in order[step]], PAD)
        logits = model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
        ).logits
        cross_entropy(logits.flatten(0, 1), batch.labels.flatten()).backward()
        for parameter, mask in zip(parameters, masks or [None] * len(parameters), strict=True):
            if mask is not None:
                parameter.grad *= mask
        torch.nn.utils.clip_grad_norm_(parameters, 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()


def masked_training(model, masks):
    """The weights that masked AdamW gives."""
    by_hand = copy.deepcopy(model).requires_grad_(True)
    names = [name for name, parameter in by_hand.named_parameters()]
    trained_by_hand(by_hand, [by_hand.get_parameter(name) for name in names], [masks[name] for name in names])
    return by_hand.state_dict()


def assert_close(model, expected, atol=1e-6):
    for name, tensor in model.state_dict().items():
        torch.testing.assert_close(tensor, expected[name], rtol=0, atol=atol, msg=lambda text, name=name: name + text)


@pytest.mark.parametrize(("architecture", "settings"), FORMS)
def test_it_equals_masked_adamw_and_moves_nothing_else(architecture, settings):
    model = model_of(architecture, **settings)
    neurons, before = some_neurons(model), state(model)
    masks = owned(model, neurons)
    expected = masked_training(model, masks)
    result = run(model, neurons=neurons)
    assert_bit_equal(model, before)
    with tuned(model, result, base=BASE):
        # A first step of AdamW divides by the gradient, which is near 0 where few tokens reach an expert.
        assert_close(model, expected, atol=1e-5 if architecture in MIXTURES else 1e-6)
        for name, mask in masks.items():
            parameter = model.get_parameter(name)
            assert torch.equal(parameter[~mask], before[name][~mask]), name
            moved = (parameter - before[name])[mask].abs()
            assert moved.numel() == 0 or moved.max() > RATE / 2, name
    assert_bit_equal(model, before)


@pytest.mark.parametrize("architecture", ["llama", "bloom", "gpt2"])
def test_the_full_set_is_the_dense_training_of_the_ffn(architecture):
    model = model_of(architecture)
    every = NeuronSet(np.ones(neuron_shape(model), dtype=bool))
    by_hand = copy.deepcopy(model)
    dense = []
    for ffn in ffn_layers(by_hand):
        for projection in ffn.inputs:
            module = projection.module
            dense += [module.weight] if module.bias is None else [module.weight, module.bias]
        dense.append(ffn.output.module.weight)
    for parameter in dense:
        parameter.requires_grad_(True)
    trained_by_hand(by_hand, dense)
    whole, ffn_only = run(model, neurons=every), run(model, "ffn")
    assert whole.change.digest == ffn_only.change.digest
    with tuned(model, ffn_only, base=BASE):
        assert_close(model, by_hand.state_dict())


def test_full_tuning_is_adamw_on_everything():
    # Without biases: that of the keys has no gradient but rounding, which AdamW blows up to full steps.
    model = model_of("mistral")
    before = state(model)
    expected = masked_training(model, {name: None for name, _ in model.named_parameters()})
    result = run(model, "full")
    assert_bit_equal(model, before)
    with tuned(model, result, base=BASE):
        assert_close(model, expected)
        assert all((model.get_parameter(name) != before[name]).any() for name, _ in model.named_parameters())
    assert_bit_equal(model, before)


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("targets", ["attention", "all"])
def test_lora_equals_a_training_of_pefts_own_model(architecture, targets, tmp_path):
    model = model_of(architecture)
    before = state(model)
    torch.manual_seed(SEED)
    theirs = get_peft_model(
        copy.deepcopy(model),
        LoraConfig(
            r=4,
            lora_alpha=8,
            target_modules="all-linear" if targets == "all" else None,
            fan_in_fan_out=architecture == "gpt2",
            task_type="CAUSAL_LM",
        ),
    )
    trained_by_hand(theirs, [parameter for parameter in theirs.parameters() if parameter.requires_grad])
    result = run(model, "lora", lora=Lora(4, 8, targets))
    assert_bit_equal(model, before)
    save_adapter(tmp_path, result.change)
    for again in (result, Tuned(load_adapter(tmp_path), result.log)):
        with tuned(model, again, base=BASE):
            torch.testing.assert_close(logits(model), logits(theirs.eval()), rtol=1e-4, atol=1e-4)
            assert (logits(model) - logits(copy.deepcopy(model).requires_grad_(False))).abs().max() == 0
        assert_bit_equal(model, before)
    assert result.change.parameters == sum(p.numel() for p in theirs.parameters() if p.requires_grad)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_lora_on_the_attention_finds_its_modules_in_every_architecture(architecture):
    """One module a layer where query, key and value are fused, and two elsewhere; nothing of the FFN."""
    model = tiny_model(architecture)
    with fresh_adapter(model, Lora(2, 4, "attention")) as wrapped:
        adapted = {name.rpartition(".lora_A")[0] for name, _ in wrapped.named_parameters() if ".lora_A" in name}
    fused = architecture in ("phi3", "bloom", "gpt2", "gpt_neox")
    assert len(adapted) == LAYERS * (1 if fused else 2)
    assert not [name for name in adapted if ".mlp." in name or ".fc" in name]


@pytest.mark.parametrize("architecture", ["llama", "gpt2"])
@pytest.mark.parametrize("method", METHODS)
def test_checkpointing_changes_no_bit(architecture, method):
    # GPT-2 with its dropout: what is computed again must drop the same activations.
    model = tiny_model(architecture)
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    runs, after = (
        [run(model, method, execution=Execution(gradient_checkpointing=wanted), **extra) for wanted in (False, True)],
        [],
    )
    for result in runs:
        with tuned(model, result, base=BASE):
            after.append(logits(model))
    assert torch.equal(*after)
    assert runs[0].log.rows[-1][1] == runs[1].log.rows[-1][1]
    assert not model.is_gradient_checkpointing


def test_a_checkpointed_layer_is_computed_again_and_keeps_less():
    model = model_of("llama").train()
    model.gradient_checkpointing_enable(gradient_checkpointing_kwargs={"use_reentrant": False})
    calls = []
    model.model.layers[1].mlp.act_fn.register_forward_hook(lambda *_: calls.append(1))
    with training_only(model, some_neurons(model)) as trained:
        model(torch.tensor([[1, 5, 7]])).logits.sum().backward()
        assert len(calls) == 2
        assert all(parameter.grad is not None for parameter in trained.parameters().values())


def test_layers_below_the_first_neuron_have_no_backward_pass():
    model = model_of("llama", num_hidden_layers=4)
    shape = neuron_shape(model)
    with training_only(model, NeuronSet.from_indices([(2, 1), (3, 0)], shape)):
        outputs = []
        for layer in model.model.layers:
            layer.register_forward_hook(lambda _module, _inputs, output: outputs.append(output.requires_grad))
        model(torch.tensor([[1, 5, 7]]))
    assert outputs == [False, False, True, True]


def test_the_dense_weights_get_no_gradient_and_their_flags_come_back():
    model = model_of("llama").requires_grad_(True)
    before = state(model)
    with training_only(model, some_neurons(model)) as trained:
        model(torch.tensor([[1, 5, 7]])).logits.sum().backward()
        assert all(parameter.grad is None for parameter in model.parameters())
        for parameter in trained.parameters().values():
            parameter.data.add_(1)
        trained.publish()
    assert all(parameter.requires_grad for parameter in model.parameters())
    assert_bit_equal(model, before)
    assert all("forward" not in module.__dict__ for module in model.modules())


def test_writing_between_forward_and_backward_is_an_error():
    model = model_of("llama")
    with training_only(model, some_neurons(model)) as trained:
        loss = model(torch.tensor([[1, 5, 7]])).logits.sum()
        trained.publish()
        with pytest.raises(RuntimeError, match="modified by an inplace operation"):
            loss.backward()


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_a_bfloat16_model_is_trained_through_a_float32_master(architecture):
    model = model_of(architecture).to(torch.bfloat16)
    neurons, before = some_neurons(model), state(model)
    result = run(model, neurons=neurons, learning_rate=1e-4)
    assert_bit_equal(model, before)
    # Steps of 1e-4 are far below the spacing of bfloat16 around 1: only a float32 master keeps them.
    kept = np.concatenate([array.ravel() for array in result.change.weights.values()])
    rounded = torch.tensor(kept).bfloat16().float().numpy()
    assert (kept != rounded).mean() > 0.9
    with tuned(model, result, base=BASE):
        assert logits(model).dtype == torch.bfloat16


@pytest.mark.parametrize("method", METHODS)
def test_mixed_precision_is_near_float32_and_leaves_no_trace(method, fresh_accelerate):
    model = model_of("gpt2" if method == "neurons" else "llama")
    before = state(model)
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    with_bf16 = run(model, method, execution=Execution(dtype="bfloat16"), learning_rate=1e-3, **extra)
    AcceleratorState._reset_state(reset_partial_state=True)
    exact = run(model, method, learning_rate=1e-3, **extra)
    assert with_bf16.log.rows[-1][1] == pytest.approx(exact.log.rows[-1][1], rel=0.02)
    assert with_bf16.log.rows[-1][1] != exact.log.rows[-1][1]
    assert_bit_equal(model, before)
    assert logits(model).dtype == torch.float32


@pytest.mark.parametrize("method", METHODS)
def test_two_runs_give_the_same_bits_and_another_seed_gives_others(method):
    model = tiny_model("gpt2")
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    after = []
    for seed in (0, 0, 1):
        random_state = torch.random.get_rng_state()
        with tuned(model, run(model, method, seed=seed, **extra), base=BASE):
            after.append(logits(model))
        assert torch.equal(torch.random.get_rng_state(), random_state) or method == "lora"
    assert torch.equal(after[0], after[1])
    assert not torch.equal(after[0], after[2])


@pytest.mark.parametrize("method", METHODS)
def test_a_reading_is_the_training_that_ends_there_and_disturbs_nothing(method):
    # GPT-2 with its dropout: a reading that drew a random number would show.
    model = tiny_model("gpt2")
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    read = run(model, method, steps=6, warmup=2, decay="none", readings=(3, 6), **extra)

    def after(change):
        with tuned(model, replace(read, change=change), base=BASE):
            return logits(model)

    for steps in (3, 6):
        alone = run(model, method, steps=steps, warmup=2, decay="none", **extra)
        assert not alone.readings
        assert torch.equal(after(read.readings[steps]), after(alone.change))
        assert torch.equal(after(read.change), after(alone.change)) == (steps == 6)
    with pytest.raises(InputError, match="a training of 6 steps has no step 7 to be read at"):
        run(model, method, steps=6, readings=(7,), **extra)


@pytest.mark.parametrize("method", METHODS)
def test_it_learns(method):
    model = model_of("llama")
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    log = run(model, method, data={"task": examples(4)}, steps=60, **extra).log
    assert log.rows[-1][1] < 0.6 * log.rows[0][1]


def test_a_patch_survives_its_file_and_names_its_tasks(tmp_path):
    model = model_of("llama")
    result = run(model, neurons=some_neurons(model), data={"nli": examples(9), "summary": examples(9, seed=1)})
    save_patch(tmp_path / "patch.safetensors", result.change)
    read = load_patch(tmp_path / "patch.safetensors")
    assert read.tasks == ("nli", "summary")
    with tuned(model, result, base=BASE):
        expected = logits(model)
    with patched(model, read, base=BASE):
        assert torch.equal(logits(model), expected)


def test_a_training_on_top_of_a_patch_names_it_and_starts_from_it():
    model = model_of("llama")
    before = state(model)
    first = run(model, neurons=some_neurons(model)).change
    with patched(model, first, base=BASE):
        second = run(model, neurons=some_neurons(model, seed=1), learning_rate=1e-9).change
    assert second.below == (first.digest,)
    shared = some_neurons(model) & some_neurons(model, seed=1)
    layer, neuron = shared.to_indices()[0]
    place = [int(np.flatnonzero(patch.neurons.mask[layer]).tolist().index(neuron)) for patch in (first, second)]
    name = f"layers.{layer}.output"
    np.testing.assert_allclose(first.weights[name][place[0]], second.weights[name][place[1]], atol=1e-6)
    with pytest.raises(InputError, match="in the order"), patched(model, second, base=BASE):
        pass
    assert_bit_equal(model, before)


def test_a_killed_tuning_goes_on_where_it_was(tmp_path, monkeypatch):
    model = model_of("bloom")
    neurons, before, resume = some_neurons(model), state(model), tmp_path / "resume.safetensors"
    whole = run(model, neurons=neurons)

    def killed(model, data, *rest, **settings):
        def until_killed(step):
            if step == 4:
                raise KeyboardInterrupt
            return data.batch(step)

        return train(model, replace(data, batch=until_killed), *rest, **settings)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(tuning, "train", killed)
        run(model, neurons=neurons, execution=Execution(resume=resume, checkpoint_minutes=0))
    assert resume.exists()
    assert_bit_equal(model, before)
    again = run(model, neurons=neurons, execution=Execution(resume=resume))
    assert again.change.digest == whole.change.digest
    assert not resume.exists()


@pytest.mark.parametrize("method", METHODS)
def test_a_loss_that_is_no_number_fails_with_its_step_and_leaves_the_base(method):
    model = model_of("llama")
    before, plain = state(model), logits(model)
    extra = {"neurons": some_neurons(model)} if method == "neurons" else {}
    with pytest.raises(InputError, match=f"{method} tuning: the loss is nan at step 2 of 6.*diverged"):
        run(model, method, learning_rate=1e38, **extra)
    assert_bit_equal(model, before)
    assert torch.equal(logits(model), plain)


def test_an_exploding_loss_fails_with_its_step():
    model = model_of("llama")
    before = state(model)
    with pytest.raises(InputError, match=r"the loss is \d{2,}\.\d+ at step 2 of 6.*lower the learning rate"):
        run(model, "full", learning_rate=10.0)
    assert_bit_equal(model, before)


def test_sets_that_do_not_fit_are_refused():
    model = model_of("llama")
    before = state(model)
    empty = NeuronSet(np.zeros(neuron_shape(model), dtype=bool))
    other = NeuronSet(np.ones((2, 25), dtype=bool))
    for changes, message in (
        ({"neurons": empty}, "empty, nothing would be trained.*zero-shot"),
        ({"neurons": other}, "2 x 25 neurons, this one has 2 x 24"),
        ({}, "goes with the method neurons"),
        ({"method": "ffn", "neurons": empty}, "only with it"),
        ({"method": "full", "lora": Lora()}, "LoRA goes with"),
        ({"method": "prefix"}, "methods are neurons, ffn, full, lora"),
    ):
        with pytest.raises(InputError, match=message):
            run(model, **changes)
    with pytest.raises(InputError, match="no training examples"):
        run(model, data={"task": []}, neurons=~empty)
    with pytest.raises(InputError, match="needs float32"):
        run(model_of("llama").bfloat16(), "full")
    with pytest.raises(InputError, match="rank of at least 1"):
        Lora(rank=0)
    assert_bit_equal(model, before)


def test_a_result_is_refused_on_another_model():
    model, other = model_of("llama"), model_of("llama", hidden_size=24, head_dim=12)
    for method in METHODS:
        result = run(model, method, **({"neurons": some_neurons(model)} if method == "neurons" else {}))
        before = state(other)
        with pytest.raises(InputError), tuned(other, result, base=BASE):
            pass
        assert_bit_equal(other, before)
        if isinstance(result.change, NeuronPatch):
            with pytest.raises(InputError, match="trained on base"), tuned(model, result, base=OTHER):
                pass


def test_an_error_inside_the_block_leaves_the_base():
    model = model_of("llama")
    before = state(model)
    for method in METHODS:
        result = run(model, method, **({"neurons": some_neurons(model)} if method == "neurons" else {}))
        with pytest.raises(RuntimeError, match="inside"), tuned(model, result, base=BASE):
            raise RuntimeError("inside")
        assert_bit_equal(model, before)
