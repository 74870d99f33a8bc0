"""Fine-tunings in a row: each starts from the same weights, and a killed job goes on where it was."""

from dataclasses import astuple, replace

import numpy as np
import pytest
import torch
from small_checkpoint import lay_checkpoint
from small_tuner import QUARTER, RATE, RECIPE, TASKS, WILD, lay, make_tuner, scores_of

from taskneurons.engine.cells import Cell, Condition, run_cells, trained_rows
from taskneurons.engine.evaluation import Score, evaluate, evaluate_tasks, prepare_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner
from taskneurons.errors import InputError
from taskneurons.evidence.trained import TRAINED
from taskneurons.files import read_jsonl, write_jsonl
from taskneurons.job import Files, Job, NoSettings
from taskneurons.models.load import load_checkpoint
from taskneurons.models.patching import patched
from taskneurons.neurons.sets import NeuronSet

EVALUATION = {"batch_size": 3, "max_new_tokens": 4}
ZERO_SHOT, FULL = Condition("zero_shot"), Condition("full", learning_rate=RATE)


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return lay(tmp_path_factory.mktemp("laid"))


@pytest.fixture
def tuner(laid, tmp_path):
    return make_tuner(laid, tmp_path / "resume")


def neuron_cell(scores, task="mood", draw=0, **changes):
    condition = Condition("task", draw=draw, learning_rate=RATE)
    return Cell(
        **{"tests": (task,), "condition": condition, "method": "neurons", "train": (task,)}
        | {"neurons": scores[task].top(25)}
        | changes
    )


def test_an_untrained_cell_is_the_evaluation_of_the_model_as_it_is(tuner, laid):
    plain = dict(evaluate_tasks(laid / "model", [laid / name for name in TASKS], RECIPE.evaluation, Execution()))
    [(_, scores, result)] = run_cells(tuner, [Cell(tuple(TASKS), ZERO_SHOT)], name="x")
    assert result is None
    assert scores == [score for name in TASKS for score in plain[name]]


def test_every_cell_starts_from_the_base_and_leaves_it_as_it_was(tuner, laid):
    before = {name: tensor.clone() for name, tensor in tuner.base.model.state_dict().items()}
    scores = scores_of(tuner, laid)
    twice = [neuron_cell(scores, draw=0), Cell(("mood",), FULL, "full", ("mood",))]
    twice += [neuron_cell(scores, draw=2)]
    first, full, again = [found for _, found, _ in run_cells(tuner, twice, name="x")]
    values = [[score.value for score in scores] for scores in (first, full, again)]
    assert values[0] == values[2] != values[1]
    for name, tensor in tuner.base.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_rows_are_those_of_the_patch_on_a_fresh_model(tuner, laid):
    scores = scores_of(tuner, laid)
    [(_, found, result)] = run_cells(tuner, [neuron_cell(scores, keep=True)], name="x")
    fresh = load_checkpoint(laid / "model")
    _, prepared = prepare_task(fresh, laid / "mood", 4)
    with patched(fresh.model, result.change, base=fresh.digest):
        values = evaluate(fresh.model, prepared, **EVALUATION)
    assert {score.metric: pytest.approx(score.value, abs=1e-6) for score in found} == {
        k: v for k, (v, _) in values.items()
    }


def test_a_cell_that_is_read_on_its_way_scores_what_shorter_cells_score(laid, tmp_path):
    recipe = replace(RECIPE, decay="none")
    scores = scores_of(make_tuner(laid, tmp_path), laid)
    cells = [Cell(("mood",), ZERO_SHOT), neuron_cell(scores, tests=("mood", "echo"))]
    read = make_tuner(laid, tmp_path, replace(recipe, readings=(2, 6)))
    untrained, found = [found for _, found, _ in run_cells(read, cells, name="x")]
    assert {score.steps for score in untrained} == {None}
    for steps in (2, 6):
        tuner = make_tuner(laid, tmp_path, replace(recipe, steps=steps))
        [(_, alone, _)] = run_cells(tuner, cells[1:], name="x")
        assert [replace(score, steps=None) for score in found if score.steps == steps] == alone


def test_several_tasks_get_as_many_steps_as_each_alone(tuner, laid):
    scores = scores_of(tuner, laid)
    together = neuron_cell(scores, train=("mood", "echo"), keep=True)
    alone = neuron_cell(scores, keep=True)
    steps = [result.log.rows[-1][0] for _, _, result in run_cells(tuner, [together, alone], name="x")]
    assert steps == [12, 6]


