"""SeqLoRA, O-LoRA and EPI: what each stage trains, what answers, and what is kept."""

import copy
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
from patches import assert_bit_equal, state
from peft import PeftModel
from scipy.stats import multivariate_normal
from small_checkpoint import TOKENIZER
from small_stream import SIZES, STREAM
from torch.nn.functional import cross_entropy

from taskneurons.continual import adapter_stage
from taskneurons.continual.adapter_stage import adapter_of, down_projections, merged, tune_adapter
from taskneurons.continual.epi import EPI, gaussians
from taskneurons.continual.olora import OLoRA, start_seed
from taskneurons.continual.seqlora import SeqLoRA
from taskneurons.engine.batches import MixedTasks
from taskneurons.engine.training import BETAS, train
from taskneurons.engine.tuning import Lora
from taskneurons.errors import InputError
from taskneurons.models.adapters import Adapter, adapted, save_adapter
from taskneurons.models.encoding import collate

RATE = 3e-2
ORDER = ("taste", "mood", "count")
METHODS = [SeqLoRA(RATE), OLoRA(RATE, 0.5), EPI(RATE)]
named = pytest.mark.parametrize("method", METHODS, ids=lambda method: method.name)


def stream_of(method, tuner, order=ORDER):
    seen = []
    for task in order:
        seen.append(method.learn(tuner, seen, task))
    return seen


def assert_equal(one, other):
    assert (one.task, one.settings, one.trainable, one.loss) == (
        other.task,
        other.settings,
        other.trainable,
        other.loss,
    )
    assert one.tensors.keys() == other.tensors.keys()
    for name, array in one.tensors.items():
        np.testing.assert_array_equal(array, other.tensors[name], err_msg=name)


@named
def test_the_base_is_what_it_was_and_every_task_is_answered(make_tuner, method):
    tuner = make_tuner()
    before, seen = state(tuner.base.model), []
    zero_shot = {task: tuner.score(task) for task in ORDER}
    assert dict(method.test(tuner, [], ORDER)) == zero_shot
    assert method.storage(tuner, []) == 0
    for task in ORDER:
        seen.append(method.learn(tuner, seen, task))
        assert_bit_equal(tuner.base.model, before)
        scores = dict(method.test(tuner, seen, ORDER))
        assert tuple(scores) == ORDER
        assert {n for metrics in scores.values() for _, n in metrics.values()} == {SIZES["test"]}
        assert_bit_equal(tuner.base.model, before)
    # A driver that stops in the middle leaves the base, too.
    running = method.test(tuner, seen, ORDER)
    next(running)
    running.close()
    assert_bit_equal(tuner.base.model, before)
    for learned in seen:
        assert json.loads(json.dumps(learned.settings)) == learned.settings
        assert {array.dtype for array in learned.tensors.values()} == {np.dtype(np.float32)}
        assert learned.trainable == adapter_of(learned).parameters == 2 * 2 * 8 * (16 + 16)
        assert learned.passes == tuner.recipe.steps * tuner.recipe.batch_size
        assert learned.loss > 0


@named
def test_it_learns(make_tuner, method):
    tuner = make_tuner(steps=60, split="train")
    [(_, plain)] = method.test(tuner, [], ["mood"])
    [(_, scores)] = method.test(tuner, stream_of(method, tuner, ["mood"]), ["mood"])
    assert scores["accuracy"][0] > plain["accuracy"][0] + 30


@named
def test_the_first_stage_is_that_of_tune(make_tuner, method):
    tuner = make_tuner()
    theirs = tuner.tune({"mood": tuner.training("mood")}, "lora", tuner.recipe.schedule(RATE))
    ours = adapter_of(method.learn(tuner, [], "mood"))
    assert ours.settings == theirs.change.settings
    for name, array in theirs.change.tensors.items():
        np.testing.assert_array_equal(ours.tensors[name], array)


@named
def test_a_killed_stage_goes_on_to_the_same_bits(make_tuner, method, monkeypatch):
    tuner = make_tuner(checkpoint_minutes=0)
    seen = stream_of(method, tuner, ORDER[:2])
    whole = method.learn(tuner, seen, "count")
    before = state(tuner.base.model)

    def killed(model, data, *rest, **settings):
        def until_killed(step):
            if step == 4:
                raise KeyboardInterrupt
            return data.batch(step)

        return train(model, replace(data, batch=until_killed), *rest, **settings)

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(adapter_stage, "train", killed)
        method.learn(tuner, seen, "count")
    assert (tuner.execution.resume / "tuning.safetensors").exists()
    assert_bit_equal(tuner.base.model, before)
    assert_equal(method.learn(tuner, seen, "count"), whole)
    assert not (tuner.execution.resume / "tuning.safetensors").exists()


