"""Sampled orders: all different, none that is given, the same ones each time."""

from itertools import permutations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.tasks.orders import sampled_orders

TASKS = ["a", "b", "c", "d"]
GIVEN = [("a", "b", "c", "d"), ("b", "a", "c", "d"), ("a", "b")]


@given(st.integers(0, 22), st.integers(0, 1000))
def test_orders_are_permutations_of_all_tasks_and_none_is_known(count: int, seed: int) -> None:
    drawn = sampled_orders(TASKS, count, seed, GIVEN)
    assert len(set(drawn)) == len(drawn) == count
    assert set(drawn) <= set(permutations(TASKS)) - set(GIVEN)


@given(st.integers(0, 10), st.integers(0, 12), st.integers(0, 50))
def test_more_orders_begin_with_the_fewer_ones(few: int, more: int, seed: int) -> None:
    longer = sampled_orders(TASKS, few + more, seed, GIVEN)
    assert sampled_orders(TASKS[::-1], few, seed, GIVEN) == longer[:few]


def test_more_orders_than_there_are_is_refused() -> None:
    assert len(sampled_orders(TASKS, 22, 0, GIVEN)) == 22
    with pytest.raises(InputError, match="4 tasks have no 23 orders besides 2"):
        sampled_orders(TASKS, 23, 0, GIVEN)
