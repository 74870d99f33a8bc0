"""Models side by side, from numbers that were made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from drawn import assert_inside_the_page, figure_of, words_of

from taskneurons.evidence.measurements import Measurement
from taskneurons.evidence.runs import Run
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.evidence.trained import Trained
from taskneurons.neurons.scores import NeuronScores
from taskneurons.studies.scaling.describe import measures
from taskneurons.studies.scaling.figures import Known, draw_architectures, draw_sizes
from taskneurons.studies.scaling.rows import ModelRow
from taskneurons.studies.scaling.tables import effects, summarise, transfers, trends, with_scores

TASKS = [
    DescribedTask("mine", "mood_a", "mood", "classification"),
    DescribedTask("mine", "mood_b", "mood", "classification"),
    DescribedTask("mine", "topic_a", "topic", "classification"),
    DescribedTask("mine", "topic_b", "topic", "classification"),
]
SIZES = {"tiny": 10**4, "small": 10**5, "middle": 10**6, "large": 10**7}


def model(name="tiny", seed=0, score=None, neurons=100):
    row = ModelRow("mine", name, seed, "llama", SIZES[name], 2, neurons)
    return row if score is None else with_scores([row], scores(name, seed, score), TASKS, learned=80)[0]


def scores(name, seed, score):
    return [measured("original", None, task.name, score, name=name, seed=seed) for task in TASKS]


def measured(condition, train_task, test_task, value, *, metric="accuracy", name="tiny", seed=0, percent=10, **more):
    setting = (None,) * 4 if condition == "original" else (percent, "taylor", "model", more.get("intervention", "zero"))
    return Measurement(
        "deactivation",
        name,
        "mine",
        seed,
        condition,
        train_task,
        test_task,
        *setting,
        more.get("draw"),
        metric,
        value,
        50,
    )


def losses(own=3.0, sibling=2.0, family=1.0, **more):
    """What a model's tasks lose: own top, sibling's top, other families' tops, random neurons (nothing)."""
    for tested in TASKS:
        yield measured("original", None, tested.name, 0.5, metric="loss", **more)
        yield measured("random", None, tested.name, 0.5, metric="loss", draw=0, **more)
        for trained in TASKS:
            rise = own if trained == tested else sibling if trained.family == tested.family else family
            condition = "task" if trained == tested else "other_task"
            yield measured(condition, trained.name, tested.name, 0.5 + rise, metric="loss", **more)


def test_what_is_lost_is_told_apart_by_whose_neurons_are_missing():
    found = {(row.measure, row.percent): row.value for row in effects(losses(), [model()], TASKS)}
    assert found["own", 10] == pytest.approx(3)
    assert found["own_less_sibling", 10] == pytest.approx(1)
    assert found["own_less_other_family", 10] == pytest.approx(2)
    assert found["own_less_random", 10] == pytest.approx(3)
    assert found["own_share", 10] == pytest.approx(200 / 3)


def test_other_interventions_and_shares_below_one_neuron_are_left_out():
    rows = [*losses(), measured("task", "mood_a", "mood_a", 99.0, metric="loss", intervention="mean")]
    assert list(effects(rows, [model()], TASKS)) == list(effects(losses(), [model()], TASKS))
    assert not list(effects(losses(), [model(neurons=9)], TASKS))
    assert list(effects(losses(), [model(neurons=10)], TASKS))


def gains(sibling=0.4, family=0.1, seed=0):
    """What each task gains when the model is trained on one of two tasks; on itself it gains most."""

    def trained_row(condition, train_task, tested, metric, value):
        setting = (None,) * 7
        run = ("similarity", "tiny", "mine", seed)
        return Trained(*run, condition, None, train_task, tested.name, *setting, metric, value, 50)

    for tested in TASKS:
        for metric, sign in (("loss", -1), ("accuracy", 100), ("accuracy_restricted", 1000)):
            yield trained_row("zero_shot", None, tested, metric, 2.0)
            for trained in (TASKS[0], TASKS[2]):
                gain = 5 if trained == tested else sibling if trained.family == tested.family else family
                yield trained_row("full", trained.name, tested, metric, 2.0 + sign * gain)


def test_what_training_on_another_task_gives_is_told_apart_by_its_family():
    found = {row.measure: row.value for row in transfers(gains(), [model()], TASKS)}
    assert found == {
        "transfer_sibling": pytest.approx(0.4),
        "transfer_other_family": pytest.approx(0.1),
        "transfer_sibling_points": pytest.approx(40),
        "transfer_other_family_points": pytest.approx(10),
    }
    assert not list(transfers(gains(seed=1), [model()], TASKS))


def test_each_tested_task_weighs_the_same_however_many_tasks_it_was_tried_with():
    """One task has two gains of another family's tasks, 0.1 and 0.5; another one has a single gain, 0.9."""

    def of(condition, train_task, test_task, value):
        run = ("similarity", "tiny", "mine", 0)
        return Trained(*run, condition, None, train_task, test_task, *(None,) * 7, "loss", value, 50)

    rows = [
        of("zero_shot", None, "mood_a", 2.0),
        of("full", "topic_a", "mood_a", 1.9),
        of("full", "topic_b", "mood_a", 1.5),
        of("zero_shot", None, "topic_a", 2.0),
        of("full", "mood_a", "topic_a", 1.1),
    ]
    (found,) = transfers(rows, [model()], TASKS)
    # The mean of all three gains is 0.5.
    assert (found.measure, found.value) == ("transfer_other_family", pytest.approx((0.3 + 0.9) / 2))


