"""Fine-tunings in a row: each starts from the same weights, and a killed job goes on where it was."""

import numpy as np
import pytest
import torch
from small_checkpoint import ECHO, MOOD, lay_checkpoint, lay_task

from taskneurons.engine.cells import Bench, Cell, Recipe
from taskneurons.engine.evaluation import evaluate
from taskneurons.engine.evaluation_study import evaluate_tasks, prepare_task
from taskneurons.engine.neurons_study import attribute_tasks
from taskneurons.engine.overlap_study import train_with_overlap
from taskneurons.engine.proportion_study import train_proportions
from taskneurons.engine.rates import Selection, choose_rates, common_rate
from taskneurons.engine.training_study import rates_by_size, train_tasks
from taskneurons.errors import InputError
from taskneurons.evidence.tuned import COLUMNS, gather_tuned
from taskneurons.files import read_jsonl, write_csv, write_jsonl
from taskneurons.models.load import load_checkpoint
from taskneurons.models.patching import patched
from taskneurons.neurons.sets import NeuronSet
from taskneurons.tasks.task import Task

EVALUATION = {"batch_size": 3, "max_new_tokens": 4}
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
RATES = dict.fromkeys(["full", "ffn", *(f"{arm}@{percent}" for arm in ("set", "random") for percent in (10, 25))], RATE)
SELECTION = Selection("taylor", "model")
ARMS = {"methods": ["full", "ffn"], "conditions": ["task", "random", "other_task"]}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    """A folder with the checkpoint `model`, four tasks and their scores on that model."""
    folder = tmp_path_factory.mktemp("laid")
    lay_checkpoint(folder / "model")
    for name, task in TASKS.items():
        lay_task(folder / name, task)
    few = {"estimators": ["taylor"], "examples": 300, "batch_size": 5}
    for scores in attribute_tasks(folder / "model", [folder / name for name in TASKS], **few, device="cpu"):
        scores.save(folder / f"{scores.task}.safetensors")
    return folder


@pytest.fixture
def bench(laid, tmp_path):
    return make_bench(laid, tmp_path)


def make_bench(laid, tmp_path, *, job="job", **recipe):
    return Bench.load(
        laid / "model",
        {name: laid / name for name in TASKS},
        Recipe(**({"steps": 6, "batch_size": 4, "warmup": 1, "seed": 0, "evaluation": EVALUATION} | recipe)),
        device="cpu",
        dtype="float32",
        resume=tmp_path / "resume",
        job=job,
        checkpoint_minutes=5,
        full=True,
    )


def scores_of(bench, laid, tasks=TASKS):
    return bench.scores({name: laid / f"{name}.safetensors" for name in tasks})


def neuron_cell(scores, task="mood", draw=0, **changes):
    facts = {"condition": "task", "draw": draw}
    return Cell(
        **{"tests": (task,), "facts": facts, "method": "neurons", "train": (task,), "learning_rate": RATE}
        | {"neurons": scores[task].top(25)}
        | changes
    )


def test_an_untrained_cell_is_the_evaluation_of_the_model_as_it_is(bench, laid):
    plain = dict(evaluate_tasks(laid / "model", [laid / name for name in TASKS], **EVALUATION, device="cpu"))
    [(_, rows, result)] = bench.run([Cell(tuple(TASKS), {"condition": "zero_shot"})], name="x")
    assert result is None
    expected = [(row["test_task"], row["metric"], row["value"], row["n"]) for name in TASKS for row in plain[name]]
    assert [(row["test_task"], row["metric"], row["value"], row["n"]) for row in rows] == expected


def test_every_cell_starts_from_the_base_and_leaves_it_as_it_was(bench, laid):
    before = {name: tensor.clone() for name, tensor in bench.base.model.state_dict().items()}
    scores = scores_of(bench, laid)
    twice = [neuron_cell(scores, draw=0), Cell(("mood",), {"draw": 1}, "full", ("mood",), None, RATE)]
    twice += [neuron_cell(scores, draw=2)]
    first, full, again = [rows for _, rows, _ in bench.run(twice, name="x")]
    values = [[row["value"] for row in rows] for rows in (first, full, again)]
    assert values[0] == values[2] != values[1]
    for name, tensor in bench.base.model.state_dict().items():
        assert torch.equal(tensor, before[name])


