"""Trained neurons overlap with a test task's set as asked, and what they score becomes the rows of the study."""

import pytest
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task

from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Files, Job
from taskneurons.neurons.selection import Selection
from taskneurons.studies.neurons.measure import attribute_tasks
from taskneurons.studies.overlap.measure import Overlaps, TrainSettings, train, train_with_overlap
from taskneurons.tasks.task import Task

TASKS = {
    "mood": MOOD,
    "echo": ECHO,
    "temper": Task("temper", "nature", "classification", ("mood of {input} :",), ("good", "bad")),
    "repeat": Task("repeat", "speech", "generation", ("say {input} again :",)),
}
RATE = 3e-2
RECIPE = Recipe(steps=6, batch_size=4, warmup=1, seed=0, evaluation=Evaluation(batch_size=3, max_new_tokens=4))
GROUP = TaskGroup("generation", ("echo", "repeat"), ("temper",))
OVERLAPS = Overlaps((Selection("taylor", 20, "model"),), 3, (50, 100), 2)
PLANNED = [(part, overlap, draw) for part in ("higher", "lower") for overlap in (50, 100) for draw in (0, 1)]


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model`, four tasks and the scores of the unseen one on that model."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for name, task in TASKS.items():
        lay_task(folder / name, task)
    few = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}
    for scores in attribute_tasks(folder / "model", [folder / "temper"], Execution(), **few):
        scores.save(folder / f"{scores.task}.safetensors")
    return folder


@pytest.fixture
def tuner(laid, tmp_path):
    folders = {name: laid / name for name in TASKS}
    return FineTuner.load(laid / "model", folders, RECIPE, Execution(resume=tmp_path / "resume"), job="job")


def test_trained_neurons_overlap_as_asked_and_are_tested_on_that_task(tuner, laid):
    scores = tuner.scores({"temper": laid / "temper.safetensors"})
    target, size = scores["temper"].top(60), len(scores["temper"].top(20))
    done = list(train_with_overlap(tuner, scores, GROUP, RATE, OVERLAPS))
    assert [cell.condition.name for cell, _ in done[:2]] == ["zero_shot", "random"]
    assert done[0][0].tests == ("echo", "repeat", "temper") and done[1][0].tests == ("echo", "repeat")
    trained = done[2:]
    assert [(c.condition.name, c.condition.overlap, c.condition.draw) for c, _ in trained] == PLANNED
    for cell, found in trained:
        assert {score.test_task for score in found} == {"temper"} and cell.train == ("echo", "repeat")
        assert len(cell.neurons) == size
        assert len(cell.neurons & target) == pytest.approx(size * cell.condition.overlap / 100, abs=1)
    # Even at 100 % the choices differ, and the two halves share no neuron.
    whole = {(c.condition.name, c.condition.draw): c.neurons for c, _ in trained if c.condition.overlap == 100}
    assert len(set(whole.values())) == 4
    assert not whole["higher", 0] & whole["lower", 0]
    worth = {part: scores["temper"].scores[whole[part, 0].mask].mean() for part in ("higher", "lower")}
    assert worth["higher"] > worth["lower"]


def test_the_job_writes_one_table_for_each_pair_of_kinds(laid, tmp_path):
    inputs = {
        "base": tuple((laid / "model").iterdir()),
        "tasks": tuple(path for name in TASKS for path in (laid / name).iterdir()),
        "scores": (laid / "temper.safetensors",),
    }
    alone = TaskGroup("classification", ("mood",), ("temper",))
    groups = {"generation_to_classification": GROUP, "classification_to_classification": alone}
    settings = TrainSettings(groups, RATE, RECIPE, OVERLAPS, "float32")
    outputs = Files({"rows": tuple(tmp_path / f"{name}.csv" for name in groups)})
    train(Job(settings, Files(inputs), outputs, {"run": "mine/small", "seed": "0"}, identity="job"))
    for name, group in groups.items():
        rows = TRAINED.read(tmp_path / f"{name}.csv")
        tests = {row.test_task for row in rows if row.condition == "zero_shot"}
        assert tests == {*group.tasks, *group.unseen}
        losses = [row for row in rows if row.metric == "loss" and row.overlap is not None]
        assert sorted((row.condition, row.overlap, row.draw) for row in losses) == sorted(PLANNED)
        assert {row.train_task for row in rows if row.condition != "zero_shot"} == {group.group}
        assert {(row.study, row.suite, row.model, row.seed) for row in rows} == {("overlap", "mine", "small", 0)}
        assert {(row.percent, row.learning_rate) for row in losses} == {(20, RATE)}
