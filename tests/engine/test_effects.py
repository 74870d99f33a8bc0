"""Effects of single neurons, exactly and to first order: against zeroed weights, quotients and the product's scores."""

import copy

import numpy as np
import pytest
import torch
from architectures import PAD, VOCABULARY, checkpoint, tiny_model

from taskneurons.engine.attribution import attribute
from taskneurons.engine.effects import answered, batches_of, exact_effects, observe, outgoing_weights
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import ffn_layers, neuron_shape
from taskneurons.neurons.sets import NeuronSet

ARCHITECTURES = ("llama", "bloom")


def examples():
    random = np.random.default_rng(0)
    return [Encoded((1, *random.integers(3, VOCABULARY, n).tolist()), (5 + n, 7, 2)) for n in (4, 9, 4, 6, 3)]


def losses(model):
    """Of each example alone, by transformers."""
    found = []
    for example in examples():
        ids = torch.tensor([example.prompt + example.target])
        with torch.no_grad():
            scores = model(ids).logits[0, len(example.prompt) - 1 : -1].log_softmax(-1)
        found.append(-scores[range(len(example.target)), list(example.target)].sum())
    return torch.stack(found).double().numpy()


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_exact_effects_are_those_of_zeroed_outgoing_weights(architecture) -> None:
    model = tiny_model(architecture)
    found = exact_effects(model, batches_of(examples(), PAD, 2))
    assert found.shape == (*neuron_shape(model), 5)
    before = losses(model)
    for layer, neuron in ((0, 3), (1, 7)):
        changed = copy.deepcopy(model)
        with torch.no_grad():
            ffn_layers(changed)[layer].output.module.weight[:, neuron] = 0
        np.testing.assert_allclose(found[layer, neuron], losses(changed) - before, atol=2e-5)
        assert np.abs(found[layer, neuron]).max() > 1e-3


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_the_first_order_effect_is_the_slope_of_the_loss_and_the_products_sum_with_its_sign(architecture) -> None:
    model = tiny_model(architecture)
    seen = observe(model, batches_of(examples(), PAD, 2))
    summed = attribute(checkpoint(model), examples(), task="t", batch_size=3, estimators=["taylor_global"])
    np.testing.assert_allclose(np.abs(seen.effect) * 5, summed["taylor_global"].scores, rtol=1e-3, atol=1e-5)
    strongest = np.unravel_index(np.abs(seen.effect[0]).argmax(), seen.effect[0].shape)[0]
    changed, step = copy.deepcopy(model), 1e-2
    with torch.no_grad():
        ffn_layers(changed)[0].output.module.weight[:, strongest] *= 1 - step
    slope = (losses(changed) - losses(model)).mean() / step
    assert seen.effect[0, strongest] == pytest.approx(slope, rel=0.05)


def test_norms_and_activity_are_those_of_the_activations() -> None:
    model, kept = tiny_model("bloom"), []
    handle = ffn_layers(model)[1].output.module.register_forward_pre_hook(lambda _, args: kept.append(args[0]))
    losses(model)
    handle.remove()
    w = torch.cat([one.flatten(0, -2) for one in kept]).double().numpy()
    # What the last token of an answer says counts for nothing, so that the pass leaves it out.
    ends = np.cumsum([len(one.prompt) + len(one.target) for one in examples()]) - 1
    w = np.delete(w, ends, axis=0)
    seen = observe(model, batches_of(examples(), PAD, 2))
    np.testing.assert_allclose(seen.norm[1], np.sqrt((w**2).mean(0)), rtol=1e-4)
    np.testing.assert_allclose(seen.active[1], (w > 0).mean(0), atol=1e-12)
    weight = ffn_layers(model)[1].output.module.weight
    np.testing.assert_allclose(outgoing_weights(model)[1], weight.abs().sum(0).double(), rtol=1e-5)


def test_answers_are_right_where_every_token_is_the_most_probable() -> None:
    model = tiny_model("llama")
    said = model(torch.tensor([[1, 4, 9]])).logits[0, -1].argmax().item()
    right = Encoded((1, 4, 9), (said,))
    found = answered(model, batches_of([right, Encoded((1, 4, 9), (said + 1,))], PAD, 2))
    assert found.right.tolist() == [True, False] and found.losses[0] < found.losses[1]
    nothing = NeuronSet.from_indices([], neuron_shape(model))
    np.testing.assert_array_equal(answered(model, batches_of([right], PAD, 2), nothing).losses, found.losses[:1])
    with pytest.raises(InputError, match="there are no examples"):
        batches_of([], PAD, 2)
