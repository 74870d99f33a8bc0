"""Methods that train all weights: what they are equal to when what sets them apart is taken away."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from small_stream import STREAM
from torch import nn

from taskneurons.continual.ewc import EWC, _pulled_back, fisher_diagonal
from taskneurons.continual.multitask import Multitask
from taskneurons.continual.olora import OLoRA
from taskneurons.continual.pertask import PerTask
from taskneurons.continual.replay import Replay
from taskneurons.continual.seqft import SeqFT
from taskneurons.continual.sequence import follow
from taskneurons.continual.stages import Stages
from taskneurons.engine.batches import MixedTasks, answer_batch
from taskneurons.engine.forward import forward
from taskneurons.engine.tuning import FullWeights
from taskneurons.errors import InputError
from taskneurons.models.encoding import collate

RATE = 3e-3


@pytest.fixture
def order():
    return tuple(STREAM)


def weights(model):
    return {name: parameter.detach().clone() for name, parameter in model.named_parameters()}


def learned(tuner, method, order):
    seen = []
    for task in order:
        seen.append(method.learn(tuner, seen, task))
    return seen


def equal(one, other):
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_sequential_tuning_is_one_tuning_after_another(make_tuner, order):
    tuner = make_tuner()
    model = tuner.base.model
    before = weights(model)
    found = learned(tuner, SeqFT(RATE), order[:2])
    assert all(torch.equal(before[name], value) for name, value in weights(model).items())
    first = tuner.tune({order[0]: tuner.training(order[0])}, "full", tuner.recipe.schedule(RATE)).change
    assert isinstance(first, FullWeights)
    for name, parameter in model.named_parameters():
        parameter.data = first.tensors[name]
    second = tuner.tune({order[1]: tuner.training(order[1])}, "full", tuner.recipe.schedule(RATE)).change
    assert isinstance(second, FullWeights)
    assert equal(found[1].tensors, {name: tensor.numpy() for name, tensor in second.tensors.items()})
    assert found[1].trainable == sum(parameter.numel() for parameter in model.parameters())


def test_ewc_without_strength_is_sequential_tuning(make_tuner, order):
    plain = learned(make_tuner(), SeqFT(RATE), order[:2])
    free = learned(make_tuner(), EWC(RATE, 0.0, 4), order[:2])
    assert equal(plain[1].tensors, {name: array for name, array in free[1].tensors.items() if "fisher/" not in name})


def test_ewc_holds_weights_the_more_the_stronger_it_is(make_tuner, order):
    tuner = make_tuner()
    moved = []
    for strength in (0.0, 1e2, 1e6):
        first, second = learned(tuner, EWC(RATE, strength, 4), order[:2])
        names = [name for name in second.tensors if "fisher/" not in name]
        fisher = {name: first.tensors[f"fisher/{name}"] for name in names}
        moved.append(sum((fisher[name] * (second.tensors[name] - first.tensors[name]) ** 2).sum() for name in names))
    assert moved[0] > moved[1] > moved[2]


def test_ewc_adds_the_gradient_of_its_penalty(make_tuner, order):
    """The first step of AdamW has the size of the learning rate: its signs are those of loss + penalty by autograd."""
    tuner = make_tuner(steps=1, warmup=0)
    method = EWC(RATE, 50.0, 4)
    first = method.learn(tuner, [], order[0])
    # An anchor elsewhere than the weights, so that the penalty pulls from the first step on.
    shifted = {name: array + 0.05 if "fisher/" not in name else array for name, array in first.tensors.items()}
    model = tuner.base.model
    anchor = replace(first, tensors=shifted)
    with _pulled_back(model, anchor, 50.0):
        result = tuner.tune({order[1]: tuner.training(order[1])}, "full", tuner.recipe.schedule(RATE)).change
    examples = tuner.training(order[1])
    drawn = MixedTasks({order[1]: len(examples)}, tuner.recipe.batch_size, tuner.recipe.seed)[0]
    batch = answer_batch([examples[index] for _, index in drawn], tuner.base.tokenizer.pad_token_id)
    model.requires_grad_(True)
    counted = batch.labels != -100
    losses = nn.functional.cross_entropy(
        model(input_ids=batch.input_ids).logits[counted].float(), batch.labels[counted], reduction="none"
    )
    penalty = sum(
        25.0 * (torch.tensor(first.tensors[f"fisher/{name}"]) * (parameter - torch.tensor(shifted[name])) ** 2).sum()
        for name, parameter in model.named_parameters()
    )
    gradients = torch.autograd.grad(losses @ batch.weights[counted] + penalty, list(model.parameters()))
    model.requires_grad_(False)
    for (name, parameter), gradient in zip(model.named_parameters(), gradients, strict=True):
        clear = gradient.abs() > 1e-4
        step = result.tensors[name] - parameter
        assert torch.equal(step[clear].sign(), -gradient[clear].sign()), name


def test_fisher_information_is_the_mean_of_squared_gradients_by_example(make_tuner, order):
    tuner = make_tuner()
    examples = tuner.training(order[0])[:3]
    model, pad = tuner.base.model, tuner.base.tokenizer.pad_token_id
    found = fisher_diagonal(model, examples, pad)
    name, parameter = next((n, p) for n, p in model.named_parameters() if "down_proj" in n)
    parameter.requires_grad_(True)
    squares = []
    for example in examples:
        batch = collate([example], pad)
        logits, _ = forward(model, batch.input_ids, batch.attention_mask, batch.position_ids, keep=batch.answer_width)
        logs = logits.log_softmax(-1)[0, range(batch.answer_width), batch.labels[0, -batch.answer_width :]]
        squares.append(torch.autograd.grad(logs.sum(), parameter)[0] ** 2)
    parameter.requires_grad_(False)
    np.testing.assert_allclose(found[name], torch.stack(squares).mean(0).numpy(), rtol=1e-4, atol=1e-9)
    with pytest.raises(InputError, match="no example"):
        fisher_diagonal(model, [], pad)


def test_the_fisher_information_of_earlier_tasks_adds_up(make_tuner, order):
    tuner = make_tuner()
    method = EWC(RATE, 10.0, 4)
    seen = learned(tuner, method, order)
    own = [method._fisher(tuner, one) for one in seen]
    for name in own[0]:
        np.testing.assert_allclose(
            seen[2].tensors[f"fisher/{name}"], own[0][name] + own[1][name] + own[2][name], rtol=1e-5, atol=1e-12
        )


def test_half_of_each_batch_is_replayed(make_tuner, order, monkeypatch):
    tuner, drawn = make_tuner(), []
    tune = type(tuner).tune
    monkeypatch.setattr(
        type(tuner),
        "tune",
        lambda self, examples, *rest, **more: drawn.append(examples) or tune(self, examples, *rest, **more),
    )
    method = Replay(RATE, 3)
    learned(tuner, method, order)
    new, replayed = drawn[2].values()
    assert new == tuner.training(order[2])
    assert replayed == [*method.buffer(tuner, order[0]), *method.buffer(tuner, order[1])]
    batch = MixedTasks({task: len(own) for task, own in drawn[2].items()}, tuner.recipe.batch_size, 0)[0]
    assert sorted(name for name, _ in batch) == sorted([order[2], "(replayed)"] * (tuner.recipe.batch_size // 2))


def test_replay_of_nothing_is_sequential_tuning(make_tuner, order):
    plain = learned(make_tuner(), SeqFT(RATE), order[:2])
    empty = learned(make_tuner(), Replay(RATE, 0), order[:2])
    some = learned(make_tuner(), Replay(RATE, 3), order[:2])
    assert equal(plain[1].tensors, empty[1].tensors)
    assert equal(plain[0].tensors, some[0].tensors) and not equal(plain[1].tensors, some[1].tensors)


def test_the_buffer_holds_so_many_examples_of_each_earlier_task(make_tuner, order):
    tuner = make_tuner()
    method = Replay(RATE, 3)
    seen = learned(tuner, method, order[:2])
    tokens = sum(len(e.prompt) + len(e.target) for task in order[:2] for e in method.buffer(tuner, task))
    assert len(method.buffer(tuner, order[0])) == 3
    assert method.storage(tuner, seen) == SeqFT(RATE).storage(tuner, seen) + 4 * tokens


def test_per_task_tuning_does_not_depend_on_earlier_tasks(make_tuner, order):
    tuner = make_tuner()
    after, alone = learned(tuner, PerTask(RATE), order[:2])[1], learned(tuner, PerTask(RATE), order[1:2])[0]
    assert equal(after.tensors, alone.tensors)
    assert PerTask(RATE).depends(order) == order[-1:]


def test_multitask_training_is_the_same_in_every_order_and_comes_last(make_tuner, order, tmp_path):
    tuner = make_tuner()
    method = Multitask(RATE, len(order))
    rows, seen = follow(tuner, method, order, Stages(tmp_path / "a", "x"))
    _, other = follow(tuner, method, order[::-1], Stages(tmp_path / "b", "x"))
    assert equal(dict(seen[-1].tensors), dict(other[-1].tensors))
    assert {row.stage for row in rows} == {0, len(order)}
    assert {row.train_task for row in rows} == {None}
    joint = tuner.tune(
        {task: tuner.training(task) for task in sorted(order)}, "full",
        replace(tuner.recipe.schedule(RATE), steps=len(order) * tuner.recipe.steps),
    ).change  # fmt: skip
    assert equal(dict(seen[-1].tensors), {name: tensor.numpy() for name, tensor in joint.tensors.items()})


def test_ewc_refuses_a_scaled_loss(make_tuner, order):
    with pytest.raises(InputError, match="unscaled loss"):
        EWC(RATE, 1.0, 4).learn(make_tuner(dtype="float16"), [], order[0])


@pytest.mark.parametrize("method", [EWC(RATE, 50.0, 4), OLoRA(RATE, 0.5)])
def test_a_penalty_counts_once_a_step_whatever_the_passes(make_tuner, order, method):
    whole, parts = (learned(make_tuner(micro_batch_size=size), method, order[:2])[1] for size in (None, 1))
    free = learned(make_tuner(), replace(method, strength=0.0), order[:2])[1]
    names = [name for name in whole.tensors if "fisher/" not in name]
    a, b, c = (np.concatenate([one.tensors[name].ravel() for name in names]) for one in (whole, parts, free))
    assert np.linalg.norm(a - b) < 1e-3 * np.linalg.norm(a - c)
