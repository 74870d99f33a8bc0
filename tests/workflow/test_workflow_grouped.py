"""What rules ask of groups of tasks agrees with the groups, and none of it makes jobs of other studies again."""

from pathlib import Path

import pytest

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
