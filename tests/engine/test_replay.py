"""Effects of some neurons of a large model: against runs from the first layer, and against the product's scores."""

import numpy as np
import pytest
from architectures import ARCHITECTURES, PAD, checkpoint, tiny_model

from taskneurons.engine.attribution import attribute
from taskneurons.engine.effects import answered, batches_of, exact_effects
from taskneurons.engine.neuron_gradients import first_order_effects
from taskneurons.engine.replay import exact_effects_of
from taskneurons.models.encoding import Encoded

EXAMPLES = [Encoded((1, 5, 9, 30), (7, 2)), Encoded((1, 8, 11, 12, 13, 40), (4, 9, 2)), Encoded((1, 44), (20, 2))]
NEURONS = np.array([[1, 7], [0, 3], [1, 0]])


@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_what_is_remembered_of_lower_layers_changes_no_effect_and_leaves_the_model_as_it_was(architecture) -> None:
    model, batches = tiny_model(architecture), batches_of(EXAMPLES, PAD, 2)
    before = answered(model, batches).losses
    found = exact_effects_of(model, batches, NEURONS)
    whole = exact_effects(model, batches)
    np.testing.assert_allclose(found, whole[NEURONS[:, 0], NEURONS[:, 1]], atol=2e-5)
    assert np.abs(found).max() > 1e-4
    np.testing.assert_array_equal(answered(model, batches).losses, before)


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_first_order_effects_are_the_products_scores_with_their_sign(architecture) -> None:
    model = tiny_model(architecture)
    found = first_order_effects(model, batches_of(EXAMPLES, PAD, 2), NEURONS)
    scores = attribute(checkpoint(model), EXAMPLES, task="t", batch_size=2, estimators=["taylor", "taylor_global"])
    at = NEURONS[:, 0], NEURONS[:, 1]
    np.testing.assert_allclose(np.abs(found).sum(1), scores["taylor"].scores[at], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(np.abs(found.sum(1)), scores["taylor_global"].scores[at], rtol=1e-3, atol=1e-6)
