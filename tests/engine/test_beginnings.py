"""What all rows of a batch begin with runs once, and nothing of the training changes but rounding."""

import copy

import pytest
import torch
from accelerate.state import AcceleratorState
from architectures import ARCHITECTURES, PAD, tiny_model
from patches import some_neurons
from torch.nn.functional import cross_entropy

from taskneurons.engine import beginnings
from taskneurons.engine.batches import TrainingData, answer_batch
from taskneurons.engine.beginnings import common_beginning, may_share
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.sparse_linear import training_only
from taskneurons.engine.training import Trainable, train
from taskneurons.engine.tuning import Lora, fresh_adapter
from taskneurons.models.encoding import Encoded, collate

BEGIN = (1, 5, 9, 7, 11, 6, 4)
# Rows of several lengths; one of them has a single token behind what all begin with, two are not padded at all.
EXAMPLES = [
    Encoded((*BEGIN, 13, 20, 33, 17, 8), (8, 2)),
    Encoded(BEGIN, (8, 2)),
    Encoded((*BEGIN, 14), (9, 10, 2)),
    Encoded((*BEGIN, 15, 21, 40, 3, 22), (30, 2)),
]
SETTINGS = {
    "gpt2": {"resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0},
    "opt": {"dropout": 0.0, "attention_dropout": 0.0},
    "mistral": {"sliding_window": None},
}
SLIDING = ("gemma2", "gemma3_text")
SHARING = [name for name in ARCHITECTURES if name not in SLIDING]


def model_of(architecture, **settings):
    return tiny_model(architecture, **SETTINGS.get(architecture, {}), **settings)


def a_step(model, trainable, least, monkeypatch, dtype="float32"):
    """Loss and gradients of one step of `train`, and the shapes of all inputs of the model."""
    monkeypatch.setattr(beginnings, "LEAST_SAVED", least)
    gradients, shapes = {}, []
    hooks = [
        parameter.register_post_accumulate_grad_hook(
            lambda parameter, name=name: gradients.update({name: parameter.grad.clone()})
        )
        for name, parameter in trainable.parameters.items()
    ]
    hooks.append(
        model.get_input_embeddings().register_forward_hook(lambda _, inputs, __: shapes.append(inputs[0].shape))
    )
    data = TrainingData(lambda _: answer_batch(EXAMPLES, PAD), "x")
    log = train(model, data, Schedule(1, len(EXAMPLES), 1e-9, 0), Execution(dtype=dtype), trainable=trainable)
    for hook in hooks:
        hook.remove()
    return log.rows[0][1], gradients, [tuple(shape) for shape in shapes]


def by_hand(model, parameters):
    """The same by plain torch and transformers: left-padded rows with a mask, all logits."""
    batch = collate(EXAMPLES, PAD)
    logits = model(
        input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
    ).logits
    loss = cross_entropy(logits.flatten(0, 1), batch.labels.flatten())
    return loss.item(), dict(zip(parameters, torch.autograd.grad(loss, list(parameters.values())), strict=True))


def assert_same(found, expected):
    assert found[0] == pytest.approx(expected[0], rel=1e-5)
    assert found[1].keys() == expected[1].keys()
    largest = max(float(gradient.abs().max()) for gradient in expected[1].values())
    for name, gradient in expected[1].items():
        # Where the gradient is but rounding (the bias of keys), nothing can be compared relative to itself.
        near = 1e-4 * max(float(gradient.abs().max()), 1e-3 * largest)
        torch.testing.assert_close(found[1][name], gradient, rtol=0, atol=near, msg=lambda t, name=name: name + t)


SHARED = [(1, len(BEGIN) - 1), (len(EXAMPLES), 13 - (len(BEGIN) - 1))]
WHOLE = [(len(EXAMPLES), 13)]


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_loss_and_gradients_are_those_of_the_plain_model(architecture, monkeypatch):
    model = model_of(architecture)
    reference = copy.deepcopy(model).requires_grad_(True)
    expected = by_hand(reference, dict(reference.named_parameters()))
    trainable = Trainable(dict(model.requires_grad_(True).named_parameters()))
    loss, gradients, shapes = a_step(model, trainable, 1, monkeypatch)
    assert_same((loss, gradients), expected)
    assert shapes == (WHOLE if architecture in SLIDING else SHARED)


@pytest.mark.parametrize("architecture", SHARING)
def test_gradients_of_some_neurons_are_those_of_whole_rows(architecture, monkeypatch):
    found = []
    for least in (10**9, 1):
        model = model_of(architecture)
        with training_only(model, some_neurons(model)) as trained:
            *step, shapes = a_step(model, Trainable(trained.parameters(), trained.publish), least, monkeypatch)
        assert shapes == (SHARED if least == 1 else WHOLE)
        found.append(step)
    assert_same(found[1], found[0])


@pytest.mark.parametrize("architecture", SHARING)
def test_gradients_of_adapters_are_those_of_the_plain_model(architecture, monkeypatch):
    model = model_of(architecture)
    torch.manual_seed(0)
    with fresh_adapter(model, Lora(4, 8.0, "all")):
        moved = {name: weights for name, weights in model.named_parameters() if weights.requires_grad}
        with torch.no_grad():  # B starts at 0, where A has no gradient
            for weights in moved.values():
                weights.normal_(0, 0.1)
        expected = by_hand(model, moved)
        *step, shapes = a_step(model, Trainable(moved), 1, monkeypatch)
        assert_same(step, expected)
        assert shapes == SHARED


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_in_mixed_precision_the_loss_is_near(architecture, monkeypatch):
    # accelerate allows one precision a process; a test of another one needs a clean state before and after.
    found = []
    for dtype, least in (("float32", 10**9), ("bfloat16", 1)):
        AcceleratorState._reset_state(reset_partial_state=True)
        model = model_of(architecture)
        trainable = Trainable(dict(model.requires_grad_(True).named_parameters()))
        loss, _, shapes = a_step(model, trainable, least, monkeypatch, dtype=dtype)
        found.append(loss)
    AcceleratorState._reset_state(reset_partial_state=True)
    assert shapes == SHARED
    assert found[1] == pytest.approx(found[0], rel=0.02)


@pytest.mark.parametrize(
    ("architecture", "settings"),
    [("llama", {"attention_dropout": 0.1}), ("opt", {"layerdrop": 0.1}), ("mistral", {"sliding_window": 4})],
)
def test_what_draws_or_forgets_shares_nothing(architecture, settings):
    assert may_share(model_of(architecture))
    assert not may_share(tiny_model(architecture, **(SETTINGS.get(architecture, {}) | settings)))


def test_dropout_and_checkpointing_share_nothing():
    assert not may_share(tiny_model("gpt2"))
    model = model_of("llama")
    model.gradient_checkpointing_enable()
    assert not may_share(model)


def test_a_beginning_ends_where_rows_differ_or_one_is_answered_or_ends(monkeypatch):
    monkeypatch.setattr(beginnings, "LEAST_SAVED", 1)

    def columns(*examples):
        return common_beginning(answer_batch(examples, PAD))

    assert columns(Encoded((1, 5, 6, 7), (8, 2)), Encoded((1, 5, 9, 7), (8, 2))) == 2
    assert columns(Encoded((1, 5, 6), (8, 2)), Encoded((1, 5, 6, 8), (9, 2))) == 2
    assert columns(Encoded((1, 5, 6), (8, 2)), Encoded((1, 5, 6), (8, 2))) == 2
    assert columns(Encoded((1, PAD, PAD, 7), (8,)), Encoded((1,), (8,))) == 0
    assert columns(Encoded((3, 5, 6), (8, 2)), Encoded((1, 5, 6), (8, 2))) == 0
    monkeypatch.setattr(beginnings, "LEAST_SAVED", 3)
    assert columns(Encoded((1, 5, 6), (8, 2)), Encoded((1, 5, 6), (9, 2))) == 0
