"""Own less other is paired within seed and task; the test of the sibling tells a task from its family."""

from dataclasses import replace

import numpy as np
import pytest
from made_up_measurements import make_rows
from made_up_tasks import make_tasks

from taskneurons.errors import InputError
from taskneurons.measures.stats import sign_flip_p
from taskneurons.studies.deactivation.rows import SPECIFICITY
from taskneurons.studies.deactivation.specificity import own_less_other
from taskneurons.studies.deactivation.specificity_figure import draw_specificity, means_over_tasks
from taskneurons.studies.deactivation.tables import diagonal_tests

TASKS = make_tasks()
FAMILY = {task.name: task.family for task in TASKS}


def test_the_known_differences_are_found(tmp_path):
    found = own_less_other(make_rows(TASKS, noise=0.0), TASKS)
    scores = {row.against: row for row in found if row.task == "nli_place" and row.seed == 1 and row.metric != "loss"}
    assert {name: (row.own, row.other, row.difference, row.sets) for name, row in scores.items()} == {
        "sibling": (45, 23, 22, 1), "other_family": (45, 4, 41, 4), "other_kind": (45, 1.5, 43.5, 6),
        "random": (45, 1, 44, 5),
    }  # fmt: skip
    losses = [row.difference for row in found if row.metric == "loss" and row.against == "sibling"]
    assert losses == [pytest.approx(22 / 40)] * 36
    SPECIFICITY.write(tmp_path / "specificity.csv", found)
    assert SPECIFICITY.read(tmp_path / "specificity.csv") == found


def test_each_seed_is_compared_with_itself():
    """Seeds that lie far apart, and an arm that one seed lacks, leave the differences as they are."""
    rows = [
        replace(row, value=row.value / (1 + row.seed)) if row.metric != "loss" else row
        for row in make_rows(TASKS, noise=0.0)
        if not (row.condition == "random" and row.seed == 2)
    ]
    found = [row for row in own_less_other(rows, TASKS) if row.metric != "loss" and row.against == "random"]
    assert {row.seed: round(row.difference, 6) for row in found} == {0: 44.0, 1: 22.0}


def test_a_task_at_chance_is_marked():
    guessed = [replace(task, constant=99.0) if task.name == "nli_place" else task for task in TASKS]
    found = own_less_other(make_rows(TASKS), guessed)
    assert {row.task for row in found if row.at_chance} == {"nli_place"}


def test_family_specificity_alone_is_not_taken_for_that_of_the_task():
    """Each set hurts both tasks of its family alike: the order of rows tells, the sibling does not."""
    rows = make_rows(TASKS, noise=0.3)
    own = {(row.seed, row.test_task, row.metric): row.value for row in rows if row.condition == "task"}
    alike = [
        replace(row, value=max(0.0, own[row.seed, row.test_task, row.metric] + (0.2 if row.seed == 0 else -0.1)))
        if row.condition == "other_task" and FAMILY[row.train_task] == FAMILY[row.test_task]
        else row
        for row in rows
    ]
    tests = {
        row.scope: row
        for row in diagonal_tests(alike, TASKS)
        if row.seed == "mean" and row.metric in ("accuracy", "rougeL")
    }
    for scope in ("classification", "generation"):
        assert tests[scope].p_value < 0.05
        assert tests[scope].p_sibling > 0.3


def test_the_p_of_changed_signs_is_its_definition():
    differences = [3.0, -1.0, 2.0]
    sums = [a * 3 - b * 1 + c * 2 for a in (1, -1) for b in (1, -1) for c in (1, -1)]
    assert sign_flip_p(np.array(differences)) == pytest.approx(sum(s >= 4 for s in sums) / 8)
    assert sign_flip_p(np.array([])) is None
    many = sign_flip_p(np.ones(40))
    assert 0 < many < 0.01 and many == sign_flip_p(np.ones(40))


def test_the_headline_keeps_kinds_and_comparisons_apart_and_leaves_out_tasks_at_chance():
    guessed = [replace(task, constant=99.0) if task.name == "nli_place" else task for task in TASKS]
    rows = own_less_other(make_rows(TASKS, noise=0.0), guessed)
    # What is at chance would change the mean, if it counted.
    rows = [replace(row, difference=-999.0) if row.at_chance else row for row in rows]
    means = means_over_tasks(rows)
    assert {key: one.mean for key, one in means.items()} == {
        (kind, against, 10.0): value
        for kind in ("classification", "generation")
        for against, value in (("other_family", 41), ("other_kind", 43.5), ("random", 44), ("sibling", 22))
    }


def test_where_every_task_is_at_chance_there_is_a_figure_that_says_so(tmp_path):
    guessed = [replace(task, constant=99.0) if task.kind == "classification" else task for task in TASKS]
    rows = own_less_other(make_rows(TASKS), guessed)
    draw_specificity(rows, "llama", [tmp_path / "a.svg"], dpi=50)
    text = (tmp_path / "a.svg").read_text()
    assert text.count("every task at chance") == 1
    assert {key[0] for key in means_over_tasks(rows)} == {"classification", "generation"}


def test_the_title_names_every_comparison(tmp_path):
    draw_specificity(own_less_other(make_rows(TASKS), TASKS), "llama", [tmp_path / "a.svg"], dpi=50)
    text = (tmp_path / "a.svg").read_text()
    assert all(word in text for word in ("sibling +2", "other family +4", "random +4"))
    with pytest.raises(InputError, match="no task was measured"):
        draw_specificity([], "llama", [tmp_path / "b.svg"])
