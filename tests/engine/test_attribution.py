import logging
from contextlib import nullcontext

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, EOS, PAD, VOCABULARY, checkpoint, tiny_model
from captum.attr import LayerGradientXActivation, LayerIntegratedGradients
from scipy.stats import spearmanr
from torch.nn.functional import cross_entropy

from taskneurons.engine import attribution
from taskneurons.engine.attribution import ESTIMATORS, Attributor, attribute
from taskneurons.engine.signed_attribution import SignedAttributor
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded, collate
from taskneurons.models.ffn import ffn_layers
from taskneurons.models.kernels import fastest

TASK, DIGEST = "task", "digest"
# Of a Llama whose attention we know.
OWN_KEYS = {"llama": {"num_key_value_heads": 2}}
GRADIENT_TIMES_ACTIVATION = ("taylor", "taylor_token", "taylor_global", "taylor_all_tokens")


def random_examples(count=7, seed=0):
    random = np.random.default_rng(seed)

    def ids(low, high):
        return tuple(random.integers(3, VOCABULARY, size=random.integers(low, high)).tolist())

    return [Encoded((1, *ids(3, 14)), (*ids(1, 5), EOS)) for _ in range(count)]


def score(model, encoded, *, batch_size=3, padding="left", estimators=GRADIENT_TIMES_ACTIVATION, steps=4):
    attributor = Attributor(model, estimators, steps=steps)
    for begin in range(0, len(encoded), batch_size):
        attributor.update(collate(encoded[begin : begin + batch_size], PAD, padding=padding))
    return attributor.result(task=TASK, model_digest=DIGEST)


def assert_same(one, other, relative=1e-4):
    for name in one:
        scale = one[name].scores.max()
        # A signed total cancels: its rounding is of the size of what was summed, not of what is left.
        floor = scale * (1e-4 if name == "taylor_global" else 1e-6)
        np.testing.assert_allclose(one[name].scores, other[name].scores, rtol=relative, atol=floor, err_msg=name)
        np.testing.assert_allclose(one[name].activation, other[name].activation, rtol=relative, atol=1e-6)
        np.testing.assert_allclose(one[name].activation_mean, other[name].activation_mean, rtol=relative, atol=1e-5)
        assert (one[name].examples, one[name].tokens) == (other[name].examples, other[name].tokens)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batch_size_order_and_padding_do_not_change_the_scores(architecture):
    model, encoded = tiny_model(architecture), random_examples()
    alone = score(model, encoded, batch_size=1, estimators=ESTIMATORS)
    assert alone["taylor"].scores.max() > 0.01
    assert_same(alone, score(model, encoded, batch_size=7, estimators=ESTIMATORS))
    assert_same(alone, score(model, encoded[::-1], batch_size=4, padding="right", estimators=ESTIMATORS))


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
@pytest.mark.parametrize("padding", ["left", "right"])
def test_scores_are_the_same_where_pads_are_left_out(architecture, padding, monkeypatch):
    model, encoded = tiny_model(architecture, **OWN_KEYS.get(architecture, {})), random_examples()
    batch = collate(encoded, PAD, padding=padding)
    rows = []
    ffn_layers(model)[1].output.module.register_forward_pre_hook(
        lambda _, args: rows.append(args[0].shape[:-1].numel())
    )

    def found():
        rows.clear()
        signed = SignedAttributor(model)
        signed.update(batch)
        signs = signed.result(task=TASK, model_digest=DIGEST)["signed"].scores
        return score(model, encoded, batch_size=7, padding=padding, estimators=ESTIMATORS), signs, set(rows)

    with fastest(model):
        tokens, signs, seen = found()
        monkeypatch.setattr(attribution, "tokens_only", lambda *_: nullcontext(False))
        padded, signs_padded, all_seen = found()
    assert (seen, all_seen) == ({int(batch.attention_mask.sum())}, {batch.attention_mask.numel()})
    assert_same(padded, tokens)
    np.testing.assert_allclose(signs, signs_padded, rtol=1e-4, atol=np.abs(signs).max() * 1e-4)


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_gradient_times_activation_equals_captum(architecture):
    model, encoded = tiny_model(architecture).requires_grad_(True), random_examples()
    batch = collate(encoded, PAD)
    loss = loss_of_each_example(model, batch)
    layers = [ffn.output.module for ffn in ffn_layers(model)]
    product = LayerGradientXActivation(loss, layers).attribute(
        model.get_input_embeddings()(batch.input_ids), attribute_to_layer_input=True
    )
    products = torch.stack([p[0] if isinstance(p, tuple) else p for p in product])
    products = products.detach().reshape(len(layers), *batch.input_ids.shape, -1)
    ours = score(model, encoded)
    for name, theirs in {
        "taylor": products.sum(2).abs().sum(1),
        "taylor_token": products.abs().sum((1, 2)),
        "taylor_global": products.sum((1, 2)).abs(),
    }.items():
        scale = float(theirs.max())
        np.testing.assert_allclose(ours[name].scores, theirs.numpy(), rtol=1e-4, atol=scale * 1e-5, err_msg=name)
    assert all(parameter.requires_grad and parameter.grad is None for parameter in model.parameters())


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_integrated_gradients_equal_captum(architecture):
    model, encoded = tiny_model(architecture).requires_grad_(True), random_examples(4)
    batch = collate(encoded, PAD)
    embedded = model.get_input_embeddings()(batch.input_ids).detach().requires_grad_()
    blank = torch.zeros_like(embedded)
    ours = score(model, encoded, batch_size=4, estimators=["integrated_gradients"], steps=4)
    for ffn in ffn_layers(model):
        layer = ffn.output.module
        loss = loss_of_each_example(model, batch)
        # captum starts at the activation of a baseline input: this makes that activation zero.
        hook = layer.register_forward_pre_hook(lambda _, args, loss=loss: (args[0] * 0,) if loss.blank else None)
        theirs = LayerIntegratedGradients(loss, layer).attribute(
            embedded, baselines=blank, n_steps=4, attribute_to_layer_input=True
        )
        hook.remove()
        theirs = theirs[0] if isinstance(theirs, tuple) else theirs
        theirs = theirs.detach().reshape(len(batch), -1, ffn.width).sum(1).abs().sum(0)
        np.testing.assert_allclose(
            ours["integrated_gradients"].scores[ffn.layer], theirs.numpy(), rtol=1e-3, atol=float(theirs.max()) * 1e-5
        )


