"""Parameters of the studies that train neurons: what is impossible is refused at its key."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.params.loading import parse_params

DEFAULT = (Path(__file__).resolve().parents[2] / "params.yaml").read_text(encoding="utf-8")
UNSEEN = "test_classification: [sentiment_film, "
SHARES = "proportion: {percents: [10, 30, 50, 70, 100]"


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
            "groups.synthetic.test_classification[0]: task `sentiment_food` is in `train_classification` too",
        ),
        (UNSEEN, f"{UNSEEN}sentiment_film, ", "task `sentiment_film` is in `test_classification` too"),
        (
            "  synthetic:\n    train_classification",
            "  synthetik:\n    train_classification",
            "Did you mean `synthetic`?",
        ),
        ("  synthetic:\n    train_classification", "  wide:\n    train_classification", "Write groups.synthetic"),
        (SHARES, SHARES.replace("10,", "0,"), "proportion.percents[0]: 0 is not a share: above 0, at most 100"),
        (SHARES, SHARES.replace("100", "100.5"), "proportion.percents[4]: 100.5 is not a share"),
        (SHARES, SHARES.replace("30", "-3"), "proportion.percents[1]: -3 is not a share"),
        (SHARES, SHARES.replace("30", "10"), "proportion.percents[1]: 10.0 stands here twice"),
        ("controlled: [10, 50, 100]", "controlled: [10, 150]", "overlap.controlled[1]: 150 is not a share"),
        ("controlled: [10, 50, 100]", "controlled: [50]", "overlap.controlled: a trend needs at least two overlaps"),
        ("trained_percents: [10, 30, 50]", "trained_percents: [0.0]", "overlap.trained_percents[0]: 0 is not a share"),
        ("  percents: [10]\n", "  percents: []\n", "training.percents: is empty"),
        ("first_seed_percents: [3]", "first_seed_percents: [10]", "10 is in `percents` too"),
        ("random_draws: 3\n", "random_draws: 2\n", "training.random_draws: expected greater than or equal to 3, got 2"),
        ("  warmup: 4\n", "  warmup: 41\n", "training.warmup"),
        ("similarity: {percent: 10", "similarity: {percent: 101", "similarity.percent: expected less than or equal"),
    ],
)
def test_what_is_impossible_is_named_with_its_key(old: str, new: str, said: str) -> None:
    assert said in refusal(old, new)


@given(st.decimals(min_value=-1000, max_value=1000, places=3).map(float))
def test_a_share_is_taken_exactly_if_it_is_above_zero_and_at_most_a_hundred(percent: float) -> None:
    text = DEFAULT.replace("trained_percents: [10, 30, 50]", f"trained_percents: [{percent!r}]")
    try:
        taken = parse_params(text).overlap.trained_percents == (percent,)
    except InputError:
        taken = False
    assert taken == (0 < percent <= 100)
