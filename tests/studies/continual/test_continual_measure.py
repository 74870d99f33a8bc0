"""The jobs of streams: the best rate on the development order is chosen, streams are learned, patches are weighed."""

import shutil
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from small_stream import STREAM

from taskneurons.continual.making import make_method
from taskneurons.continual.method import Given
from taskneurons.continual.ncft import NCFT
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
    Search,
    WeighSettings,
    choose_rates,
    learn_streams,
    weigh_patches,
)
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.rows import RATES_OF, STREAMS, TRIALS, TrialRow

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


def search(tuner, folder, *grid, least=0.0):
    return Search(tuner, ORDER, Stages(folder, "x"), Grid(*grid), least)


def test_a_method_gets_the_rate_of_its_best_end(tuner, tmp_path):
    rates, asked = [1e-4, 1e-2], ASKED["ncft"]
    chosen, trials = search(tuner, tmp_path, rates).choose(asked)
    ends = {}
    for rate in rates:
        scores, _ = follow(tuner, asked.made(Chosen(rate), 2), ORDER, Stages(tmp_path / "again", "x"))
        ends[rate] = final_accuracy(scores)
    assert {trial.learning_rate: trial.accuracy for trial in trials} == ends
    best = max(rates, key=lambda rate: (ends[rate], -rate))
    assert chosen == {"ncft": Chosen(best)}
    assert [trial.chosen for trial in trials] == [trial.learning_rate == best for trial in trials]


def test_a_rate_at_which_tasks_are_not_learned_is_chosen_only_where_no_other_is(tuner, tmp_path):
    rates = [1e-5, 3e-3, 1e-2]
    _, trials = search(tuner, tmp_path, rates).choose(ASKED["seqft"])
    learned = {trial.learning_rate: trial.learned for trial in trials}
    ends = {trial.learning_rate: trial.accuracy for trial in trials}
    assert min(learned.values()) < max(learned.values())
    for least in (0.0, max(learned.values()), 101.0):
        chosen, _ = search(tuner, tmp_path, rates, least=least).choose(ASKED["seqft"])
        enough = [rate for rate in rates if learned[rate] >= least]
        order = ends if enough else learned
        assert chosen["seqft"].learning_rate == max(enough or rates, key=lambda rate: (order[rate], -rate))
    assert not enough


def test_each_weighting_chooses_its_temperature_for_what_was_learned_at_the_rate_of_ncft(tuner, tmp_path):
    temperatures = [10.0, 0.01]
    grid = [1e-3, 1e-2], (), temperatures
    chosen, trials = search(tuner, tmp_path, *grid).choose(ASKED["ncft"], WEIGHTINGS)
    rate = chosen["ncft"].learning_rate
    tried = {(trial.method, trial.learning_rate, trial.temperature): trial.accuracy for trial in trials}
    for asked in WEIGHTINGS:
        name = asked.name
        own = [1.0] if name == "wncft_literal" else temperatures
        assert {key[1:] for key in tried if key[0] == name} == {(rate, temperature) for temperature in own}
        best = max(own, key=lambda temperature: (tried[name, rate, temperature], temperature))
        assert chosen[name] == Chosen(rate, temperature=best)
        assert [trial.chosen for trial in trials if trial.method == name].count(True) == 1
    gate = ASKED["wncft_gate"].made(Chosen(rate, temperature=0.01), 2)
    again, _ = follow(tuner, gate, ORDER, Stages(tmp_path / "again", "x"))
    assert tried["wncft_gate", rate, 0.01] == final_accuracy(again)


def test_strengths_are_chosen_at_the_rate_that_is_best_with_the_middle_one(tuner, tmp_path):
    strengths = [1.0, 1e4, 1e6]
    chosen, trials = search(tuner, tmp_path, [1e-3, 1e-2], strengths).choose(ASKED["ewc"])
    middle = {trial.learning_rate: trial.accuracy for trial in trials if trial.strength == 1e4}
    rate = max(middle, key=lambda rate: (middle[rate], -rate))
    tried = [(trial.learning_rate, trial.strength) for trial in trials]
    assert sorted(tried) == sorted([(1e-3, 1e4), (1e-2, 1e4), (rate, 1.0), (rate, 1e6)])
    best = max(trial.accuracy for trial in trials)
    (right,) = (trial for trial in trials if trial.chosen)
    assert right.accuracy == best and chosen["ewc"] == Chosen(right.learning_rate, right.strength)


