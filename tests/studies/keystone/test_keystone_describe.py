"""Overlap, layers and activations of keystone neurons, where it is known how they were made."""

import numpy as np
import pytest

from taskneurons.evidence.runs import Run
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.special import Rankings
from taskneurons.studies.keystone.describe import activations, layers, members, overlaps

LAYERS, WIDTH = 4, 250
RUN = Run("mine", "small", 0)
TASKS = [
    DescribedTask("mine", "mood", "feeling", "classification"),
    DescribedTask("mine", "joy", "feeling", "classification"),
    DescribedTask("mine", "topic", "topic", "classification"),
    DescribedTask("mine", "echo", "copying", "generation"),
]
KEYSTONE = [(1, 7), (3, 200)]


@pytest.fixture(scope="module")
def rankings():
    """Two planted neurons that all scores and activations have; else scores of tasks are independent."""
    rng = np.random.default_rng(0)

    def scores_of(task):
        scores = rng.random((LAYERS, WIDTH)).astype(np.float32)
        activation = rng.random((LAYERS, WIDTH)).astype(np.float32)
        for place, at in enumerate(KEYSTONE):
            scores[at], activation[at] = 10 - place, 100 + place
        return NeuronScores(scores, activation, activation, task, "m" * 64, "taylor", 3, 9)

    return Rankings({task.name: scores_of(task.name) for task in TASKS}, scores_of("neutral text"), "model")


def test_planted_neurons_are_found_listed_and_massive(rankings):
    found = list(members(rankings, 10, RUN, most=2))
    assert [(row.place, row.layer, row.neuron, row.worst_rank) for row in found] == [(1, 1, 7, 1), (2, 3, 200, 2)]
    assert [row.activation_rank for row in found] == [2, 1]
    keystone, others = activations(rankings, [0.2], RUN)
    assert (keystone.neurons, keystone.among_large, keystone.among_largest) == (2, 100, 50)
    assert keystone.median_ratio > 100
    assert (others.neurons, others.median_rank) == (0, None)


def test_layers_hold_every_member_of_a_top(rankings):
    found = [row for row in layers(rankings, [0.2, 10], RUN) if row.percent == 10]
    assert sum(row.keystone + row.top_less_keystone for row in found) == LAYERS * WIDTH / 10
    first = [row.keystone for row in layers(rankings, [0.2], RUN)]
    assert first == [0, 1, 0, 1]


def test_independent_tops_share_what_chance_gives_once_the_planted_ones_are_out(rankings):
    found = {(row.sets, row.pairs): row for row in overlaps(rankings, [10], TASKS, RUN)}
    assert {pairs: row.n for (sets, pairs), row in found.items() if sets == "top"} == {
        "sibling": 1, "same_kind": 2, "other_kind": 3,
    }  # fmt: skip
    for pairs in ("sibling", "same_kind", "other_kind"):
        with_them, without = found["top", pairs], found["top_less_keystone", pairs]
        assert with_them.excess > without.excess
        assert with_them.jaccard - with_them.chance == pytest.approx(with_them.excess)


def test_chance_is_what_drawing_from_the_other_neurons_gives(rankings):
    row = next(
        row for row in overlaps(rankings, [30], TASKS, RUN) if (row.sets, row.pairs) == ("top_less_keystone", "sibling")
    )
    sets, keystone = rankings.sets("top_less_keystone", 30), rankings.keystone(30)
    rng, values = np.random.default_rng(1), []
    for _ in range(200):
        shared = total = 0
        for layer in range(LAYERS):
            pool = np.flatnonzero(~keystone.mask[layer])
            one, other = (set(rng.choice(pool, sets[task].layers()[layer], replace=False)) for task in ("mood", "joy"))
            shared, total = shared + len(one & other), total + len(one | other)
        values.append(shared / total)
    assert row.chance == pytest.approx(np.mean(values), abs=0.004)
