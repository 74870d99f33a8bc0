"""A tuner of streams measures the model as it is, by example."""

import numpy as np
import pytest
import torch
from small_stream import SIZES, STREAM

from taskneurons.models.encoding import encode_options


def likelihood(model, prompt, answer):
    """The log-probability of an answer, token by token, from the model's own logits."""
    ids = torch.tensor([[*prompt, *answer]])
    logs = model(input_ids=ids).logits[0].log_softmax(-1)
    return sum(float(logs[len(prompt) + place - 1, token]) for place, token in enumerate(answer))


def test_scores_are_means_over_examples_and_rows_pick_some_of_them(make_tuner):
    tuner = make_tuner()
    for task in STREAM:
        right = tuner.correct(task)
        assert tuner.score(task) == {
            name: (pytest.approx(values.mean()), SIZES["test"]) for name, values in right.items()
        }
        rows = [7, 0, 3]
        for name, values in tuner.correct(task, rows).items():
            np.testing.assert_array_equal(values, right[name][rows])


def test_restricted_accuracy_asks_whether_the_answer_is_the_likeliest_option(make_tuner):
    tuner = make_tuner(steps=30)
    for task in STREAM:
        options = encode_options(STREAM[task].options, tuner.base.tokenizer)
        found = [
            max(options, key=lambda option: likelihood(tuner.base.model, one.prompt, option)) == one.target
            for one in tuner.prompts(task)
        ]
        assert (tuner.correct(task)["accuracy_restricted"] / 100).tolist() == found


def test_features_of_the_base_are_means_over_tokens_of_the_last_layer(make_tuner):
    tuner = make_tuner()
    found = tuner.base_features("mood", "train", 5)
    assert tuner.base_features("mood", "train", 5) is found
    for example, features in zip(tuner.training("mood"), found, strict=False):
        states = tuner.base.model(torch.tensor([example.prompt]), output_hidden_states=True).hidden_states[-1][0]
        np.testing.assert_allclose(features, states.mean(0).numpy(), rtol=1e-4, atol=1e-5)
