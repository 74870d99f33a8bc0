"""Scores of the untouched models, from checkpoints to the table."""

import pytest
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task

from taskneurons.engine.evaluation import Evaluation, evaluate_tasks
from taskneurons.engine.execution import Execution
from taskneurons.errors import InputError
from taskneurons.evidence.measurements import MEASUREMENTS
from taskneurons.job import Files, Job, NoSettings
from taskneurons.studies.models.measure import EVERY_METRIC, EvaluateSettings, evaluate_multitask
from taskneurons.studies.models.tables import tabulate

EVALUATION = Evaluation(batch_size=3, max_new_tokens=4)


def test_the_table_holds_what_each_model_scores_on_its_own_tasks(tmp_path):
    lay_checkpoint(tmp_path / "model")
    folders = [lay_task(tmp_path / task.name, task) for task in (MOOD, ECHO)]
    rows = []
    for seed in ("1", "0"):
        out = tuple(tmp_path / seed / f"{task.name}.csv" for task in (MOOD, ECHO))
        inputs = {"checkpoint": (tmp_path / "model/config.json",), "tasks": tuple(one / "task.json" for one in folders)}
        settings, where = EvaluateSettings(EVALUATION, "float32"), {"run": "mine/small", "seed": seed}
        evaluate_multitask(Job(settings, Files(inputs), Files({"rows": out}), where, "identity"))
        rows += out
    table = tmp_path / "models.csv"
    tabulate(Job(NoSettings(), Files({"rows": tuple(rows)}), Files({"table": (table,)}), {}, "identity"))
    found = MEASUREMENTS.read(table)
    scores = dict(evaluate_tasks(tmp_path / "model", folders, EVALUATION, Execution(), EVERY_METRIC))
    assert {score.metric for score in scores["echo"]} == {"rougeL", "exact_match", "token_f1", "loss"}
    expected = {
        (seed, task, score.metric): (score.value, score.n)
        for seed in (0, 1)
        for task, of_task in scores.items()
        for score in of_task
    }
    assert {(row.seed, row.test_task, row.metric): (row.value, row.n) for row in found} == expected
    assert [row.seed for row in found] == sorted(row.seed for row in found)
    kinds = {(row.study, row.suite, row.model, row.condition, row.train_task, row.percent) for row in found}
    assert kinds == {("models", "mine", "small", "original", None, None)}
    with pytest.raises(InputError, match="measures again"):
        tabulate(Job(NoSettings(), Files({"rows": (rows[0], rows[0])}), Files({"table": (table,)}), {}, "identity"))
