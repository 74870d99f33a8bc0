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
    assert np.mean([at_chance(g, 500, 50) for g in guesses]) == pytest.approx(0.977, abs=0.01)
    assert not at_chance(60, 500, 50)
