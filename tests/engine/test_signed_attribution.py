"""Signed scores against numerical derivatives: how the loss changes when one neuron is scaled."""

import numpy as np
import pytest
import torch
from small_checkpoint import ECHO, lay_checkpoint, lay_task, small_model

from taskneurons.engine.attribution import attribute
from taskneurons.engine.signed_attribution import attribute_signed
from taskneurons.engine.task_by_task import encoded_split
from taskneurons.models.encoding import collate
from taskneurons.models.load import load_checkpoint

STEP = 1e-2


def summed_loss(model, batch, layer, neuron, scale):
    """The summed cross-entropy of the answers when the activation of one neuron is scaled; by a hook of its own."""

    def scaled(_, args):
        factors = torch.ones(args[0].shape[-1], dtype=args[0].dtype)
        factors[neuron] = scale
        return (args[0] * factors,)

    handle = model.model.layers[layer].mlp.down_proj.register_forward_pre_hook(scaled)
    with torch.no_grad():
        logits = model(
            batch.input_ids, attention_mask=batch.attention_mask, position_ids=batch.position_ids
        ).logits.double()
    handle.remove()
    return float(torch.nn.functional.cross_entropy(logits.flatten(0, 1), batch.labels.flatten(), reduction="sum"))


def test_a_signed_score_is_the_slope_towards_zero(tmp_path):
    loaded = load_checkpoint(lay_checkpoint(tmp_path / "model"))
    encoded = encoded_split(loaded, lay_task(tmp_path / "echo", ECHO), "train", 6)
    found = attribute_signed(loaded, encoded, task="echo", batch_size=4)
    model = small_model().double()
    batch = collate(encoded, loaded.tokenizer.pad_token_id)
    for layer, neuron in [(0, 3), (0, 17), (1, 8), (1, 30)]:
        up, down = (summed_loss(model, batch, layer, neuron, 1 + side * STEP) for side in (1, -1))
        assert found.scores[layer, neuron] == pytest.approx((down - up) / (2 * STEP), rel=0.01, abs=1e-3)
    assert (found.scores < 0).any() and (found.scores > 0).any()
    absolute = attribute(loaded, encoded, task="echo", batch_size=4, estimators=["taylor_global"])["taylor_global"]
    np.testing.assert_allclose(np.abs(found.scores), absolute.scores, rtol=1e-5)
