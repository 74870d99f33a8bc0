"""Each arm is given the learning rate of the grid that does best on the validation split of the pilot tasks."""

from dataclasses import replace

import pytest
from small_tuner import QUARTER, RATE, RECIPE, WILD, lay, make_tuner, scores_of

from taskneurons.engine.rates import Arm, Arms, choose_rates, common_rate, read_rates, write_rates
from taskneurons.errors import InputError
from taskneurons.evidence.grid_search import RateTrial

ARMS = Arms(("full", "ffn"), ("task", "random", "other_task"), (QUARTER,))
ON_VALIDATION = replace(RECIPE, split="validation", metrics=("loss",))


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return lay(tmp_path_factory.mktemp("laid"))


def test_the_rate_of_an_arm_is_the_one_with_the_least_mean_validation_loss(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path, ON_VALIDATION)
    grid = [1e-4, RATE, WILD]
    rates, trials = choose_rates(tuner, scores_of(tuner, laid), tuner.kinds(), ["mood", "echo"], grid=grid, arms=ARMS)
    assert set(map(str, rates)) == {"full", "ffn", "task@25", "random@25", "other_task@25"}
    assert len(trials) == 5 * 2 * 3
    write_rates(tmp_path / "rates.json", rates)
    assert read_rates(tmp_path / "rates.json") == rates
    for arm, chosen in rates.items():
        mine = {(trial.task, trial.learning_rate): trial for trial in trials if trial.arm == str(arm)}
        means = {
            rate: (mine["mood", rate].loss + mine["echo", rate].loss) / 2
            for rate in grid
            if None not in (mine["mood", rate].loss, mine["echo", rate].loss)
        }
        assert arm != Arm("full") or WILD not in means
        assert chosen == min(means, key=means.get)
        assert {trial.learning_rate for trial in mine.values() if trial.chosen} == {chosen}


def test_an_arm_that_diverges_at_every_rate_is_refused(laid, tmp_path):
    tuner = make_tuner(laid, tmp_path, ON_VALIDATION)
    with pytest.raises(InputError, match=r"arm full: diverges at every learning rate"):
        choose_rates(tuner, scores_of(tuner, laid), tuner.kinds(), ["mood"], grid=[WILD], arms=ARMS)


def trial(arm, rate, loss):
    """A training that was tried."""
    return RateTrial(arm, "mood", rate, loss, False)


def test_one_rate_serves_all_shares():
    arms = ("ffn", "task@10", "random@10", "task@50")
    tried = [trial(arm, rate, loss) for rate, loss in ((0.001, 2.0), (0.01, 1.0)) for arm in arms]
    assert common_rate(tried) == 0.01
    # One share for which it diverges, or does badly enough, decides.
    assert common_rate([*tried, trial("random@70", 0.01, None)]) == 0.001
    assert common_rate([*tried, trial("task@70", 0.001, 1.0), trial("task@70", 0.01, 9.0)]) == 0.001
    with pytest.raises(InputError, match="every learning rate diverges"):
        common_rate([trial("ffn", 0.01, None)])
