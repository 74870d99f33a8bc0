"""A workshop measures the model as it is, by example."""

import numpy as np
import pytest
import torch
from small_stream import SIZES, STREAM


def test_scores_are_means_over_examples_and_rows_pick_some_of_them(workshop):
    place = workshop()
    for task in STREAM:
        right = place.correct(task)
        assert place.score(task) == {"accuracy": (pytest.approx(right.mean()), SIZES["test"])}
        rows = [7, 0, 3]
        np.testing.assert_array_equal(place.correct(task, rows), right[rows])


def test_features_of_the_base_are_means_over_tokens_of_the_last_layer(workshop):
    place = workshop()
    found = place.base_features("mood", "train", 5)
    assert place.base_features("mood", "train", 5) is found
    for example, features in zip(place.training("mood"), found, strict=False):
        states = place.base.model(torch.tensor([example.prompt]), output_hidden_states=True).hidden_states[-1][0]
        np.testing.assert_allclose(features, states.mean(0).numpy(), rtol=1e-4, atol=1e-5)