def test_the_rows_are_those_of_the_patch_on_a_fresh_model(bench, laid):
    scores = scores_of(bench, laid)
    [(_, rows, result)] = bench.run([neuron_cell(scores, keep=True)], name="x")
    fresh = load_checkpoint(laid / "model")
    _, prepared = prepare_task(fresh, laid / "mood", 4)
    with patched(fresh.model, result.change, base=fresh.digest):
        values = evaluate(fresh.model, prepared, **EVALUATION)
    assert {row["metric"]: pytest.approx(row["value"], abs=1e-6) for row in rows} == {
        k: v for k, (v, _) in values.items()
    }


def test_several_tasks_get_as_many_steps_as_each_alone(bench, laid):
    scores = scores_of(bench, laid)
    together = neuron_cell(scores, train=("mood", "echo"), keep=True)
    alone = neuron_cell(scores, keep=True)
    steps = [result.log.rows[-1][0] for _, _, result in bench.run([together, alone], name="x")]
    assert steps == [12, 6]


def test_a_killed_job_keeps_what_it_finished_and_another_job_does_not_use_it(laid, tmp_path):
    scores = scores_of(make_bench(laid, tmp_path), laid)
    cells = [neuron_cell(scores, draw=draw) for draw in range(3)]
    running = make_bench(laid, tmp_path).run(cells, name="x")
    done = [next(running)[1] for _ in range(2)]
    running.close()
    [ledger] = (tmp_path / "resume").glob("*.jsonl")
    lines = list(read_jsonl(ledger))
    assert [line["rows"] for line in lines] == done
    # A mark in the file shows which rows are read from it.
    lines[0]["rows"][0]["value"] = -1.0
    write_jsonl(ledger, lines)
    other = [rows for _, rows, _ in make_bench(laid, tmp_path, job="other").run(cells[:1], name="x")]
    assert other == done[:1]
    write_jsonl(ledger, lines)
    resumed = [rows for _, rows, _ in make_bench(laid, tmp_path).run(cells, name="x")]
    assert resumed[0][0]["value"] == -1.0
    assert resumed[1] == done[1]
    assert not ledger.exists()


def test_a_damaged_ledger_is_done_without(laid, tmp_path):
    bench = make_bench(laid, tmp_path)
    (tmp_path / "resume").mkdir()
    (tmp_path / "resume" / "cells.jsonl").write_text('{"job": ')
    [(_, rows, _)] = bench.run([Cell(("mood",), {"condition": "zero_shot"})], name="x")
    assert len(rows) == 3


def test_a_kept_result_is_made_again(laid, tmp_path):
    scores = scores_of(make_bench(laid, tmp_path), laid)
    cells = [neuron_cell(scores, keep=True), neuron_cell(scores, draw=1)]
    running = make_bench(laid, tmp_path).run(cells, name="x")
    next(running)
    running.close()
    results = [result for _, _, result in make_bench(laid, tmp_path).run(cells, name="x")]
    assert results[0] is not None
    assert results[1] is None


def test_a_diverged_training_names_its_tasks_its_arm_and_its_step(bench, laid):
    wild = Cell(("mood",), {"condition": "full", "percent": None}, "full", ("mood",), None, WILD)
    with pytest.raises(InputError, match=r"mood \(condition full\): full tuning: the loss is .* at step \d"):
        list(bench.run([wild], name="x"))
    assert [rows for _, rows, _ in bench.run([wild], name="x", may_diverge=True)] == [[]]


