"""Training: it learns, repeats itself bit by bit, survives being killed, and refuses to diverge."""

import os
import re
import signal
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import torch
from safetensors import safe_open

from taskneurons.engine import training
from taskneurons.engine.batches import (
    MixedTasks,
    ShuffledBatches,
    TrainingData,
    WeightedBatch,
    answer_batch,
    permutation,
)
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.training import Diverged, TrainingLog, pretrain, train, tune_multitask
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded
from taskneurons.models.scratch import Shape, Vocabulary, new_model
from taskneurons.models.tokenizers import train_word_tokenizer

EXECUTION = Execution()
SUBJECTS, VERBS, ENDS = ["cat", "dog", "cow"], ["sees", "likes"], {"cat": "mice", "dog": "bones", "cow": "grass"}
DOCUMENTS = [
    {"segments": [[f"the {s} {v}", False], [ENDS[s], True], [".", False]][: 3 - (n % 2)]}
    for n in range(8)
    for s in SUBJECTS
    for v in VERBS
]
TOKENIZER = train_word_tokenizer(" ".join(text for text, _ in d["segments"]) for d in DOCUMENTS)


def tiny(architecture="llama", seed=0):
    shape = Shape(hidden_size=16, layers=2, heads=2, ffn_size=64, context=16)
    return new_model(architecture, shape, Vocabulary(len(TOKENIZER), 0, 1, 2), seed=seed)


def run(model, *, execution=EXECUTION, focus_weight=1.0, **changes):
    schedule = Schedule(**({"steps": 40, "batch_size": 8, "learning_rate": 1e-2, "warmup": 5, "seed": 3} | changes))
    return pretrain(model, TOKENIZER, DOCUMENTS, schedule, execution, focus_weight=focus_weight, context=16)


def same_bits(a, b):
    other = b.state_dict()
    return all(torch.equal(tensor, other[name]) for name, tensor in a.state_dict().items())


def examples(prompt, answers):
    return [Encoded((1, prompt, 4 + n % 3), (answers[n % 3], 2)) for n in range(7)]


TASKS = {"one": examples(7, [8, 9, 10]), "two": examples(11, [12, 13, 8])}


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_pretraining_learns_and_leaves_the_model_ready(architecture):
    model = tiny(architecture)
    log = run(model, steps=120)
    losses = [loss for _, loss, _ in log.rows]
    # The order of nine words is almost certain: the floor is below 1 nat a token, twice because of the focus mean.
    assert losses[-1] < 0.35 * losses[0]
    assert not model.training
    assert not any(parameter.requires_grad for parameter in model.parameters())
    ids = torch.tensor([TOKENIZER("<bos> the cow likes")["input_ids"]])
    assert TOKENIZER.decode(model(ids).logits[0, -1].argmax()) == "grass"


