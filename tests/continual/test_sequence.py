"""Streams: what is written of them, what is refused, and what a killed or changed stream does again."""

import json
import shutil
from dataclasses import replace

import pytest
import torch
from small_stream import STREAM

from taskneurons.continual.multitask import Multitask
from taskneurons.continual.ncft import NCFT
from taskneurons.continual.pertask import PerTask
from taskneurons.continual.seqft import SeqFT
from taskneurons.continual.sequence import final_accuracy, follow, identity, learned_accuracy
from taskneurons.continual.stages import Stages
from taskneurons.continual.stream_tuner import StreamTuner
from taskneurons.continual.wncft import WNCFT
from taskneurons.errors import InputError
from taskneurons.neurons.selection import Selection

RATE = 3e-3
ORDER = tuple(STREAM)


class Counted:
    """A method that counts its trainings, and may die in one."""

    def __init__(self, method, dies_at=None):
        self._method, self._dies_at, self.trained = method, dies_at, []

    def __getattr__(self, name):
        return getattr(self._method, name)

    def __repr__(self):
        return repr(self._method)

    def learn(self, tuner, seen, task):
        if task == self._dies_at:
            raise KeyboardInterrupt
        self.trained.append(task)
        return self._method.learn(tuner, seen, task)


def test_every_task_is_tested_before_the_stream_and_after_every_stage(make_tuner, tmp_path):
    rows, seen = follow(make_tuner(), SeqFT(RATE), ORDER, Stages(tmp_path / "stages", "x"))
    tested = {(row.stage, row.test_task) for row in rows if row.metric == "accuracy"}
    assert tested == {(stage, task) for stage in range(len(ORDER) + 1) for task in ORDER}
    assert [learned.task for learned in seen] == list(ORDER)
    assert {row.train_task for row in rows if row.stage == 2} == {ORDER[1]}
    costs = {row.metric for row in rows if row.test_task is None}
    assert costs == {"trainable", "storage", "passes", "loss"}
    for metric in ("accuracy", "accuracy_restricted"):
        last = [row.value for row in rows if row.metric == metric and row.stage == len(ORDER)]
        assert final_accuracy(rows, metric) == pytest.approx(sum(last) / len(last))
        just = [row.value for row in rows if row.metric == metric and row.test_task == row.train_task]
        assert learned_accuracy(rows, metric) == pytest.approx(sum(just) / len(just))


def test_a_stream_that_is_not_tested_whole_has_the_same_ends_and_the_same_beginnings(make_tuner, tmp_path):
    whole, _ = follow(make_tuner(), SeqFT(RATE), ORDER, Stages(tmp_path / "a", "x"))
    few, _ = follow(make_tuner(), SeqFT(RATE), ORDER, Stages(tmp_path / "b", "x"), whole=False)
    assert (final_accuracy(few), learned_accuracy(few)) == (final_accuracy(whole), learned_accuracy(whole))
    assert len({(row.stage, row.test_task) for row in few if row.test_task}) == 2 * len(ORDER) - 1


def test_joint_training_trains_at_its_last_stage_and_every_other_method_at_each(make_tuner, tmp_path):
    stages, tuner = Stages(tmp_path / "stages", "x"), make_tuner()
    examples = tuner.recipe.steps * tuner.recipe.batch_size
    rows, _ = follow(tuner, SeqFT(RATE), ORDER, stages)
    passes = [(row.stage, row.train_task, row.value) for row in rows if row.metric == "passes"]
    assert passes == [(stage, task, examples) for stage, task in enumerate(ORDER, start=1)]
    rows, _ = follow(tuner, Multitask(RATE, len(ORDER)), ORDER, stages)
    passes = [(row.stage, row.train_task, row.value) for row in rows if row.metric == "passes"]
    assert passes == [(len(ORDER), None, len(ORDER) * examples)]


def test_a_task_is_tested_once_before_all_streams_and_a_single_patch_once_for_all_weightings(make_tuner, tmp_path):
    stages, tuner, tested = Stages(tmp_path / "stages", "x"), make_tuner(), []
    plain = tuner.correct
    object.__setattr__(tuner, "correct", lambda task, rows=None: tested.append(task) or plain(task, rows))
    ncft = NCFT(RATE, Selection("taylor", 30, "model"), 8, 4)
    rows, seen = follow(tuner, ncft, ORDER[:2], stages)
    assert len(tested) == 2 * 3
    weighted = WNCFT(ncft, "added", "known", 1.0, 8, 4)
    again, _ = follow(tuner, weighted, ORDER[:2], stages, learned=seen)
    # Its second stage alone.
    assert len(tested) == 2 * 3 + 2
    first = [row for row in rows if row.stage < 2 and row.test_task]
    assert [row for row in again if row.stage < 2 and row.test_task] == first
    follow(tuner, ncft, ORDER[1::-1], stages)
    # Two stages of another order, and nothing before it.
    assert len(tested) == 2 * 3 + 2 + 2 * 2