def test_a_rate_that_diverges_is_not_chosen(tuner, tmp_path):
    chosen, trials = search(tuner, tmp_path, [1e-3, 1e3]).choose(ASKED["seqft"])
    assert chosen["seqft"] == Chosen(1e-3)
    assert [trial.accuracy is None for trial in trials] == [False, True]
    with pytest.raises(InputError, match="every learning rate diverges"):
        search(tuner, tmp_path, [1e3]).choose(ASKED["seqft"])


def test_per_task_tuning_is_judged_by_what_each_of_its_models_learned(tuner, tmp_path):
    _, trials = search(tuner, tmp_path, [1e-2]).choose(ASKED["pertask"])
    own = []
    for task in ORDER:
        method = ASKED["pertask"].made(Chosen(1e-2), 2)
        own.append(dict(method.test(tuner, [method.learn(tuner, [], task)], [task]))[task]["accuracy"][0])
    assert trials[0].accuracy == trials[0].learned == pytest.approx(sum(own) / 2)


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


@pytest.fixture(scope="module")
def make_job(stream):
    """Makes jobs that read the stream and write below the folder where they run."""

    def make(settings, inputs, outputs):
        files = {
            "base": tuple(sorted((stream / "model").iterdir())),
            "tasks": tuple(path for task in STREAM for path in sorted((stream / task).iterdir())),
        }
        where = {"run": "small/tiny", "seed": "0"}
        return Job(settings, Files(files | inputs), Files(outputs), where, "id", "code", resources={"keep_stages": 0})

    return make


@pytest.fixture
def job_of(make_job, tmp_path, monkeypatch):
    """Makes jobs in the temporary folder."""
    monkeypatch.chdir(tmp_path)
    return make_job


CHOSEN = {
    "ncft": {"learning_rate": 1e-2},
    "wncft": {"learning_rate": 1e-2, "temperature": 0.1},
    "wncft_gate": {"learning_rate": 1e-2, "temperature": 0.1},
}


@pytest.fixture(scope="module")
def learned_before(make_job, tmp_path_factory):
    """A folder in which a job has learned two orders with NCFT, and the outputs of the job, relative to it."""
    folder = tmp_path_factory.mktemp("learned")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        return folder, learned(make_job, CHOSEN)


@pytest.fixture
def learning(learned_before, job_of, tmp_path):
    """The outputs of the job that learned two orders with NCFT, copied to the temporary folder."""
    folder, outputs = learned_before
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    return outputs


def learned(job_of, chosen, equal=1e-3):
    """The outputs of a job that learns two orders with NCFT."""
    write_json("chosen.json", chosen)
    outputs = {
        "rows": tuple(PLACE / "seed0" / "ncft" / f"{order}.csv" for order in ORDERS),
        "patches": tuple(
            PLACE / "seed0" / "ncft" / order / rate / f"{stage}_{task}.safetensors"
            for order, tasks in ORDERS.items()
            for rate in RATES_OF
            for stage, task in enumerate(tasks, start=1)
        ),
    }
    settings = LearnSettings(ASKED["ncft"], "ncft", equal, ORDERS, BUDGET, "float32")
    learn_streams(job_of(settings, {"chosen": (Path("chosen.json"),)}, outputs))
    return outputs


def test_the_rates_of_a_group_are_written_as_they_were_chosen(job_of):
    grid = Grid((1e-2, 3e-2, 1e-1), (), (1.0, 0.1))
    limit = (PLACE / "rates" / "pertask.csv",)
    # Of what Per-Task FT tried the chosen rate alone sets the limit; the other would set one that nothing reaches.
    TRIALS.write(
        limit[0],
        [
            TrialRow("pertask", 1e-2, None, None, 50.0, 50.0, 50.0, chosen=True),
            TrialRow("pertask", 1e-1, None, None, 100.0, 100.0, 100.0, chosen=False),
        ],
    )
    budget = replace(BUDGET, steps=20)
    settings = ChooseSettings(ASKED["ncft"], (ASKED["wncft"],), ORDER, 0, budget, grid, 90.0, "float32")
    outputs = {name: (PLACE / "rates" / f"ncft.{ending}",) for name, ending in (("chosen", "json"), ("tried", "csv"))}
    choose_rates(job_of(settings, {"limit": limit}, outputs))
    trials = TRIALS.read(outputs["tried"][0])
    rows = {(row.method, row.chosen): row for row in trials}
    right, ncft = rows["wncft", True], rows["ncft", True]
    assert read_json(outputs["chosen"][0]) == {
        "ncft": {"learning_rate": ncft.learning_rate},
        "wncft": {"learning_rate": right.learning_rate, "temperature": right.temperature},
    }
    learned = [row for row in trials if row.method == "ncft"]
    enough = [row for row in learned if row.learned >= 0.9 * 50.0]
    assert 0 < len(enough) < len(learned)
    assert ncft == max(enough, key=lambda row: (row.accuracy, -row.learning_rate))


