"""The measurements from files to rows: against zeroed weights, and against the estimator of all tokens."""

from itertools import product

import numpy as np
import pytest
import torch
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task, small_model

from taskneurons.engine import ablation
from taskneurons.engine.attribution import attribute
from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.engine.task_by_task import encoded_split
from taskneurons.errors import InputError
from taskneurons.job import Files, Job
from taskneurons.models.load import load_checkpoint
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.special import Rankings
from taskneurons.studies.multiverse.grid import Grid, Reading
from taskneurons.studies.multiverse.measure import DeactivateSettings, ScoreSettings, deactivate, score, scores_of
from taskneurons.studies.multiverse.rows import MEASURED
from taskneurons.tasks.neutral import Neutral

NAMES = ("mood", "echo")
EVALUATION = Evaluation(batch_size=8, max_new_tokens=4)
NEUTRAL = Neutral("file", texts=3, tokens=8)
GRID = Grid(
    ("taylor", "signed"), ("answer", "all_tokens"), ("top", "contrast"), ("model",), (10.0,), ("zero", "mean"),
    ("layer", "other_task"),
)  # fmt: skip
TEXT = "red blue sun ice\none two three\nice red ice blue one\nfour three two one\nsun sun red\nblue ice\n"
READINGS = GRID.readings()


def job(folder, settings, outputs, **inputs):
    """A job of the run mine/small, seed 0."""
    every = {
        "checkpoint": [folder / "base" / "config.json"],
        "tasks": [folder / "data" / name / "task.json" for name in NAMES],
        "text": [folder / "text.txt"],
    }
    named = {name: tuple(paths) for name, paths in (every | inputs).items()}
    out = Files({name: tuple(paths) for name, paths in outputs.items()})
    return Job(settings, Files(named), out, {"run": "mine/small", "seed": "0"}, identity="", resources={})


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with a model, two tasks, their scores by every reading, the rows, and the number of evaluations."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "base")
    (folder / "text.txt").write_text(TEXT)
    for task in (MOOD, ECHO):
        lay_task(folder / "data" / task.name, task, test=4)
    files = {
        "scores": [folder / "scores" / one.slug / f"{name}.safetensors" for one in READINGS for name in NAMES],
        "neutral": [folder / "neutral" / f"{one.slug}.safetensors" for one in READINGS],
    }
    score(job(folder, ScoreSettings(GRID, NEUTRAL, 6, 4, "float32"), files))
    rows = [folder / "rows" / f"{name}.csv" for name in NAMES]
    settings = DeactivateSettings(GRID, 4, True, NEUTRAL, EVALUATION, "float32")
    calls = []
    with pytest.MonkeyPatch.context() as patch:
        plain = ablation.score_task
        patch.setattr(ablation, "score_task", lambda *args, **more: calls.append(args) or plain(*args, **more))
        deactivate(job(folder, settings, {"rows": rows}, **files))
    return folder, files, settings, MEASURED.gather(rows), len(calls)


def rankings_of(files, reading):
    """The rankings by one reading."""
    paths = [path for path in files["scores"] if path.parent.name == reading.slug]
    (neutral,) = (path for path in files["neutral"] if path.stem == reading.slug)
    return Rankings({path.stem: NeuronScores.load(path) for path in paths}, NeuronScores.load(neutral), "model")


def test_the_loss_of_all_tokens_gives_the_scores_of_the_estimator_of_that_name(laid):
    loaded = load_checkpoint(laid[0] / "base")
    encoded = encoded_split(loaded, laid[0] / "data" / "mood", "train", 6)
    readings = [Reading("taylor", "all_tokens"), Reading("activation", "none")]
    found = scores_of(loaded, encoded, readings, task="mood", batch_size=4)
    expected = attribute(loaded, encoded, task="mood", batch_size=4, estimators=["taylor_all_tokens", "activation"])
    for reading, name in zip(readings, ("taylor_all_tokens", "activation"), strict=True):
        np.testing.assert_allclose(found[reading].scores, expected[name].scores, rtol=1e-4, atol=1e-6)


def test_every_specification_stands_once_for_each_task_and_metric(laid):
    rows = laid[3]
    found = [(one.test_task, one.specification, one.metric) for one in rows]
    made = len(list(GRID.makings())) * len(GRID.interventions) * len(GRID.controls)
    assert len(found) == len(set(found)) == made * 2 * 2
    assert {one.metric for one in rows if one.test_task == "mood"} == {"accuracy", "loss"}


@pytest.mark.parametrize("reading", [READINGS[0], READINGS[3]], ids=lambda reading: reading.slug)
def test_rows_are_what_zeroed_weights_give(laid, tmp_path, reading):
    folder, files, _, rows, _ = laid
    sets = rankings_of(files, reading).sets("top", 10)
    for whose, column in (("echo", "own"), ("mood", "control_value")):
        model = small_model()
        for layer, block in enumerate(model.model.layers):
            with torch.no_grad():
                block.mlp.down_proj.weight[:, torch.from_numpy(np.flatnonzero(sets[whose].mask[layer]))] = 0
        lay_checkpoint(tmp_path / whose, model)
        ((_, expected),) = evaluate_tasks(tmp_path / whose, [folder / "data" / "echo"], EVALUATION, Execution())
        chosen = {
            one.metric: getattr(one, column)
            for one in rows
            if (one.test_task, one.score, one.loss, one.specificity, one.intervention, one.control)
            == ("echo", reading.score, reading.loss, "top", "zero", "other_task")
        }
        assert chosen == pytest.approx({one.metric: one.value for one in expected}, abs=1e-4)


def test_sets_and_values_that_are_the_same_are_measured_once(laid):
    _, files, _, rows, calls = laid
    sizes = {(one.neurons, one.control_neurons) for one in rows}
    assert len(sizes) == 1
    distinct = 0
    for name, other in (("mood", "echo"), ("echo", "mood")):
        every = [
            rankings_of(files, reading).sets(how, 10)
            for reading, how in product(READINGS, GRID.specificities)
            if (reading.score, how) != ("signed", "contrast")
        ]
        # Own sets, as many random ones, and the other task's, each with two interventions; and the untouched model.
        own, others = {one[name] for one in every}, {one[other] for one in every}
        distinct += 1 + 2 * (len(own | others) + len(own))
    assert calls == distinct


def test_scores_of_another_model_are_refused(laid, tmp_path):
    folder, files, settings, _, _ = laid
    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    wrong = job(
        folder, settings, {"rows": [tmp_path / "echo.csv"]}, **files, checkpoint=[tmp_path / "other" / "config.json"]
    )
    with pytest.raises(InputError, match="made with the model"):
        deactivate(wrong)
