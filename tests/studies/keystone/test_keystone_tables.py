"""Effects over tasks and the headline, from numbers that were made by hand."""

from dataclasses import replace

import numpy as np
import pytest
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.studies.keystone.rows import MEASURED, MeasuredRow
from taskneurons.studies.keystone.tables import summarise_keystone

TASKS = {"mood": "classification", "topic": "classification", "echo": "generation"}
OTHER = {"mood": "topic", "topic": "mood", "echo": "mood"}
UNTOUCHED = {"mood": 1.0, "topic": 2.0, "echo": 0.5}


def row(task, condition="original", train_task=None, percent=None, loss=0.0, rise=0.0, **more):
    """A loss, as a rise over that of the untouched model."""
    return MeasuredRow(
        "keystone", "small", "mine", 0, task, TASKS[task], condition, train_task, percent, more.pop("draw", None),
        "loss", UNTOUCHED[task] + loss, 8, 5, 3 * (1 + rise / 100), rise, **more,
    )  # fmt: skip


def rows():
    """The top breaks everything at 10 %; at 1 % contrast costs the task itself most."""
    found = [row(task) for task in TASKS]
    for place, task in enumerate(TASKS):
        for percent, size, rise in ((1, 0.1, 2.0), (10, 9.0, 300.0)):
            found += [row(task, "random", None, percent, 0.01 * draw, draw=draw) for draw in (0, 1)]
            found.append(row(task, "keystone", None, percent, size, rise))
            found.append(row(task, "top", task, percent, size * (1 + place), rise))
            found.append(row(task, "top", OTHER[task], percent, size, rise))
        found.append(row(task, "contrast", task, 1, 0.5 + 0.1 * place, 8.0))
        found.append(row(task, "contrast", OTHER[task], 1, 0.1, 1.0))
    return found


def summary(found=None):
    made = summarise_keystone(rows() if found is None else found, health=10)
    return {(one.condition, one.percent): one for one in made}


def test_effects_are_rises_of_the_loss_paired_by_task():
    found = summary()
    assert found["random", 1].value == pytest.approx(0.005)
    assert found["random", 1].other is None and found["keystone", 1].difference is None
    contrast = found["contrast", 1]
    assert (contrast.value, contrast.other, contrast.tasks) == (pytest.approx(0.6), pytest.approx(0.1), 3)
    mean, half = 0.5, stats.t.ppf(0.975, 2) * stats.sem([0.4, 0.5, 0.6])
    assert [contrast.difference, contrast.difference_low, contrast.difference_high] == pytest.approx(
        [mean, mean - half, mean + half]
    )


def test_of_three_seeds_the_interval_is_over_their_means_of_tasks():
    seeds = (-0.1, 0.0, 0.4)
    every = [
        replace(one, seed=seed, value=one.value + (rise if one.train_task == one.test_task else 0))
        for seed, rise in enumerate(seeds)
        for one in rows()
    ]
    contrast = summary(every)["contrast", 1]
    mean, half = 0.5 + 0.1, stats.t.ppf(0.975, 2) * stats.sem(seeds)
    assert [contrast.difference, contrast.difference_low, contrast.difference_high] == pytest.approx(
        [mean, mean - half, mean + half]
    )
    assert (contrast.interval, contrast.tasks, contrast.other) == ("95 % t", 3, pytest.approx(0.1))
    # Two seeds say too little: their means are over tasks.
    two = summary([one for one in every if one.seed < 2])["contrast", 1]
    assert two.interval == "95 % t over tasks as if independent" and two.difference == pytest.approx(0.45)


def test_the_headline_is_the_largest_difference_of_a_healthy_row():
    found = summary()
    # At 10 % the top's difference is far larger, in a model that is broken.
    assert found["top", 10].difference > found["contrast", 1].difference and not found["top", 10].healthy
    assert [key for key, one in found.items() if one.headline] == [("contrast", 1)]


def test_one_task_that_breaks_the_model_makes_a_row_unhealthy():
    found = rows()
    place = next(i for i, one in enumerate(found) if (one.condition, one.test_task) == ("contrast", "echo"))
    found[place] = replace(found[place], neutral_rise=10.5)
    after = summary(found)
    assert (after["contrast", 1].neutral_worst, after["contrast", 1].healthy) == (10.5, False)
    assert [key for key, one in after.items() if one.headline] == [("top", 1)]
    assert summary()["contrast", 1].neutral_rise == pytest.approx(np.mean([8, 1]))


def test_accuracy_and_rouge_are_one_score_whose_fall_is_the_effect():
    found = [replace(one, metric="rougeL" if one.kind == "generation" else "accuracy") for one in rows()]
    after = summary(found)
    assert {one.metric for one in after.values()} == {"score"}
    assert after["contrast", 1].difference == pytest.approx(-0.5)


def test_an_untouched_model_is_needed():
    with pytest.raises(InputError, match="the untouched model was not measured on mood"):
        summary(rows()[1:])


def test_rows_are_a_table(tmp_path):
    MEASURED.write(tmp_path / "rows.csv", rows())
    assert MEASURED.gather([tmp_path / "rows.csv"]) == MEASURED.sorted(rows())