def test_tuning_learns_every_task():
    model = tiny()
    tune_multitask(model, TASKS, Schedule(60, 6, 1e-2, 5), EXECUTION, pad_id=0)
    for encoded in TASKS.values():
        batch = answer_batch(encoded, 0)
        predicted = model(batch.input_ids).logits.argmax(-1)
        assert (predicted == batch.labels)[batch.labels >= 0].all()


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_a_second_run_has_the_same_bits(architecture):
    first, second, other = tiny(architecture), tiny(architecture), tiny(architecture)
    one, two, _ = run(first), run(second), run(other, seed=4)
    assert same_bits(first, second)
    assert not same_bits(first, other)
    assert [row[:2] for row in one.rows] == [row[:2] for row in two.rows]


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_the_step_is_torch_adamw_on_the_models_own_loss(architecture):
    """Against transformers' loss, torch's clipping, AdamW and LambdaLR; with pads, where every token counts."""
    encoded = [Encoded((1, 5, 6, 7), (8, 9, 2)), Encoded((1, 5), (8, 2)), Encoded((1,), (9, 10, 11, 12, 2))]
    steps, warmup, rate = 12, 4, 3e-3
    ours, reference = tiny(architecture), tiny(architecture)
    data = TrainingData(lambda _: answer_batch(encoded, 0), "x")
    train(ours, data, Schedule(steps, len(encoded), rate, warmup), EXECUTION)

    rows = [example.prompt + example.target for example in encoded]
    width = max(map(len, rows))
    ids = torch.tensor([row + (0,) * (width - len(row)) for row in rows])
    labels = torch.full_like(ids, -100)
    for index, example in enumerate(encoded):
        labels[index, len(example.prompt) : len(rows[index])] = torch.tensor(example.target)
    mask = torch.tensor([[1] * len(row) + [0] * (width - len(row)) for row in rows])
    optimizer = torch.optim.AdamW(reference.parameters(), lr=rate, betas=(0.9, 0.95), weight_decay=0.0)
    cosine = torch.optim.lr_scheduler.CosineAnnealingLR
    scheduler = torch.optim.lr_scheduler.SequentialLR(
        optimizer,
        [
            torch.optim.lr_scheduler.LinearLR(optimizer, 1 / warmup, 1.0, warmup - 1),
            cosine(optimizer, steps - warmup),
        ],
        [warmup],
    )
    for _ in range(steps):
        reference(input_ids=ids, attention_mask=mask, labels=labels).loss.backward()
        torch.nn.utils.clip_grad_norm_(reference.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        scheduler.step()
    for (name, a), b in zip(ours.named_parameters(), reference.parameters(), strict=True):
        torch.testing.assert_close(a, b.detach(), rtol=1e-3, atol=2e-5, msg=name)


def test_the_pretraining_loss_is_the_two_means():
    log = run(tiny(), steps=1, warmup=0, learning_rate=1e-9, batch_size=48, focus_weight=2.5)
    model = tiny()
    plain, focus = [], []
    for document in DOCUMENTS:
        words = [(word, flag) for text, flag in document["segments"] for word in text.split()]
        ids = [1, *TOKENIZER.convert_tokens_to_ids([word for word, _ in words]), 2]
        with torch.no_grad():
            scores = model(torch.tensor([ids[:-1]])).logits[0].log_softmax(-1)
        losses = [-scores[i, token].item() for i, token in enumerate(ids[1:])]
        plain += losses
        focus += [loss for loss, (_, flag) in zip(losses, words, strict=False) if flag]
    assert log.rows[0][1] == pytest.approx(np.mean(plain) + 2.5 * np.mean(focus), rel=1e-5)


@pytest.fixture
def one_thread():
    """A fork has none of the threads of its parent, and other threads may multiply in another order."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


def start(resume, *, minutes, pause):
    """A fork that trains: its process id, and a file with a line for each batch that it begins."""
    reading, writing = os.pipe()
    child = os.fork()
    if child:
        os.close(writing)
        return child, os.fdopen(reading)
    status = 1
    try:
        original = ShuffledBatches.__getitem__

        def announced(order, step):
            os.write(writing, f"{step}\n".encode())
            time.sleep(pause)
            return original(order, step)

        ShuffledBatches.__getitem__ = announced
        run(tiny(), execution=Execution(resume=resume, checkpoint_minutes=minutes))
        status = 0
    except SystemExit as end:
        status = end.code
    finally:
        os._exit(status)


def test_killed_and_resumed_is_bit_equal_to_never_killed(tmp_path, one_thread):
    resume = tmp_path / "resume.safetensors"
    child, steps = start(resume, minutes=0, pause=0)
    with steps:
        for line in steps:
            if int(line) == 8:
                os.kill(child, signal.SIGKILL)
                break
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
    with safe_open(resume, framework="pt") as file:  # no pickle: the file is what its library can read
        stopped = int(file.metadata()["step"])
        assert set(file.metadata()) == {"settings", "step", "seconds", "losses", "rows"}
    assert 8 <= stopped < 40
    # What a kill in the middle of a write leaves.
    (tmp_path / ".resume.safetensors.x7.partial").write_bytes(b"half")

    resumed, uninterrupted, seen = tiny(), tiny(), []
    original = ShuffledBatches.__getitem__
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(ShuffledBatches, "__getitem__", lambda self, step: (seen.append(step), original(self, step))[1])
        log = run(resumed, execution=Execution(resume=resume))
    expected = run(uninterrupted)
    # The size of the first batch decides which library multiplies, in a resumed training too.
    assert seen == [0, *range(stopped, 40)], "the finished steps were not taken again"
    assert same_bits(resumed, uninterrupted)
    assert [row[:2] for row in log.rows] == [row[:2] for row in expected.rows]
    assert not resume.exists()
    assert not list(tmp_path.iterdir())


def peak():
    """The most memory that this process has held since the peak was last forgotten, in bytes."""
    status = Path("/proc/self/status").read_text()
    return 1024 * int(re.search(r"VmHWM:\s+(\d+)", status)[1])


@pytest.mark.skipif(not Path("/proc/self/clear_refs").exists(), reason="only Linux can forget a peak of memory")
def test_a_resume_file_is_written_and_read_without_a_second_copy_of_its_content(tmp_path):
    path, size = tmp_path / "resume.safetensors", 12 * 5_000_000
    parameters = {f"part{number}": torch.nn.Parameter(torch.ones(1250, 1000)) for number in range(12)}
    optimizer = torch.optim.AdamW(parameters.values(), fused=True)
    for parameter in parameters.values():
        parameter.grad = torch.ones_like(parameter)
    optimizer.step()

    def grown(act):
        Path("/proc/self/clear_refs").write_text("5")
        before = peak()
        act()
        return peak() - before

    # Weights and two moments are three times the size; to read the moments back takes two.
    assert grown(lambda: training._Progress(step=1).write(path, {}, parameters, optimizer)) < 0.5 * size
    assert path.stat().st_size > 3 * size
    moment = optimizer.state[parameters["part7"]]["exp_avg"].clone()
    optimizer.state.clear()
    assert grown(lambda: training._Progress.begin(path, {}, parameters, optimizer)) < 2.5 * size
    assert torch.equal(optimizer.state[parameters["part7"]]["exp_avg"], moment)


def test_sigterm_writes_the_resume_file(tmp_path, one_thread):
    resume = tmp_path / "resume.safetensors"
    child, steps = start(resume, minutes=60, pause=0.05)
    with steps:
        # The first batch is asked for twice: its size chooses the kernels.
        steps.readline(), steps.readline()
        os.kill(child, signal.SIGTERM)
        rest = steps.read()
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 128 + signal.SIGTERM
    with safe_open(resume, framework="pt") as file:
        assert int(file.metadata()["step"]) == 1 + len(rest.split())


@pytest.mark.parametrize("damage", ["settings", "weights", "truncated"])
def test_a_resume_file_of_another_training_is_not_used(damage, tmp_path, monkeypatch, caplog):
    resume = tmp_path / "resume.safetensors"
    kept = {}
    original = training._Progress.write
    monkeypatch.setattr(
        training._Progress, "write", lambda self, *a: (original(self, *a), kept.update(content=resume.read_bytes()))
    )
    run(tiny(), execution=Execution(resume=resume, checkpoint_minutes=0))
    resume.write_bytes(kept["content"][:-50] if damage == "truncated" else kept["content"])
    changes = {"learning_rate": 9e-3} if damage == "settings" else {}
    found, expected = (tiny(seed=int(damage == "weights")) for _ in range(2))
    run(found, execution=Execution(resume=resume, checkpoint_minutes=60), **changes)
    run(expected, **changes)
    assert same_bits(found, expected)
    assert "starting anew" in caplog.text


def test_a_diverged_training_fails_with_its_step():
    def batch(step):
        weight = float("nan") if step == 6 else 1.0
        ids = torch.ones(1, 2, dtype=torch.long)
        return WeightedBatch(ids, ids, torch.full((1, 2), weight), torch.tensor([2]))

    with pytest.raises(Diverged, match=r"training: the loss is nan at step 7 of 20\. .*lower the learning rate"):
        train(tiny(), TrainingData(batch, "x"), Schedule(20, 1, 1e-3), EXECUTION)


def test_an_epoch_shows_every_sequence_at_most_once_and_epochs_differ():
    order = ShuffledBatches(50, 8, seed=1)
    epochs = [np.concatenate([order[step] for step in range(6 * e, 6 * e + 6)]) for e in range(3)]
    for epoch in epochs:
        assert len(epoch) == 48 == len(set(epoch.tolist()))
    assert all(list(a) != list(b) for a, b in pairwise(epochs))
    assert set(np.concatenate(epochs).tolist()) == set(range(50))
    assert [list(order[step]) for step in (17, 0, 9)] == [list(ShuffledBatches(50, 8, 1)[step]) for step in (17, 0, 9)]
    assert len(ShuffledBatches(3, 8, 1)[5]) == 3


def test_tasks_have_equal_shares_and_no_example_comes_twice_before_all_have_come():
    order = MixedTasks({"big": 40, "small": 4}, 6, seed=0)
    drawn = [pair for step in range(8) for pair in order[step]]
    assert [sum(task == name for task, _ in order[5]) for name in ("big", "small")] == [3, 3]
    small = [index for task, index in drawn if task == "small"]
    assert [sorted(small[i : i + 4]) for i in range(0, 24, 4)] == [[0, 1, 2, 3]] * 6
    assert small[:4] != small[4:8] or small[4:8] != small[8:12]
    big = [index for task, index in drawn if task == "big"]
    assert len(set(big)) == 24
    with pytest.raises(InputError, match="task empty: the task has no training examples"):
        MixedTasks({"empty": 0}, 2, seed=0)


def test_the_order_of_the_data_is_the_same_on_every_machine():
    # Philox is a published counter-based generator; these are fixed for ever, whatever the machine or numpy.
    assert permutation(12, 0, 0).tolist() == [0, 8, 9, 3, 7, 5, 1, 11, 2, 10, 6, 4]
    assert sorted(permutation(1000, 5).tolist()) == list(range(1000))


def test_the_log_has_about_a_hundred_rows_and_becomes_csv(tmp_path):
    log = run(tiny(), steps=205, batch_size=2)
    assert [row[0] for row in log.rows] == [*range(2, 205, 2), 205]
    assert [row[2] for row in log.rows] == sorted(row[2] for row in log.rows)
    TrainingLog(((1, 0.5, 2.0),)).write(tmp_path / "training.csv")
    assert (tmp_path / "training.csv").read_text() == "step,loss\n1,0.5\n", "equal trainings write equal bytes"


def test_no_progress_bar_outside_a_terminal(capfd):
    run(tiny(), steps=3)
    assert capfd.readouterr().err == ""


def test_bfloat16_autocast_keeps_float32_weights(fresh_accelerate):
    model = tiny()
    log = run(model, execution=Execution(dtype="bfloat16"))
    assert log.rows[-1][1] < 0.6 * log.rows[0][1]
    assert model.dtype == model(torch.tensor([[1, 5]])).logits.dtype == torch.float32