def test_a_killed_job_keeps_what_it_finished_and_another_job_does_not_use_it(laid, tmp_path):
    scores = scores_of(make_tuner(laid, tmp_path / "resume"), laid)
    cells = [neuron_cell(scores, draw=draw) for draw in range(3)]
    running = run_cells(make_tuner(laid, tmp_path / "resume"), cells, name="x")
    done = [next(running)[1] for _ in range(2)]
    running.close()
    [ledger] = (tmp_path / "resume").glob("*.jsonl")
    lines = list(read_jsonl(ledger))
    assert [[Score(**score) for score in line["scores"]] for line in lines] == done
    # A mark in the file shows which rows are read from it.
    lines[0]["scores"][0]["value"] = -1.0
    write_jsonl(ledger, lines)
    other = [rows for _, rows, _ in run_cells(make_tuner(laid, tmp_path / "resume", job="other"), cells[:1], name="x")]
    assert other == done[:1]
    write_jsonl(ledger, lines)
    resumed = [rows for _, rows, _ in run_cells(make_tuner(laid, tmp_path / "resume"), cells, name="x")]
    assert resumed[0][0].value == -1.0
    assert resumed[1] == done[1]
    assert not ledger.exists()


def test_a_damaged_ledger_is_done_without(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path / "resume")
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume" / "cells.jsonl").write_text('{"job": ')
    [(_, rows, _)] = run_cells(tuner, [Cell(("mood",), ZERO_SHOT)], name="x")
    assert len(rows) == 3


def test_a_kept_result_is_made_again(laid, tmp_path):
    scores = scores_of(make_tuner(laid, tmp_path / "resume"), laid)
    cells = [neuron_cell(scores, keep=True), neuron_cell(scores, draw=1)]
    running = run_cells(make_tuner(laid, tmp_path / "resume"), cells, name="x")
    next(running)
    running.close()
    results = [result for _, _, result in run_cells(make_tuner(laid, tmp_path / "resume"), cells, name="x")]
    assert results[0] is not None
    assert results[1] is None


def test_a_diverged_training_names_its_tasks_its_arm_and_its_step(tuner, laid):
    wild = Cell(("mood",), Condition("full", learning_rate=WILD), "full", ("mood",))
    with pytest.raises(
        InputError, match=r"mood \(condition full, learning_rate 1000.0\): full tuning: the loss is .* at step \d"
    ):
        list(run_cells(tuner, [wild], name="x"))
    assert [rows for _, rows, _ in run_cells(tuner, [wild], name="x", may_diverge=True)] == [[]]


def test_only_the_asked_split_examples_and_metrics_are_used(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path, replace(RECIPE, split="validation", metrics=("loss",), limit=1))
    [(_, scores, _)] = run_cells(tuner, [Cell(("mood", "echo"), ZERO_SHOT)], name="x")
    assert [(score.metric, score.n) for score in scores] == [("loss", 1)] * 2
    _, prepared = prepare_task(tuner.base, laid / "echo", 4, split="validation", limit=1)
    loss = evaluate(tuner.base.model, prepared, **EVALUATION)["loss"][0]
    assert scores[1].value == pytest.approx(loss, rel=1e-5)


def test_scores_of_another_model_are_refused(tuner, laid, tmp_path):
    from small_checkpoint import small_model

    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    strange = FineTuner.load(tmp_path / "other", tuner.tasks, tuner.recipe, Execution(resume=tmp_path))
    with pytest.raises(InputError, match="made with the model"):
        scores_of(strange, laid)


def test_a_cell_that_moves_something_needs_data(laid):
    with pytest.raises(InputError, match="tasks to train on"):
        Cell(("mood",), FULL, "full", ())
    with pytest.raises(InputError, match="tasks to test"):
        Cell((), ZERO_SHOT)
    with pytest.raises(InputError, match="a learning rate"):
        Cell(("mood",), Condition("full"), "full", ("mood",))


def test_the_set_of_all_neurons_is_all_ffn_neurons(tuner):
    everything = NeuronSet(np.ones((2, 32), dtype=bool))
    cells = [
        Cell(("mood",), Condition("task", learning_rate=RATE), "ffn", ("mood",)),
        Cell(("mood",), Condition("task", learning_rate=RATE), "neurons", ("mood",), everything),
    ]
    ffn, whole = [[score.value for score in scores] for _, scores, _ in run_cells(tuner, cells, name="x")]
    assert ffn == whole


def test_scores_become_rows_that_say_what_was_trained_and_how(tmp_path):
    job = Job(NoSettings(), Files({}), Files({}), {"run": "mine/small", "seed": "3"}, identity="job")
    own = Condition("random", "mood", "echo", QUARTER, 24.5, 50, 1, RATE)
    cell = Cell(("mood",), own, "neurons", ("mood",), NeuronSet(np.ones((2, 32), dtype=bool)))
    rows = trained_rows("overlap", job, cell, [Score("mood", "loss", 1.5, 8)])
    rows += trained_rows("overlap", job, Cell(("mood",), ZERO_SHOT), [Score("mood", "accuracy", 50.0, 8)])
    assert [astuple(row) for row in rows] == [
        ("overlap", "small", "mine", 3, "random", "echo", "mood", "mood", 25, 24.5, 50, "taylor", "model", 1, RATE,
         "loss", 1.5, 8),
        ("overlap", "small", "mine", 3, "zero_shot", *[None] * 2, "mood", *[None] * 7, "accuracy", 50.0, 8),
    ]  # fmt: skip
    TRAINED.write(tmp_path / "rows.csv", rows)
    assert TRAINED.read(tmp_path / "rows.csv") == rows
