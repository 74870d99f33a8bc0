"""The model of the benchmark has what models on a hub have, and its table says what the records say."""

import json
from pathlib import Path

import pytest

from taskneurons.files import write_jsonl

ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(autouse=True)
def importable(monkeypatch):
    monkeypatch.syspath_prepend(str(ROOT))


def test_the_model_comes_in_shards_without_a_pad_token_beside_a_pickle(tmp_path):
    from benchmarks.hub_shape import texts_of, write_model

    write_jsonl(
        tmp_path / "one.train.jsonl", [{"input": "a cat", "target": "yes"}, {"input": "b", "target": ["no", "x"]}]
    )
    texts = texts_of(tmp_path)
    assert texts == ["a cat", "yes", "b", "no", "x"]
    parameters = write_model(tmp_path / "model", texts, layers=3, vocabulary=270)
    index = json.loads((tmp_path / "model" / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) >= 3
    assert index["metadata"]["total_size"] == 2 * parameters
    said = {
        name: json.loads((tmp_path / "model" / f"{name}.json").read_text())
        for name in ("tokenizer_config", "generation_config")
    }
    assert "pad_token" not in said["tokenizer_config"]
    assert said["generation_config"]["do_sample"] is False and said["generation_config"]["temperature"] == 0.9
    assert (tmp_path / "model" / "pytorch_model.bin").is_file()


def test_costs_are_summed_by_rule_and_the_largest_memory_is_told(tmp_path):
    from benchmarks.hub_shape import costs

    records = [("a", 1.0, 3e6), ("a", 2.0, 5e6), ("b", 4.0, 4e6)]
    jobs = [{"rule": rule, "cpu_seconds": cpu, "memory": {"host": host}} for rule, cpu, host in records]
    write_jsonl(tmp_path / "study.jsonl", jobs)
    assert costs(tmp_path) == [("a", 2, 3.0, 5.0), ("b", 1, 4.0, 4.0), ("all", 3, 7.0, pytest.approx(5.0))]
