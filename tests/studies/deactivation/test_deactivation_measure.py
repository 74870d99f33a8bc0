"""Deactivation against transformers alone, and against edited checkpoints, from files to rows."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from small_checkpoint import ECHO, MOOD, answers, lay_checkpoint, lay_task, small_model

from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError
from taskneurons.evidence.measurements import MEASUREMENTS
from taskneurons.files import sha256
from taskneurons.job import Files, Job
from taskneurons.neurons.controls import select_with_controls
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, save_sets
from taskneurons.studies.deactivation.measure import DeactivateSettings, Design, deactivate_neurons, deactivate_tasks
from taskneurons.studies.neurons.measure import attribute_tasks

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)
SELECTION = Selection("taylor", 25, "model")
ATTRIBUTION = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model` and the tasks `mood` and `echo`."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for task in (MOOD, ECHO):
        lay_task(folder / task.name, task)
    return folder


@pytest.fixture(scope="module")
def neurons(laid):
    """The scores of both tasks and their sets with controls, written as the workflow writes them."""
    files = {}
    for scores in attributed(laid, [laid / "mood", laid / "echo"]):
        sets = select_with_controls(scores, SELECTION, draws=2, matching="layer", seed=0)
        files[scores.task] = (laid / f"{scores.task}.sets.safetensors", laid / f"{scores.task}.scores.safetensors")
        save_sets(files[scores.task][0], sets, {"task": scores.task, "model": scores.model_digest})
        scores.save(files[scores.task][1])
    return files


def attributed(laid, tasks):
    return list(attribute_tasks(laid / "model", tasks, Execution(), **ATTRIBUTION))


def evaluated(checkpoint, task):
    """Metric -> value of a checkpoint."""
    ((_, scores),) = evaluate_tasks(checkpoint, [task], EVALUATION, Execution())
    return {score.metric: score.value for score in scores}


def deactivations(laid, files, *, tasks=("mood", "echo"), **design):
    design = {"interventions": ("zero",), "matrix": True} | design
    found = deactivate_tasks(
        laid / "model",
        [laid / task for task in tasks],
        {task: sets for task, (sets, _) in files.items()},
        {task: scores for task, (_, scores) in files.items()},
        Execution(),
        Design(SELECTION, **design),
        evaluation=EVALUATION,
        seed=0,
    )
    return dict(found)


def values(found, **cells):
    """Metric -> value of the cases with these attributes."""
    scores = [score for case, score in found if all(getattr(case, name) == value for name, value in cells.items())]
    assert len({score.metric for score in scores}) == len(scores), "each metric once"
    return {score.metric: score.value for score in scores}


def test_deactivation_is_the_evaluation_of_a_checkpoint_without_these_neurons(laid, neurons, tmp_path):
    """Every condition against a checkpoint on disk whose output columns of the set are zero."""
    found = deactivations(laid, neurons)["mood"]
    scores = NeuronScores.load(neurons["mood"][1])
    sets = select_with_controls(scores, SELECTION, draws=2, matching="layer", seed=0)
    cases = [
        (sets["task"], "mood", {"condition": "task", "train_task": "mood"}),
        (sets["task"], "echo", {"condition": "other_task", "train_task": "mood"}),
        (sets["bottom"], "mood", {"condition": "bottom", "train_task": "mood"}),
        (sets["random.0"], "mood", {"condition": "random", "draw": 0}),
        (sets["random.1"], "mood", {"condition": "random", "draw": 1}),
        (sets["task"] | SELECTION.of(NeuronScores.load(neurons["echo"][1])), "mood", {"condition": "all_tasks"}),
        (NeuronSet(np.zeros(sets["task"].shape, bool)), "mood", {"condition": "original"}),
    ]
    original = evaluated(laid / "model", laid / "mood")
    assert sum(len(values(found, test_task=task, **cells)) for _, task, cells in cases) == len(found)
    for number, (members, task, cells) in enumerate(cases):
        model = small_model()
        for layer, mask in zip(model.model.layers, members.mask, strict=True):
            with torch.no_grad():
                layer.mlp.down_proj.weight[:, torch.tensor(mask)] = 0
        expected = evaluated(lay_checkpoint(tmp_path / str(number), model), laid / task)
        scored = values(found, test_task=task, intervention="zero", **cells)
        assert scored == pytest.approx(expected, rel=1e-4, abs=1e-4)
        without_effect = cells["condition"] in ("bottom", "original")
        assert scored["loss"] != pytest.approx(original["loss"], rel=1e-3) or without_effect


def test_other_interventions_are_for_the_tasks_own_set_on_its_own_task(laid, neurons):
    files = {"echo": neurons["echo"]}
    found = deactivations(laid, files, interventions=("zero", "parameters", "mean"), matrix=False)["echo"]
    assert {case.test_task for case, _ in found} == {"echo"}
    own = {name: values(found, condition="task", intervention=name) for name in ("zero", "parameters", "mean")}
    # This model has no biases: without its weights a neuron is zero.
    assert own["parameters"] == pytest.approx(own["zero"], rel=1e-5)
    assert own["mean"]["loss"] != pytest.approx(own["zero"]["loss"], rel=1e-3)
    assert {case.intervention for case, _ in found if case.condition not in ("task", "original")} == {"zero"}


def test_further_shares_are_ranked_alike_and_stay_within_a_kind(laid, neurons):
    """A share of its own is what a selection of that share would be; mood and echo are of different kinds."""
    found = deactivations(laid, neurons, percents=(10, 50), random_draws=1)["mood"]
    scores = NeuronScores.load(neurons["mood"][1])
    further = [case for case, _ in found if case.percent not in (25, None)]
    assert {(case.condition, case.test_task) for case in further} == {("task", "mood"), ("random", "mood")}
    for share in (10, 50):
        sets = select_with_controls(scores, replace(SELECTION, percent=share), draws=1, matching="layer", seed=0)
        measured = {case.condition: case.neurons for case in further if case.percent == share}
        assert measured == {"task": sets["task"], "random": sets["random.0"]}
    assert {case.draw for case, _ in found if case.condition == "random"} == {0}


def test_the_first_examples_are_tested_and_the_untouched_model_once(laid, neurons):
    found = deactivations(laid, neurons, examples=2, original=False)
    assert {score.n for scores in found.values() for _, score in scores} == {2}
    assert "original" not in {case.condition for scores in found.values() for case, _ in scores}


def test_the_mean_is_the_tasks_own(laid, neurons):
    """A bias of the down projection that stands for what the neurons' means put in, computed without hooks."""
    model, scores = small_model(), NeuronScores.load(neurons["echo"][1])
    members = scores.top(25)
    for layer, mask, mean in zip(model.model.layers, members.mask, scores.activation_mean, strict=True):
        down = layer.mlp.down_proj
        with torch.no_grad():
            taken = torch.from_numpy(np.where(mask, mean, 0).astype(np.float32))
            down.bias = torch.nn.Parameter(down.weight @ taken)
            down.weight[:, torch.tensor(mask)] = 0
    expected = np.mean([float(-log.mean()) for log, _ in answers(model, laid / "echo")])
    found = deactivations(laid, {"echo": neurons["echo"]}, interventions=("mean",), matrix=False)["echo"]
    assert values(found, condition="task", intervention="mean")["loss"] == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize("foreign", ["sets", "scores"])
