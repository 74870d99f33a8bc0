"""The section of the study of scale, and the models from scratch that it asks for, refuse what cannot be."""

import json
from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.params.loading import parse_params
from taskneurons.params.models import ScratchModel
from taskneurons.studies.scaling.params import Scaling
from taskneurons.workflow.plan import fresh_model

ROOT = Path(__file__).resolve().parents[3]
GOOD = {
    "sizes": ["small"], "architectures": [], "percents": [1, 10], "shown_percent": 10, "learned_percent": 80,
    "predicted_parameters": 7e9, "known": [],
}  # fmt: skip
MODEL = {
    "source": "scratch", "architecture": "gpt_neox", "hidden_size": 32, "layers": 2, "heads": 4, "ffn_size": 64,
    "context": 32, "tokenizer": {"kind": "word"},
    "pretraining": {"steps": 4, "batch_size": 4, "learning_rate": 0.01, "warmup": 1, "focus_weight": 1.0},
}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"sizes": ["small", "small"]}, "stands here twice"),
        ({"percents": [0, 10]}, "0 is not a share"),
        ({"shown_percent": 3}, "3 is not among the shares"),
    ],
)
def test_parameters_that_contradict_themselves_are_refused(change, words):
    Scaling.model_validate_json(json.dumps(GOOD))
    with pytest.raises(ValueError, match=words):
        Scaling.model_validate_json(json.dumps(GOOD | change))


def test_a_model_that_is_not_there_is_refused_with_the_nearest_name():
    text = (ROOT / "params.yaml").read_text(encoding="utf-8").replace("sizes: [llama]", "sizes: [lama]")
    text = text.replace("overlap, similarity]}", "overlap, similarity, scaling]}", 1)
    with pytest.raises(InputError, match=r"scaling.sizes\[0\]: there is no model `lama`. Did you mean `llama`\?"):
        parse_params(text)


def test_sizes_that_make_no_model_are_refused():
    model = ScratchModel.model_validate_json(json.dumps(MODEL))
    assert fresh_model(model)["shape"] == {
        "hidden_size": 32, "layers": 2, "heads": 4, "ffn_size": 64, "context": 32
    }  # fmt: skip
    with pytest.raises(ValueError, match="must be even"):
        ScratchModel.model_validate_json(json.dumps(MODEL | {"heads": 8}))
    with pytest.raises(ValueError, match="need an even width"):
        ScratchModel.model_validate_json(json.dumps(MODEL | {"architecture": "gemma", "heads": 32}))