@pytest.mark.parametrize("method", METHODS[:2], ids=lambda method: method.name)
def test_peft_loads_what_was_saved_and_answers_alike(make_tuner, method, tmp_path):
    tuner = make_tuner()
    seen = stream_of(method, tuner)
    model, active = tuner.base.model, seen[-1:] if method.name == "seqlora" else seen
    ids = torch.tensor([TOKENIZER("<bos> mood of red blue", add_special_tokens=False)["input_ids"]])
    theirs = copy.deepcopy(model)
    for number, learned in enumerate(active):
        save_adapter(tmp_path / str(number), adapter_of(learned))
        if number:
            theirs.load_adapter(tmp_path / str(number), adapter_name=str(number))
        else:
            theirs = PeftModel.from_pretrained(theirs, tmp_path / "0", adapter_name="0")
    theirs.base_model.set_adapter([str(number) for number in range(len(active))])
    with torch.no_grad():
        expected, plain = theirs(input_ids=ids).logits, model(input_ids=ids).logits
    scored = method.test(tuner, seen, ORDER)
    for task, _ in scored:
        # Between two answers the model wears what it answers with.
        with torch.no_grad():
            found = model(input_ids=ids).logits
        torch.testing.assert_close(found, expected, rtol=1e-4, atol=1e-4, msg=task)
    assert (expected - plain).abs().max() > 0.1


def test_seqlora_trains_its_adapter_on(make_tuner):
    tuner = make_tuner()
    method = SeqLoRA(RATE)
    first, second, _ = seen = stream_of(method, tuner)
    again = tune_adapter(tuner, {"mood": tuner.training("mood")}, learning_rate=RATE, start=adapter_of(first)).change
    for name, array in again.tensors.items():
        np.testing.assert_array_equal(second.tensors[name], array)
        assert abs(array - first.tensors[name]).max() > 0
    assert method.depends(ORDER) == ORDER
    adapter = 4 * first.trainable
    assert [method.storage(tuner, seen[:count]) for count in range(4)] == [0, adapter, adapter, adapter]


def all_active_in_peft(tuner, earlier, start, strength, folder):
    """A stage by the reference's recipe: every adapter active, the last one trained, its loss with the |A A^T| term."""
    for number, adapter in enumerate([*earlier, start]):
        save_adapter(folder / str(number), adapter)
    names = [str(number) for number in range(len(earlier) + 1)]
    model = PeftModel.from_pretrained(copy.deepcopy(tuner.base.model), folder / "0", adapter_name="0")
    for name in names[1:]:
        model.load_adapter(folder / name, adapter_name=name)
    model.base_model.set_adapter(names)
    model.train()
    weights = dict(model.named_parameters())
    moving = {name: weight for name, weight in weights.items() if f".{names[-1]}.weight" in name and "lora_" in name}
    for name, weight in weights.items():
        weight.requires_grad_(name in moving)
    optimizer = torch.optim.AdamW(moving.values(), lr=RATE, betas=BETAS, weight_decay=0.0)
    recipe, examples = tuner.recipe, tuner.training("count")
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, recipe.steps)
    order = MixedTasks({"count": len(examples)}, recipe.batch_size, recipe.seed)
    for step in range(recipe.steps):
        batch = collate([examples[index] for _, index in order[step]], tuner.base.tokenizer.pad_token_id)
        found = model(
            input_ids=batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
        ).logits
        loss = cross_entropy(found.flatten(0, 1), batch.labels.flatten())
        for name, new in moving.items():
            for before in names[:-1]:
                if "lora_A" in name:
                    loss = (
                        loss + strength * (weights[name.replace(f".{names[-1]}.", f".{before}.")] @ new.T).abs().sum()
                    )
        loss.backward()
        torch.nn.utils.clip_grad_norm_(moving.values(), 1.0)
        optimizer.step()
        schedule.step()
        optimizer.zero_grad()
    return {name.replace(f".{names[-1]}.", "."): weight.detach() for name, weight in moving.items()}


@pytest.mark.parametrize("strength", [0.0, 0.02])
def test_an_olora_stage_is_that_of_the_reference(make_tuner, strength, tmp_path):
    tuner = make_tuner(warmup=0)
    method = OLoRA(RATE, strength)
    seen = stream_of(method, tuner, ORDER[:2])
    # At this rate A does not move and B moves from 0 to next to nothing.
    still = adapter_of(OLoRA(1e-30, strength).learn(tuner, seen, "count"))
    start = Adapter(
        still.settings,
        {name: np.zeros_like(array) if "lora_B" in name else array for name, array in still.tensors.items()},
    )
    earlier = [adapter_of(learned) for learned in seen]
    expected = all_active_in_peft(tuner, earlier, start, strength, tmp_path)
    found = adapter_of(method.learn(tuner, seen, "count"))
    assert found.tensors.keys() == expected.keys()
    for name, array in found.tensors.items():
        torch.testing.assert_close(torch.tensor(array), expected[name], rtol=0, atol=1e-3, msg=lambda t, n=name: n + t)


