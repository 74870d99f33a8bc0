"""A choice at the edge of its grid is marked, and no other trial."""

from itertools import product

import pytest

from taskneurons.studies.continual.rates import with_edges
from taskneurons.studies.continual.rows import RateRow


def trial(learning_rate: float, strength: float | None, *, chosen: bool) -> RateRow:
    return RateRow("mine", "small", "ewc", "ewc", learning_rate, strength, None, 50.0, 50.0, 60.0, chosen, False)


@pytest.mark.parametrize("best", list(product((0.001, 0.01, 0.1), (1.0, 10.0, 100.0))))
def test_a_choice_is_at_the_edge_where_any_of_its_values_is_the_lowest_or_the_highest(best) -> None:
    trials = [trial(*point, chosen=point == best) for point in product((0.001, 0.1, 0.01), (10.0, 1.0, 100.0))]
    marked = [(row.learning_rate, row.strength) for row in with_edges(trials) if row.at_edge]
    assert marked == ([] if best == (0.01, 10.0) else [best])


def test_a_grid_of_one_value_or_of_none_has_no_edge() -> None:
    [row] = with_edges([trial(0.001, None, chosen=True)])
    assert not row.at_edge
