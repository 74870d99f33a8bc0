"""The grid of the paper's choices: what it holds, and what the section refuses."""

import json

import pytest

from taskneurons.studies.multiverse.grid import LEVELS, Reading
from taskneurons.studies.multiverse.params import Multiverse

GOOD = {
    "tasks": "all", "scores": ["taylor", "signed", "activation"], "losses": ["answer", "all_tokens"],
    "specificities": ["top", "contrast"], "within": ["model"], "percents": [1, 10], "interventions": ["zero"],
    "controls": ["layer"], "test_examples": 5, "points": True, "pattern": {"difference": [9, 10], "random": [1, 3]},
}  # fmt: skip


def section(**change):
    return Multiverse.model_validate_json(json.dumps(GOOD | change))


def test_every_choice_is_crossed_with_every_other_but_for_those_that_have_no_meaning():
    grid = section().grid()
    assert grid.readings() == [
        Reading("taylor", "answer"), Reading("taylor", "all_tokens"), Reading("signed", "answer"),
        Reading("signed", "all_tokens"), Reading("activation", "none"),
    ]  # fmt: skip
    makings = list(grid.makings())
    # Five readings, two ways and two shares; signed scores have no contrast.
    assert len(makings) == len(set(makings)) == (5 * 2 - 2) * 2
    assert not any(one.reading.score == "signed" and one.specificity == "contrast" for one in makings)
    assert {one.reading.loss for one in makings} == set(LEVELS["loss"])


def test_parameters_that_contradict_themselves_are_refused():
    for change, words in (
        ({"scores": []}, "nothing is named"),
        ({"percents": [1, 1]}, "stands here twice"),
        ({"percents": [101]}, "101 is not a share"),
        ({"tasks": ["mood"]}, "no other task"),
        ({"tasks": []}, "nothing is named"),
        ({"pattern": {"difference": [10, 9], "random": [1, 3]}}, "not a smallest and a largest number: 10, 9"),
        ({"scores": ["signed"], "specificities": ["contrast"]}, "signed scores have no contrast"),
    ):
        with pytest.raises(ValueError, match=words):
            section(**change)
