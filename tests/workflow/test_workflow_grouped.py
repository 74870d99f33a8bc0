"""What rules ask of groups of tasks agrees with the groups, and none of it makes jobs of other studies again."""

from pathlib import Path

import pytest

from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params
from taskneurons.workflow.grouped import Grouped
from taskneurons.workflow.plan import Plan

SUITE = "synthetic"


@pytest.fixture(scope="module")
def params():
    return load_params(Path(__file__).parents[2] / "params" / "ci.yaml")


def test_trained_and_unseen_tasks_are_all_tasks_of_the_groups(params) -> None:
    grouped = Grouped(Plan(params))
    trained, unseen = grouped.trained(SUITE), grouped.unseen(SUITE)
    assert not set(trained) & set(unseen)
    assert sorted(trained + unseen) == sorted(grouped.plan.grouped_tasks(SUITE))
    assert [task in trained for task in grouped.pilots(SUITE)] == [True, True]


def test_a_study_with_a_course_of_its_own_takes_nothing_from_that_of_training(params) -> None:
    schedule = params.proportion.tuning
    changed = params.training.model_copy(update={"steps": params.training.steps + 1})
    before, after = (
        settings(recipe=Grouped(Plan(one)).course(schedule, seed=0))
        for one in (params, params.model_copy(update={"training": changed}))
    )
    assert before == after
