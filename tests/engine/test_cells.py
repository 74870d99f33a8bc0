"""Fine-tunings in a row: each starts from the same weights, and a killed job goes on where it was."""

import numpy as np
import pytest
import torch
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task
from taskneurons.engine.proportion_study import train_proportions
from taskneurons.engine.training_study import rates_by_size, train_tasks

from taskneurons.engine.cells import Cell, Condition, run_cells
from taskneurons.engine.evaluation import Evaluation, Score, evaluate
from taskneurons.engine.evaluation_study import evaluate_tasks, prepare_task
from taskneurons.engine.execution import Execution
from taskneurons.engine.fine_tuner import FineTuner, Recipe
from taskneurons.engine.neurons_study import attribute_tasks
from taskneurons.engine.rates import Arm, Trial, choose_rates, common_rate, read_trials, write_trials
from taskneurons.engine.task_groups import TaskGroup
from taskneurons.errors import InputError
from taskneurons.evidence.tuned import COLUMNS, gather_tuned
from taskneurons.files import read_jsonl, write_csv, write_jsonl
from taskneurons.models.load import load_checkpoint
from taskneurons.models.patching import patched
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.task import Task

EVALUATION = {"batch_size": 3, "max_new_tokens": 4}
HOW = Evaluation(**EVALUATION)
RATE = 3e-2
# At this rate a full tuning of the small model explodes; that of a few neurons does not.
WILD = 1e3
TASKS = {
    "mood": MOOD,
    "echo": ECHO,
    "temper": Task("temper", "nature", "classification", ("mood of {input} :",), ("good", "bad")),
    "repeat": Task("repeat", "speech", "generation", ("say {input} again :",)),
}
KINDS = {name: (task.kind, task.family) for name, task in TASKS.items()}
TENTH, QUARTER = (Selection("taylor", percent, "model") for percent in (10, 25))
SETS = [Arm(name, percent) for name in ("set", "random") for percent in (10, 25)]
RATES = dict.fromkeys([Arm("full"), Arm("ffn"), *SETS], RATE)
ZERO_SHOT, FULL = Condition("zero_shot"), Condition("full", learning_rate=RATE)
ARMS = {"methods": ["full", "ffn"], "conditions": ["task", "random", "other_task"]}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model`, four tasks and their scores on that model."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for name, task in TASKS.items():
        lay_task(folder / name, task)
    few = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}
    for scores in attribute_tasks(folder / "model", [folder / name for name in TASKS], Execution(), **few):
        scores.save(folder / f"{scores.task}.safetensors")
    return folder


@pytest.fixture
def tuner(laid, tmp_path):
    return make_tuner(laid, tmp_path)


def make_tuner(laid, tmp_path, *, job="job", **recipe):
    return FineTuner.load(
        laid / "model",
        {name: laid / name for name in TASKS},
        Recipe(**({"steps": 6, "batch_size": 4, "warmup": 1, "seed": 0, "evaluation": HOW} | recipe)),
        Execution(resume=tmp_path / "resume"),
        job=job,
    )


def scores_of(tuner, laid, tasks=TASKS):
    return tuner.scores({name: laid / f"{name}.safetensors" for name in tasks})


def neuron_cell(scores, task="mood", draw=0, **changes):
    condition = Condition("task", draw=draw, learning_rate=RATE)
    return Cell(
        **{"tests": (task,), "condition": condition, "method": "neurons", "train": (task,)}
        | {"neurons": scores[task].top(25)}
        | changes
    )


def test_an_untrained_cell_is_the_evaluation_of_the_model_as_it_is(tuner, laid):
    plain = dict(evaluate_tasks(laid / "model", [laid / name for name in TASKS], HOW, Execution()))
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


def test_several_tasks_get_as_many_steps_as_each_alone(tuner, laid):
    scores = scores_of(tuner, laid)
    together = neuron_cell(scores, train=("mood", "echo"), keep=True)
    alone = neuron_cell(scores, keep=True)
    steps = [result.log.rows[-1][0] for _, _, result in run_cells(tuner, [together, alone], name="x")]
    assert steps == [12, 6]


def test_a_killed_job_keeps_what_it_finished_and_another_job_does_not_use_it(laid, tmp_path):
    scores = scores_of(make_tuner(laid, tmp_path), laid)
    cells = [neuron_cell(scores, draw=draw) for draw in range(3)]
    running = run_cells(make_tuner(laid, tmp_path), cells, name="x")
    done = [next(running)[1] for _ in range(2)]
    running.close()
    [ledger] = (tmp_path / "resume").glob("*.jsonl")
    lines = list(read_jsonl(ledger))
    assert [[Score(**score) for score in line["scores"]] for line in lines] == done
    # A mark in the file shows which rows are read from it.
    lines[0]["scores"][0]["value"] = -1.0
    write_jsonl(ledger, lines)
    other = [rows for _, rows, _ in run_cells(make_tuner(laid, tmp_path, job="other"), cells[:1], name="x")]
    assert other == done[:1]
    write_jsonl(ledger, lines)
    resumed = [rows for _, rows, _ in run_cells(make_tuner(laid, tmp_path), cells, name="x")]
    assert resumed[0][0].value == -1.0
    assert resumed[1] == done[1]
    assert not ledger.exists()


def test_a_damaged_ledger_is_done_without(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path)
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume" / "cells.jsonl").write_text('{"job": ')
    [(_, rows, _)] = run_cells(tuner, [Cell(("mood",), ZERO_SHOT)], name="x")
    assert len(rows) == 3


def test_a_kept_result_is_made_again(laid, tmp_path):
    scores = scores_of(make_tuner(laid, tmp_path), laid)
    cells = [neuron_cell(scores, keep=True), neuron_cell(scores, draw=1)]
    running = run_cells(make_tuner(laid, tmp_path), cells, name="x")
    next(running)
    running.close()
    results = [result for _, _, result in run_cells(make_tuner(laid, tmp_path), cells, name="x")]
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
    tuner = make_tuner(laid, tmp_path, split="validation", metrics=("loss",), limit=1)
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


def trained(tuner, laid, tasks=("mood",), **changes):
    settings = {"selections": [TENTH, QUARTER], "random_draws": 3, "pairs": True} | changes
    return {
        task: (rows, own)
        for task, rows, own in train_tasks(tuner, scores_of(tuner, laid), KINDS, list(tasks), RATES, **settings)
    }


def test_the_arms_of_a_task(tuner, laid, tmp_path):
    [(rows, own)] = trained(tuner, laid).values()
    losses = [row for row in rows if row["metric"] == "loss" and row["test_task"] == "mood"]
    named = [(r["condition"], r.get("percent"), r.get("neurons"), r.get("draw")) for r in losses]
    assert named == [
        ("zero_shot", None, None, None),
        ("ffn", None, None, None),
        ("full", None, None, None),
        ("task", 10, "mood", None),
        *[("random", 10, None, draw) for draw in range(3)],
        ("other_task", 10, "temper", 0),
        ("other_task", 10, "echo", None),
        ("other_task", 10, "repeat", None),
        ("task", 25, "mood", None),
        *[("random", 25, None, draw) for draw in range(3)],
        ("other_task", 25, "temper", 0),
    ]
    # The own arm is tested on every task, and what it trained is the top of the scores.
    assert {row["test_task"] for row in rows if row["condition"] == "task"} == set(TASKS)
    top = scores_of(tuner, laid)["mood"].top(25)
    assert own[QUARTER].neurons == top
    assert own[QUARTER].tasks == ("mood",)
    assert {row["share"] for row in losses if row.get("percent") == 25} == {100 * len(top) / top.mask.size}
    run = {"study": "training", "suite": "s", "model": "m", "seed": 0}
    write_csv(tmp_path / "rows.csv", [run | row for row in rows], COLUMNS)
    assert len(gather_tuned([tmp_path / "rows.csv"], "training")) == len(rows)


def test_all_neurons_as_a_set_are_the_arm_ffn(tuner):
    everything = NeuronSet(np.ones((2, 32), dtype=bool))
    cells = [
        Cell(("mood",), Condition("ffn", learning_rate=RATE), "ffn", ("mood",)),
        Cell(("mood",), Condition("task", learning_rate=RATE), "neurons", ("mood",), everything),
    ]
    ffn, whole = [[score.value for score in scores] for _, scores, _ in run_cells(tuner, cells, name="x")]
    assert ffn == whole


def test_an_arm_without_a_learning_rate_is_named(tuner, laid):
    with pytest.raises(InputError, match="no learning rate was chosen for `set@50`"):
        trained(tuner, laid, selections=[Selection("taylor", 50, "model")])


def test_the_rate_of_an_arm_is_the_one_with_the_least_mean_validation_loss(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path, split="validation", metrics=("loss",))
    grid = [1e-4, RATE, WILD]
    rates, trials = choose_rates(
        tuner, scores_of(tuner, laid), KINDS, ["mood", "echo"], grid=grid, **ARMS, selections=[QUARTER]
    )
    assert set(map(str, rates)) == {"full", "ffn", "task@25", "random@25", "other_task@25"}
    assert len(trials) == 5 * 2 * 3
    write_trials(tmp_path / "tried.csv", trials)
    assert read_trials(tmp_path / "tried.csv") == trials
    for arm, chosen in rates.items():
        mine = {(trial.task, trial.learning_rate): trial for trial in trials if trial.arm == arm}
        means = {
            rate: (mine["mood", rate].loss + mine["echo", rate].loss) / 2
            for rate in grid
            if None not in (mine["mood", rate].loss, mine["echo", rate].loss)
        }
        assert arm != Arm("full") or WILD not in means
        assert chosen == min(means, key=means.get)
        assert {trial.learning_rate for trial in mine.values() if trial.chosen} == {chosen}


def test_an_arm_that_diverges_at_every_rate_is_refused(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path, split="validation", metrics=("loss",))
    with pytest.raises(InputError, match=r"arm full: diverges at every learning rate"):
        choose_rates(tuner, scores_of(tuner, laid), KINDS, ["mood"], grid=[WILD], **ARMS, selections=[QUARTER])


def trial(arm, rate, loss):
    """A training that was tried."""
    return Trial(Arm.parse(arm), "mood", rate, loss, False)


def test_sets_of_one_size_share_their_rate():
    losses = {"full": (1, 2), "ffn": (2, 1), "task@10": (1, 2), "random@10": (5, 1), "task@3": (1, 2)}
    tried = [
        trial(arm, rate, loss) for arm, both in losses.items() for rate, loss in zip((0.001, 0.01), both, strict=True)
    ]
    assert rates_by_size(tried) == {
        Arm("full"): 0.001,
        Arm("ffn"): 0.01,
        Arm("set", 10): 0.01,
        Arm("set", 3): 0.001,
    }


def test_one_rate_serves_all_shares():
    arms = ("ffn", "task@10", "random@10", "task@50")
    tried = [trial(arm, rate, loss) for rate, loss in ((0.001, 2.0), (0.01, 1.0)) for arm in arms]
    assert common_rate(tried) == 0.01
    # One share for which it diverges, or does badly enough, decides.
    assert common_rate([*tried, trial("random@70", 0.01, None)]) == 0.001
    assert common_rate([*tried, trial("task@70", 0.001, 1.0), trial("task@70", 0.01, 9.0)]) == 0.001
    with pytest.raises(InputError, match="every learning rate diverges"):
        common_rate([trial("ffn", 0.01, None)])


def test_growing_shares_are_unions_and_end_with_all_neurons(tuner, laid):
    scores = scores_of(tuner, laid)
    settings = {"selections": [QUARTER, Selection("taylor", 100, "model")], "random_draws": 2}
    group = TaskGroup("classification", ("mood", "temper"), ("echo", "repeat"))
    rows = list(train_proportions(tuner, scores, group, RATE, **settings))
    losses = [row for row in rows if row["metric"] == "loss"]
    joint = [row for row in losses if row.get("train_task") == "classification"]
    assert [row["test_task"] for row in joint[:4]] == [*group.tasks, *group.unseen]
    union = scores["mood"].top(25) | scores["temper"].top(25)
    assert {row["share"] for row in joint if row["percent"] == 25} == {100 * len(union) / union.mask.size}
    assert {(row["percent"], row["condition"], row["draw"]) for row in joint} == {
        (25, "task", None),
        (25, "random", 0),
        (25, "random", 1),
        (100, "task", None),
    }
    single = [row for row in losses if row.get("train_task") == "mood"]
    assert {row["test_task"] for row in single} == {"mood", "echo", "repeat"}
    # All neurons trained on one task are the arm `ffn` of that task.
    dense = Cell(("mood",), Condition("ffn", learning_rate=RATE), "ffn", ("mood",))
    [(_, ffn, _)] = run_cells(tuner, [dense], name="x")
    [loss] = [row["value"] for row in single if row["percent"] == 100 and row["test_task"] == "mood"]
    assert loss == next(score.value for score in ffn if score.metric == "loss")
