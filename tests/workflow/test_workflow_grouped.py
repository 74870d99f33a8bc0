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


def test_a_cross_has_every_share_at_one_rate_and_every_rate_at_one_share(params) -> None:
    default = load_params(Path(__file__).parents[2] / "params.yaml")
    curves = default.curves
    cells = Grouped(Plan(default)).curve_cells()
    assert len(cells) == len(curves.percents) + len(curves.learning_rates) - 1
    centre = curves.centre.learning_rate
    at_centre = [cell for cell in cells if cell["learning_rate"] == centre]
    assert [cell["selection"]["percent"] for cell in at_centre] == list(curves.percents)
    controlled = [cell for cell in cells if cell["controls"]]
    assert all(cell["controls"] == curves.controls and cell in at_centre for cell in controlled)
    assert [cell["selection"]["percent"] for cell in controlled] == [1, 10]
    grid = default.model_copy(update={"curves": curves.model_copy(update={"cells": "grid"})})
    assert len(Grouped(Plan(grid)).curve_cells()) == len(curves.percents) * len(curves.learning_rates)
