"""Tasks told from features: against scipy's Gaussians, and against the truth that the features were drawn from."""

import numpy as np
import pytest
from scipy.stats import multivariate_normal

from taskneurons.continual.identification import Moments, TaskGaussians
from taskneurons.errors import InputError

WIDTH = 6
RANDOM = np.random.default_rng(0)
TURN = np.linalg.qr(RANDOM.normal(size=(WIDTH, WIDTH)))[0]
TRUE_COVARIANCE = (TURN * np.array([9.0, 4.0, 1.0, 1.0, 0.5, 0.1])) @ TURN.T
TRUE_MEANS = {"topic": RANDOM.normal(size=WIDTH), "rating": RANDOM.normal(size=WIDTH), "nli": RANDOM.normal(size=WIDTH)}


def drawn(count, seed=0, distance=1.0):
    random = np.random.default_rng(seed)
    return {
        task: random.multivariate_normal(distance * mean, TRUE_COVARIANCE, count).astype(np.float32)
        for task, mean in TRUE_MEANS.items()
    }


def posterior(features, means, covariance):
    """By scipy's densities and Bayes' rule."""
    densities = np.column_stack([multivariate_normal(mean, covariance).pdf(features) for mean in means])
    return densities / densities.sum(1, keepdims=True)


@pytest.mark.parametrize("count", [2, 5, 100])
def test_it_is_the_posterior_of_its_gaussians(count):
    found = TaskGaussians.fit(drawn(count))
    features = drawn(20, seed=1)["rating"]
    logs = found.log_posterior(features)
    np.testing.assert_allclose(np.exp(logs), posterior(features, found.means, found.shrunk()), rtol=1e-6, atol=1e-12)
    np.testing.assert_allclose(np.exp(logs).sum(1), 1)


def test_with_many_prompts_it_is_the_true_posterior():
    features = np.concatenate(list(drawn(50, seed=1, distance=0.2).values()))
    logs = TaskGaussians.fit(drawn(20_000, distance=0.2)).log_posterior(features)
    expected = posterior(features, [0.2 * mean for mean in TRUE_MEANS.values()], TRUE_COVARIANCE)
    assert 0.05 < expected.min(1).mean() < 0.3
    np.testing.assert_allclose(np.exp(logs), expected, atol=0.02)


def test_separable_tasks_are_told_apart_by_few_prompts():
    # Three prompts a task: fewer than features, so the covariance alone has no inverse.
    found = TaskGaussians.fit(drawn(3, distance=20))
    assert np.linalg.matrix_rank(found.covariance) == WIDTH == 3 * (3 - 1)
    for number, features in enumerate(drawn(50, seed=1, distance=20).values()):
        assert (found.log_posterior(features).argmax(1) == number).all()
    wide = {task: np.tile(features, 10) for task, features in drawn(3, distance=20).items()}
    singular = TaskGaussians.fit(wide)
    assert np.linalg.matrix_rank(singular.covariance.astype(np.float64), tol=1e-4) == WIDTH < len(singular.covariance)
    assert np.isfinite(singular.log_posterior(wide["nli"])).all()
    assert (singular.log_posterior(wide["nli"]).argmax(1) == 2).all()


def test_shrinking_brings_a_covariance_of_few_prompts_nearer_to_the_truth():
    fits = [TaskGaussians.fit(drawn(4, seed)) for seed in range(100)]
    errors = np.array([[((one - TRUE_COVARIANCE) ** 2).sum() for one in (f.shrunk(), f.covariance)] for f in fits])
    assert errors.mean(0)[0] < 0.9 * errors.mean(0)[1]
    for found in fits:
        np.testing.assert_allclose(np.trace(found.shrunk()), np.trace(found.covariance), rtol=1e-6)
    many = TaskGaussians.fit(drawn(20_000))
    np.testing.assert_allclose(many.shrunk(), many.covariance, atol=0.01)


def test_tasks_met_one_by_one_and_in_any_order_are_the_same():
    features = drawn(30)
    features["topic"] = features["topic"][:7]
    whole = TaskGaussians.fit(features)
    turned = TaskGaussians.pooled({task: Moments.of(features[task]) for task in reversed(features)})
    assert turned.tasks == whole.tasks[::-1]
    asked = drawn(10, seed=1)["nli"]
    np.testing.assert_allclose(turned.log_posterior(asked)[:, ::-1], whole.log_posterior(asked), atol=1e-5)
    # Pooled within tasks, as in the analysis of variance.
    within = sum((len(own) - 1) * np.cov(own.T.astype(np.float64)) for own in features.values())
    np.testing.assert_allclose(whole.covariance, within / (67 - 3), rtol=1e-5, atol=1e-6)
    assert whole.nbytes == 4 * (3 * WIDTH + WIDTH * WIDTH)


def test_one_task_is_certain_and_one_feature_is_enough():
    features = drawn(5)["nli"]
    assert TaskGaussians.fit({"nli": features}).log_posterior(features).tolist() == [[0.0]] * 5
    thin = TaskGaussians.fit({task: own[:, :1] for task, own in drawn(5).items()})
    np.testing.assert_allclose(thin.shrunk(), thin.covariance)


def test_features_that_do_not_vary_are_refused():
    for features in ({"nli": np.ones((5, 3), np.float32)}, {task: own[:1] for task, own in drawn(1).items()}):
        with pytest.raises(InputError, match="do not vary within any"):
            TaskGaussians.fit(features)
