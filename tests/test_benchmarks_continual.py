"""The benchmark of stages of NCFT at a tiny shape: parity is asserted, the bars are those of the design."""

import json
from pathlib import Path

import pytest
import torch
import yaml
from safetensors import safe_open

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))
    threads = torch.get_num_threads()
    yield
    torch.set_num_threads(threads)


def test_it_measures_a_stage_and_what_a_stream_leaves_on_disk(tmp_path, capsys):
    from benchmarks import continual

    out = tmp_path / "found.json"
    assert continual.main(["--shape", "tiny", "--repeats", "1", "--out", str(out)]) == 0
    found = json.loads(out.read_text())
    assert [bar["most"] for bar in found["bars"]] == [1.05, 1.15, 1.1, 1.1]
    tiny = found["tiny"]
    assert set(tiny["variants"]) == {"seqlora", "attention", "steps", "scoring", "ncft"}
    assert all(row["seconds"] > 0 for row in tiny["variants"].values())
    # The shape's 2 layers of attention and gated FFN, norms, embeddings and head; a tenth of 176 neurons, eight times.
    d, f, vocabulary = 32, 88, 211
    assert tiny["bytes"]["base"] == 4 * (2 * (4 * d * d + 3 * d * f + 2 * d) + d + 2 * vocabulary * d)
    assert tiny["bytes"]["patches"] == 8 * 4 * 3 * d * 18
    for bar, files in zip(found["bars"][2:], ("patch files", "stage files"), strict=True):
        assert tiny["bytes"][files] > tiny["bytes"]["patches"]
        weights = tiny["bytes"]["base"] + tiny["bytes"]["patches"]
        assert bar["value"] == pytest.approx((tiny["bytes"]["base file"] + tiny["bytes"][files]) / weights)
    assert "stage of NCFT / same steps of SeqLoRA" in capsys.readouterr().out


def test_budgets_are_those_of_the_parameter_files():
    from benchmarks.continual import Budget
    from benchmarks.shapes import SHAPES

    files = {name: yaml.safe_load((ROOT / name).read_text()) for name in ("params.yaml", "params/paper.yaml")}
    own, paper = (one["continual"] for one in files.values())
    assert Budget.of("default", SHAPES["default"]) == Budget(
        own["steps"], own["batch_size"], own["ncft"]["examples"], own["ncft"]["batch_size"]
    )
    few = Budget.of("59m", SHAPES["59m"])
    share = paper["ncft"]["examples"] / (paper["steps"] * paper["batch_size"])
    assert few.scored == round(share * few.steps * few.batch_size)
    assert few.scoring_batch == paper["ncft"]["batch_size"]


def test_it_refuses_another_patch_than_that_of_tune(tmp_path, monkeypatch):
    from benchmarks import continual
    from benchmarks.shapes import SHAPES
    from taskneurons.continual.ncft import as_patch
    from taskneurons.continual.stages import Stages

    tuner = continual.build_tuner(tmp_path, "tiny", "cpu", "float32")
    ncft = continual.build_ncft(continual.Budget.of("tiny", SHAPES["tiny"]))
    first, second = continual.learn(tuner, ncft, continual.TASKS[:2], Stages(tmp_path / "stages", "ncft"))
    continual.assert_parity(tuner, second, [as_patch(first)])
    with safe_open(tmp_path / "model.safetensors", framework="pt") as file:
        weights = dict(tuner.base.model.named_parameters())
        assert all(torch.equal(file.get_tensor(name), weights[name]) for name in file.keys())  # noqa: SIM118
    monkeypatch.setattr(continual, "LEARNING_RATE", 2 * continual.LEARNING_RATE)
    with pytest.raises(AssertionError, match="make different patches of the same set"):
        continual.assert_parity(tuner, second, [as_patch(first)])
