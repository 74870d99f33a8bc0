"""The Mantel test: against scipy's correlation, by enumeration, and its error rate where cells share tasks."""

from itertools import permutations

import numpy as np
import pytest
from scipy.stats import rankdata, spearmanr

from taskneurons.errors import InputError
from taskneurons.measures.mantel import mantel


def cells(matrix):
    return matrix[~np.eye(len(matrix), dtype=bool)]


def test_correlation_is_spearmans_over_the_off_diagonal_cells():
    rng = np.random.default_rng(0)
    x, y = rng.integers(0, 6, size=(2, 9, 9)).astype(float)
    np.fill_diagonal(x, np.nan)
    expected = spearmanr(cells(x), cells(y)).statistic
    assert mantel(x, y).correlation == pytest.approx(expected, abs=1e-12)


def test_p_of_few_tasks_is_the_share_of_all_labellings():
    rng = np.random.default_rng(1)
    x, noise = rng.normal(size=(2, 5, 5))
    y = x + noise
    observed = abs(spearmanr(cells(x), cells(y)).statistic)
    orders = [list(order) for order in permutations(range(5))]
    hits = [abs(spearmanr(cells(x[np.ix_(order, order)]), cells(y)).statistic) >= observed - 1e-9 for order in orders]
    test = mantel(x, y)
    assert (test.exact, test.permutations) == (True, 120)
    assert test.p_value == pytest.approx(np.mean(hits))


def test_covariates_are_taken_out_of_every_labelling():
    rng = np.random.default_rng(4)
    x, y, level = rng.normal(size=(3, 5, 5)) + 2 * np.kron([[1, 0], [0, 1]], np.ones((3, 3)))[:5, :5]
    design = np.column_stack([np.ones(20), cells(level)])
    off, places = ~np.eye(5, dtype=bool), np.zeros((5, 5), dtype=int)
    places[off] = range(20)
    take_out = np.eye(20) - design @ np.linalg.pinv(design)
    first, second = (take_out @ rankdata(cells(matrix)) for matrix in (x, y))
    null = [
        abs(np.corrcoef(take_out @ first[cells(places[np.ix_(order, order)])], second)[0, 1])
        for order in permutations(range(5))
    ]
    found = mantel(x, y, nuisance=[level])
    assert found.p_value == pytest.approx(np.mean(np.array(null) >= abs(found.correlation) - 1e-9))


def test_tasks_that_differ_as_a_whole_are_not_taken_for_related_pairs():
    """Cells of independent task effects correlate far beyond what as many independent cells would."""
    rng = np.random.default_rng(2)
    clear = cell_wise = 0
    for _ in range(200):
        a, b = rng.normal(size=(2, 12))
        x, y = np.add.outer(a, a), np.add.outer(b, b)
        clear += mantel(x, y, draws=199).p_value <= 0.05
        cell_wise += spearmanr(cells(x), cells(y)).pvalue <= 0.05
    assert clear <= 18
    assert cell_wise >= 40


def test_what_a_family_explains_is_taken_out():
    rng = np.random.default_rng(3)
    family = np.kron(np.eye(5), np.ones((3, 3)))
    x, y = (2 * family + 0.3 * rng.normal(size=(15, 15)) for _ in range(2))
    assert mantel(x, y).p_value < 0.01
    given = mantel(x, y, nuisance=[family])
    ranks = [rankdata(cells(matrix)) for matrix in (x, y)]
    design = np.column_stack([np.ones(15 * 14), cells(family)])
    left = [rank - design @ np.linalg.lstsq(design, rank, rcond=None)[0] for rank in ranks]
    assert given.correlation == pytest.approx(np.corrcoef(*left)[0, 1])
    hits = 0
    for _ in range(100):
        x, y = (2 * family + 0.3 * rng.normal(size=(15, 15)) for _ in range(2))
        hits += mantel(x, y, nuisance=[family], draws=199).p_value <= 0.05
    assert hits <= 12


@pytest.mark.parametrize(
    ("x", "y", "nuisance", "reason"),
    [
        (np.ones((3, 3)), np.ones((3, 3)), (), "3 tasks, at least 4"),
        (np.ones((5, 5)), np.arange(25.0).reshape(5, 5), (), "all pairs of tasks are equal"),
        (np.where(np.eye(5, k=1), np.nan, 1.0), np.arange(25.0).reshape(5, 5), (), "4 of 20 pairs"),
        (np.eye(5, k=1), np.arange(25.0).reshape(5, 5), (np.eye(5, k=1),), "equal, given the nuisance"),
    ],
)
def test_what_cannot_be_tested_says_why(x, y, nuisance, reason):
    test = mantel(x, y, nuisance=nuisance)
    assert (test.available, test.correlation, test.p_value) == (False, None, None)
    assert reason in test.reason


def test_other_shapes_are_refused():
    with pytest.raises(InputError, match="square matrices of one shape"):
        mantel(np.ones((5, 6)), np.ones((5, 6)))
    with pytest.raises(InputError, match="at least 1 draw"):
        mantel(np.ones((5, 5)), np.ones((5, 5)), draws=0)
