"""The Taylor score against what it estimates: the change of the loss when a neuron is really taken out."""

import numpy as np
import pytest
import torch
from architectures import BOS, EOS, PAD, checkpoint
from scipy.stats import spearmanr
from transformers import LlamaConfig, LlamaForCausalLM

from taskneurons.engine.answers import force
from taskneurons.engine.attribution import attribute
from taskneurons.engine.deactivation import deactivated
from taskneurons.models.encoding import Encoded, collate
from taskneurons.neurons.sets import NeuronSet

LAYERS, WIDTH = 2, 128
# Long enough to solve both tasks, short enough that losses stay far above the rounding of float32.
STEPS = 120
# Tokens: 3 and 4 ask for a task, 5-14 are words that please or not, 15-24 are names, 25 and 26 are the two judgements.
SENTIMENT, NAMES = 3, 4
TASKS = ("sentiment", "names")


def examples(task, count, seed):
    """Sentiment: does the majority of five words please? Names: repeat the second name of four, then the first."""
    random = np.random.default_rng(seed)
    encoded = []
    for _ in range(count):
        if task == "sentiment":
            words = random.integers(5, 15, size=5)
            encoded.append(Encoded((BOS, SENTIMENT, *words.tolist()), (25 + int((words < 10).sum() > 2), EOS)))
        else:
            names = random.integers(15, 25, size=4).tolist()
            encoded.append(Encoded((BOS, NAMES, *names), (names[1], names[0], EOS)))
    return encoded


@pytest.fixture(scope="module")
def model():
    """Learns both tasks within seconds on one core."""
    torch.manual_seed(0)
    model = LlamaForCausalLM(
        LlamaConfig(
            vocab_size=27,
            hidden_size=32,
            intermediate_size=WIDTH,
            num_hidden_layers=LAYERS,
            num_attention_heads=4,
            max_position_embeddings=16,
        )
    )
    optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
    for step in range(STEPS):
        batch = collate([e for task in TASKS for e in examples(task, 32, seed=1000 + step)], PAD)
        loss = -force(model, batch).log_probability.sum() / 64
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return model.eval().requires_grad_(False)


def losses(model, batch):
    """Of each example, in nats."""
    with torch.inference_mode():
        return -force(model, batch).log_probability.double().sum(1).numpy()


def ablations(model, batch):
    """The exact change of each example's loss when one neuron is zero: (layers, neurons, examples)."""
    before = losses(model, batch)
    changes = np.empty((LAYERS, WIDTH, len(batch)))
    for layer, neuron in np.ndindex(LAYERS, WIDTH):
        with deactivated(model, NeuronSet.from_indices([(layer, neuron)], (LAYERS, WIDTH))):
            changes[layer, neuron] = losses(model, batch) - before
    return changes


def rank_correlation(one, other):
    return spearmanr(np.ravel(one), np.ravel(other)).statistic


@pytest.mark.parametrize("task", TASKS)
def test_the_score_ranks_neurons_as_exact_ablation_does(model, task):
    encoded = examples(task, 64, seed=7)
    batch = collate(encoded, PAD)
    assert force(model, batch).agrees.all(1).float().mean() > 0.9
    changes = ablations(model, batch)
    found = attribute(checkpoint(model), encoded, task=task, batch_size=64, estimators=["taylor", "activation"])
    of_data = rank_correlation(found["taylor"].scores, np.abs(changes.sum(2)))
    assert of_data >= 0.7
    assert of_data > rank_correlation(found["activation"].scores, np.abs(changes.sum(2)))
    # What the score adds up is the size of the change of each example.
    assert rank_correlation(found["taylor"].scores, np.abs(changes).sum(2)) >= 0.95
    alone = [
        attribute(checkpoint(model), [example], task=task, batch_size=1)["taylor"].scores for example in encoded[:24]
    ]
    assert np.mean([rank_correlation(a, np.abs(changes[..., i])) for i, a in enumerate(alone)]) >= 0.9
