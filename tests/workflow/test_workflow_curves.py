"""The trainings behind curves are those that the parameters name."""

from pathlib import Path

from taskneurons.params.loading import load_params
from taskneurons.workflow.curves import Curves
from taskneurons.workflow.grouped import Grouped
from taskneurons.workflow.plan import Plan


def test_a_cross_has_every_share_at_one_rate_and_every_rate_at_one_share() -> None:
    default = load_params(Path(__file__).parents[2] / "params.yaml")
    curves = default.curves
    cells = Curves(Grouped(Plan(default))).cells()
    assert len(cells) == len(curves.percents) + len(curves.learning_rates) - 1
    centre = curves.centre.learning_rate
    at_centre = [cell for cell in cells if cell["learning_rate"] == centre]
    assert [cell["selection"]["percent"] for cell in at_centre] == list(curves.percents)
    controlled = [cell for cell in cells if cell["controls"]]
    assert all(cell["controls"] == curves.controls and cell in at_centre for cell in controlled)
    assert [cell["selection"]["percent"] for cell in controlled] == [1, 10]
    grid = default.model_copy(update={"curves": curves.model_copy(update={"cells": "grid"})})
    assert len(Curves(Grouped(Plan(grid))).cells()) == len(curves.percents) * len(curves.learning_rates)