def test_only_the_asked_split_examples_and_metrics_are_used(laid, tmp_path):
    bench = make_bench(laid, tmp_path, split="validation", metrics=("loss",), limit=1)
    [(_, rows, _)] = bench.run([Cell(("mood", "echo"), {"condition": "zero_shot"})], name="x")
    assert [(row["metric"], row["n"]) for row in rows] == [("loss", 1)] * 2
    _, prepared = prepare_task(bench.base, laid / "echo", 4, split="validation", limit=1)
    loss = evaluate(bench.base.model, prepared, **EVALUATION)["loss"][0]
    assert rows[1]["value"] == pytest.approx(loss, rel=1e-5)


def test_scores_of_another_model_are_refused(bench, laid, tmp_path):
    from small_checkpoint import small_model

    lay_checkpoint(tmp_path / "other", small_model(seed=1))
    strange = Bench.load(
        tmp_path / "other", bench.tasks, bench.recipe, device="cpu", dtype="float32", resume=tmp_path, job="",
        checkpoint_minutes=5, full=True,
    )  # fmt: skip
    with pytest.raises(InputError, match="made with the model"):
        scores_of(strange, laid)


def test_a_cell_that_moves_something_needs_data(laid):
    with pytest.raises(InputError, match="tasks to train on"):
        Cell(("mood",), {}, "full", ())
    with pytest.raises(InputError, match="tasks to test"):
        Cell((), {})


def trained(bench, laid, tasks=("mood",), **changes):
    settings = {"selection": SELECTION, "percents": [10, 25], "random_draws": 3, "pairs": True} | changes
    return {
        task: (rows, own)
        for task, rows, own in train_tasks(bench, scores_of(bench, laid), KINDS, list(tasks), RATES, **settings)
    }


