"""Parameters of neurons in fully tuned models: those of the weights that the model really has, and its real scores."""

import pytest
import torch
from small_checkpoint import ECHO, MOOD, TOKENIZER, lay_checkpoint, lay_task, small_model

from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution, Schedule
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.tuning import tune, tuned
from taskneurons.errors import InputError
from taskneurons.evidence.trained import TRAINED, gather_trained
from taskneurons.job import Files, Job
from taskneurons.models.encoding import encode
from taskneurons.models.load import load_checkpoint, save_checkpoint
from taskneurons.neurons.selection import Selection
from taskneurons.studies.neurons.measure import attribute_tasks
from taskneurons.studies.similarity.measure import CompareSettings, compare, compare_parameters
from taskneurons.studies.similarity.rows import CELLS
from taskneurons.studies.similarity.tables import gather_similarity
from taskneurons.tasks.storage import read_split
from taskneurons.tasks.task import Task

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)
TASKS = {
    "mood": MOOD,
    "echo": ECHO,
    "temper": Task("temper", "nature", "classification", ("mood of {input} :",), ("good", "bad")),
}
RATE = 3e-2
SELECTION = Selection("taylor", 30, "model")


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model`, tasks and their scores on that model."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for name, task in TASKS.items():
        lay_task(folder / name, task)
    few = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}
    for scores in attribute_tasks(folder / "model", [folder / name for name in TASKS], Execution(), **few):
        scores.save(folder / f"{scores.task}.safetensors")
    return folder


def tuner_of(laid, folder):
    return FineTuner.load(
        laid / "model",
        {name: laid / name for name in TASKS},
        Recipe(steps=5, batch_size=4, warmup=1, seed=0, evaluation=EVALUATION),
        Execution(resume=folder / "resume"),
        job="job",
    )


@pytest.fixture(scope="module")
def compared(laid, tmp_path_factory):
    """Cells with a score each, comparisons, and the scores of neurons."""
    tuner = tuner_of(laid, tmp_path_factory.mktemp("compared"))
    neurons = tuner.scores({name: laid / f"{name}.safetensors" for name in TASKS})
    found = list(compare_parameters(tuner, neurons, ["mood", "echo"], ["temper"], RATE, selection=SELECTION))
    scores = [(cell.condition, score) for cell, scores, _ in found for score in scores]
    return scores, [one for *_, comparisons in found for one in comparisons], neurons


def tuned_weights(laid, task):
    """The weights after the same training, by `tune` alone."""
    loaded = load_checkpoint(laid / "model")
    encoded = {task: encode(read_split(laid / task, "train"), loaded.tokenizer, loaded.context)}
    result = tune(loaded, encoded, "full", Schedule(5, 4, RATE, 1), Execution())
    with tuned(loaded.model, result, base=loaded.digest):
        return {name: tensor.detach().clone() for name, tensor in loaded.model.state_dict().items()}


def test_masked_cosine_is_that_of_the_weights_of_the_tuned_model(laid, compared):
    _, rows, neurons = compared
    sets = {name: neurons[name].top(30, "model").mask for name in TASKS}
    for task in ("mood", "echo"):
        for state, weights in (
            ("base", load_checkpoint(laid / "model").model.state_dict()),
            ("tuned", tuned_weights(laid, task)),
        ):
            for layer in range(2):
                place = f"model.layers.{layer}.mlp"
                vectors = []
                for name in (task, "temper"):
                    mask = torch.from_numpy(sets[name][layer].copy())
                    gate, up = (weights[f"{place}.{part}_proj.weight"] * mask[:, None] for part in ("gate", "up"))
                    down = weights[f"{place}.down_proj.weight"] * mask
                    vectors.append(torch.cat([gate.flatten(), up.flatten(), down.flatten()]).double())
                expected = torch.nn.functional.cosine_similarity(*vectors, dim=0).item()
                (row,) = [
                    row
                    for row in rows
                    if (row.state, row.train_task, row.test_task, row.layer) == (state, task, "temper", layer)
                ]
                assert row.similarity.masked_cosine == pytest.approx(expected, abs=1e-6)
                assert row.similarity.shared == int((sets[task] & sets["temper"])[layer].sum())


def test_only_the_model_of_a_task_speaks_of_it_and_tuning_moves_parameters(compared):
    _, rows, _ = compared
    assert {(row.state, row.train_task) for row in rows} == {
        (state, task) for state in ("base", "tuned") for task in ("mood", "echo")
    }
    cells = {(row.state, row.train_task, row.layer): row.similarity for row in rows}
    assert len(cells) == len(rows) == 8
    for task in ("mood", "echo"):
        base, after = (cells[state, task, 0] for state in ("base", "tuned"))
        assert base.jaccard == after.jaccard
        assert base.masked_cosine != after.masked_cosine


def test_scores_are_those_of_the_tuned_and_of_the_untouched_model(laid, compared, tmp_path):
    scores, _, _ = compared
    loaded = load_checkpoint(laid / "model")
    loaded.model.load_state_dict(tuned_weights(laid, "mood"))
    save_checkpoint(tmp_path / "mood", loaded.model, TOKENIZER, name="small", context=loaded.context, parent=None)
    for train, checkpoint in ((None, laid / "model"), ("mood", tmp_path / "mood")):
        for task, expected in evaluate_tasks(checkpoint, [laid / "mood", laid / "temper"], EVALUATION, Execution()):
            for one in expected:
                ((condition, score),) = [
                    (condition, score)
                    for condition, score in scores
                    if (condition.train_task, score.test_task, score.metric) == (train, task, one.metric)
                ]
                assert score.value == pytest.approx(one.value, rel=1e-4, abs=1e-6)
                assert condition.name == ("full" if train else "zero_shot")
    tested = {(condition.train_task, score.test_task) for condition, score in scores}
    assert tested == {(None, task) for task in TASKS} | {
        (train, test) for train in ("mood", "echo") for test in (train, "temper")
    }


def test_the_job_writes_what_was_found_as_tables(laid, compared, tmp_path):
    scores, comparisons, _ = compared
    recipe = Recipe(steps=5, batch_size=4, warmup=1, seed=7, evaluation=EVALUATION)
    inputs = {
        "base": tuple((laid / "model").iterdir()),
        "tasks": tuple(path for name in TASKS for path in (laid / name).iterdir()),
        "scores": tuple(laid / f"{name}.safetensors" for name in TASKS),
    }
    outputs = {"cells": (tmp_path / "cells.csv",), "scores": (tmp_path / "scores.csv",)}
    settings = CompareSettings(("mood", "echo"), ("temper",), RATE, recipe, SELECTION, "float32")
    compare(Job(settings, Files(inputs), Files(outputs), {"run": "mine/small", "seed": "7"}, identity="job"))
    rows = CELLS.read(tmp_path / "cells.csv")
    assert len(gather_similarity([tmp_path / "cells.csv"])) == len(rows) == len(comparisons)
    for row, one in zip(rows, comparisons, strict=True):
        assert (row.suite, row.model, row.seed, row.estimator, row.percent) == ("mine", "small", 7, "taylor", 30)
        assert (row.state, row.train_task, row.layer) == (one.state, one.train_task, one.layer)
        assert row.jaccard == one.similarity.jaccard
    measured = TRAINED.read(tmp_path / "scores.csv")
    assert len(gather_trained([tmp_path / "scores.csv"], "similarity")) == len(measured) == len(scores)
    assert {(row.condition, row.learning_rate) for row in measured} == {("zero_shot", None), ("full", RATE)}


def test_scores_of_another_model_are_refused(laid, tmp_path):
    tuner = tuner_of(laid, tmp_path)
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    for scores in attribute_tasks(
        tmp_path / "other", [laid / "mood"], Execution(), estimators=["taylor"], examples=5, batch_size=5
    ):
        scores.save(tmp_path / "mood.safetensors")
    with pytest.raises(InputError, match="made with the model"):
        tuner.scores({"mood": tmp_path / "mood.safetensors"})
