"""The section of the keystone study refuses what contradicts itself."""

import json

import pytest

from taskneurons.studies.keystone.params import Keystone


def test_parameters_that_contradict_themselves_are_refused():
    good = {
        "within": "model", "percents": [1, 10], "sets": ["top"], "random_draws": 1, "test_examples": 5,
        "scores": False, "neutral": {"source": "english", "path": None, "texts": 4, "tokens": 16},
        "health_percent": 10, "listed": 5,
    }  # fmt: skip
    Keystone.model_validate_json(json.dumps(good))
    for change, words in (
        ({"sets": ["contrast"]}, "`top` is missing"),
        ({"percents": []}, "no share is given"),
        ({"percents": [1, 1]}, "stands here twice"),
        ({"percents": [101]}, "101 is not a share"),
        ({"neutral": good["neutral"] | {"source": "file"}}, "no file is named"),
        ({"neutral": good["neutral"] | {"path": "text.txt"}}, "which reads none"),
    ):
        with pytest.raises(ValueError, match=words):
            Keystone.model_validate_json(json.dumps(good | change))