def test_a_job_writes_what_its_streams_measured_and_the_patches_of_their_stages(learning, make_tuner, tmp_path):
    for order, path in zip(ORDERS, learning["rows"], strict=True):
        tasks, rows = ORDERS[order], STREAMS.read(path)
        assert {(row.suite, row.model, row.seed, row.method, row.order) for row in rows} == {
            ("small", "tiny", 0, "ncft", order)
        }
        for rate, value in zip(RATES_OF, (1e-2, 1e-3), strict=True):
            method = ASKED["ncft"].made(Chosen(value), 2)
            scores, seen = follow(make_tuner(), method, tasks, Stages(tmp_path / f"again {order} {rate}", "x"))
            own = [row for row in rows if row.rate == rate]
            assert [(row.stage, row.train_task, row.test_task, row.value, row.n) for row in own] == [
                (score.stage, score.train_task, score.test_task, score.value, score.n) for score in scores
            ]
            restricted = [row.value for row in own if row.scoring == "restricted"]
            assert restricted == [score.value for score in scores if score.metric == "accuracy_restricted"]
            for stage, (task, learning) in enumerate(zip(tasks, seen, strict=True), start=1):
                patch = load_patch(PLACE / "seed0" / "ncft" / order / rate / f"{stage}_{task}.safetensors")
                assert patch.tasks == (task,)
                for name, array in patch.weights.items():
                    np.testing.assert_array_equal(array, learning.tensors[name])
    assert not Path(".taskneurons/stages").exists() or not any(Path(".taskneurons/stages").rglob("*.safetensors"))


def test_a_method_whose_own_rate_is_that_of_all_learns_once(job_of, monkeypatch):
    trained = []
    monkeypatch.setattr(NCFT, "learn", lambda *given, learn=NCFT.learn: trained.append(given[-1]) or learn(*given))
    outputs = learned(job_of, {"ncft": {"learning_rate": 1e-2}}, equal=1e-2)
    assert trained == [*ORDERS["1"], *ORDERS["x"]]
    for path in outputs["rows"]:
        own, equal = ([row for row in STREAMS.read(path) if row.rate == rate] for rate in RATES_OF)
        assert [replace(row, rate="own") for row in equal] == own


def test_two_runs_of_a_job_write_the_same_bytes(job_of, learned_before):
    folder, before = learned_before
    outputs = learned(job_of, CHOSEN)
    assert outputs == before
    for path in (path for paths in outputs.values() for path in paths):
        assert path.read_bytes() == (folder / path).read_bytes()


def test_a_weighting_answers_with_the_patches_of_each_rate_and_costs_what_they_cost(job_of, learning):
    outputs = {"rows": tuple(PLACE / "seed0" / name / f"{order}.csv" for name in list(CHOSEN)[1:] for order in ORDERS)}
    settings = WeighSettings((ASKED["wncft"], ASKED["wncft_gate"]), "ncft", 1e-3, ORDERS, BUDGET, "float32")
    inputs = {"chosen": (Path("chosen.json"),), "learning": learning["rows"], "patches": learning["patches"]}
    weigh_patches(job_of(settings, inputs, outputs))
    for order, path in zip(ORDERS, learning["rows"], strict=True):
        for name in ("wncft", "wncft_gate"):
            weighed = STREAMS.read(PLACE / "seed0" / name / f"{order}.csv")
            # Training is the same, and so is every score before a second patch is there.
            same = [row for row in STREAMS.read(path) if row.metric in ("trainable", "passes", "loss") or row.stage < 2]
            same = [row for row in same if row.metric != "storage"]
            found = [replace(row, method="ncft") for row in weighed]
            assert all(row in found for row in same) and len(same) > 20
