"""The jobs of streams: the best rate on the development order is chosen, streams are learned, patches are weighed."""

from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import pytest
from small_stream import STREAM

from taskneurons.continual.making import make_method
from taskneurons.continual.method import Given
from taskneurons.continual.sequence import final_accuracy, follow
from taskneurons.continual.stages import Stages
from taskneurons.engine.evaluation import Evaluation
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.job import Files, Job
from taskneurons.neurons.patches import load_patch
from taskneurons.studies.continual.measure import (
    Asked,
    Budget,
    ChooseSettings,
    Chosen,
    Grid,
    LearnSettings,
    WeighSettings,
    choose,
    choose_rates,
    learn_streams,
    weigh_patches,
)
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import COST_ROWS, STREAMS, TRIALS

pytestmark = pytest.mark.usefixtures("few_garbage")
ORDER = tuple(STREAM)[:2]
PARAMETERS = {
    "ncft": {"percent": 30, "within": "model", "estimator": "taylor", "examples": 8, "batch_size": 4},
    "lora": {"rank": 2, "alpha": 4.0, "targets": "all"},
    "replay": {"kept": 2},
    "ewc": {"examples": 2},
    "wncft": {"vector_examples": 8, "kept": 4},
}
ASKED = {
    name: Asked(
        name,
        method.module,
        method.options,
        {section: PARAMETERS[section] for section in method.sections},
        method.temperature,
    )
    for name, method in METHODS.items()
}
WEIGHTINGS = [ASKED[name] for name, method in METHODS.items() if method.weighs]
BUDGET = Budget(steps=6, batch_size=4, warmup=1, evaluation=Evaluation(batch_size=6, max_new_tokens=4))


@pytest.fixture
def tuner(make_tuner):
    return make_tuner(split="validation", steps=10)


def test_the_group_gets_the_rate_that_is_best_on_average(tuner, tmp_path):
    rates = [1e-4, 1e-2]
    group = [ASKED["ncft"], ASKED["ncft_random"]]
    chosen, trials = choose(tuner, group, ORDER, Stages(tmp_path, "x"), Grid(rates))
    means = {}
    for rate in rates:
        found = [
            final_accuracy(follow(tuner, asked.made(Chosen(rate), 2), ORDER, Stages(tmp_path / "again", "x"))[0])
            for asked in group
        ]
        means[rate] = sum(found)
        assert [trial.accuracy for trial in trials if trial.learning_rate == rate] == found
    best = max(rates, key=lambda rate: (means[rate], -rate))
    assert chosen == {name: Chosen(best) for name in ("ncft", "ncft_random")}
    assert [trial.chosen for trial in trials] == [trial.learning_rate == best for trial in trials]


def test_each_weighting_chooses_its_rate_and_its_temperature(tuner, tmp_path):
    temperatures, rates = [10.0, 0.01], [1e-3, 1e-2]
    chosen, trials = choose(
        tuner, [ASKED["ncft"]], ORDER, Stages(tmp_path, "x"), Grid(rates, temperatures=temperatures),
        weightings=WEIGHTINGS,
    )  # fmt: skip
    tried = {(trial.method, trial.learning_rate, trial.temperature): trial.accuracy for trial in trials}
    for asked in WEIGHTINGS:
        name = asked.name
        grid = [
            (rate, temperature)
            for rate in rates
            for temperature in ([1.0] if name == "wncft_literal" else temperatures)
        ]
        assert {key[1:] for key in tried if key[0] == name} == set(grid)
        best = max(grid, key=lambda one: (tried[name, *one], one[1], -one[0]))
        assert (chosen[name].learning_rate, chosen[name].temperature) == best
        assert [trial.chosen for trial in trials if trial.method == name].count(True) == 1
    gate = ASKED["wncft_gate"].made(Chosen(1e-2, temperature=0.01), 2)
    again, _ = follow(tuner, gate, ORDER, Stages(tmp_path / "again", "x"))
    assert tried["wncft_gate", 1e-2, 0.01] == final_accuracy(again)


