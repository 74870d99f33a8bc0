"""What the rules ask of a model, from files to rows: against transformers alone, and against edited checkpoints."""

import re

import numpy as np
import pytest
from small_checkpoint import CONTEXT, ECHO, MOOD, answers, lay_checkpoint, lay_task, small_model

from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model` and the tasks `mood` and `echo`."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for task in (MOOD, ECHO):
        lay_task(folder / task.name, task)
    return folder


def evaluated(checkpoint, tasks):
    return dict(evaluate_tasks(checkpoint, tasks, EVALUATION, Execution()))


def values(scores):
    """Metric -> value."""
    return {score.metric: score.value for score in scores}


def test_rows_of_a_model_as_it_is_are_what_transformers_says(laid):
    rows = evaluated(laid / "model", [laid / "mood", laid / "echo"])
    assert list(rows) == ["mood", "echo"]
    for name, metrics in {"mood": {"accuracy", "accuracy_restricted", "loss"}, "echo": {"rougeL", "loss"}}.items():
        assert {score.metric for score in rows[name]} == metrics
        for score in rows[name]:
            assert (score.test_task, score.n) == (name, 8)
        expected = list(answers(small_model(), laid / name))
        loss = np.mean([float(-log.mean()) for log, _ in expected])
        assert values(rows[name])["loss"] == pytest.approx(loss, rel=1e-4)
        if name == "mood":
            said = 100 * np.mean([said for _, said in expected])
            assert values(rows[name])["accuracy"] == pytest.approx(said)


def test_a_test_split_of_one_class_is_evaluated(laid, tmp_path):
    rows = evaluated(laid / "model", [lay_task(tmp_path / "mood", MOOD, targets=("bad",))])["mood"]
    said = 100 * np.mean([said for _, said in answers(small_model(), tmp_path / "mood")])
    assert values(rows)["accuracy"] == pytest.approx(said)
    assert {score.n for score in rows} == {8}


def test_a_task_without_test_examples_is_named(laid, tmp_path):
    folder = lay_task(tmp_path / "mood", MOOD, test=0)
    with pytest.raises(InputError, match=f"{folder}.*no examples"):
        evaluated(laid / "model", [folder])


def test_inputs_too_long_for_the_model_are_cut_and_instructions_never(laid, tmp_path):
    """An input far beyond the context counts as the longest one that leaves room for instruction and longest option."""
    folder = lay_task(tmp_path / "mood", MOOD)
    file, task = folder / "test.jsonl", folder / "task.json"
    fits = CONTEXT - len(["<bos>", "mood", "of", ":", "good", "grief", "<eos>"])
    losses = {}
    for words in (100, fits, fits - 1):
        file.write_text(re.sub('"input": "[^"]*"', f'"input": "{" ".join(["red"] * words)}"', file.read_text()))
        losses[words] = values(evaluated(laid / "model", [folder])["mood"])["loss"]
    assert losses[100] == pytest.approx(losses[fits], rel=1e-6)
    assert losses[100] != pytest.approx(losses[fits - 1], rel=1e-4)
    for path in (file, task):
        path.write_text(path.read_text().replace("mood of", " ".join(["of"] * CONTEXT)))
    with pytest.raises(InputError, match=f"{folder}.*the instruction and the answer alone need .* context has 24"):
        evaluated(laid / "model", [folder])
