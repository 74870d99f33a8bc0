"""Parameters of the studies that train neurons: what is impossible is refused at its key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.params.loading import parse_params

DEFAULT = (Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8")
UNSEEN = "test_classification: [topic_news, "
SHARES = "  percents: [10, 50, 70, 100]\n  tuning"
PERCENTS = "tasks: 2\n  percents: [0.3, 1, 3, 10]"


def refusal(old: str, new: str) -> str:
    assert DEFAULT.count(old) == 1
    with pytest.raises(InputError) as error:
        parse_params(DEFAULT.replace(old, new))
    return str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        (
            UNSEEN,
            "test_classification: [sentiment_food, ",
            "groups.transfer.test_classification[0]: task `sentiment_food` is in `train_classification` too",
        ),
        (UNSEEN, f"{UNSEEN}sentiment_film, ", "task `sentiment_film` is in `test_classification` too"),
        (
            "  transfer:\n    train_classification",
            "  transfar:\n    train_classification",
            "Did you mean `transfer`?",
        ),
        ("  transfer:\n    train_classification", "  wide:\n    train_classification", "Write groups.transfer"),
        (SHARES, SHARES.replace("[10,", "[0,"), "proportion.percents[0]: 0 is not a share: above 0, at most 100"),
        (SHARES, SHARES.replace("100", "100.5"), "proportion.percents[3]: 100.5 is not a share"),
        (SHARES, SHARES.replace("50", "-3"), "proportion.percents[1]: -3 is not a share"),
        (SHARES, SHARES.replace("50", "10"), "proportion.percents[1]: 10.0 stands here twice"),
        ("controlled: [10, 100]", "controlled: [10, 150]", "overlap.controlled[1]: 150 is not a share"),
        ("controlled: [10, 100]", "controlled: [50]", "overlap.controlled: a trend needs at least two overlaps"),
        ("trained_percents: [10]", "trained_percents: [0.0]", "overlap.trained_percents[0]: 0 is not a share"),
        (PERCENTS, "tasks: 2\n  percents: []", "curves.percents: is empty"),
        (PERCENTS, "tasks: 2\n  percents: [0.3, 1, 10]", "curves.centre.percent: is not in `percents`"),
        (PERCENTS, "tasks: 2\n  percents: [0, 3]", "curves.percents[0]: 0 is not a share"),
        ("readings: [5, 10, 20, 40]", "readings: [5, 20, 10]", "curves.readings: steps must rise"),
        (
            "centre: {percent: 3, learning_rate: 1.0e-3}",
            "centre: {percent: 3, learning_rate: 1.0}",
            "is not in `learning",
        ),
        ("[uniform, keystone,", "[uniform, uniform,", "curves.controls[1]: 'uniform' stands here twice"),
        ("  warmup: 4\n", "  warmup: 41\n", "curves.warmup: warm-up of 41 steps in a training of 40"),
        (
            "similarity:\n  percent: 10\n",
            "similarity:\n  percent: 101\n",
            "similarity.percent: expected less than or equal",
        ),
    ],
)
def test_what_is_impossible_is_named_with_its_key(old: str, new: str, said: str) -> None:
    assert said in refusal(old, new)


@given(st.decimals(min_value=-1000, max_value=1000, places=3).map(float))
def test_a_share_is_taken_exactly_if_it_is_above_zero_and_at_most_a_hundred(percent: float) -> None:
    text = DEFAULT.replace("percents: [3, 10, 30, 50, 70]", f"percents: [{percent!r}]")
    try:
        taken = parse_params(text).overlap.percents == (percent,)
    except InputError:
        taken = False
    assert taken == (0 < percent <= 100)
