"""Time left is within a factor of two after the first tenth of a run, also where expectations are wrong by as much."""

import random

import pytest

from taskneurons.time_left import TimeLeft, seconds_of_rules

# Rule -> jobs, seconds expected, seconds taken: a study of one's own on a slow and on a fast machine, whose first jobs
# are short; one long training; many tables.
RUNS = {
    "own study": {
        "data": (6, 5, 1),
        "import": (1, 20, 35),
        "score": (6, 60, 40),
        "deactivate": (12, 100, 45),
        "table": (12, 1, 2),
    },
    "slow machine": {
        "data": (6, 5, 4),
        "import": (1, 20, 60),
        "score": (6, 60, 170),
        "deactivate": (12, 100, 270),
        "table": (12, 1, 5),
    },
    "one training": {"data": (1, 5, 2), "train": (1, 900, 850), "table": (3, 1, 1)},
    "many small": {"data": (40, 1, 2), "table": (200, 1, 3)},
}


def course(run: str, cores: int) -> list[tuple[float, float, bool]]:
    """(time, time left as estimated, whether it is within a factor of two) after each job and at each half minute.

    Up to the last twentieth, of which no minute is worth telling. A training says how far it is.
    """
    kinds, draw = RUNS[run], random.Random(0)
    left = TimeLeft(
        {rule: expected for rule, (_, expected, _) in kinds.items()}, {r: n for r, (n, *_) in kinds.items()}
    )
    waiting = [(rule, took * draw.uniform(0.8, 1.25)) for rule, (count, _, took) in kinds.items() for _ in range(count)]
    running: dict[int, float] = {}
    now, number, found = 0.0, 0, []
    while waiting or running:
        while waiting and len(running) < cores:
            rule, took = waiting.pop(0)
            left.begin(number, rule, now)
            running[number] = now + took
            number += 1
        first = min(running, key=lambda one: running[one])
        while now + 30 < running[first]:
            now += 30
            if run == "one training":
                rest = round(running[first] - now)
                left.hear(f"tuning: 1 of 2 steps, 00:30 gone, {rest // 60:02}:{rest % 60:02} left", now)
            found.append((now, left.left(now)))
        now = running.pop(first)
        left.end(first, now)
        found.append((now, left.left(now)))
    return [(at, said, (now - at) / 2 <= said <= 2 * (now - at)) for at, said in found if at < 0.95 * now]


@pytest.mark.parametrize("cores", [1, 2])
@pytest.mark.parametrize("run", RUNS)
def test_after_the_first_tenth_the_time_left_is_within_a_factor_of_two(run, cores):
    found = course(run, cores)
    wrong = [(at, said) for at, said, good in found if at > found[-1][0] / 10 and not good]
    assert len(found) > 10 and not wrong, wrong[:5]


def test_rules_that_ran_before_give_the_pace_to_those_that_did_not():
    assert seconds_of_rules({"a": 10.0, "b": 40.0, "new": 5.0}, {"a": 30.0, "b": 20.0, "old": 9.0}) == {
        "a": 30.0,
        "b": 20.0,
        "new": 5.0,
        "old": 9.0,
    }


def test_a_job_that_says_how_far_it_is_is_believed_where_it_is_alone():
    left = TimeLeft({"train": 100.0}, {"train": 1})
    left.begin(0, "train", 0.0)
    assert left.hear("pre-training: 500 of 2000 steps, 05:00 gone, 1:15:10 left", 300.0)
    assert left.left(300.0) == 4510.0 and left.left(400.0) == 4410.0
    assert not left.hear("error: 3 of 4 steps are wrong", 400.0)
    left.end(0, 500.0)
    assert left.left(500.0) == 0.0 and left.what == ""
