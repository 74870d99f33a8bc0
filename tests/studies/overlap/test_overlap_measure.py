"""Trained neurons overlap with a test task's set as asked, and what they score becomes the rows of the study."""

import pytest
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task

from taskneurons.engine.cells import Cell, Condition, run_cells
from taskneurons.engine.evaluation import Evaluation
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.rates import Arm, write_rates
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
RATES = {Arm("random", 25): RATE}
OVERLAPS = Overlaps((Selection("taylor", 25, "model"),), (50, 100), 2)


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
    target = scores["temper"].top(25)
    done = list(train_with_overlap(tuner, scores, GROUP, RATES, OVERLAPS))
    assert [cell.condition.name for cell, _ in done] == ["zero_shot", "task", "task", "task"]
    trained = done[1:]
    assert [(cell.condition.overlap, cell.condition.draw) for cell, _ in trained] == [(50, 0), (50, 1), (100, 0)]
    for cell, found in trained:
        assert {score.test_task for score in found} == {"temper"} and cell.train == ("echo", "repeat")
        assert len(cell.neurons) == len(target)
        assert len(cell.neurons & target) == pytest.approx(len(target) * cell.condition.overlap / 100, abs=1)
    # At 100 % it is the task's own set.
    own = Cell(("temper",), Condition("task", learning_rate=RATE), "neurons", GROUP.tasks, target)
    [(_, found, _)] = run_cells(tuner, [own], name="x")
    assert trained[-1][1] == found


def test_the_job_writes_one_table_for_each_pair_of_kinds(laid, tmp_path):
    write_rates(tmp_path / "rates.json", RATES)
    inputs = {
        "base": tuple((laid / "model").iterdir()),
        "tasks": tuple(path for name in TASKS for path in (laid / name).iterdir()),
        "scores": (laid / "temper.safetensors",),
        "rates": (tmp_path / "rates.json",),
    }
    alone = TaskGroup("classification", ("mood",), ("temper",))
    groups = {"generation_to_classification": GROUP, "classification_to_classification": alone}
    settings = TrainSettings(groups, RECIPE, OVERLAPS, "float32")
    outputs = Files({"rows": tuple(tmp_path / f"{name}.csv" for name in groups)})
    train(Job(settings, Files(inputs), outputs, {"run": "mine/small", "seed": "0"}, identity="job"))
    for name, group in groups.items():
        rows = TRAINED.read(tmp_path / f"{name}.csv")
        losses = [row for row in rows if row.metric == "loss"]
        assert [(row.condition, row.overlap, row.draw) for row in losses] == [
            ("zero_shot", None, None),
            ("task", 50, 0),
            ("task", 50, 1),
            ("task", 100, 0),
        ]
        assert {row.train_task for row in losses[1:]} == {group.group}
        assert {(row.study, row.suite, row.model, row.seed) for row in rows} == {("overlap", "mine", "small", 0)}
        # A quarter of 64 neurons.
        assert {(row.percent, row.share, row.learning_rate) for row in losses[1:]} == {(25, 25, RATE)}
