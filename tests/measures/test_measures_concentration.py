"""Concentration against definitions that are written out, and its bounds."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskneurons.errors import InputError
from taskneurons.measures.concentration import gini, smallest_share

AMOUNTS = arrays(np.float64, st.integers(1, 12), elements=st.floats(0, 1e6)).filter(lambda values: values.max() > 1e-3)


@given(AMOUNTS)
def test_gini_is_half_the_mean_absolute_difference_over_the_mean(values):
    written_out = np.abs(values[:, None] - values).mean() / (2 * values.mean())
    assert gini(values) == pytest.approx(written_out, abs=1e-9)


@given(AMOUNTS, st.floats(0.05, 1))
def test_the_smallest_share_reaches_the_part_and_one_thing_less_does_not(values, part):
    count = round(smallest_share(values, part) * len(values))
    largest = np.sort(values)[::-1]
    assert largest[:count].sum() >= part * values.sum() * (1 - 1e-9)
    assert count == 1 or largest[: count - 1].sum() <= part * values.sum()


def test_equal_things_are_not_concentrated_and_one_owner_is_as_concentrated_as_can_be():
    assert (gini(np.ones(8)), smallest_share(np.ones(8))) == (0, 0.5)
    one = np.eye(8)[3]
    assert (gini(one), smallest_share(one)) == (pytest.approx(1 - 1 / 8), 1 / 8)


@pytest.mark.parametrize("values", [[], [0.0, 0.0], [1.0, -1.0], [1.0, np.nan]])
def test_what_has_no_concentration_is_refused(values):
    for measure in (gini, smallest_share):
        with pytest.raises(InputError, match="not all zero"):
            measure(np.array(values))
