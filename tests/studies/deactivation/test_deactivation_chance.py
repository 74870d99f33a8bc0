"""The level of chance, and who is at it."""

import numpy as np
import pytest

from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.deactivation.chance import at_chance


@pytest.mark.parametrize(
    ("options", "constant", "chance"),
    [
        (("a", "b", "c", "d"), None, 25),
        (("a", "b"), 83.5, 83.5),
        (("a", "b"), 41.0, 50),
        ((), 12.5, 12.5),
        ((), None, None),
    ],
)
def test_chance_is_the_better_of_guessing_and_a_constant_answer(options, constant, chance) -> None:
    task = DescribedTask("s", "t", "f", "classification", options=options, constant=constant)
    assert task.chance == chance
    assert DescribedTask("s", "t", "f", "classification", options=tuple(options), constant=constant).chance == chance


def test_a_guesser_is_at_chance_and_a_learner_is_not() -> None:
    rng = np.random.default_rng(0)
    guesses = 100 * rng.binomial(500, 0.5, 4000) / 500
    # One-sided at two standard errors: 97.7 % of guessers are recognised.
    coin = DescribedTask("s", "t", "f", "classification", options=("a", "b"))
    assert np.mean([at_chance(g, 500, coin) for g in guesses]) == pytest.approx(0.977, abs=0.01)
    assert at_chance(60, 500, coin) is False
    assert at_chance(60, 500, DescribedTask("s", "t", "f", "generation")) is None


def test_a_generation_is_judged_by_the_spread_of_its_own_scores() -> None:
    """Scores that vary by 9 points: a mean of 40 beyond 24.9 + 2 x 9 / sqrt(40) = 27.7 is no chance."""
    rng = np.random.default_rng(0)
    task = DescribedTask("s", "t", "f", "generation", constant=24.9, spread=9.0)
    assert at_chance(34.7, 40, task) is False
    means = rng.normal(24.9, 9.0, (4000, 40)).mean(1)
    assert np.mean([at_chance(mean, 40, task) for mean in means]) == pytest.approx(0.977, abs=0.01)
