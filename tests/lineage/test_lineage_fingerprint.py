"""The text of a job's parameters is one and the same for equal values."""

import json
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.lineage.fingerprint import settings
from taskneurons.params.loading import load_params

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.from_regex(r"[a-z]{1,8}", fullmatch=True), json_values, max_size=5))
def test_settings_are_canonical(values):
    text = settings(**values)
    assert json.loads(text) == values
    assert settings(**dict(reversed(values.items()))) == text
    assert settings(**json.loads(text)) == text


def test_settings_take_models_of_parameters():
    params = load_params(Path(__file__).parents[2] / "params.yaml")
    content = json.loads(settings(model=next(iter(params.models.values())), runs=params.runs))
    assert content["model"]["pretraining"]["steps"] > 0
    assert content["runs"][0]["seeds"]


def test_settings_tell_swapped_values_apart():
    assert settings(train=1, test=2) != settings(train=2, test=1)


@pytest.mark.parametrize(("value", "error"), [(float("nan"), ValueError), (object(), TypeError), ({1, 2}, TypeError)])
def test_settings_refuse_what_has_no_canonical_form(value, error):
    with pytest.raises(error):
        settings(value=value)