def test_integrated_gradients_are_complete():
    """Summed over a layer's neurons and tokens they equal L(w) - L(0)."""
    model, encoded = tiny_model("llama"), random_examples(1)
    batch = collate(encoded, PAD)
    loss = loss_of_each_example(model, batch)
    ffn = ffn_layers(model)[1]
    attributor = Attributor(model, ["integrated_gradients"], steps=32)
    signed = sum(weight * attributor._scaled(batch, ffn, scale) for scale, weight in attributor._path).sum()
    embedded = model.get_input_embeddings()(batch.input_ids)
    with torch.no_grad():
        full = loss(embedded)
        ffn.output.module.register_forward_pre_hook(lambda _, args: (torch.zeros_like(args[0]),))
        without = loss(embedded)
    assert float(signed) == pytest.approx(float(full - without), rel=1e-4)


def test_all_tokens_adds_the_prompt_to_the_loss():
    """Against a prompt whose every token but the first was moved into the answer."""
    model, encoded = tiny_model("llama"), random_examples()
    moved = [Encoded(e.prompt[:1], e.prompt[1:] + e.target) for e in encoded]
    everywhere = score(model, encoded, estimators=["taylor_all_tokens"])["taylor_all_tokens"]
    expected = score(model, moved, estimators=["taylor"])["taylor"]
    np.testing.assert_allclose(everywhere.scores, expected.scores, rtol=1e-5, atol=1e-6)
    np.testing.assert_allclose(everywhere.activation, expected.activation, rtol=1e-6)


@pytest.mark.parametrize("architecture", ["bloom", "opt"])
def test_activation_is_averaged_over_real_tokens(architecture):
    model, encoded = tiny_model(architecture), random_examples()
    seen = [[], []]
    for ffn in ffn_layers(model):
        ffn.output.module.register_forward_pre_hook(
            lambda _, args, ffn=ffn: seen[ffn.layer].append(args[0].reshape(-1, ffn.width))
        )
    for example in encoded:
        model(torch.tensor([example.prompt + example.target[:-1]]))
    values = torch.stack([torch.cat(layer) for layer in seen])
    found = score(model, encoded, estimators=["activation"])["activation"]
    assert found.tokens == values.shape[1]
    np.testing.assert_allclose(found.scores, values.abs().mean(1), rtol=1e-4)
    np.testing.assert_array_equal(found.scores, found.activation)
    np.testing.assert_allclose(found.activation_mean, values.mean(1), rtol=1e-4, atol=1e-6)


@pytest.mark.filterwarnings("ignore:.*gradient_checkpointing_enable:FutureWarning")
@pytest.mark.parametrize("architecture", ["llama", "bloom", "opt", "phi3"])
def test_checkpointing_does_not_change_the_scores(architecture):
    model, encoded = tiny_model(architecture), random_examples()
    for module in model.modules():
        if isinstance(module, torch.nn.Dropout):
            module.p = 0.0
        if hasattr(module, "dropout") and isinstance(module.dropout, float):
            module.dropout = 0.0
    expected = score(model, encoded, estimators=ESTIMATORS)
    model.train()
    model.gradient_checkpointing_enable({"use_reentrant": False})
    calls = []
    ffn_layers(model)[1].output.module.register_forward_pre_hook(lambda *_: calls.append(1))
    assert_same(expected, score(model, encoded, estimators=ESTIMATORS))
    assert len(calls) > len(encoded)  # the layers really were run again


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_bfloat16_keeps_the_ranking(architecture):
    encoded = random_examples(20)
    full = score(tiny_model(architecture), encoded)
    half = score(tiny_model(architecture).bfloat16(), encoded)
    for name in ("taylor", "taylor_token", "taylor_all_tokens"):
        assert half[name].scores.dtype == np.float32
        assert spearmanr(full[name].scores.ravel(), half[name].scores.ravel()).statistic > 0.99
    np.testing.assert_allclose(half["taylor"].activation, full["taylor"].activation, rtol=0.05, atol=0.01)


