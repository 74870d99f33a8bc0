"""The choice of rates: the best on the development order, the same for a group, and what diverges is not chosen."""

import pytest
from small_stream import STREAM

from taskneurons.continual.catalogue import NCFT_VARIANTS, learner
from taskneurons.continual.choosing import Grid, choose
from taskneurons.continual.ncft import ncft
from taskneurons.continual.sequence import final_accuracy, follow
from taskneurons.continual.stages import Stages
from taskneurons.continual.weightings import WEIGHTINGS, weighting
from taskneurons.errors import InputError

ORDER = tuple(STREAM)[:2]
SETTINGS = {
    "ncft": {"percent": 30, "within": "model", "estimator": "taylor", "examples": 8, "batch_size": 4},
    "lora": {"rank": 2, "alpha": 4.0, "targets": "all"},
    "replay": {"kept": 2},
    "ewc": {"examples": 2},
    "wncft": {"vector_examples": 8, "kept": 4},
}


@pytest.fixture
def tuner(make_tuner):
    return make_tuner(split="validation", steps=10)


def test_the_group_gets_the_rate_that_is_best_on_average(tuner, tmp_path):
    rates = [1e-4, 1e-2]
    chosen, trials = choose(tuner, ["ncft", "ncft_random"], ORDER, Stages(tmp_path, "x"), SETTINGS, Grid(rates))
    means = {}
    for rate in rates:
        found = [
            final_accuracy(follow(tuner, ncft(rate, SETTINGS["ncft"], **NCFT_VARIANTS[name], name=name), ORDER,
                                  Stages(tmp_path / "again", "x"))[0])
            for name in ("ncft", "ncft_random")
        ]  # fmt: skip
        means[rate] = sum(found)
        assert [trial.accuracy for trial in trials if trial.learning_rate == rate] == found
    best = max(rates, key=lambda rate: (means[rate], -rate))
    assert chosen == {name: {"learning_rate": best} for name in ("ncft", "ncft_random")}
    assert [trial.chosen for trial in trials] == [trial.learning_rate == best for trial in trials]


def test_each_weighting_chooses_its_rate_and_its_temperature(tuner, tmp_path):
    temperatures, rates = [10.0, 0.01], [1e-3, 1e-2]
    chosen, trials = choose(
        tuner, ["ncft"], ORDER, Stages(tmp_path, "x"), SETTINGS, Grid(rates, temperatures=temperatures),
        weightings=list(WEIGHTINGS),
    )  # fmt: skip
    tried = {(trial.method, trial.learning_rate, trial.temperature): trial.accuracy for trial in trials}
    for name in WEIGHTINGS:
        grid = [
            (rate, temperature)
            for rate in rates
            for temperature in ([1.0] if name == "wncft_literal" else temperatures)
        ]
        assert {key[1:] for key in tried if key[0] == name} == set(grid)
        best = max(grid, key=lambda one: (tried[name, *one], one[1], -one[0]))
        assert (chosen[name]["learning_rate"], chosen[name]["temperature"]) == best
    again, _ = follow(
        tuner, weighting("wncft_gate", 1e-2, SETTINGS, temperature=0.01), ORDER, Stages(tmp_path / "again", "x")
    )
    assert tried["wncft_gate", 1e-2, 0.01] == final_accuracy(again)


def test_strengths_are_chosen_with_the_rate(tuner, tmp_path):
    chosen, trials = choose(tuner, ["ewc"], ORDER, Stages(tmp_path, "x"), SETTINGS, Grid([1e-3, 1e-2], [1.0, 1e4]))
    assert {(trial.learning_rate, trial.strength) for trial in trials} == {
        (rate, strength) for rate in (1e-3, 1e-2) for strength in (1.0, 1e4)
    }
    best = max(trial.accuracy for trial in trials)
    assert [trial.accuracy for trial in trials if trial.chosen] == [best]
    assert set(chosen["ewc"]) == {"learning_rate", "strength"}


def test_a_rate_that_diverges_is_not_chosen(tuner, tmp_path):
    chosen, trials = choose(tuner, ["seqft"], ORDER, Stages(tmp_path, "x"), SETTINGS, Grid([1e-3, 1e3]))
    assert chosen["seqft"] == {"learning_rate": 1e-3}
    assert [trial.accuracy is None for trial in trials] == [False, True]
    with pytest.raises(InputError, match="every learning rate diverges"):
        choose(tuner, ["seqft"], ORDER, Stages(tmp_path, "x"), SETTINGS, Grid([1e3]))


def test_per_task_tuning_is_judged_by_what_each_of_its_models_learned(tuner, tmp_path):
    _, trials = choose(tuner, ["pertask"], ORDER, Stages(tmp_path, "x"), SETTINGS, Grid([1e-2]))
    own = []
    for task in ORDER:
        method = learner("pertask", 1e-2, SETTINGS, tasks=2)
        own.append(dict(method.test(tuner, [method.learn(tuner, [], task)], [task]))[task]["accuracy"][0])
    assert trials[0].accuracy == pytest.approx(sum(own) / 2)


def test_every_name_makes_a_method_of_that_name():
    names = ["seqft", "seqlora", "olora", "epi", "replay", "ewc", "pertask", "multitask", *NCFT_VARIANTS]
    for name in names:
        assert learner(name, 1e-3, SETTINGS, tasks=2, strength=1.0).name == name
    for name in WEIGHTINGS:
        assert weighting(name, 1e-3, SETTINGS, temperature=1.0).name == name
    with pytest.raises(InputError, match="Choose among seqft"):
        learner("seqtf", 1e-3, SETTINGS, tasks=2)
    with pytest.raises(InputError, match="Choose among wncft"):
        weighting("wncff", 1e-3, SETTINGS, temperature=1.0)
    with pytest.raises(InputError, match="needs a strength"):
        learner("ewc", 1e-3, SETTINGS, tasks=2)
