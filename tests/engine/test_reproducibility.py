"""The same seed with other threads and batch sizes: scores agree, and so do sets but for neurons at the very cut."""

import numpy as np
import pytest
import torch
from architectures import VOCABULARY, checkpoint, tiny_model

from taskneurons.engine.attribution import attribute
from taskneurons.models.encoding import Encoded
from taskneurons.neurons.scores import NeuronScores

# (threads, batch size)
CASES = [(1, 8), (1, 1), (1, 4), (2, 8)]
TOLERANCE = 1e-4


def scored(threads: int, batch_size: int, architecture: str) -> NeuronScores:
    """Scores of a model that is large enough for torch to share its products among threads."""
    wide = {"hidden_size": 64, "head_dim": 32, "intermediate_size": 256}
    model = tiny_model(architecture, seed=1, **(wide if architecture == "llama" else {"hidden_size": 64}))
    random = np.random.default_rng(1)
    lengths = random.integers(4, 24, size=12)
    encoded = [
        Encoded(tuple(random.integers(3, VOCABULARY, size=n).tolist()), tuple(random.integers(3, VOCABULARY, size=3)))
        for n in lengths
    ]
    before = torch.get_num_threads()
    torch.set_num_threads(threads)
    try:
        return attribute(checkpoint(model), encoded, task="t", batch_size=batch_size)["taylor"]
    finally:
        torch.set_num_threads(before)


@pytest.mark.parametrize("architecture", ["llama", "bloom"])
def test_threads_and_batch_sizes_change_no_score_and_no_set_beyond_rounding(architecture):
    first, *others = (scored(*case, architecture) for case in CASES)
    for other in others:
        np.testing.assert_allclose(other.scores, first.scores, rtol=TOLERANCE)
        for within in ("model", "layer"):
            one, same = first.top(10, within), other.top(10, within)
            ranked = first.scores.reshape(1, -1) if within == "model" else first.scores
            count = one.layers().sum() if within == "model" else one.layers()[0]
            cut = np.sort(ranked, axis=1)[:, -count]
            near = np.abs(first.scores - cut.reshape(-1, 1)) <= 2 * TOLERANCE * cut.reshape(-1, 1)
            assert near.mean() < 0.05, "the band around the cut holds next to no neurons"
            assert not ((one ^ same).mask & ~near).any()


@pytest.mark.parametrize("threads", [1, 2])
def test_a_rerun_on_the_same_machine_is_bit_equal(threads):
    one, other = (scored(threads, 4, "llama") for _ in range(2))
    assert one.scores.tobytes() == other.scores.tobytes()
    assert one.activation_mean.tobytes() == other.activation_mean.tobytes()
