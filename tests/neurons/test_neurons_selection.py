"""A selection is one noun: its slug says all of it, and parameters and neurons name it alike."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.params.selection import Selection as SelectionParams

ESTIMATORS = ["taylor", "taylor_all_tokens", "contrast"]
PERCENTS = st.integers(1, 100_000).map(lambda thousandths: thousandths / 1000)
SELECTIONS = st.builds(Selection, st.sampled_from(ESTIMATORS), PERCENTS, st.sampled_from(["model", "layer"]))


def scores(estimator="taylor"):
    values = np.random.default_rng(0).random((3, 40), dtype=np.float32)
    return NeuronScores(values, values, values, "mood", "d", estimator, 5, 9)


@given(SELECTIONS)
def test_a_slug_says_all_of_a_selection(selection):
    assert Selection.parse(selection.slug) == selection


@given(SELECTIONS)
def test_the_parameters_have_the_same_fields_and_the_same_slug(selection):
    read = SelectionParams.model_validate(vars(selection))
    assert read.slug == selection.slug
    assert Selection(**read.model_dump()) == selection


@pytest.mark.parametrize("slug", ["", "taylor", "taylor-10", "taylor-ten-model", "taylor-0-model", "taylor-10-head"])
def test_what_is_no_slug_is_refused(slug):
    with pytest.raises(InputError, match="is no selection"):
        Selection.parse(slug)


def test_a_set_and_its_opposite_are_the_two_ends_of_the_ranking():
    of = scores()
    selection = Selection("taylor", 10, "model")
    ordered = np.sort(of.scores, axis=None)
    assert of.scores[selection.of(of).mask].min() == ordered[-12]
    assert of.scores[selection.lowest(of).mask].max() == ordered[11]


def test_scores_of_another_estimator_are_refused():
    for select in (Selection("contrast", 10, "model").of, Selection("contrast", 10, "model").lowest):
        with pytest.raises(InputError, match="task mood: the scores are those of `taylor`"):
            select(scores())
