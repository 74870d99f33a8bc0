"""Models that leave pads out give every token what they gave it before."""

import pytest
import torch
from architectures import ARCHITECTURES, LAYERS, tiny_model

from taskneurons.models.ffn import ffn_layers
from taskneurons.models.kernels import fastest
from taskneurons.models.padding import tokens_only, without_pads

LENGTHS = torch.tensor([9, 3, 7, 2, 9, 1])


def results(model, ids, real):
    """The logits of the tokens, and the gradients of a random sum of them."""
    logits = model(ids, use_cache=False).logits[real]
    weights = torch.rand(logits.shape, generator=torch.Generator().manual_seed(1))
    return logits.detach(), torch.autograd.grad((logits * weights).sum(), list(model.parameters()))


@pytest.mark.parametrize("name", [*ARCHITECTURES, "llama of own keys"])
def test_tokens_have_their_logits_and_weights_their_gradients(name):
    architecture, *own = name.split(" of ")
    model = tiny_model(architecture, **({"num_key_value_heads": 2} if own else {})).requires_grad_(True)
    real = torch.arange(9) < LENGTHS[:, None]
    ids = torch.randint(3, 48, real.shape, generator=torch.Generator().manual_seed(0)).where(real, 0)
    expected, gradients = results(model, ids, real)
    rows: list[int] = []
    for ffn in ffn_layers(model):
        ffn.output.module.register_forward_pre_hook(lambda _, inputs: rows.append(inputs[0].shape[:-1].numel()))
    with fastest(model), without_pads(model) as leave_out:
        leave_out(LENGTHS)
        logits, found = results(model, ids, real)
        again, twice = results(model, ids, real)
    torch.testing.assert_close(logits, expected, rtol=1e-5, atol=1e-5)
    # The gradient of a bias of keys is 0 but for rounding.
    largest = max(gradient.abs().max().item() for gradient in gradients)
    for a, b in zip(found, gradients, strict=True):
        torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-5 * b.abs().max().item() + 1e-7 * largest)
    assert torch.equal(logits, again)
    assert all(map(torch.equal, found, twice))
    # OPT has no module that is its FFN.
    assert rows == [real.numel() if architecture == "opt" else int(LENGTHS.sum())] * LAYERS * 2


def test_afterwards_the_model_is_as_before():
    model = tiny_model("llama")
    with without_pads(model) as leave_out:
        leave_out(LENGTHS)
        with pytest.raises(ValueError, match="rows of"):
            model(torch.ones(2, 5, dtype=torch.long))
    assert model(torch.ones(2, 5, dtype=torch.long)).logits.shape[:2] == (2, 5)


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_whole_layers_leave_pads_out_only_where_their_attention_is_known(architecture):
    own = {"num_key_value_heads": 2} if architecture == "llama" else {}
    for settings, autocast, whole in (
        (own, False, True),
        (own, True, False),
        ({"num_key_value_heads": 1}, False, False),
    ):
        if architecture == "bloom" and settings:
            continue
        model = tiny_model(architecture, **settings)
        shapes: list[tuple[int, ...]] = []
        for module in model.modules():
            if type(module).__name__ in ("LlamaRMSNorm", "LayerNorm"):
                module.register_forward_hook(
                    lambda _, __, output, shapes=shapes: shapes.append(tuple(output.shape[:2]))
                )
        with fastest(model), without_pads(model, autocast=autocast) as leave_out:
            leave_out(LENGTHS)
            model(torch.ones(6, 9, dtype=torch.long))
        assert ((1, int(LENGTHS.sum())) in shapes) == whole


@pytest.mark.parametrize("architecture", ["llama", "bloom", "gpt2"])
def test_a_batch_stays_as_it_is_where_attention_is_not_known_or_nothing_is_padded(architecture):
    # This Llama's heads share keys.
    model = tiny_model(architecture)
    for real, whole in ((torch.arange(9) < LENGTHS[:, None], architecture == "bloom"), (torch.ones(6, 9) > 0, False)):
        ids, seen = torch.full(real.shape, 5), []
        handle = ffn_layers(model)[0].output.module.register_forward_pre_hook(
            lambda _, inputs, seen=seen: seen.append(inputs[0].shape[:-1].numel())
        )
        with fastest(model), tokens_only(model, real) as leaves_out:
            logits = model(ids, attention_mask=real.long(), use_cache=False).logits
        handle.remove()
        assert leaves_out == whole
        assert seen == [int(real.sum()) if whole else real.numel()]
        assert logits.shape[:2] == real.shape
