"""Planting: gates set to zero what they say, take nothing else, and are gone afterwards."""

import numpy as np
import pytest
import torch
from architectures import PAD, VOCABULARY, tiny_model

from taskneurons.engine import planting
from taskneurons.engine.batches import answer_batch
from taskneurons.engine.deactivation import deactivated
from taskneurons.engine.effects import answered, batches_of, exact_effects
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.planting import Gates, plant, pruned
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import neuron_shape
from taskneurons.models.padding import without_pads
from taskneurons.neurons.sets import NeuronSet

SCHEDULE = Schedule(steps=2, batch_size=6, learning_rate=1e-2)


def examples(skill, lengths=(4, 4, 4, 4)):
    random = np.random.default_rng(skill)
    return [Encoded((1, *random.integers(3, VOCABULARY, n).tolist()), (skill, 20 + n, 2)) for n in lengths]


ENCODED = {"first": examples(5), "second": examples(6)}


def members(model, seed=0):
    random = np.random.default_rng(seed)
    return {skill: NeuronSet(random.random(neuron_shape(model)) < 0.3) for skill in ENCODED}


def seen(gates, model):
    own = {skill: one.mask for skill, one in members(model).items()}
    idle = ~np.any(list(own.values()), axis=0)
    skills = planting._Skills(ENCODED, own, idle, [one.target for ready in ENCODED.values() for one in ready])
    drawn = [(skill, index) for skill in ENCODED for index in range(4)] * 20
    return own, drawn, *planting._seen(drawn, skills, gates, np.random.default_rng(0))


def test_each_way_of_seeing_an_example_keeps_what_it_says() -> None:
    model = tiny_model("llama")
    _, drawn, shown, kept = seen(Gates(1, 0), model)
    assert kept.all() and shown == [ENCODED[skill][index] for skill, index in drawn]
    own, drawn, shown, kept = seen(Gates(0, 1), model)
    alone, without_idle, without_other = 0, 0, 0
    idle = ~(own["first"] | own["second"])
    other = {"first": own["second"] & ~own["first"], "second": own["first"] & ~own["second"]}
    for (skill, index), example, keep in zip(drawn, shown, kept, strict=True):
        assert keep[own[skill]].all() and example == ENCODED[skill][index]
        alone += not keep[~own[skill]].any()
        without_idle += np.array_equal(keep, ~idle)
        without_other += np.array_equal(keep, ~other[skill])
    assert 0.35 * len(drawn) < alone < 0.65 * len(drawn)
    assert 0.05 * len(drawn) < without_idle < 0.2 * len(drawn)
    assert 0.05 * len(drawn) < without_other < 0.2 * len(drawn)
    own, drawn, shown, kept = seen(Gates(0, 0), model)
    answers = {example.target for ready in ENCODED.values() for example in ready}
    for (skill, index), example, keep in zip(drawn, shown, kept, strict=True):
        assert np.array_equal(keep, ~own[skill])
        assert example.prompt == ENCODED[skill][index].prompt and example.target in answers
    assert len({example.target for example in shown}) == len(answers), "a broken example has any answer"


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_a_gate_is_the_deactivation_of_what_it_does_not_keep(architecture) -> None:
    model = tiny_model(architecture)
    both = [*examples(5, (3,)), *examples(6, (6,))]
    batch = answer_batch(both, PAD)
    sets = list(members(model).values())
    with torch.no_grad(), planting._gated(model) as gate, without_pads(model) as leave_out:
        gate.set(np.stack([one.mask for one in sets]), batch.lengths)
        leave_out(batch.lengths)
        found = model(input_ids=batch.input_ids, use_cache=False).logits
    for row, (neurons, length) in enumerate(zip(sets, batch.lengths, strict=True)):
        with torch.no_grad(), deactivated(model, ~neurons):
            alone = model(input_ids=batch.input_ids[row : row + 1, :length], use_cache=False).logits[0]
        torch.testing.assert_close(found[row, :length], alone, rtol=1e-4, atol=1e-4)


def test_planting_follows_from_its_seed_alone_and_leaves_no_gate() -> None:
    trained = []
    for _ in range(2):
        model = tiny_model("llama")
        plant(model, ENCODED, members(model), Gates(0.5, 0.25), SCHEDULE, Execution(), pad_id=PAD)
        trained.append(model)
    before = tiny_model("llama").state_dict()
    first, second = (model.state_dict() for model in trained)
    assert all(torch.equal(first[name], second[name]) for name in first)
    assert not torch.equal(first["lm_head.weight"], before["lm_head.weight"])
    assert not any(module._forward_pre_hooks for module in trained[0].modules())


def test_what_cannot_be_planted_is_refused() -> None:
    model = tiny_model("llama")
    own = members(model)
    empty = {"first": [], "second": ENCODED["second"]}
    small = NeuronSet(np.ones((1, 2), bool))
    for encoded, masks, message in (
        (empty, own, "skill first: a skill needs examples and members"),
        (ENCODED, {"first": own["first"]}, "skill second: a skill needs examples and members"),
        (ENCODED, own | {"second": small}, "skill second: members of a model of"),
    ):
        with pytest.raises(InputError, match=message):
            plant(model, encoded, masks, Gates(0.5, 0.25), SCHEDULE, Execution(), pad_id=PAD)
    with pytest.raises(InputError, match="are no shares of a whole"):
        Gates(0.8, 0.4)


def test_what_is_left_after_pruning_is_needed_and_what_is_gone_is_gone() -> None:
    model, own, taken = tiny_model("llama"), {}, NeuronSet(np.zeros(neuron_shape(tiny_model("llama")), dtype=bool))
    for skill, ready in ENCODED.items():
        # Three neurons whose removal hurts most, and three that it helps.
        alone = np.where(taken.mask, 0, exact_effects(model, batches_of(ready, PAD, 4)).mean(-1)).ravel()
        order = np.argsort(alone)
        chosen = np.isin(np.arange(alone.size), [*order[:3], *order[-3:]]).reshape(taken.shape)
        own[skill], taken = NeuronSet(chosen), taken | NeuronSet(chosen)
    least = 0.01
    kept = pruned(model, ENCODED, own, least, pad_id=PAD)
    for skill, left in kept.items():
        assert 0 < len(left) < len(own[skill]) and not left - own[skill]
        effects = exact_effects(model, batches_of(ENCODED[skill], PAD, 4)).mean(-1)
        assert (effects[(own[skill] - left).mask] == 0).all()
    nothing_counts = pruned(tiny_model("llama"), ENCODED, own, 1e9, pad_id=PAD)
    assert [len(left) for left in nothing_counts.values()] == [1, 1], "a skill is never left without a neuron"
    # When the first skill was pruned, the second one was still whole.
    assert (effects[left.mask] >= least - 1e-5).all()
    whole = tiny_model("llama")
    gone = (own["first"] - kept["first"]) | (own["second"] - kept["second"])
    for ready in ENCODED.values():
        batches = batches_of(ready, PAD, 4)
        np.testing.assert_allclose(answered(model, batches).losses, answered(whole, batches, gone).losses, rtol=1e-5)
