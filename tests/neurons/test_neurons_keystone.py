"""Keystone neurons stand high in the ranking of every task."""

from dataclasses import replace

import numpy as np
import pytest

from taskneurons.errors import InputError
from taskneurons.neurons.keystone import keystone
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection


def scores_of(task, values):
    scores = np.array(values, dtype=np.float32)
    return NeuronScores(scores, scores, scores, task, "m" * 64, "taylor", 3, 9)


# One neuron is second in both tasks; the others lead one task and come last, or nearly so, in the other.
TWO = {"a": scores_of("a", [[9, 8, 0, 1], [2, 3, 4, 5]]), "b": scores_of("b", [[0, 8, 9, 5], [4, 3, 2, 1]])}


def test_a_neuron_that_one_task_alone_ranks_high_is_none() -> None:
    [found] = keystone(TWO, Selection("taylor", 12.5, "model")).to_indices().tolist()
    assert found == [0, 1]


def test_as_many_are_taken_as_for_one_task_over_the_model_and_in_layers() -> None:
    rng = np.random.default_rng(0)
    drawn = {task: scores_of(task, rng.random((3, 40))) for task in "abc"}
    for within in ("model", "layer"):
        selection = Selection("taylor", 10, within)
        found = keystone(drawn, selection)
        assert len(found) == len(selection.of(drawn["a"])) == 12
        # By plain loops: no neuron outside has a better worst rank than one inside.
        pools = [drawn] if within == "model" else [{t: s.scores[k : k + 1] for t, s in drawn.items()} for k in range(3)]
        for number, pool in enumerate(pools):
            flat = [np.asarray(getattr(one, "scores", one)).ravel() for one in pool.values()]
            worst = [max(int((task > task[i]).sum()) for task in flat) for i in range(len(flat[0]))]
            inside = (found.mask if within == "model" else found.mask[number]).ravel()
            assert max(np.array(worst)[inside]) <= min(np.array(worst)[~inside])


def test_the_keystone_of_one_task_is_its_own_top() -> None:
    selection = Selection("taylor", 25, "model")
    assert keystone({"a": TWO["a"]}, selection) == selection.of(TWO["a"])


def test_scores_that_do_not_go_together_are_refused() -> None:
    selection = Selection("taylor", 25, "model")
    with pytest.raises(InputError, match="no scores"):
        keystone({}, selection)
    with pytest.raises(InputError, match="several models"):
        keystone({**TWO, "c": replace(TWO["a"], model_digest="n" * 64)}, selection)
    with pytest.raises(InputError, match="scores are those of `activation`"):
        keystone({"a": replace(TWO["a"], estimator="activation")}, selection)