def test_strengths_are_chosen_with_the_rate(tuner, tmp_path):
    chosen, trials = choose(tuner, [ASKED["ewc"]], ORDER, Stages(tmp_path, "x"), Grid([1e-3, 1e-2], [1.0, 1e4]))
    assert {(trial.learning_rate, trial.strength) for trial in trials} == {
        (rate, strength) for rate in (1e-3, 1e-2) for strength in (1.0, 1e4)
    }
    best = max(trial.accuracy for trial in trials)
    (right,) = (trial for trial in trials if trial.chosen)
    assert right.accuracy == best and chosen["ewc"] == Chosen(right.learning_rate, right.strength)


def test_a_rate_that_diverges_is_not_chosen(tuner, tmp_path):
    chosen, trials = choose(tuner, [ASKED["seqft"]], ORDER, Stages(tmp_path, "x"), Grid([1e-3, 1e3]))
    assert chosen["seqft"] == Chosen(1e-3)
    assert [trial.accuracy is None for trial in trials] == [False, True]
    with pytest.raises(InputError, match="every learning rate diverges"):
        choose(tuner, [ASKED["seqft"]], ORDER, Stages(tmp_path, "x"), Grid([1e3]))


def test_per_task_tuning_is_judged_by_what_each_of_its_models_learned(tuner, tmp_path):
    _, trials = choose(tuner, [ASKED["pertask"]], ORDER, Stages(tmp_path, "x"), Grid([1e-2]))
    own = []
    for task in ORDER:
        method = ASKED["pertask"].made(Chosen(1e-2), 2)
        own.append(dict(method.test(tuner, [method.learn(tuner, [], task)], [task]))[task]["accuracy"][0])
    assert trials[0].accuracy == pytest.approx(sum(own) / 2)


def test_every_entry_of_the_list_makes_a_method_of_its_name():
    for name, asked in ASKED.items():
        assert asked.made(Chosen(1e-3, strength=1.0, temperature=1.0), 2).name == name
    with pytest.raises(InputError, match=r"no module makes the method .*'taskneurons.continual.seqtf'"):
        make_method("seqtf", Given("seqtf", 1e-3, 2))
    for module in ("method", "whole"):
        with pytest.raises(InputError, match="no module makes the method"):
            make_method(module, Given("x", 1e-3, 2))
    for name in ("ewc", "olora"):
        with pytest.raises(InputError, match=f"method {name}: needs a strength"):
            ASKED[name].made(Chosen(1e-3), 2)
    with pytest.raises(InputError, match="method wncft: needs a temperature"):
        ASKED["wncft"].made(Chosen(1e-3), 2)


# Jobs


ORDERS = {"1": ORDER, "x": ORDER[::-1]}
PLACE = Path("results/continual/small/tiny")


@pytest.fixture
def job_of(stream, tmp_path, monkeypatch):
    """Makes jobs that read the stream and write below the temporary folder, where they run."""
    monkeypatch.chdir(tmp_path)

    def make(settings, inputs, outputs):
        files = {
            "base": tuple(sorted((stream / "model").iterdir())),
            "tasks": tuple(path for task in STREAM for path in sorted((stream / task).iterdir())),
        }
        where = {"run": "small/tiny", "seed": "0"}
        return Job(settings, Files(files | inputs), Files(outputs), where, "id", "code", resources={"keep_stages": 0})

    return make


def learned(job_of, chosen):
    """The outputs of a job that learns two orders with NCFT."""
    write_json("chosen.json", chosen)
    outputs = {
        "rows": tuple(PLACE / "seed0" / "ncft" / f"{order}.csv" for order in ORDERS),
        "patches": tuple(
            PLACE / "seed0" / "ncft" / order / f"{stage}_{task}.safetensors"
            for order, tasks in ORDERS.items()
            for stage, task in enumerate(tasks, start=1)
        ),
        "costs": (PLACE / "seed0" / "costs" / "ncft.csv",),
    }
    settings = LearnSettings(ASKED["ncft"], "ncft", ORDERS, BUDGET, "float32")
    learn_streams(job_of(settings, {"chosen": (Path("chosen.json"),)}, outputs))
    return outputs