def test_tasks_of_another_kind_are_in_no_transfer():
    apart = [*TASKS[:2], *(replace(task, kind="generation") for task in TASKS[2:])]
    found = {row.measure: row.value for row in transfers(gains(), [model()], apart)}
    assert set(found) == {"transfer_sibling", "transfer_sibling_points"}
    # Generation is scored by ROUGE-L, which these rows lack.
    assert found["transfer_sibling_points"] == pytest.approx(40)


def test_a_part_of_no_damage_is_none():
    found = {row.measure: row.value for row in effects(losses(own=-0.1), [model()], TASKS)}
    assert found["own"] == pytest.approx(-0.1) and found["own_share"] is None


def test_a_model_that_has_not_learned_decides_nothing():
    models = [model(name, score=50 if name == "large" else 90) for name in SIZES]
    rows = [row for name in SIZES for row in effects(losses(name=name), [model(name)], TASKS)]
    found = summarise(models, rows)
    large = [row for row in found if row.model == "large"]
    assert large and all(row.value is None and row.interval == "not available: tasks not learned" for row in large)
    assert {row.models for row in trends(found, list(SIZES), predicted=7e9)} == {0, 3}


def test_the_trend_goes_through_the_means_of_models_and_says_how_far_it_predicts():
    rows = [
        row
        for place, name in enumerate(SIZES)
        for seed in (0, 1)
        for row in effects(losses(own=2.0 + place + seed, name=name, seed=seed), [model(name, seed)], TASKS)
    ]
    models = [model(name, seed, score=90) for name in SIZES for seed in (0, 1)]
    (own,) = [row for row in trends(summarise(models, rows), list(SIZES), predicted=1e10) if row.measure == "own"]
    # Means are 2.5, 3.5, 4.5 and 5.5: one more a decade, and three decades beyond the largest.
    assert (own.models, own.slope, own.fitted) == (4, pytest.approx(1), pytest.approx(5.5))
    assert (own.decades, own.predicted, own.possible) == (pytest.approx(3), pytest.approx(8.5), True)
    too_few = trends(summarise(models, rows), ["tiny", "small"], predicted=1e10)
    assert all(row.slope is None and "at least 3" in row.note for row in too_few)


def test_a_prediction_beyond_what_is_possible_is_marked():
    models = [model(name, score=90) for name in SIZES]
    rows = [
        row
        for place, name in enumerate(SIZES)
        for row in described(0.3 * place, name)
        if row.measure == "keystone_share"
    ]
    found = trends(summarise(models, rows), list(SIZES), predicted=7e9)
    assert all(row.possible == (0 <= row.predicted <= 100) for row in found) and not all(row.possible for row in found)


def described(shared, name="tiny"):
    """Scores of four tasks over a hundred neurons; a part of each task's top ten is in every top."""
    rng = np.random.default_rng(0)
    common = round(10 * shared)
    found = {}
    for place, task in enumerate(TASKS):
        values = rng.uniform(0, 0.1, 100)
        values[:common] = 5
        values[20 * (place + 1) : 20 * (place + 1) + 10 - common] = 5
        every = values.reshape(2, 50).astype(np.float32)
        found[task.name] = NeuronScores(every, every, every, task.name, "digest", "taylor", 1, 1)
    return list(measures(found, TASKS, Run("mine", name, 0), percents=[0.3, 10], within="model"))


def test_tops_that_share_a_part_have_it_as_keystone_neurons():
    found = {(row.measure, row.percent): row.value for row in described(0.4)}
    assert found["keystone_share", 10] == pytest.approx(40)
    assert found["overlap_sibling", 10] == pytest.approx(found["overlap_other_family", 10], abs=0.1)
    # Ten of a hundred neurons hold nearly everything.
    assert found["half_share", None] == pytest.approx(6, abs=1) and found["gini", None] > 0.8
    assert ("keystone_share", 0.3) not in found


def test_figures_show_the_trend_the_marks_and_stay_inside_the_page():
    models = [model(name, score=50 if name == "large" else 90) for name in SIZES]
    rows = [row for name in SIZES for row in effects(losses(name=name), [model(name)], TASKS)]
    rows += [row for name in SIZES for row in described(0.4, name)]
    found = summarise(models, rows)
    line = trends(found, list(SIZES), predicted=7e9)
    known = [Known("Far", 1e8, "own_share", 6.5)]
    assert "not measured" in words_of(
        figure_of(lambda paths: draw_sizes(found, line, known, paths, suite="mine", sizes=list(SIZES), percent=10))
    )

    def sizes(paths):
        draw_sizes(found, line, known, paths, suite="mine", sizes=list(SIZES), percent=10)

    def architectures(paths):
        draw_architectures(found, models, paths, suite="mine", compared=list(SIZES), percent=10)

    assert "3 models of one architecture" in words_of(figure_of(sizes)) and "Far" in words_of(figure_of(sizes))
    assert "large (not learned)" in words_of(figure_of(architectures))
    for draw in (sizes, architectures):
        assert_inside_the_page(figure_of(draw))
    nothing = figure_of(lambda paths: draw_sizes([], [], [], paths, suite="mine", sizes=[], percent=10))
    assert "Too few models for a trend" in words_of(nothing)