def test_the_arms_of_a_task(bench, laid, tmp_path):
    [(rows, own)] = trained(bench, laid).values()
    losses = [row for row in rows if row["metric"] == "loss" and row["test_task"] == "mood"]
    told = [(r["condition"], r.get("percent"), r.get("neurons"), r.get("draw")) for r in losses]
    assert told == [
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
    top = scores_of(bench, laid)["mood"].top(25)
    assert own[25].neurons == top
    assert own[25].tasks == ("mood",)
    assert {row["share"] for row in losses if row.get("percent") == 25} == {100 * len(top) / top.mask.size}
    run = {"study": "training", "suite": "s", "model": "m", "seed": 0}
    write_csv(tmp_path / "rows.csv", [run | row for row in rows], COLUMNS)
    assert len(gather_tuned([tmp_path / "rows.csv"], "training")) == len(rows)


def test_all_neurons_as_a_set_are_the_arm_ffn(bench):
    everything = NeuronSet(np.ones((2, 32), dtype=bool))
    cells = [
        Cell(("mood",), {"draw": 0}, "ffn", ("mood",), None, RATE),
        Cell(("mood",), {"draw": 1}, "neurons", ("mood",), everything, RATE),
    ]
    ffn, whole = [[row["value"] for row in rows] for _, rows, _ in bench.run(cells, name="x")]
    assert ffn == whole


def test_an_arm_without_a_learning_rate_is_named(bench, laid):
    with pytest.raises(InputError, match="no learning rate was chosen for `set@50`"):
        trained(bench, laid, percents=[50])


def test_the_rate_of_an_arm_is_the_one_with_the_least_mean_validation_loss(laid, tmp_path):
    bench = make_bench(laid, tmp_path, split="validation", metrics=("loss",))
    grid = [1e-4, RATE, WILD]
    rates, tried = choose_rates(
        bench, scores_of(bench, laid), KINDS, ["mood", "echo"], grid=grid, **ARMS, percents=[25], selection=SELECTION
    )
    assert set(rates) == {"full", "ffn", "task@25", "random@25", "other_task@25"}
    assert len(tried) == 5 * 2 * 3
    for arm, chosen in rates.items():
        mine = {(row["task"], row["learning_rate"]): row for row in tried if row["arm"] == arm}
        means = {
            rate: (mine["mood", rate]["loss"] + mine["echo", rate]["loss"]) / 2
            for rate in grid
            if None not in (mine["mood", rate]["loss"], mine["echo", rate]["loss"])
        }
        assert arm != "full" or WILD not in means
        assert chosen == min(means, key=means.get)
        assert {row["learning_rate"] for row in mine.values() if row["chosen"]} == {chosen}


def test_an_arm_that_diverges_at_every_rate_is_refused(laid, tmp_path):
    bench = make_bench(laid, tmp_path, split="validation", metrics=("loss",))
    with pytest.raises(InputError, match=r"arm full: diverges at every learning rate"):
        choose_rates(
            bench, scores_of(bench, laid), KINDS, ["mood"], grid=[WILD], **ARMS, percents=[25], selection=SELECTION
        )


def row(arm, rate, loss):
    """A training that was tried, as text."""
    return {"arm": arm, "task": "mood", "learning_rate": str(rate), "loss": loss}


def test_sets_of_one_size_share_their_rate():
    losses = {"full": (1, 2), "ffn": (2, 1), "task@10": (1, 2), "random@10": (5, 1), "task@3": (1, 2)}
    tried = [
        row(arm, rate, str(loss))
        for arm, both in losses.items()
        for rate, loss in zip((0.001, 0.01), both, strict=True)
    ]
    assert rates_by_size(tried) == {"full": 0.001, "ffn": 0.01, "set@10": 0.01, "set@3": 0.001}


def test_one_rate_serves_all_shares():
    arms = ("ffn", "task@10", "random@10", "task@50")
    tried = [row(arm, rate, str(loss)) for rate, loss in ((0.001, 2.0), (0.01, 1.0)) for arm in arms]
    assert common_rate(tried) == 0.01
    # One share for which it diverges, or does badly enough, decides.
    assert common_rate([*tried, row("random@70", 0.01, "")]) == 0.001
    assert common_rate([*tried, row("task@70", 0.001, "1"), row("task@70", 0.01, "9")]) == 0.001
    with pytest.raises(InputError, match="every learning rate diverges"):
        common_rate([row("ffn", 0.01, "")])


def test_growing_shares_are_unions_and_end_with_all_neurons(bench, laid):
    scores = scores_of(bench, laid)
    settings = {"selection": SELECTION, "percents": [25, 100], "random_draws": 2}
    tasks, unseen = ["mood", "temper"], ["echo", "repeat"]
    rows = list(train_proportions(bench, scores, "classification", tasks, unseen, RATE, **settings))
    losses = [row for row in rows if row["metric"] == "loss"]
    joint = [row for row in losses if row.get("train_task") == "classification"]
    assert [row["test_task"] for row in joint[:4]] == tasks + unseen
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
    [(_, ffn, _)] = bench.run([Cell(("mood",), {}, "ffn", ("mood",), None, RATE)], name="x")
    [loss] = [row["value"] for row in single if row["percent"] == 100 and row["test_task"] == "mood"]
    assert loss == next(row["value"] for row in ffn if row["metric"] == "loss")


def test_trained_neurons_overlap_as_asked_and_are_tested_on_that_task(bench, laid):
    settings = {"selection": SELECTION, "percents": [25], "overlaps": [50, 100], "choices": 2}
    scores = scores_of(bench, laid, ["temper"])
    rows = train_with_overlap(bench, scores, "generation", ["echo", "repeat"], ["temper"], RATES, **settings)
    losses = [row for row in rows if row["metric"] == "loss"]
    assert losses[0]["condition"] == "zero_shot"
    assert [(row["overlap"], row["draw"], row["test_task"], row["train_task"]) for row in losses[1:]] == [
        (50, 0, "temper", "generation"),
        (50, 1, "temper", "generation"),
        (100, 0, "temper", "generation"),
    ]
    # At 100 % it is the task's own set.
    own = Cell(("temper",), {}, "neurons", ("echo", "repeat"), scores["temper"].top(25), RATE)
    [(_, rows, _)] = bench.run([own], name="x")
    assert losses[3]["value"] == next(row["value"] for row in rows if row["metric"] == "loss")
