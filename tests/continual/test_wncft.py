"""W-NCFT: weights of the FFN that differ from task to task and from example to example, and leave no trace."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, tiny_model
from small_stream import STREAM

from taskneurons.continual.blending import Branch, Component
from taskneurons.continual.ncft import NCFT, as_patch
from taskneurons.continual.similarity import Gate, cosines
from taskneurons.continual.wncft import WNCFT, changes, owned
from taskneurons.errors import InputError
from taskneurons.models.ffn import neuron_shape
from taskneurons.models.neuron_weights import neuron_weights
from taskneurons.models.patching import patched
from taskneurons.neurons.patches import NeuronPatch
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet

ORDER = tuple(STREAM)
NCFT_ = NCFT(1e-2, Selection("taylor", 30, "model"), 8, 4)
BASE = "0" * 64


def shifted(model, neurons, seed, below=()):
    """A patch of random weights near those of the model."""
    rng = np.random.default_rng(seed)
    weights = {}
    for place in neuron_weights(model, neurons):
        rows, bias = place.read()
        weights[place.name] = (rows.numpy() + 0.3 * rng.standard_normal(rows.shape)).astype(np.float32)
        if bias is not None:
            weights[f"{place.name}.bias"] = (bias.numpy() + rng.standard_normal(bias.shape)).astype(np.float32)
    return NeuronPatch(neurons, weights, BASE, below, ("a",))


def stack(model, count=3):
    """Patches that overlap, each on top of the last."""
    rng, patches = np.random.default_rng(7), []
    shape = neuron_shape(model)
    for number in range(count):
        mask = rng.random(shape) < 0.4
        mask[:, number] = True
        patches.append(shifted(model, NeuronSet(mask), number, tuple(patch.digest for patch in patches)))
    return patches


def outputs(model, batch=4):
    ids = torch.arange(4 * 6).reshape(batch, -1) % 20
    with torch.inference_mode():
        return model(input_ids=ids).logits


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_with_all_weights_one_it_is_the_model_with_all_patches(architecture):
    model = tiny_model(architecture)
    patches = stack(model)
    before = {name: tensor.clone() for name, tensor in model.state_dict().items()}
    plain = outputs(model)
    with patched(model, *patches, base=BASE):
        under_all = outputs(model)
    added = Branch(model, changes(model, patches, base=BASE))
    groups, components = owned(model, patches, base=BASE)
    scaled = Branch(model, components)
    for branch in (added, scaled):
        for rows in (1, 4):
            with branch.blended(np.ones((rows, branch.components))):
                torch.testing.assert_close(outputs(model), under_all, rtol=2e-4, atol=2e-4)
    assert not torch.allclose(plain, under_all, atol=1e-2) and len(groups) > 1
    with added.blended(np.zeros((1, 3))):
        torch.testing.assert_close(outputs(model), plain)
    assert torch.equal(outputs(model), plain)
    assert all(torch.equal(before[name], tensor) for name, tensor in model.state_dict().items())


@pytest.mark.parametrize("architecture", ["llama", "bloom", "gpt2", "opt", "phi3"])
def test_each_example_gets_its_own_weights(architecture):
    model = tiny_model(architecture)
    patches = stack(model, 2)
    branch = Branch(model, changes(model, patches, base=BASE))
    coefficients = np.random.default_rng(0).random((4, 2))
    with branch.blended(coefficients):
        together = outputs(model)
    for row in range(4):
        with branch.blended(coefficients[[row]]):
            torch.testing.assert_close(outputs(model)[row], together[row], rtol=2e-4, atol=2e-4)


def test_blended_weights_are_the_weights_written_into_the_model():
    """Against a model whose rows are base + s * delta, put there by hand."""
    model = tiny_model("llama")
    patches = stack(model, 2)
    parts = changes(model, patches, base=BASE)
    with Branch(model, parts).blended(np.array([[0.25, 0.75]])):
        blended = outputs(model)
    for part, weight in zip(parts, (0.25, 0.75), strict=True):
        for place in neuron_weights(model, part.neurons):
            rows, bias = place.read()
            if bias is not None:
                bias = bias + weight * torch.tensor(part.rows[f"{place.name}.bias"])
            place.write(rows + weight * torch.tensor(part.rows[place.name]), bias)
    torch.testing.assert_close(outputs(model), blended, rtol=2e-4, atol=2e-4)


def test_coefficients_of_another_shape_are_refused():
    model = tiny_model("llama")
    mask = np.zeros(neuron_shape(model), dtype=bool)
    mask[0, 0] = True
    neurons = NeuronSet(mask)
    rows = {place.name: place.read()[0].numpy() for place in neuron_weights(model, neurons)}
    branch = Branch(model, [Component(neurons, rows)])
    with pytest.raises(InputError, match="for 1 components"), branch.blended(np.ones((1, 2))):
        pass
    with pytest.raises(InputError, match="3 examples met a batch of 4"), branch.blended(np.ones((3, 1))):
        outputs(model)


def weighted(reading, similarity, temperature=0.1):
    return WNCFT(NCFT_, reading, similarity, temperature, 8, 4)


@pytest.fixture(scope="module")
def learned(request):
    return {}


def stream(make_tuner, learned):
    tuner = make_tuner(steps=20)
    if not learned:
        seen = []
        for task in ORDER:
            seen.append(NCFT_.learn(tuner, seen, task))
        learned["seen"] = seen
    return tuner, learned["seen"]


@pytest.mark.parametrize("reading", ["added", "literal", "averaged", "max", "rewound"])
def test_the_coefficients_of_each_reading(reading):
    weights = np.array([[0.5, 0.3, 0.2]])
    owners = [(0,), (0, 2), (1,)]
    found = weighted(reading, "known")._coefficients(weights, owners)
    expected = {
        "added": [[1.0, 0.6, 0.4]],
        "literal": [[0.5, 0.2, 0.3, 1.0]],
        "averaged": [[1.5, 0.6, 0.9, 1.0]],
        "max": [[1.5, 1.5, 0.9, 1.0]],
        "rewound": [[1.0, 0.5, 0.2]],
    }
    np.testing.assert_allclose(found, expected[reading])


def test_after_one_task_the_relative_readings_are_ncft(make_tuner, learned):
    tuner, seen = stream(make_tuner, learned)
    plain = dict(NCFT_.test(tuner, seen[:1], ORDER))
    for reading in ("added", "averaged", "literal", "max", "rewound"):
        assert dict(weighted(reading, "known").test(tuner, seen[:1], ORDER)) == plain


def test_rewound_to_a_task_that_is_sure_is_the_model_just_after_its_stage(make_tuner, learned):
    tuner, seen = stream(make_tuner, learned)
    model, patches = tuner.base.model, [as_patch(one) for one in seen]
    branch = Branch(model, changes(model, patches, base=tuner.base.digest))
    for place in range(3):
        sure = np.eye(3)[[place]]
        with branch.blended(weighted("rewound", "prototype")._coefficients(sure, [])):
            rewound = outputs(model)
        with patched(model, *patches[: place + 1], base=tuner.base.digest):
            after = outputs(model)
        torch.testing.assert_close(rewound, after, rtol=1e-3, atol=1e-3)
        with patched(model, *patches, base=tuner.base.digest):
            assert place == 2 or not torch.allclose(outputs(model), after, atol=1e-2)


def test_online_similarities_are_those_of_the_model_with_all_patches(make_tuner, learned):
    tuner, seen = stream(make_tuner, learned)
    method = weighted("added", "online")
    found = dict(method._logits(tuner, seen, ORDER))
    with patched(tuner.base.model, *map(as_patch, seen), base=tuner.base.digest):
        vectors = np.stack([tuner.features(method._kept(tuner, one.task)).mean(0) for one in seen])
        for task in ORDER:
            np.testing.assert_allclose(found[task], cosines(tuner.features(tuner.prompts(task)), vectors), atol=1e-6)
    vectors = np.stack([tuner.features(method._kept(tuner, one.task)).mean(0) for one in seen])
    assert np.abs(found[ORDER[0]] - cosines(tuner.features(tuner.prompts(ORDER[0])), vectors)).max() > 1e-3


def test_at_a_high_temperature_the_added_reading_is_ncft(make_tuner, learned):
    tuner, seen = stream(make_tuner, learned)
    plain = dict(NCFT_.test(tuner, seen, ORDER))
    for similarity in ("known", "inferred", "gate", "online"):
        found = dict(weighted("added", similarity, 1e9).test(tuner, seen, ORDER))
        for name in ("accuracy", "accuracy_restricted"):
            assert {task: score[name] for task, score in found.items()} == {
                task: score[name] for task, score in plain.items()
            }


def test_at_a_low_temperature_each_example_is_answered_under_the_patch_of_the_inferred_task(make_tuner, learned):
    tuner, seen = stream(make_tuner, learned)
    method = weighted("added", "prototype", 1e-3)
    parts = changes(tuner.base.model, [as_patch(one) for one in seen], base=tuner.base.digest)
    branch = Branch(tuner.base.model, parts)
    for task, logits in method._logits(tuner, seen, ORDER):
        nearest = logits.argmax(1)
        right = {name: np.zeros(len(nearest)) for name in ("accuracy", "accuracy_restricted")}
        for owner in range(3):
            rows = np.flatnonzero(nearest == owner)
            if len(rows):
                with branch.blended(np.eye(3)[[owner]]):
                    for name, values in tuner.correct(task, rows.tolist()).items():
                        right[name][rows] = values
        scores = dict(method.test(tuner, seen, [task]))[task]
        for name, values in right.items():
            assert scores[name] == (pytest.approx(values.mean()), len(values))
        assert scores["identification"][0] == pytest.approx(100 * (nearest == ORDER.index(task)).mean())


@pytest.mark.parametrize("similarity", ["known", "inferred", "prototype", "gate", "online"])
def test_a_task_that_was_not_trained_yet_is_answered_too_and_the_base_stays(make_tuner, learned, similarity):
    tuner, seen = stream(make_tuner, learned)
    before = {name: parameter.clone() for name, parameter in tuner.base.model.named_parameters()}
    scores = dict(weighted("added", similarity).test(tuner, seen[:2], ORDER))
    assert list(scores) == list(ORDER) and "identification" not in scores[ORDER[2]]
    assert ("identification" in scores[ORDER[0]]) == (similarity != "known")
    assert all(torch.equal(before[name], parameter) for name, parameter in tuner.base.model.named_parameters())
    assert weighted("added", similarity).storage(tuner, seen) > NCFT_.storage(tuner, seen)


def test_before_the_first_stage_it_is_the_base(make_tuner, learned):
    tuner, _ = stream(make_tuner, learned)
    found = dict(weighted("added", "known").test(tuner, [], ORDER))
    assert found == {task: tuner.score(task) for task in ORDER}


def test_labels_of_the_tested_examples_are_not_read(make_tuner, learned):
    """Weights are the same when every test answer is another one."""
    tuner, seen = stream(make_tuner, learned)
    for similarity in ("known", "inferred", "prototype", "gate", "online"):
        method = weighted("added", similarity)
        own = dict(method._logits(tuner, seen, ORDER))
        other = make_tuner(steps=20)
        for task in ORDER:
            examples = other.prompts(task)
            answer = examples[0].target
            examples[:] = [replace(example, target=answer) for example in examples]
        for task, logits in method._logits(other, seen, ORDER):
            np.testing.assert_array_equal(own[task], logits)


def test_cosines_are_those_of_scipy():
    from scipy.spatial.distance import cdist

    rng = np.random.default_rng(0)
    one, other = rng.standard_normal((5, 7)), rng.standard_normal((3, 7))
    np.testing.assert_allclose(cosines(one, other), 1 - cdist(one, other, "cosine"), atol=1e-12)
    with pytest.raises(InputError, match="zeros"):
        cosines(one, np.zeros((1, 7)))


def test_the_gate_is_logistic_regression():
    """At the minimum the gradient by torch's own cross-entropy, plus the penalty's, is zero."""
    rng = np.random.default_rng(1)
    features = [rng.standard_normal((20, 4)) + shift for shift in (0.0, 1.0, [2.0, 0, -2, 0])]
    gate = Gate.fit(features, penalty=0.05)
    inputs = torch.tensor((np.concatenate(features) - gate.mean) / gate.scale)
    weight, bias = torch.tensor(gate.weight, requires_grad=True), torch.tensor(gate.bias, requires_grad=True)
    target = torch.arange(3).repeat_interleave(20)
    loss = torch.nn.functional.cross_entropy(inputs @ weight + bias, target) + 0.05 * weight.square().sum()
    for gradient in torch.autograd.grad(loss, (weight, bias)):
        assert gradient.abs().max() < 1e-4
    logits = gate.logits(np.concatenate(features))
    np.testing.assert_allclose(logits, (inputs @ weight + bias).detach().numpy())
    with pytest.raises(InputError, match="every task"):
        Gate.fit([features[0], features[1][:0]])
