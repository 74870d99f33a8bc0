"""Models whose rotary frequencies depend on the length of a text: neither batch nor past changes a result."""

import numpy as np
import pytest
import torch
from architectures import EOS, PAD, VOCABULARY, tiny_model
from small_checkpoint import TOKENIZER

from taskneurons.engine.attribution import attribute
from taskneurons.engine.evaluation import evaluate_examples, prepare
from taskneurons.engine.representations import representations
from taskneurons.models.encoding import Encoded
from taskneurons.models.load import load_checkpoint, save_checkpoint

ORIGINAL, CONTEXT = 16, 48
# Both names of LongRoPE's factors: four frequencies of a head of eight.
BY_LENGTH = {
    "llama": {
        "max_position_embeddings": ORIGINAL,
        "rope_parameters": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0},
    },
    "phi3": {
        "max_position_embeddings": CONTEXT,
        "original_max_position_embeddings": ORIGINAL,
        "rope_parameters": {
            "rope_type": "longrope",
            "rope_theta": 10000.0,
            "short_factor": [1.0] * 4,
            "long_factor": [4.0, 8.0, 16.0, 32.0],
            "original_max_position_embeddings": ORIGINAL,
        },
    },
    "gemma3_text": {
        "rope_parameters": {
            "sliding_attention": {"rope_type": "default", "rope_theta": 10000.0},
            "full_attention": {"rope_type": "dynamic", "factor": 4.0, "rope_theta": 10000.0},
        },
        "max_position_embeddings": ORIGINAL,
        "layer_types": ["sliding_attention", "full_attention"],
    },
}
LENGTHS = (3, 11, 20, 33, 44)


def laid(folder, architecture: str, context: int):
    """The checkpoint of a tiny model, and the same model as transformers runs it."""
    plain = tiny_model(architecture, **BY_LENGTH[architecture])
    save_checkpoint(folder, plain, TOKENIZER, name="long", context=context, parent=None)
    return load_checkpoint(folder), plain


def examples(longest: int) -> list[Encoded]:
    draw = np.random.default_rng(0)
    return [
        Encoded(tuple(draw.integers(3, VOCABULARY, length).tolist()), (9, 11, EOS))
        for length in LENGTHS
        if length + 3 <= longest
    ]


def measured(checkpoint, encoded, batch_size: int) -> dict[str, np.ndarray]:
    model = checkpoint.model
    options = [encoded[0].target, (12, EOS)]
    prepared = prepare("classification", encoded, TOKENIZER, options=options)
    return {
        "scores": attribute(checkpoint, encoded, task="t", batch_size=batch_size)["taylor"].scores,
        "loss": evaluate_examples(model, prepared, batch_size=batch_size, metrics=["loss"])["loss"],
        "of options": evaluate_examples(model, prepared, batch_size=batch_size)["loss"],
        "hidden": representations(model, encoded, pad_id=PAD, batch_size=batch_size),
    }


@pytest.mark.parametrize("architecture", BY_LENGTH)
def test_neither_the_batch_nor_the_past_changes_what_is_measured(tmp_path, architecture):
    checkpoint, plain = laid(tmp_path, architecture, CONTEXT)
    encoded = examples(CONTEXT)
    alone, together, again = (measured(checkpoint, encoded, size) for size in (1, 5, 1))
    for name, values in alone.items():
        scale = np.abs(values).max()
        assert np.abs(values - together[name]).max() < 1e-4 * scale, name
        assert np.array_equal(values, again[name]), name
    # transformers' own answer to one text as long as the context: every shorter text is a beginning of it.
    whole = torch.tensor([[*encoded[-1].prompt, *range(3, 3 + CONTEXT - LENGTHS[-1])]])
    with torch.inference_mode():
        expected = plain(whole, use_cache=False).logits[0]
        for length in LENGTHS:
            found = checkpoint.model(whole[:, :length], use_cache=False).logits[0]
            assert torch.allclose(found, expected[:length], atol=1e-4), length


@pytest.mark.parametrize("architecture", BY_LENGTH)
def test_within_the_length_that_a_model_was_trained_on_nothing_changes(tmp_path, architecture):
    checkpoint, plain = laid(tmp_path, architecture, ORIGINAL)
    for one in examples(ORIGINAL):
        tokens = torch.tensor([one.prompt])
        with torch.inference_mode():
            assert torch.equal(checkpoint.model(tokens).logits, plain(tokens).logits)
