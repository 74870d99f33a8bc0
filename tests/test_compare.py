"""Two runs are compared as their tolerance says; the first difference that is not small is named."""

import json
from pathlib import Path

import numpy as np
import pytest
from csv_files import write_csv
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.compare import RELATIVE, close, compare
from taskneurons.errors import InputError
from taskneurons.files import write_json, write_safetensors
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.neurons.sets import NeuronSet, save_sets

SCORES = "results/neurons/s/m/seed0/scores/taylor/a.safetensors"
SETS = "results/neurons/s/m/seed0/sets/taylor-20-layer/a.safetensors"
NAMES = [f"results/{name}" for name in ("tables/t.csv", "data/x.json", "models/w.safetensors", "figures/f.svg")]


def write_run(folder: Path, *, off: float = 0.0, seconds: float = 1.0, swap: tuple[int, int] | None = None) -> None:
    """A run whose numbers are off by a share."""
    one = 1 + off
    rows = [
        {"metric": "accuracy", "value": 0.5 * one, "n": 3},
        {"metric": "seconds", "value": seconds, "n": 3},
        {"metric": "loss", "value": None, "n": 3},
    ]
    for name in (*NAMES, SCORES, SETS):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
    write_csv(folder / NAMES[0], rows, ["metric", "value", "n"])
    write_json(folder / NAMES[1], {"chance": [0.25 * one], "of": "0" * 64})
    write_safetensors(folder / NAMES[2], {"w": np.linspace(-1, 1, 50, dtype=np.float32) * np.float32(one)}, {})
    (folder / NAMES[3]).write_text("<svg/>")
    values = np.linspace(1, 2, 20, dtype=np.float32).reshape(2, 10) * np.float32(one)
    values[0, 0:2] = values[0, 8]
    scores = NeuronScores(values, values, values, "a", "0" * 64, "taylor", 1, 1)
    scores.save(folder / SCORES)
    mask = Selection.parse("taylor-20-layer").of(scores).mask.copy()
    if swap:
        mask[0, swap[0]], mask[0, swap[1]] = mask[0, swap[1]], mask[0, swap[0]]
    save_sets(folder / SETS, {"task": NeuronSet(mask)}, {})


@pytest.fixture
def here(tmp_path, monkeypatch):
    (tmp_path / "here").mkdir()
    write_run(tmp_path / "here")
    monkeypatch.chdir(tmp_path / "here")
    return tmp_path / "here"


def outcomes(other: Path) -> dict[str, str]:
    return {one.path: one.outcome for one in compare(other).artifacts}


def test_equal_runs_are_equal(here, tmp_path):
    write_run(tmp_path / "there")
    assert set(outcomes(tmp_path / "there").values()) == {"equal"}
    assert compare(tmp_path / "there").status == 0


def test_rounding_is_within_the_tolerance_and_more_is_not(here, tmp_path):
    write_run(tmp_path / "there", off=RELATIVE / 10)
    found = outcomes(tmp_path / "there")
    assert {found[name] for name in (*NAMES[:3], SCORES)} == {"within"}
    assert compare(tmp_path / "there").status == 3
    write_run(tmp_path / "far", off=RELATIVE * 10)
    found = outcomes(tmp_path / "far")
    assert {found[name] for name in (*NAMES[:3], SCORES)} == {"different"}
    assert compare(tmp_path / "far").status == 1
    first = {one.path: one.difference for one in compare(tmp_path / "far").artifacts}
    assert first[NAMES[0]].startswith("line 2, value: 0.5 and 0.5005")
    assert first[NAMES[1]].startswith("chance[0]: 0.25 and 0.25")


def test_what_measures_the_run_is_not_compared(here, tmp_path):
    write_run(tmp_path / "there", seconds=99.0)
    assert outcomes(tmp_path / "there")[NAMES[0]] == "within"


def test_sets_may_differ_at_the_cut_and_nowhere_else(here, tmp_path):
    """Of neurons with one score some are in the set; which, rounding decides."""
    mask = Selection.parse("taylor-20-layer").of(NeuronScores.load(here / SCORES)).mask[0]
    (at_the_cut,) = [n for n in (0, 1, 8) if mask[n]][:1] or [8]
    outside = next(n for n in (0, 1, 8) if not mask[n])
    write_run(tmp_path / "there", swap=(at_the_cut, outside))
    assert outcomes(tmp_path / "there")[SETS] == "within"
    write_run(tmp_path / "far", swap=(9, 3))
    assert outcomes(tmp_path / "far")[SETS] == "different"


def test_other_columns_rows_and_files_are_different(here, tmp_path):
    write_run(tmp_path / "there")
    path = tmp_path / "there" / NAMES[0]
    text = path.read_text()
    for changed in (text.replace("metric,value", "value,metric"), text + "loss,1,3\n", text.replace("accuracy", "f1")):
        path.write_text(changed)
        assert outcomes(tmp_path / "there")[NAMES[0]] == "different"
    path.unlink()
    (tmp_path / "there/results/tables/new.csv").write_text("a\n")
    found = outcomes(tmp_path / "there")
    assert (found[NAMES[0]], found["results/tables/new.csv"]) == ("only here", "only there")


def test_a_figure_that_nobody_drew_of_other_tables_is_different(here, tmp_path):
    write_run(tmp_path / "there")
    (tmp_path / "there" / NAMES[3]).write_text("<svg>other</svg>")
    assert outcomes(tmp_path / "there")[NAMES[3]] == "different"


def test_what_is_no_run_is_refused(here, tmp_path):
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.zip").write_text("no zip")
    for name in ("empty", "text.zip", "absent"):
        with pytest.raises(InputError, match=name):
            compare(tmp_path / name)


@given(st.floats(allow_nan=True), st.floats(allow_nan=True))
def test_closeness_is_symmetric_and_holds_for_equal_numbers(one, other):
    assert close(one, one) and close(one, other) == close(other, one)


def test_a_comparison_is_json(here, tmp_path):
    write_run(tmp_path / "there")
    assert json.loads(json.dumps(compare(tmp_path / "there").as_dict()))["counts"]["equal"] == len(NAMES) + 2
