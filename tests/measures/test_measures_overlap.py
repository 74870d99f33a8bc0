"""The overlap of random sets: against enumeration and against draws."""

from itertools import combinations

import numpy as np
import pytest

from taskneurons.errors import InputError
from taskneurons.measures.overlap import chance_jaccard


@pytest.mark.parametrize(("first", "second", "total"), [(2, 3, 6), (4, 4, 6), (6, 2, 6), (0, 3, 6), (1, 1, 1)])
def test_it_is_the_mean_over_all_sets(first, second, total):
    fixed = set(range(first))
    others = [set(other) for other in combinations(range(total), second)]
    expected = np.mean([len(fixed & other) / len(fixed | other) for other in others])
    assert chance_jaccard(first, second, total) == pytest.approx(expected, abs=1e-12)


def test_large_layers_agree_with_draws():
    rng = np.random.default_rng(0)
    draws = []
    for _ in range(400):
        one, other = (rng.permutation(11008) < 1101 for _ in range(2))
        draws.append((one & other).sum() / (one | other).sum())
    assert chance_jaccard(1101, 1101, 11008) == pytest.approx(np.mean(draws), rel=0.01)


def test_two_empty_sets_have_no_overlap_and_impossible_sizes_are_refused():
    assert chance_jaccard(0, 0, 5) is None
    with pytest.raises(InputError, match="sets of 6 and 1 among 5"):
        chance_jaccard(6, 1, 5)
