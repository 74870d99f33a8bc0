"""What is trained in a cell of the grid is what its controls name, and the job writes what was read."""

from dataclasses import replace

import pytest
from small_tuner import QUARTER, RATE, RECIPE, TENTH, inputs_of, lay, make_tuner, scores_of

from taskneurons.job import Files, Job
from taskneurons.studies.training.measure import CellPlan, TrainSettings, train, train_curves
from taskneurons.studies.training.rows import READINGS

READ = replace(RECIPE, steps=4, decay="none", readings=(1, 4))
CONTROLS = ("uniform", "keystone", "other_task", "sibling")
CELLS = (CellPlan(QUARTER, RATE, CONTROLS), CellPlan(TENTH, RATE / 3, ()))
RUN = {"run": "mine/small", "seed": "0"}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return lay(tmp_path_factory.mktemp("laid"))


def test_what_is_trained_in_each_cell(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path, READ)
    scores = scores_of(tuner, laid)
    done = list(train_curves(tuner, scores, "mood", CELLS, random_draws=2))
    named = [(c.condition.name, c.condition.selection, c.condition.neurons, c.condition.learning_rate) for c, _ in done]
    assert named == [
        ("zero_shot", None, None, None),
        ("full", None, None, RATE),
        ("full", None, None, RATE / 3),
        ("task", QUARTER, "mood", RATE),
        *[("random", QUARTER, None, RATE)] * 2,
        ("uniform", QUARTER, None, RATE),
        ("keystone", QUARTER, None, RATE),
        ("other_task", QUARTER, "temper", RATE),
        ("task", TENTH, "mood", RATE / 3),
        *[("random", TENTH, None, RATE / 3)] * 2,
    ]
    sets = {cell.condition.name: cell.neurons for cell, _ in done if cell.condition.selection == QUARTER}
    assert sets["task"] == scores["mood"].top(25)
    assert {len(neurons) for neurons in sets.values()} == {len(sets["task"])}
    assert not sets["random"] & sets["task"]
    assert (sets["random"].layers() == sets["task"].layers()).all()
    for cell, found in done:
        assert {score.steps for score in found} == ({None} if cell.method is None else {1, 4})
        assert {score.test_task for score in found} == {"mood"}


def test_the_job_writes_the_readings_of_each_task(laid, tmp_path):
    outputs = Files({"rows": (tmp_path / "mood.csv", tmp_path / "echo.csv")})
    settings = TrainSettings(CELLS, 1, READ, "float32")
    train(Job(settings, Files(inputs_of(laid)), outputs, RUN, identity="job"))
    for task in ("mood", "echo"):
        rows = READINGS.read(tmp_path / f"{task}.csv")
        assert {(row.suite, row.model, row.seed, row.task) for row in rows} == {("mine", "small", 0, task)}
        assert {row.steps for row in rows if row.condition != "zero_shot"} == {1, 4}
        assert {row.steps for row in rows if row.condition == "zero_shot"} == {0}
        assert {(row.percent, row.learning_rate) for row in rows if row.condition == "task"} == {
            (25, RATE), (10, RATE / 3)
        }  # fmt: skip
        # Scores of another task can only be those of its own neurons.
        assert {row.neurons for row in rows if row.condition == "task"} == {task}
