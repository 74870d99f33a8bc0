"""Exports of neuron sets: what other programs read is what was selected; what they write is read or refused."""

import json
from pathlib import Path

import numpy as np
import pandas
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from taskneurons.cli import main
from taskneurons.errors import InputError
from taskneurons.neurons.card import set_card
from taskneurons.neurons.exports import find_sets, from_nested, read_nested, to_nested, write_nested, write_parquet
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.sets import NeuronSet, save_sets

SHAPE = (3, 20)
SELECTION = "taylor-10-model"


@pytest.fixture
def results(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, tuple[NeuronScores, dict[str, NeuronSet]]]:
    """Scores and sets of two tasks, laid as the workflow lays them."""
    monkeypatch.chdir(tmp_path)
    rng = np.random.default_rng(0)
    laid = {}
    for task in ("nli", "sum"):
        values = rng.random(SHAPE, dtype=np.float32)
        scores = NeuronScores(values, values, values, task, "d" * 64, "taylor", examples=7, tokens=50)
        sets = {"task": scores.top(10), "bottom": scores.bottom(10), "random.0": NeuronSet(rng.random(SHAPE) < 0.1)}
        run = tmp_path / "results/neurons/mine/small/seed0"
        scores.save(run / "scores/taylor" / f"{task}.safetensors")
        header = {"task": task, "model": "d" * 64, "estimator": "taylor", "percent": "10.0", "within": "model"}
        save_sets(run / "sets" / SELECTION / f"{task}.safetensors", sets, header)
        laid[task] = scores, sets
    return laid


shapes = st.tuples(st.integers(1, 4), st.integers(1, 9))
families = shapes.flatmap(
    lambda shape: st.dictionaries(st.text(min_size=1), arrays.arrays(bool, shape), min_size=1, max_size=4)
)


@given(families)
def test_nested_lists_give_the_sets_back(masks):
    sets = {task: NeuronSet(mask) for task, mask in masks.items()}
    content = json.loads(json.dumps(to_nested(sets)))
    assert from_nested(content) == sets
    assert list(from_nested(content)) == list(sets)
    # The published shape: tasks x layers x ascending indices, as numpy finds them.
    for task, layers in zip(content["tasks"], content["indices"], strict=True):
        assert layers == [np.flatnonzero(row).tolist() for row in masks[task]]


json_values = st.recursive(
    st.none() | st.booleans() | st.integers(-3, 12) | st.floats(allow_nan=False) | st.text(max_size=3),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner, max_size=3),
    max_leaves=8,
)


@given(st.fixed_dictionaries({"tasks": json_values, "neurons_per_layer": json_values, "indices": json_values}))
def test_any_json_is_read_or_refused(content):
    try:
        sets = from_nested(content)
    except InputError:
        return
    assert to_nested(sets)["tasks"] == content["tasks"]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"indices": [[[0], [9]]]}, "nli: neuron (1, 9) lies outside a model of 2 x 4 neurons"),
        ({"indices": [[[0], [-1]]]}, "nli: neuron (1, -1) lies outside"),
        ({"indices": [[[0, 0], []]]}, "nli: an index stands twice"),
        ({"indices": [[[True], []]]}, "nli: expected 2 layers, each a list of whole numbers"),
        ({"indices": []}, "one list for each of the 1 tasks"),
        ({"tasks": ["a", "a"]}, "different names"),
        ({"neurons_per_layer": 0}, "not a positive whole number"),
        ({"tasks": None}, "different names"),
    ],
)
def test_a_faulty_file_is_refused_with_its_task(tmp_path, change, message):
    path = tmp_path / "sets.json"
    path.write_text(json.dumps({"tasks": ["nli"], "neurons_per_layer": 4, "indices": [[[0], [1]]]} | change))
    with pytest.raises(InputError) as error:
        read_nested(path)
    assert message in str(error.value) and str(path) in str(error.value)


def test_parquet_holds_every_member_with_its_score(results, tmp_path):
    rows = write_parquet(tmp_path / "sets.parquet", find_sets())
    table = pandas.read_parquet(tmp_path / "sets.parquet")
    assert len(table) == rows == sum(len(s) for _, sets in results.values() for s in sets.values())
    assert set(table["selection"]) == {SELECTION} and set(table["seed"]) == {0}
    for (task, name), part in table.groupby(["task", "set"]):
        scores, sets = results[task]
        at = list(zip(part["layer"], part["neuron"], strict=True))
        assert NeuronSet.from_indices(at, SHAPE) == sets[name] and len(at) == len(sets[name])
        assert part["score"].tolist() == [scores.scores[where] for where in at]
    before = (tmp_path / "sets.parquet").read_bytes()
    write_parquet(tmp_path / "sets.parquet", find_sets())
    assert (tmp_path / "sets.parquet").read_bytes() == before


def test_the_command_writes_what_is_read_back(results, tmp_path, capsys):
    assert main(["export", "sets", "sets.json", "--model", "small"]) == 0
    assert read_nested("sets.json") == {task: sets["task"] for task, (_, sets) in results.items()}
    write_nested(tmp_path / "random.json", find_sets(), "random.0")
    assert read_nested(tmp_path / "random.json")["sum"] == results["sum"][1]["random.0"]
    assert main(["export", "sets", "sets.csv"]) == 2
    assert main(["export", "sets", "sets.json", "--model", "large"]) == 2
    assert "no neuron sets of this kind; there are: suite mine; model small; seed 0" in capsys.readouterr().err
    assert main(["export", "cards", "cards", "--task", "nli"]) == 0
    assert [str(path) for path in Path("cards").rglob("*.md")] == [f"cards/mine/small/seed0/{SELECTION}/nli.md"]


def test_a_card_says_what_the_files_and_the_table_say(results):
    (file,) = find_sets(task="nli")
    scores, sets = results["nli"]
    row = {"suite": "mine", "model": "small", "estimator": "taylor", "percent": "10.0", "selection": "model"}
    row |= {"intervention": "zero", "task": "nli", "metric": "accuracy", "seeds": "3", "interval": ""}
    measured = row | {"condition": "task", "value": "41.25", "low": "30.5", "high": "52.0"}
    other = measured | {"selection": "layer", "value": "77.7"}
    card = set_card(file, [measured, other, measured | {"task": "sum", "value": "88.8"}])
    assert sets["task"].digest in card and "d" * 64 in card
    assert "6 of 3 x 20 FFN neurons (10 %)" in card
    assert "| accuracy | **these neurons switched off** | zero | 41.25 | 30.5 to 52 | 3 |" in card
    assert "77.7" not in card and "88.8" not in card
    share = 100 * np.sort(scores.scores.ravel())[-6:].sum() / scores.scores.sum()
    assert f"| share of the sum of all scores | {share:.1f} % |" in card
    for layer, count in enumerate(sets["task"].mask.sum(axis=1)):
        assert f"| {layer} | {count} | {100 * count / 6:.1f} % |" in card
    assert set_card(file, [measured]) == set_card(file, [measured, other])
    assert "Not measured." in set_card(file, [])


def test_indices_that_were_pickled_are_refused_with_what_to_do(tmp_path):
    torch = pytest.importorskip("torch")
    for name, old in (("new.pth", False), ("old.pth", True)):
        torch.save([[1, 2], [3]], tmp_path / name, _use_new_zipfile_serialization=not old)
        with pytest.raises(InputError, match=rf"{name}: a pickle of torch, which is never read\. Where you trust"):
            read_nested(tmp_path / name)