def test_sums_do_not_stall_in_bfloat16():
    """Adding 300 equal batches: a bfloat16 sum would stop growing at 256 times its addend."""
    model, batch = tiny_model("llama").bfloat16(), collate(random_examples(1), PAD)
    attributor = Attributor(model)
    attributor.update(batch)
    once = attributor.result(task=TASK, model_digest=DIGEST)["taylor"].scores
    for _ in range(299):
        attributor.update(batch)
    np.testing.assert_allclose(
        attributor.result(task=TASK, model_digest=DIGEST)["taylor"].scores, 300 * once, rtol=1e-4
    )


def test_running_out_of_memory_halves_the_batch_and_not_the_scores(monkeypatch, caplog):
    model, encoded = tiny_model("llama"), random_examples()
    expected = attribute(checkpoint(model), encoded, task=TASK, batch_size=7)
    real, sizes = attribution._loss, []

    def loss(model, batch):
        value = real(model, batch)
        sizes.append(len(batch))
        if len(batch) > 2:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return value

    monkeypatch.setattr(attribution, "_loss", loss)
    with caplog.at_level(logging.WARNING):
        found = attribute(checkpoint(model), encoded, task=TASK, batch_size=7)
    assert sizes == [7, 3, 1, 1, 1, 1, 1, 1, 1]
    assert "7 examples at once: going on with 3" in caplog.text
    assert_same(expected, found)


def test_one_example_too_many_is_a_clear_error(monkeypatch):
    def loss(model, batch):
        raise torch.OutOfMemoryError("CUDA out of memory")

    monkeypatch.setattr(attribution, "_loss", loss)
    with pytest.raises(InputError, match="one example"):
        attribute(checkpoint(tiny_model("llama")), random_examples(), task=TASK, batch_size=2)


def test_scores_are_bit_equal_when_made_again():
    model, encoded = tiny_model("llama"), random_examples()
    one, other = (attribute(checkpoint(model), encoded, task=TASK, batch_size=3)["taylor"].scores for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_scores_agree_between_one_and_two_threads():
    model, encoded = tiny_model("llama"), random_examples()
    before = torch.get_num_threads()
    results = []
    try:
        for threads in (1, 2):
            torch.set_num_threads(threads)
            results.append(attribute(checkpoint(model), encoded, task=TASK, batch_size=3))
    finally:
        torch.set_num_threads(before)
    assert_same(*results)


def test_bad_requests_are_refused():
    model = tiny_model("llama")
    with pytest.raises(InputError, match=r"taylor, taylor_token.*not \['tailor'\]"):
        Attributor(model, ["tailor"])
    with pytest.raises(InputError, match="no examples"):
        Attributor(model).result(task=TASK, model_digest=DIGEST)
    with pytest.raises(InputError, match="at least one example, not 0"):
        attribute(checkpoint(model), random_examples(), task=TASK, batch_size=0)
    with pytest.raises(InputError, match="training mode"):
        Attributor(tiny_model("bloom").train())


def test_scores_that_are_not_numbers_are_refused():
    model = tiny_model("llama")
    ffn_layers(model)[1].output.module.weight[0, 5] = float("nan")
    with pytest.raises(InputError, match=r"task: `scores` is nan at layer .*Check the model's weights and its dtype"):
        attribute(checkpoint(model), random_examples(), task=TASK, batch_size=4)


def test_scores_name_their_task_their_model_and_their_estimator():
    found = attribute(checkpoint(tiny_model("llama"), "abc"), random_examples(), task="mood", batch_size=4)["taylor"]
    assert (found.task, found.model_digest, found.estimator, found.examples) == ("mood", "abc", "taylor", 7)
    ranked = np.sort(found.scores.ravel())
    assert found.scores[found.top(25).mask].min() == ranked[-round(0.25 * ranked.size)]


def loss_of_each_example(model, batch):
    """As a function of the embedded tokens; captum may repeat the batch."""

    def loss(embedded):
        repeats = len(embedded) // len(batch)
        loss.blank = not embedded.any()
        logits = model(
            inputs_embeds=embedded,
            attention_mask=batch.attention_mask.repeat(repeats, 1),
            position_ids=batch.position_ids.repeat(repeats, 1),
            use_cache=False,
        ).logits
        return cross_entropy(
            logits.transpose(1, 2), batch.labels.repeat(repeats, 1), ignore_index=-100, reduction="none"
        ).sum(1)

    return loss


@pytest.mark.parametrize("architecture", ["llama", "bloom", "gpt2"])
def test_the_head_is_multiplied_once_for_a_batch_and_not_once_for_an_example(architecture):
    model, encoded = tiny_model(architecture), random_examples()
    with torch.profiler.profile(record_shapes=True) as profile:
        score(model, encoded, batch_size=7, estimators=["taylor"])
    by_head = [event.name for event in profile.events() if any(VOCABULARY in shape for shape in event.input_shapes)]
    assert "aten::mm" in by_head
    assert "aten::bmm" not in by_head
