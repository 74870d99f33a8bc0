"""Sets beside the top, against plain loops over ranked neurons."""

from functools import reduce
from operator import or_

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.special import Rankings

SHAPE = (3, 20)


def scores_of(task, values, estimator="taylor", digest="m" * 64):
    scores = np.asarray(values, dtype=np.float32)
    return NeuronScores(scores, np.abs(scores), scores, task, digest, estimator, 3, 9)


def drawn(seed):
    """Scores of three tasks and of neutral text that agree on some neurons."""
    rng = np.random.default_rng(seed)
    shared = 3 * rng.random(SHAPE) ** 4
    one = {task: scores_of(task, shared + rng.random(SHAPE)) for task in ("a", "b", "c", "neutral text")}
    signed = {task: scores_of(task, rng.normal(size=SHAPE), "signed") for task in "abc"}
    neutral = one.pop("neutral text")
    return one, neutral, signed


def highest(scores, percent, within):
    """The members of a top, by plain sorting of (score, place) pairs."""
    rows = [np.ravel(scores)] if within == "model" else list(scores)
    found = set()
    for number, row in enumerate(rows):
        count = max(1, int(percent * len(row) / 100 + 0.5))
        places = sorted(range(len(row)), key=lambda place, row=row: (-row[place], place))[:count]
        found |= {divmod(place, SHAPE[1]) if within == "model" else (number, place) for place in places}
    return found


def members(neurons):
    return {(layer, index) for layer, index in neurons.to_indices().tolist()}


@settings(max_examples=15)
@given(st.integers(0, 10**6), st.sampled_from([2, 10, 35]), st.sampled_from(["model", "layer"]))
def test_a_top_is_its_keystone_neurons_and_the_others(seed, percent, within):
    relevance, neutral, signed = drawn(seed)
    rankings = Rankings(relevance, neutral, within, signed)
    tops = {task: highest(one.scores, percent, within) for task, one in relevance.items()}
    keystone = set.intersection(*tops.values(), highest(neutral.scores, percent, within))
    assert members(rankings.keystone(percent)) == keystone
    for task, top in tops.items():
        others = set().union(*(other for name, other in tops.items() if name != task))
        assert members(rankings.sets("top", percent)[task]) == top
        assert members(rankings.sets("top_less_keystone", percent)[task]) == top - keystone
        assert members(rankings.sets("top_less_others", percent)[task]) == top - others
        assert members(rankings.sets("signed", percent)[task]) == highest(signed[task].scores, percent, within)


def test_contrast_takes_what_one_task_alone_needs():
    values = np.ones(SHAPE)
    values[0, 0] = 100.0
    own = {}
    for place, task in enumerate("ab"):
        mine = values.copy()
        mine[1, place] = 10.0
        own[task] = scores_of(task, mine)
    rankings = Rankings(own, own["a"], "model")
    assert members(rankings.sets("top", 1)["a"]) == {(0, 0)}
    assert members(rankings.sets("contrast", 1)["a"]) == {(1, 0)}
    assert members(rankings.sets("contrast", 1)["b"]) == {(1, 1)}


def test_sets_of_different_tasks_without_the_others_are_disjoint():
    relevance, neutral, signed = drawn(1)
    found = Rankings(relevance, neutral, "model", signed).sets("top_less_others", 35)
    assert sum(map(len, found.values())) == len(reduce(or_, found.values())) > 0


def test_scores_that_do_not_go_together_are_refused():
    relevance, neutral, signed = drawn(2)
    with pytest.raises(InputError, match="1 task: what is special to a task shows beside another one"):
        Rankings({"a": relevance["a"]}, neutral, "model")
    with pytest.raises(InputError, match="several models"):
        Rankings(relevance, scores_of("neutral text", neutral.scores, digest="n" * 64), "model")
    with pytest.raises(InputError, match="of other tasks than the scores"):
        Rankings(relevance, neutral, "model", {"a": signed["a"]})
    with pytest.raises(InputError, match="no signed scores"):
        Rankings(relevance, neutral, "model").sets("signed", 10)