def test_olora_of_strength_0_trains_fresh_adapters_on_top_of_frozen_ones(make_tuner):
    tuner = make_tuner()
    seen = stream_of(OLoRA(RATE, 0.5), tuner, ORDER[:2])
    found = OLoRA(RATE, 0.0).learn(tuner, seen, "count")
    examples = {"count": tuner.training("count")}
    with merged(tuner.base.model, [adapter_of(learned) for learned in seen]):
        plain = tune_adapter(tuner, examples, learning_rate=RATE, seed=start_seed(tuner.recipe.seed, 2)).change
    for name, array in plain.tensors.items():
        np.testing.assert_array_equal(found.tensors[name], array)
    assert len({start_seed(seed, stage) for seed in range(3) for stage in range(8)}) == 3 * 8


def test_overlap_falls_as_strength_rises(make_tuner):
    def rows(learned):
        found = down_projections(adapter_of(learned))
        return {module: array / np.linalg.norm(array, axis=1, keepdims=True) for module, array in found.items()}

    tuner = make_tuner(steps=30)
    first = OLoRA(RATE, 0.0).learn(tuner, [], "taste")
    overlaps = []
    for strength in (0.0, 0.003, 0.03, 0.3):
        earlier, new = rows(first), rows(OLoRA(RATE, strength).learn(tuner, [first], "mood"))
        # The mean |cosine| between rows of A in the same module: 0 for orthogonal subspaces.
        overlaps.append(np.mean([abs(earlier[module] @ new[module].T) for module in earlier]))
    assert overlaps == sorted(overlaps, reverse=True)
    assert overlaps[-1] < 0.5 * overlaps[0]


def test_olora_keeps_all_adapters(make_tuner):
    tuner, method = make_tuner(), OLoRA(RATE, 0.5)
    seen = stream_of(method, tuner)
    assert method.storage(tuner, seen) == 3 * 4 * seen[0].trainable
    assert method.depends(ORDER) == ORDER
    with pytest.raises(InputError, match="strength of at least 0"):
        OLoRA(RATE, -1.0)


def test_epi_learns_each_task_alone(make_tuner):
    tuner, method = make_tuner(), EPI(RATE)
    seen = stream_of(method, tuner)
    turned = {learned.task: learned for learned in stream_of(method, make_tuner(), ORDER[::-1])}
    for learned in seen:
        assert_equal(learned, turned[learned.task])
    assert method.depends(ORDER) == ("count",)
    width = tuner.base.model.config.hidden_size
    assert method.storage(tuner, seen) == 4 * (3 * seen[0].trainable + 3 * width + width * width)


def by_inferred_task(tuner, seen, task):
    """Owners by scipy's densities, and what each example's owner makes of it, under PEFT's own layers."""
    fitted, features = gaussians(seen), tuner.features(tuner.prompts(task))
    owners = np.stack([multivariate_normal(mean, fitted.shrunk()).logpdf(features) for mean in fitted.means]).argmax(0)
    each = []
    for learned in seen:
        with adapted(tuner.base.model, adapter_of(learned)):
            each.append(tuner.correct(task))
    return owners, {name: np.choose(owners, [one[name] for one in each]) for name in each[0]}


def test_epi_answers_with_the_adapter_of_the_inferred_task(make_tuner):
    tuner, method = make_tuner(steps=30), EPI(RATE, prompts=20)
    apart = stream_of(method, tuner, ORDER[:2])
    # Two tasks of one kind of prompt: which one an example is of depends on its words.
    halves = {"taste": tuner.training("mood")[:8], "mood": tuner.training("mood")[8:]}
    mixed = [
        replace(learned, tensors={**learned.tensors, "features.mean": tuner.features(halves[learned.task]).mean(0)})
        for learned in apart
    ]
    for seen in (apart, mixed):
        for task, metrics in method.test(tuner, seen, ORDER):
            owners, right = by_inferred_task(tuner, seen, task)
            for name, values in right.items():
                assert metrics[name] == (values.mean(), SIZES["test"])
            if task in ORDER[:2]:
                assert metrics["identification"] == (100 * (owners == ORDER.index(task)).mean(), SIZES["test"])
            else:
                assert "identification" not in metrics
            if seen is mixed and task == "mood":
                assert 0.2 < owners.mean() < 0.8
    # The instructions differ, so the tasks can be told apart; then nothing is lost to learning each alone.
    scores, alone = (dict(method.test(tuner, apart[:count], ["taste"])) for count in (2, 1))
    assert scores == alone
    assert scores["taste"]["identification"][0] == 100


def test_epi_of_prompts_that_look_alike_takes_the_likelier(make_tuner):
    tuner, method = make_tuner(), EPI(RATE)
    first = method.learn(tuner, [], "taste")
    twin = replace(first, task="mood")
    # Two tasks of the same prompts: all go to the first, whatever their own task is.
    scores = dict(method.test(tuner, [first, twin], ["taste", "mood"]))
    assert [scores[task]["identification"][0] for task in ("taste", "mood")] == [100, 0]
    with pytest.raises(InputError, match="two prompts or more"):
        EPI(RATE, prompts=1)


def test_the_form_of_the_adapters_is_that_of_tune(make_tuner):
    settings = adapter_of(SeqLoRA(RATE).learn(make_tuner(), [], "taste")).settings
    assert (settings["r"], settings["lora_alpha"]) == (Lora().rank, Lora().alpha)
    assert set(STREAM) == set(ORDER)
