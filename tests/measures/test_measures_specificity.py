"""The index is 1 on a plant and 0 on noise; its p keeps its level."""

from itertools import permutations

import numpy as np
import pytest

from taskneurons.errors import InputError
from taskneurons.measures.specificity import difference_and_scale
from taskneurons.measures.specificity import specificity as with_floor

FLOOR = 1e-3


def specificity(matrices, *, floor=FLOOR, **chosen):
    return with_floor(matrices, floor=floor, **chosen)


def test_it_is_one_where_only_the_own_task_loses_and_zero_where_it_does_not_matter() -> None:
    assert specificity([3 * np.eye(5)]).index == 1
    assert specificity([np.tile(np.arange(1.0, 6), (5, 1)).T @ np.ones((5, 5))]).index == 0
    assert specificity([1 - np.eye(5)]).index == -1


def test_where_next_to_nothing_is_lost_there_is_a_difference_and_no_index() -> None:
    matrix = 0.04 * np.eye(4) + 0.005
    found = specificity([matrix], floor=0.1)
    assert found.index is None and found.reason == "not measurable: the losses together are below 0.1 nats"
    assert found.difference == pytest.approx(0.04) and found.p == pytest.approx(1 / 24)
    assert specificity([matrix], floor=0.04).index == pytest.approx(0.04 / 0.05)
    both = specificity([matrix, 100 * matrix], floor=0.1, draws=50)
    assert both.index is None and both.reason.endswith("in 1 of 2 seeds")
    assert specificity([np.zeros((5, 5))]).difference == 0
    with pytest.raises(InputError, match="a floor above 0"):
        specificity([matrix], floor=0)


def test_it_has_no_unit_and_is_that_of_its_definition() -> None:
    matrix = np.random.default_rng(0).normal(size=(4, 4))
    own, off = np.diag(matrix), matrix[~np.eye(4, dtype=bool)]
    expected = (own.mean() - off.mean()) / (np.abs(own).mean() + np.abs(off).mean())
    assert specificity([matrix]).index == pytest.approx(expected)
    assert specificity([matrix]).difference == pytest.approx(own.mean() - off.mean())
    assert specificity([7 * matrix]).index == pytest.approx(expected)
    assert specificity([-matrix]).index == pytest.approx(-expected)


def test_p_of_one_matrix_is_the_share_of_all_labellings() -> None:
    matrix = np.random.default_rng(1).normal(size=(5, 5)) + np.eye(5)
    null = [difference_and_scale(matrix[None, list(order)])[0][0] for order in permutations(range(5))]
    found = specificity([matrix])
    assert found.permutations == 120
    assert found.p == pytest.approx(np.mean(np.array(null) >= null[0] - 1e-9))


def test_noise_is_called_specific_no_more_often_than_the_level_says() -> None:
    rng = np.random.default_rng(2)
    found = [specificity(list(rng.normal(size=(3, 4, 4)) + 1), draws=99) for _ in range(200)]
    assert abs(np.mean([one.index for one in found])) < 0.05
    assert np.mean([one.p <= 0.05 for one in found]) <= 0.09


def test_a_plant_in_every_seed_is_surer_than_one() -> None:
    rng = np.random.default_rng(3)
    seeds = [np.eye(4) + 0.5 * rng.normal(size=(4, 4)) for _ in range(5)]
    assert specificity(seeds, draws=999).p < min(specificity([one]).p for one in seeds)


def test_what_is_no_square_is_refused() -> None:
    for wrong in ([], [np.ones((2, 3))], [np.ones((2, 2)), np.ones((3, 3))]):
        with pytest.raises(InputError, match="square matrices of one size"):
            specificity(wrong)
    assert specificity([np.ones((1, 1))]).reason == "1 tasks, at least 2 are needed"
    assert specificity([np.full((2, 2), np.nan)]).reason == "some entries are not finite"
