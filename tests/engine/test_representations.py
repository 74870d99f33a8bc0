import numpy as np
import pytest
import torch
from architectures import ARCHITECTURES, BOS, EOS, LAYERS, PAD, VOCABULARY, tiny_model

from taskneurons.engine import representations as module
from taskneurons.engine.representations import representations, stream_representations
from taskneurons.errors import InputError
from taskneurons.models.encoding import Encoded


def random_prompts(count=9, seed=0):
    random = np.random.default_rng(seed)

    def ids(low, high):
        return tuple(random.integers(3, VOCABULARY, size=random.integers(low, high)).tolist())

    return [Encoded((BOS, *ids(3, 14)), (*ids(1, 5), EOS)) for _ in range(count)]


def of_transformers(model, encoded, position):
    """Each prompt alone, through the whole model's own output of hidden states."""
    columns = []
    for example in encoded:
        hidden = model(torch.tensor([example.prompt]), output_hidden_states=True).hidden_states
        columns.append(torch.stack([h[0, -1] if position == "last" else h[0].mean(0) for h in hidden]))
    return torch.stack(columns, dim=1).numpy()


@pytest.mark.parametrize("position", ["last", "mean"])
@pytest.mark.parametrize("architecture", ARCHITECTURES)
def test_batches_and_padding_do_not_change_what_transformers_gives_each_prompt_alone(architecture, position):
    model, encoded = tiny_model(architecture), random_prompts()
    expected = of_transformers(model, encoded, position)
    assert expected.shape[:2] == (LAYERS + 1, len(encoded))
    for batch_size in (1, 4, 9):
        found = representations(model, encoded, pad_id=PAD, batch_size=batch_size, position=position)
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4 * np.abs(expected).max())


def test_a_model_that_is_narrower_at_its_end_is_read_before_it():
    """OPT-350m: 1024 wide between embeddings of 512."""
    model, encoded = tiny_model("opt", word_embed_proj_dim=8, do_layer_norm_before=False), random_prompts()
    entering, expected = [], []
    handle = model.model.decoder.project_out.register_forward_pre_hook(lambda _, args: entering.append(args[0][0, -1]))
    for example in encoded:
        *hidden, _ = model(torch.tensor([example.prompt]), output_hidden_states=True).hidden_states
        expected.append(torch.stack([*(one[0, -1] for one in hidden), entering.pop()]))
    handle.remove()
    found = representations(model, encoded, pad_id=PAD, batch_size=4)
    np.testing.assert_allclose(found, torch.stack(expected, dim=1).numpy(), rtol=1e-4, atol=1e-4)


def test_the_answer_is_not_read():
    model, encoded = tiny_model("llama"), random_prompts()
    others = [Encoded(example.prompt, (5, 6, 7, EOS)) for example in encoded]
    one, other = (representations(model, which, pad_id=PAD, batch_size=3) for which in (encoded, others))
    np.testing.assert_array_equal(one, other)


def test_the_head_is_not_computed_and_no_hook_stays():
    model = tiny_model("llama")

    def refuse(*_):
        raise AssertionError("the head was computed")

    model.lm_head.register_forward_hook(refuse)
    representations(model, random_prompts(), pad_id=PAD, batch_size=3)
    assert all(not layer._forward_pre_hooks for layer in model.model.layers)


def test_hooks_go_when_a_pass_fails():
    model = tiny_model("llama")
    model.model.norm.register_forward_hook(lambda *_: 1 / 0)
    with pytest.raises(ZeroDivisionError):
        representations(model, random_prompts(), pad_id=PAD, batch_size=3)
    assert all(not layer._forward_pre_hooks for layer in model.model.layers)


def test_streamed_batches_cover_every_example_once_and_in_the_same_order_for_two_models():
    encoded, seen = random_prompts(), []
    whole = representations(tiny_model("llama"), encoded, pad_id=PAD, batch_size=9)
    for architecture in ("llama", "bloom"):
        batches = []

        def use(examples, values, batches=batches):
            batches.append((examples.copy(), values.copy()))

        stream_representations(tiny_model(architecture), encoded, use, pad_id=PAD, batch_size=4)
        seen.append(batches)
    for (examples, values), (others, _) in zip(*seen, strict=True):
        np.testing.assert_array_equal(examples, others)
        np.testing.assert_allclose(values, whole[:, examples], rtol=1e-4, atol=1e-4)
    assert sorted(np.concatenate([examples for examples, _ in seen[0]]).tolist()) == list(range(len(encoded)))


def test_bfloat16_models_give_float32_near_the_full_ones():
    encoded = random_prompts()
    full = representations(tiny_model("llama"), encoded, pad_id=PAD, batch_size=9)
    half = representations(tiny_model("llama").bfloat16(), encoded, pad_id=PAD, batch_size=9)
    assert half.dtype == np.float32
    assert np.linalg.norm(half - full) < 0.05 * np.linalg.norm(full)


def test_what_stands_at_pads_never_reaches_the_mean():
    model, encoded = tiny_model("llama"), random_prompts()
    expected = representations(model, encoded, pad_id=PAD, batch_size=1, position="mean")[0]
    model.model.embed_tokens.weight[PAD] = float("inf")
    found = representations(model, encoded, pad_id=PAD, batch_size=9, position="mean")[0]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-5)


def test_running_out_of_memory_halves_the_batch_and_not_the_result(monkeypatch):
    model, encoded = tiny_model("llama"), random_prompts()
    expected = representations(model, encoded, pad_id=PAD, batch_size=9)
    real, sizes = module._hidden, []

    def hidden(model, batch, position):
        sizes.append(len(batch))
        if len(batch) > 3:
            raise torch.OutOfMemoryError("CUDA out of memory")
        return real(model, batch, position)

    monkeypatch.setattr(module, "_hidden", hidden)
    found = representations(model, encoded, pad_id=PAD, batch_size=9)
    assert sizes == [9, 4, 2, 2, 2, 2, 1]
    np.testing.assert_allclose(found, expected, rtol=1e-4, atol=1e-4)


def test_bad_requests_are_refused():
    model, encoded = tiny_model("llama"), random_prompts()
    with pytest.raises(InputError, match="no examples"):
        representations(model, [], pad_id=PAD, batch_size=2)
    with pytest.raises(InputError, match="last, mean, not 'first'"):
        representations(model, encoded, pad_id=PAD, batch_size=2, position="first")
    with pytest.raises(InputError, match="training mode"):
        representations(tiny_model("bloom").train(), encoded, pad_id=PAD, batch_size=2)
    with pytest.raises(InputError, match="Supported"):
        representations(torch.nn.Linear(2, 2).eval(), encoded, pad_id=PAD, batch_size=2)