def test_what_a_method_tests_is_what_the_model_answers(make_tuner, tmp_path):
    tuner = make_tuner()
    rows, _ = follow(tuner, PerTask(RATE), ORDER, Stages(tmp_path / "stages", "x"))
    assert {(row.stage, row.test_task) for row in rows if row.metric == "accuracy" and row.stage} == {
        (stage, task) for stage, task in enumerate(ORDER, start=1)
    }
    tuned = tuner.tune({ORDER[0]: tuner.training(ORDER[0])}, "full", tuner.recipe.schedule(RATE)).change
    model = tuner.base.model
    for name, parameter in model.named_parameters():
        parameter.data = tuned.tensors[name]
    right = 0
    for example in tuner.prompts(ORDER[0]):
        ids = list(example.prompt)
        for token in example.target:
            predicted = int(model(input_ids=torch.tensor([ids])).logits[0, -1].argmax())
            ids.append(token)
            if predicted != token:
                break
        else:
            right += 1
    value = next(row.value for row in rows if row.stage == 1 and row.metric == "accuracy")
    assert value == pytest.approx(100 * right / len(tuner.prompts(ORDER[0])))


@pytest.mark.parametrize(("order", "message"), [(ORDER[:1], "one task"), ((*ORDER, ORDER[0]), "learned twice")])
def test_what_is_no_stream_is_refused(make_tuner, tmp_path, order, message):
    with pytest.raises(InputError, match=message) as error:
        follow(make_tuner(), SeqFT(RATE), order, Stages(tmp_path / "stages", "x"))
    assert error.value.remedy and not (tmp_path / "stages").exists()


@pytest.mark.parametrize(
    ("changed", "message"),
    [({"options": ["good"]}, "at least two options"), ({"kind": "generation", "options": []}, "accuracies")],
)
def test_a_task_with_one_class_or_none_is_refused_and_named(stream, tmp_path, make_tuner, changed, message):
    folder = tmp_path / ORDER[0]
    folder.mkdir()
    for file in (stream / ORDER[0]).iterdir():
        (folder / file.name).write_bytes(file.read_bytes())
    facts = json.loads((folder / "task.json").read_text())
    (folder / "task.json").write_text(json.dumps(facts | changed))
    tuner = make_tuner()
    with pytest.raises(InputError, match=message) as error:
        StreamTuner.load(stream / "model", {ORDER[0]: folder}, tuner.recipe, tuner.execution)
    assert ORDER[0] in str(error.value)


def test_joint_training_in_another_order_is_of_all_tasks(make_tuner, tmp_path):
    """What it gathered in one order serves another, whose last stage alone was lost."""
    stages = Stages(tmp_path / "stages", "x")
    method = Multitask(RATE, len(ORDER))
    _, right = follow(make_tuner(), method, ORDER, stages)
    weights = {name: array.copy() for name, array in right[-1].tensors.items()}
    for file in (tmp_path / "stages").iterdir():
        if file.suffix == ".json" or file.stat().st_size > 5000:
            file.unlink()
    turned = (ORDER[1], ORDER[0], *ORDER[2:])
    _, again = follow(make_tuner(), method, turned, stages)
    assert [learned.task for learned in again] == list(turned)
    assert all((weights[name] == array).all() for name, array in again[-1].tensors.items())


def test_after_a_kill_only_the_stage_that_was_under_way_is_done_again(make_tuner, tmp_path):
    whole, _ = follow(make_tuner(), SeqFT(RATE), ORDER, Stages(tmp_path / "whole", "x"))
    dying = Counted(SeqFT(RATE), dies_at=ORDER[2])
    with pytest.raises(KeyboardInterrupt):
        follow(make_tuner(), dying, ORDER, Stages(tmp_path / "stages", "x"))
    assert dying.trained == list(ORDER[:2])
    again = Counted(SeqFT(RATE))
    rows, _ = follow(make_tuner(), again, ORDER, Stages(tmp_path / "stages", "x"))
    assert again.trained == [ORDER[2]]
    assert rows == whole


