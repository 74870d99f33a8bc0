"""Conductance and internal influence: against captum, and against the loss that they explain."""

import numpy as np
import pytest
import torch
from architectures import PAD, tiny_model
from captum.attr import InternalInfluence, LayerConductance
from torch.nn.functional import cross_entropy

from taskneurons.engine.effects import batches_of
from taskneurons.engine.input_path import on_path
from taskneurons.models.encoding import Encoded
from taskneurons.models.ffn import ffn_layers

EXAMPLES = [Encoded((1, 5, 9, 30), (7, 2)), Encoded((1, 8, 11, 12, 13, 40), (4, 9, 2)), Encoded((1, 44), (20, 2))]


def loss_of_each_example(model, batch):
    """As a function of the embedded tokens, of which captum repeats the batch once a point."""

    def loss(embedded):
        repeats = len(embedded) // len(batch)
        logits = model(
            inputs_embeds=embedded,
            attention_mask=batch.attention_mask.repeat(repeats, 1),
            position_ids=batch.position_ids.repeat(repeats, 1),
            use_cache=False,
        ).logits
        labels = batch.labels.repeat(repeats, 1)
        return cross_entropy(logits.transpose(1, 2), labels, ignore_index=-100, reduction="none").sum(1)

    return loss


# captum itself cannot read layers that see the tokens of a batch as one list (OPT, mixtures of experts).
@pytest.mark.parametrize("architecture", ["llama", "phi3", "gpt_neox", "gpt2", "bloom"])
def test_both_equal_captum(architecture):
    model = tiny_model(architecture)
    (batch,) = batches_of(EXAMPLES, PAD, 3)
    found = on_path(model, [batch], points=5)
    embedded = model.get_input_embeddings()(batch.input_ids).detach()
    for ffn in ffn_layers(model):
        # captum's rule of conductance has one point more than steps.
        for method, steps, ours in (
            (LayerConductance, 4, found.conductance),
            (InternalInfluence, 5, found.influence),
        ):
            theirs = method(loss_of_each_example(model, batch), ffn.output.module).attribute(
                embedded, baselines=torch.zeros_like(embedded), n_steps=steps, attribute_to_layer_input=True
            )
            theirs = theirs[0] if isinstance(theirs, tuple) else theirs
            theirs = theirs.detach().reshape(len(batch), -1, ffn.width).sum(1).abs().sum(0).numpy()
            assert theirs.max() > 0
            np.testing.assert_allclose(ours[ffn.layer], theirs, rtol=2e-3, atol=float(theirs.max()) * 1e-4)


def test_the_size_of_batches_changes_nothing():
    model = tiny_model("llama")
    together, apart = (on_path(model, batches_of(EXAMPLES, PAD, size), points=4) for size in (3, 1))
    for name in ("conductance", "influence"):
        one, other = getattr(together, name), getattr(apart, name)
        np.testing.assert_allclose(one, other, rtol=1e-3, atol=other.max() * 1e-4)
