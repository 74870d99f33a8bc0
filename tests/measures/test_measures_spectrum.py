import numpy as np
import pytest
from scipy.stats import entropy

from taskneurons.errors import InputError
from taskneurons.measures.spectrum import spectrum


def features_with(variances, n, width, seed=0):
    """Rows whose sample covariance has exactly these eigenvalues."""
    rng = np.random.default_rng(seed)
    scores = rng.standard_normal((n, len(variances)))
    scores = np.linalg.qr(scores - scores.mean(axis=0))[0] * np.sqrt(n - 1)
    directions = np.linalg.qr(rng.standard_normal((width, len(variances))))[0]
    return (scores * np.sqrt(variances)) @ directions.T + rng.standard_normal(width)


@pytest.mark.parametrize("n, width", [(200, 20), (15, 60), (30, 30)])
def test_planted_eigenvalues(n, width):
    variances = np.array([60.0, 30.0, 9.5, 0.4, 0.1])
    found = spectrum(features_with(variances, n, width))
    assert found.effective_rank == pytest.approx(np.exp(entropy(variances)), rel=1e-9)
    assert found.components == 3
    assert found.variance == pytest.approx(100)
    assert (found.n, found.dropped, found.most) == (n, 0, min(n - 1, width))
    assert spectrum(features_with(variances, n, width), share=0.9).components == 2
    assert spectrum(features_with(variances, n, width), share=1.0).components == 5


def test_k_equal_directions_count_k():
    for k in (1, 4, 9):
        found = spectrum(features_with(np.full(k, 2.5), 50, 12))
        assert found.effective_rank == pytest.approx(k)
        assert found.components == k


def test_it_agrees_with_scikit_like_singular_values():
    x = np.random.default_rng(1).standard_normal((40, 70)) * np.linspace(0.1, 3, 70)
    values = np.linalg.svd(x - x.mean(axis=0), compute_uv=False) ** 2
    found = spectrum(x.astype(np.float32))
    assert found.effective_rank == pytest.approx(np.exp(entropy(values)), rel=1e-5)
    assert found.components == int((np.cumsum(values) / values.sum() < 0.99).sum()) + 1
    assert found.variance == pytest.approx(np.trace(np.cov(x.T)), rel=1e-5)


def test_rotation_shift_and_scale_change_no_count():
    rng = np.random.default_rng(2)
    x = rng.standard_normal((60, 10)) * np.geomspace(1, 30, 10)
    turned = 1e-20 * (x @ np.linalg.qr(rng.standard_normal((10, 10)))[0] + 5)
    one, other = spectrum(x), spectrum(turned)
    assert other.effective_rank == pytest.approx(one.effective_rank)
    assert other.components == one.components


def test_rows_that_are_not_finite_are_dropped_and_counted():
    x = np.random.default_rng(3).standard_normal((30, 5))
    bad = x.copy()
    bad[4, 1], bad[9] = np.nan, np.inf
    found, expected = spectrum(bad), spectrum(np.delete(x, [4, 9], axis=0))
    assert (found.n, found.dropped) == (28, 2)
    assert (found.effective_rank, found.components) == (expected.effective_rank, expected.components)


def test_what_is_not_available_says_why():
    assert spectrum(np.full((9, 4), 1234.567, np.float32)).reason == "all features are constant"
    assert spectrum(np.zeros((9, 4))).reason == "all features are constant"
    assert spectrum(np.ones((1, 4))).reason == "1 examples, at least 2 are needed"
    assert spectrum(np.full((3, 4), np.nan)).reason == "0 examples, at least 2 are needed"
    assert not spectrum(np.zeros((9, 4))).available


def test_bad_requests_are_refused():
    with pytest.raises(InputError, match="share"):
        spectrum(np.zeros((5, 5)), share=0)
    with pytest.raises(InputError, match="share"):
        spectrum(np.zeros((5, 5)), share=99)
    with pytest.raises(InputError, match="at least one feature"):
        spectrum(np.zeros((5, 0)))