def test_orders_that_begin_alike_share_their_first_stages(make_tuner, tmp_path):
    stages = Stages(tmp_path / "stages", "x")
    follow(make_tuner(), SeqFT(RATE), ORDER[:2], stages)
    longer = Counted(SeqFT(RATE))
    follow(make_tuner(), longer, ORDER, stages)
    assert longer.trained == [ORDER[2]]
    turned = Counted(SeqFT(RATE))
    follow(make_tuner(), turned, ORDER[::-1], stages)
    assert turned.trained == list(ORDER[::-1])


def other_data(tuner, tmp_path, name):
    """The tasks, with one more empty line in a file of each."""
    folders = {}
    for task, folder in tuner.tasks.items():
        folders[task] = tmp_path / f"other {name}" / task
        shutil.copytree(folder, folders[task])
        with (folders[task] / name).open("a") as file:
            file.write("\n")
    return folders


def test_other_test_examples_are_other_scores_of_the_same_stage(make_tuner, tmp_path):
    tuner, stages = make_tuner(), Stages(tmp_path / "stages", "x")
    follow(tuner, SeqFT(RATE), ORDER[:2], stages)
    before = set((tmp_path / "stages").glob("*.json"))
    counted = Counted(SeqFT(RATE))
    follow(replace(tuner, tasks=other_data(tuner, tmp_path, "test.jsonl")), counted, ORDER[:2], stages)
    assert not counted.trained and len(set((tmp_path / "stages").glob("*.json")) - before) == 4


def test_another_rate_seed_code_model_or_data_is_another_stage(make_tuner, tmp_path):
    tuner = make_tuner()
    folder = tmp_path / "stages"
    follow(tuner, SeqFT(RATE), ORDER[:2], Stages(folder, identity(replace(tuner, job="code"))))
    for other, method, code in [
        (tuner, SeqFT(2 * RATE), "code"),
        (tuner, SeqFT(RATE), "other code"),
        (make_tuner(seed=1), SeqFT(RATE), "code"),
        (make_tuner(steps=7), SeqFT(RATE), "code"),
        (replace(tuner, base=replace(tuner.base, digest="f" * 64)), SeqFT(RATE), "code"),
        (replace(tuner, tasks=other_data(tuner, tmp_path, "train.jsonl")), SeqFT(RATE), "code"),
        (replace(tuner, tasks=other_data(tuner, tmp_path, "task.json")), SeqFT(RATE), "code"),
    ]:
        counted = Counted(method)
        follow(other, counted, ORDER[:2], Stages(folder, identity(replace(other, job=code))))
        assert counted.trained == list(ORDER[:2])
    # Not trained: accelerate knows one precision a process.
    assert identity(replace(tuner, execution=replace(tuner.execution, dtype="bfloat16"))) != identity(tuner)


def test_a_damaged_file_is_done_again(make_tuner, tmp_path):
    stages = Stages(tmp_path / "stages", "x")
    whole, _ = follow(make_tuner(), SeqFT(RATE), ORDER[:2], stages)
    for file in (tmp_path / "stages").iterdir():
        file.write_bytes(file.read_bytes()[:20])
    rows, _ = follow(make_tuner(), SeqFT(RATE), ORDER[:2], stages)
    assert rows == whole


def test_the_end_of_a_job_leaves_its_own_stages_or_nothing(make_tuner, tmp_path):
    old, new = Stages(tmp_path / "stages", "old"), Stages(tmp_path / "stages", "new")
    follow(make_tuner(), SeqFT(RATE), ORDER[:2], old)
    before = set((tmp_path / "stages").iterdir())
    follow(make_tuner(), SeqFT(RATE), ORDER[:2], new)
    new.finish(keep=True)
    kept = set((tmp_path / "stages").iterdir())
    assert kept and not kept & before
    new.finish(keep=False)
    assert not (tmp_path / "stages").exists()


def test_stages_of_a_large_model_are_read_when_they_are_asked_for(make_tuner, tmp_path):
    _, seen = follow(make_tuner(), SeqFT(RATE), ORDER[:2], Stages(tmp_path / "stages", "x"))
    assert len(seen[0].tensors) and "no such" not in seen[0].tensors
    for file in (tmp_path / "stages").glob("*.safetensors"):
        file.unlink()
    with pytest.raises(FileNotFoundError):
        dict(seen[0].tensors)


def test_what_was_learned_before_is_tested_without_training(make_tuner, tmp_path):
    method = NCFT(RATE, Selection("taylor", 30, "model"), 8, 4)
    rows, seen = follow(make_tuner(), method, ORDER, Stages(tmp_path / "a", "x"))
    idle = Counted(method)
    again, _ = follow(make_tuner(), idle, ORDER, Stages(tmp_path / "b", "x"), learned=seen)
    assert idle.trained == [] and again == rows
