"""A tuner of streams measures the model as it is, by example."""

import numpy as np
import pytest
import torch
from small_stream import SIZES, STREAM


def test_scores_are_means_over_examples_and_rows_pick_some_of_them(make_tuner):
    tuner = make_tuner()
    for task in STREAM:
        right = tuner.correct(task)
        assert tuner.score(task) == {"accuracy": (pytest.approx(right.mean()), SIZES["test"])}
        rows = [7, 0, 3]
        np.testing.assert_array_equal(tuner.correct(task, rows), right[rows])


def test_features_of_the_base_are_means_over_tokens_of_the_last_layer(make_tuner):
    tuner = make_tuner()
    found = tuner.base_features("mood", "train", 5)
    assert tuner.base_features("mood", "train", 5) is found
    for example, features in zip(tuner.training("mood"), found, strict=False):
        states = tuner.base.model(torch.tensor([example.prompt]), output_hidden_states=True).hidden_states[-1][0]
        np.testing.assert_allclose(features, states.mean(0).numpy(), rtol=1e-4, atol=1e-5)