def test_the_rates_of_a_group_are_written_as_they_were_chosen(job_of):
    settings = ChooseSettings(
        (ASKED["ncft"],), (ASKED["wncft"],), ORDER, 0, BUDGET, Grid((1e-3, 1e-2), (), (1.0, 0.1)), "float32"
    )
    outputs = {name: (PLACE / "rates" / f"ncft.{ending}",) for name, ending in (("chosen", "json"), ("tried", "csv"))}
    choose_rates(job_of(settings, {}, outputs))
    rows = {(row.method, row.chosen): row for row in TRIALS.read(outputs["tried"][0])}
    right = rows["wncft", True]
    assert read_json(outputs["chosen"][0]) == {
        "ncft": {"learning_rate": rows["ncft", True].learning_rate},
        "wncft": {"learning_rate": right.learning_rate, "temperature": right.temperature},
    }


def test_a_job_writes_what_its_streams_measured_and_the_patches_of_their_stages(job_of, make_tuner, tmp_path):
    outputs = learned(job_of, {"ncft": {"learning_rate": 1e-2}})
    for order, path in zip(ORDERS, outputs["rows"], strict=True):
        tasks = ORDERS[order]
        method = ASKED["ncft"].made(Chosen(1e-2), 2)
        scores, seen = follow(make_tuner(), method, tasks, Stages(tmp_path / f"again {order}", "x"))
        rows = STREAMS.read(path)
        assert {(row.suite, row.model, row.seed, row.method, row.order) for row in rows} == {
            ("small", "tiny", 0, "ncft", order)
        }
        assert [tuple(vars(row).values())[5:] for row in rows] == [tuple(asdict(score).values()) for score in scores]
        for stage, (task, learning) in enumerate(zip(tasks, seen, strict=True), start=1):
            patch = load_patch(PLACE / "seed0" / "ncft" / order / f"{stage}_{task}.safetensors")
            assert patch.tasks == (task,)
            for name, array in patch.weights.items():
                np.testing.assert_array_equal(array, learning.tensors[name])
    costs = COST_ROWS.read(outputs["costs"][0])
    assert [(row.order, row.stage, row.train_task) for row in costs] == [
        (order, stage, task) for order, tasks in ORDERS.items() for stage, task in enumerate(tasks, start=1)
    ]
    assert all(row.seconds > 0 for row in costs)
    assert not Path(".taskneurons/stages").exists() or not any(Path(".taskneurons/stages").rglob("*.safetensors"))


def test_a_weighting_costs_what_the_patches_cost_unless_it_has_a_learning_rate_of_its_own(job_of):
    chosen = {
        "ncft": {"learning_rate": 1e-2},
        "wncft": {"learning_rate": 1e-2, "temperature": 0.1},
        "wncft_gate": {"learning_rate": 1e-3, "temperature": 0.1},
    }
    learning = learned(job_of, chosen)
    outputs = {
        "rows": tuple(PLACE / "seed0" / name / f"{order}.csv" for name in list(chosen)[1:] for order in ORDERS),
        "costs": (PLACE / "seed0" / "costs" / "weightings.csv",),
    }
    settings = WeighSettings((ASKED["wncft"], ASKED["wncft_gate"]), "ncft", ORDERS, BUDGET, "float32")
    inputs = {"chosen": (Path("chosen.json"),), "learning": learning["rows"]}
    inputs |= {name: learning[name] for name in ("patches", "costs")}
    weigh_patches(job_of(settings, inputs, outputs))

    def losses(path):
        return {row.stage: row.value for row in STREAMS.read(path) if row.metric == "loss"}

    spent = {name: [row for row in COST_ROWS.read(outputs["costs"][0]) if row.method == name] for name in chosen}
    spent["ncft"] = COST_ROWS.read(learning["costs"][0])
    assert [replace(row, method="ncft") for row in spent["wncft"]] == spent["ncft"]
    assert [replace(row, method="ncft", seconds=0.0) for row in spent["wncft_gate"]] == [
        replace(row, seconds=0.0) for row in spent["ncft"]
    ]

    for order, path in zip(ORDERS, learning["rows"], strict=True):
        assert losses(PLACE / "seed0" / "wncft" / f"{order}.csv") == losses(path)
        assert losses(PLACE / "seed0" / "wncft_gate" / f"{order}.csv") != losses(path)
        # Before the stream all of them are the base.
        base = [row for row in STREAMS.read(path) if row.stage == 0]
        weighed = [row for row in STREAMS.read(PLACE / "seed0" / "wncft" / f"{order}.csv") if row.stage == 0]
        assert [replace(row, method="ncft") for row in weighed] == base
