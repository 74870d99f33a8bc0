"""Measures of a stream against matrices worked out by hand, and the laws that they obey."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from taskneurons.errors import InputError
from taskneurons.measures.continual import (
    MEASURES,
    backward_transfer,
    final_accuracy,
    forgetting,
    forward_transfer,
    learned,
    retention,
    stream_measures,
)

# Rows: before the stream, after tasks 1, 2 and 3.
BY_HAND = np.array([[20.0, 10.0, 50.0], [80.0, 15.0, 40.0], [60.0, 70.0, 55.0], [40.0, 80.0, 90.0]])
ALONE = np.array([80.0, 100.0, 90.0])


@st.composite
def streams(draw):
    tasks = draw(st.integers(2, 6))
    percent = st.integers(0, 400).map(lambda value: value / 4)
    alone = draw(arrays(float, tasks, elements=st.integers(4, 400).map(lambda value: value / 4)))
    return draw(arrays(float, (tasks + 1, tasks), elements=percent)), alone


def test_measures_are_those_worked_out_by_hand():
    assert final_accuracy(BY_HAND) == pytest.approx((40 + 80 + 90) / 3)
    # After task 2: 60 / 80. After task 3: (40 / 80 + 80 / 100) / 2.
    np.testing.assert_allclose(retention(BY_HAND, ALONE), [np.nan, np.nan, 75.0, 65.0])
    assert backward_transfer(BY_HAND) == pytest.approx(((40 - 80) + (80 - 70)) / 2)
    assert forward_transfer(BY_HAND) == pytest.approx(((15 - 10) + (55 - 50)) / 2)
    # Task 1 was best at 80; task 2 has only its own stage before the last.
    np.testing.assert_allclose(forgetting(BY_HAND), [80 - 40, 70 - 80])
    assert learned(BY_HAND) == pytest.approx((80 + 70 + 90) / 3)
    assert stream_measures(BY_HAND, ALONE) == pytest.approx(
        {"CL": 70.0, "FG": 65.0, "BWT": -15.0, "FWT": 5.0, "forgetting": 15.0, "max_forgetting": 40.0, "learned": 80.0}
    )
    assert tuple(stream_measures(BY_HAND)) == MEASURES


@given(streams())
@settings(max_examples=60, deadline=None)
def test_measures_are_the_sums_of_their_papers(stream):
    """Equation by equation, with the tasks counted from 1."""
    matrix, alone = stream
    tasks = len(alone)
    a = {(i, j): matrix[i, j - 1] for i in range(tasks + 1) for j in range(1, tasks + 1)}
    found = stream_measures(matrix, alone)
    earlier = range(1, tasks)
    assert found["CL"] == pytest.approx(sum(a[tasks, j] for j in range(1, tasks + 1)) / tasks)
    for j in range(2, tasks + 1):
        expected = sum(a[j, i] / alone[i - 1] for i in range(1, j)) / (j - 1) * 100
        assert retention(matrix, alone)[j] == pytest.approx(expected)
    assert found["BWT"] == pytest.approx(sum(a[tasks, i] - a[i, i] for i in earlier) / (tasks - 1))
    assert found["FWT"] == pytest.approx(sum(a[i - 1, i] - a[0, i] for i in range(2, tasks + 1)) / (tasks - 1))
    lost = [max(a[m, i] for m in range(i, tasks)) - a[tasks, i] for i in earlier]
    assert found["forgetting"] == pytest.approx(sum(lost) / (tasks - 1))
    assert found["max_forgetting"] == pytest.approx(max(lost))


@given(streams())
@settings(max_examples=40, deadline=None)
def test_forgetting_is_at_least_what_was_lost_since_learning(stream):
    matrix, alone = stream
    found = stream_measures(matrix, alone)
    assert found["forgetting"] >= -found["BWT"] - 1e-9
    assert found["max_forgetting"] >= found["forgetting"] - 1e-9
    # What is learned and what is lost since make up the end.
    tasks = len(alone)
    assert found["CL"] == pytest.approx(found["learned"] + found["BWT"] * (tasks - 1) / tasks)


@given(streams())
@settings(max_examples=40, deadline=None)
def test_a_model_that_never_changes_transfers_and_forgets_nothing(stream):
    matrix, alone = stream
    still = np.tile(matrix[0], (len(matrix), 1))
    found = stream_measures(still, alone)
    assert [found[name] for name in ("BWT", "FWT", "forgetting", "max_forgetting")] == [0, 0, 0, 0]
    assert found["CL"] == found["learned"]


def test_what_was_not_measured_takes_only_the_measures_that_need_it():
    joint = np.full((4, 3), np.nan)
    joint[-1] = BY_HAND[-1]
    found = stream_measures(joint, ALONE)
    assert (found["CL"], found["FG"]) == (pytest.approx(70.0), pytest.approx(65.0))
    assert all(np.isnan(found[name]) for name in ("BWT", "FWT", "forgetting", "max_forgetting", "learned"))
    assert np.isnan(stream_measures(BY_HAND)["FG"])
    # Nothing can be kept of a task that was never learned, not even alone.
    assert np.isnan(stream_measures(BY_HAND, np.array([80.0, 0.0, 90.0]))["FG"])


@pytest.mark.parametrize(
    ("matrix", "message"),
    [
        (np.zeros((3, 3)), r"T \+ 1 rows, not one of shape \(3, 3\)"),
        (np.zeros((2, 1)), "at least 2"),
        (BY_HAND + 30, "an accuracy of 1"),
        (BY_HAND - 15, "an accuracy of -5"),
    ],
)
def test_what_is_no_stream_is_refused(matrix, message):
    for measure in (final_accuracy, backward_transfer, forward_transfer, forgetting, learned):
        with pytest.raises(InputError, match=message):
            measure(matrix)
    with pytest.raises(InputError, match=message):
        retention(matrix, ALONE)


def test_accuracies_alone_must_fit():
    with pytest.raises(InputError, match=r"shape \(2,\) do not fit 3 tasks"):
        retention(BY_HAND, ALONE[:2])
    with pytest.raises(InputError, match="an accuracy of 160"):
        retention(BY_HAND, 2 * ALONE)
