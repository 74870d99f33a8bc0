"""Growing shares are unions of the tasks' sets and end with all neurons, and the job writes a table of each kind."""

import pytest
from small_tuner import QUARTER, RATE, RECIPE, inputs_of, lay, make_tuner, scores_of

from taskneurons.engine.cells import Cell, Condition, run_cells
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Files, Job
from taskneurons.neurons.selection import Selection
from taskneurons.studies.proportion.measure import TrainSettings, train, train_proportions

ALL = Selection("taylor", 100, "model")
GROUP = TaskGroup("classification", ("mood", "temper"), ("echo", "repeat"))


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return lay(tmp_path_factory.mktemp("laid"))


def test_growing_shares_are_unions_and_end_with_all_neurons(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path / "resume")
    scores = scores_of(tuner, laid)
    done = list(train_proportions(tuner, scores, GROUP, RATE, selections=[QUARTER, ALL], random_draws=2))
    assert done[0][0].condition.name == "zero_shot"
    joint = [(cell, found) for cell, found in done if cell.condition.train_task == "classification"]
    assert all(cell.tests == ("mood", "temper", "echo", "repeat") for cell, _ in joint)
    union = scores["mood"].top(25) | scores["temper"].top(25)
    assert {cell.condition.share for cell, _ in joint if cell.condition.selection == QUARTER} == {
        100 * len(union) / union.mask.size
    }
    assert [(cell.condition.selection, cell.condition.name, cell.condition.draw) for cell, _ in joint] == [
        (QUARTER, "task", None),
        (QUARTER, "random", 0),
        (QUARTER, "random", 1),
        (ALL, "task", None),
    ]
    single = [(cell, found) for cell, found in done if cell.condition.train_task == "mood"]
    assert [(cell.tests, cell.condition.name) for cell, _ in single] == [(("mood",), "task")] * 2
    # All neurons trained on one task are all FFN neurons trained on it.
    dense = Cell(("mood",), Condition("task", learning_rate=RATE), "ffn", ("mood",))
    [(_, ffn, _)] = run_cells(tuner, [dense], name="x")
    [whole] = [found for cell, found in single if cell.condition.selection == ALL]
    assert [score for score in whole if score.test_task == "mood"] == ffn


def test_the_job_writes_a_table_of_each_kind_with_one_rate_for_all_shares(laid, tmp_path):
    generation = TaskGroup("generation", ("echo",), ("repeat",))
    settings = TrainSettings((GROUP, generation), (QUARTER,), 1, RATE, RECIPE, "float32")
    outputs = Files({"rows": (tmp_path / "classification.csv", tmp_path / "generation.csv")})
    inputs = Files(inputs_of(laid))
    train(Job(settings, inputs, outputs, {"run": "mine/small", "seed": "0"}, identity="job"))
    for kind, tasks in (("classification", {"mood", "temper"}), ("generation", {"echo"})):
        rows = TRAINED.read(tmp_path / f"{kind}.csv")
        assert {(row.study, row.suite, row.model, row.seed) for row in rows} == {("proportion", "mine", "small", 0)}
        assert {row.train_task for row in rows} == {kind, None, *tasks}
        assert {row.learning_rate for row in rows} == {None, RATE}
