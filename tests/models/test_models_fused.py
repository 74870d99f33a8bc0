"""Functions of our own give what transformers gives, and the same gradients."""

import pytest
import torch
from architectures import tiny_model

from taskneurons.models.kernels import fastest

# A Llama whose heads share keys is computed by transformers, but for its norms.
MODELS = {"llama": {"num_key_value_heads": 2}, "llama with shared keys": {"num_key_value_heads": 1}, "bloom": {}}
LEFT = torch.arange(9) >= torch.tensor([0, 4, 2, 6])[:, None]


def results(model, **inputs):
    logits = model(use_cache=False, **inputs).logits[inputs["attention_mask"].bool()]
    weights = torch.rand(logits.shape, generator=torch.Generator().manual_seed(1))
    return logits.detach(), torch.autograd.grad((logits * weights).sum(), list(model.parameters()))


@pytest.mark.parametrize("name", MODELS)
def test_left_padded_texts_have_the_logits_and_gradients_of_transformers(name):
    model = tiny_model(name.split()[0], **MODELS[name]).requires_grad_(True)
    ids = torch.randint(3, 48, LEFT.shape, generator=torch.Generator().manual_seed(0)).where(LEFT, 0)
    positions = (LEFT.cumsum(1) - 1).clamp(min=0)
    inputs = {"input_ids": ids, "attention_mask": LEFT.long(), "position_ids": positions}
    expected, gradients = results(model, **inputs)
    with fastest(model):
        logits, found = results(model, **inputs)
        again, twice = results(model, **inputs)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    for a, b in zip(found, gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * b.abs().max().item())
    assert torch.equal(logits, again)
    assert all(map(torch.equal, found, twice))
    assert not any("forward" in module.__dict__ for module in model.modules())


@pytest.mark.parametrize("name", MODELS)
def test_keys_and_values_that_were_kept_serve_later_tokens(name):
    model = tiny_model(name.split()[0], **MODELS[name])
    ids = torch.randint(3, 48, (3, 8), generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        expected = model(ids).logits[:, 5:]
        with fastest(model):
            begun = model(ids[:, :5], use_cache=True)
            logits = model(ids[:, 5:], past_key_values=begun.past_key_values, use_cache=True).logits
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