def test_files_of_another_model_are_refused(laid, neurons, tmp_path, foreign):
    sets_file, scores_file = neurons["mood"]
    scores, path = NeuronScores.load(scores_file), tmp_path / "foreign.safetensors"
    if foreign == "sets":
        save_sets(path, {"task": scores.top(10)}, {"task": "mood", "model": "f" * 64})
        files = (path, scores_file)
    else:
        arrays = (scores.scores, scores.activation, scores.activation_mean)
        NeuronScores(*arrays, "mood", "f" * 64, "taylor", 1, 1).save(path)
        files = (sets_file, path)
    digest = sha256(laid / "model" / "model.safetensors")
    with pytest.raises(InputError) as caught:
        deactivations(laid, {"mood": files})
    assert str(caught.value) == (
        f"{path}: made with the model {'f' * 12}, the checkpoint is {digest[:12]}. "
        "Make the scores and sets again with this checkpoint"
    )


def test_sets_of_a_larger_model_are_refused(laid, neurons, tmp_path):
    digest, path = sha256(laid / "model" / "model.safetensors"), tmp_path / "sets.safetensors"
    large = NeuronSet(np.ones((2, 33), bool))
    save_sets(path, {"task": large, "bottom": large}, {"task": "mood", "model": digest})
    with pytest.raises(InputError, match=r"the neuron set has shape \(2, 33\), the model has \(2, 32\) neurons"):
        deactivations(laid, {"mood": (path, neurons["mood"][1])})


def test_the_job_writes_what_was_measured_as_rows_of_its_run(laid, neurons, tmp_path):
    """Each task's file tells run, selection and condition of every score."""
    files = {
        "checkpoint": [laid / "model" / "config.json", laid / "model" / "model.safetensors"],
        "tasks": [laid / task / name for task in ("mood", "echo") for name in ("task.json", "test.jsonl")],
    }
    for place, name in enumerate(("sets", "scores")):
        # Rules name both files of a task by the task alone.
        files[name] = [tmp_path / name / f"{task}.safetensors" for task in neurons]
        for path in files[name]:
            path.parent.mkdir(exist_ok=True)
            shutil.copy(neurons[path.stem][place], path)
    written = [tmp_path / "rows" / "mood.csv", tmp_path / "rows" / "echo.csv"]
    design = Design(SELECTION, ("zero", "mean"), matrix=True)
    settings = DeactivateSettings(design, evaluation=EVALUATION, dtype="float32")
    inputs, outputs = Files({name: tuple(paths) for name, paths in files.items()}), Files({"rows": tuple(written)})
    deactivate_neurons(Job(settings, inputs, outputs, {"run": "s/m", "seed": "3"}, identity="made up"))
    found = deactivations(laid, neurons, interventions=("zero", "mean"))
    for path in written:
        rows = MEASUREMENTS.read(path)
        assert {(row.study, row.suite, row.model, row.seed) for row in rows} == {("deactivation", "s", "m", 3)}
        measured = {(row.estimator, row.percent, row.selection) for row in rows if row.condition != "original"}
        assert measured == {("taylor", 25, "model")}
        assert [
            (row.condition, row.test_task, row.train_task, row.draw, row.intervention, row.metric, row.value, row.n)
            for row in rows
        ] == [
            (case.condition, case.test_task, case.train_task, case.draw, case.intervention if case.neurons else None,
             score.metric, score.value, score.n)
            for case, score in found[path.stem]
        ]  # fmt: skip
