"""The arms of a task are those of Table 2 of Leng & Xiong 2025, and the jobs write what was trained and chosen."""

from dataclasses import replace

import pytest
from small_tuner import QUARTER, RATE, RECIPE, TASKS, TENTH, inputs_of, lay, make_tuner, scores_of

from taskneurons.engine.rates import Arm, Arms, read_rates
from taskneurons.errors import InputError
from taskneurons.evidence.grid_search import RATE_TRIALS, RateTrial
from taskneurons.evidence.trained import TRAINED
from taskneurons.job import Files, Job
from taskneurons.neurons.patches import load_patch
from taskneurons.neurons.selection import Selection
from taskneurons.studies.training.measure import (
    ChooseSettings,
    TrainSettings,
    choose,
    rates_by_size,
    train,
    train_tasks,
)

RATES = dict.fromkeys([Arm("full"), Arm("ffn"), Arm("set", 10), Arm("set", 25)], RATE)
RUN = {"run": "mine/small", "seed": "0"}


@pytest.fixture(scope="module")
def laid(tmp_path_factory):
    return lay(tmp_path_factory.mktemp("laid"))


@pytest.fixture
def tuner(laid, tmp_path):
    return make_tuner(laid, tmp_path / "resume")


def trained(tuner, laid, **changes):
    settings = {"selections": [TENTH, QUARTER], "random_draws": 3, "pairs": True} | changes
    [done] = train_tasks(tuner, scores_of(tuner, laid), ["mood"], RATES, **settings)
    return done


def test_the_arms_of_a_task(tuner, laid):
    done = trained(tuner, laid)
    conditions = [cell.condition for cell, _ in done.scores]
    named = [(one.name, one.selection, one.neurons, one.draw) for one in conditions]
    assert named == [
        ("zero_shot", None, None, None),
        ("ffn", None, None, None),
        ("full", None, None, None),
        ("task", TENTH, "mood", None),
        *[("random", TENTH, None, draw) for draw in range(3)],
        ("other_task", TENTH, "temper", 0),
        ("other_task", TENTH, "echo", None),
        ("other_task", TENTH, "repeat", None),
        ("task", QUARTER, "mood", None),
        *[("random", QUARTER, None, draw) for draw in range(3)],
        ("other_task", QUARTER, "temper", 0),
    ]
    # The own arm is tested on every task, and what it trained is the top of the scores.
    for cell, found in done.scores:
        assert {score.test_task for score in found} == (set(TASKS) if cell.condition.name == "task" else {"mood"})
    top = scores_of(tuner, laid)["mood"].top(25)
    assert done.patches[QUARTER].neurons == top
    assert done.patches[QUARTER].tasks == ("mood",)
    shares = {one.share for one in conditions if one.selection == QUARTER}
    assert shares == {100 * len(top) / top.mask.size}


def test_an_arm_without_a_learning_rate_is_named(tuner, laid):
    with pytest.raises(InputError, match="no learning rate was chosen for `set@50`"):
        trained(tuner, laid, selections=[Selection("taylor", 50, "model")])


def trial(arm, rate, loss):
    """A training that was tried."""
    return RateTrial(arm, "mood", rate, loss, False)


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


def test_the_jobs_choose_rates_and_write_rows_and_patches_of_each_task(laid, tmp_path):
    recipe = replace(RECIPE, steps=2)
    arms = Arms(("ffn", "full"), ("task", "random", "other_task"), (TENTH, QUARTER))
    on_validation = replace(recipe, split="validation", metrics=("loss",))
    outputs = Files({"rates": (tmp_path / "rates.json",), "trials": (tmp_path / "trials.csv",)})
    settings = ChooseSettings(("mood", "echo"), (1e-3, RATE), arms, on_validation, "float32")
    choose(Job(settings, Files(inputs_of(laid)), outputs, {"run": "mine/small"}, identity="job"))
    trials = RATE_TRIALS.read(tmp_path / "trials.csv")
    chosen = {(trial.arm, trial.learning_rate) for trial in trials if trial.chosen}
    assert {str(arm): rate for arm, rate in read_rates(tmp_path / "rates.json").items()} == dict(chosen)

    inputs = Files(inputs_of(laid, trials=tmp_path / "trials.csv"))
    tasks = ("mood", "echo")
    outputs = Files(
        {
            "rows": tuple(tmp_path / f"{task}.csv" for task in tasks),
            "patches": tuple(tmp_path / f"{task}.safetensors" for task in tasks),
        }
    )
    train(Job(TrainSettings((QUARTER, TENTH), 3, False, recipe, "float32"), inputs, outputs, RUN, identity="job"))
    for task in tasks:
        rows = TRAINED.read(tmp_path / f"{task}.csv")
        assert {(row.study, row.suite, row.model, row.seed) for row in rows} == {("training", "mine", "small", 0)}
        assert {row.train_task for row in rows} == {task, None}
        # Sets of one size share their rate; the patch is that of the first selection.
        rates = {(row.percent, row.learning_rate) for row in rows if row.percent is not None}
        assert len(rates) == 2
        top = scores_of(make_tuner(laid, tmp_path / "resume"), laid)[task].top(25)
        assert load_patch(tmp_path / f"{task}.safetensors").neurons == top
