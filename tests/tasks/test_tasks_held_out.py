"""The choice of unseen tasks: whole families, single tasks with seen relatives, and nothing that depends on order."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.tasks.held_out import choose_held_out

SIZES = {"a": 3, "b": 2, "c": 2, "d": 1, "e": 4}
FAMILIES = {f"{family}{n}": family for family, size in SIZES.items() for n in range(size)}


@given(whole=st.integers(1, 3), single=st.integers(0, 1), seed=st.integers(0, 2**31 - 1))
def test_whole_families_go_and_single_tasks_leave_relatives(whole, single, seed):
    unseen = choose_held_out(FAMILIES, whole=whole, single=single, seed=seed)
    left = {family: sum(FAMILIES[task] == family for task in unseen) for family in SIZES}
    gone = [family for family in SIZES if left[family] == SIZES[family]]
    partly = [family for family in SIZES if 0 < left[family] < SIZES[family]]
    assert len(gone) == whole
    assert [left[family] for family in partly] == [1] * single


def test_order_does_not_matter_and_seeds_differ():
    backwards = dict(reversed(FAMILIES.items()))
    choices = [choose_held_out(FAMILIES, whole=1, single=1, seed=seed) for seed in range(20)]
    assert choices == [choose_held_out(backwards, whole=1, single=1, seed=seed) for seed in range(20)]
    assert len(set(choices)) > 5


def test_too_few_families_are_refused():
    with pytest.raises(InputError, match="5 whole families cannot be left out of 5"):
        choose_held_out(FAMILIES, whole=5, single=0, seed=0)
    with pytest.raises(InputError, match=r"held_out\.tasks: 5 tasks of different families cannot be left out"):
        choose_held_out(FAMILIES, whole=1, single=5, seed=0)
