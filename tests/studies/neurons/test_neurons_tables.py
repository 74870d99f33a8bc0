"""Where the sets lie is counted layer by layer."""

from pathlib import Path

import numpy as np
import pytest

from taskneurons.errors import InputError
from taskneurons.neurons.sets import NeuronSet, save_sets
from taskneurons.studies.neurons.rows import LAYER_SHARES
from taskneurons.studies.neurons.tables import layer_shares

MADE = {"estimator": "taylor", "percent": "10.0", "within": "model"}


def lay(folder: Path, name: str, **sets: NeuronSet) -> Path:
    path = folder / "s" / "m" / "seed3" / "sets" / "taylor-10-model" / name
    save_sets(path, sets, {"task": path.stem, **MADE})
    return path


def test_layers_of_sets_become_shares(tmp_path: Path) -> None:
    mask = np.zeros((3, 8), dtype=bool)
    mask[0, :3] = mask[2, 0] = True
    rows = layer_shares([lay(tmp_path, "a.safetensors", task=NeuronSet(mask), bottom=NeuronSet(~mask))])
    assert [(row.layer, row.value, row.n) for row in rows] == [(0, 75.0, 4), (1, 0.0, 4), (2, 25.0, 4)]
    assert {(row.suite, row.model, row.seed, row.train_task) for row in rows} == {("s", "m", 3, "a")}
    assert {(row.estimator, row.percent, row.selection) for row in rows} == {("taylor", 10.0, "model")}
    LAYER_SHARES.write(tmp_path / "neurons.csv", rows)
    assert LAYER_SHARES.read(tmp_path / "neurons.csv") == rows


def test_the_order_of_the_files_does_not_matter(tmp_path: Path) -> None:
    sets = NeuronSet(np.eye(3, dtype=bool))
    paths = [lay(tmp_path, f"{name}.safetensors", task=sets) for name in "bca"]
    assert layer_shares(paths) == layer_shares(reversed(paths))
    assert [row.train_task for row in layer_shares(paths)] == [*"aaabbbccc"]


def test_sets_without_neurons_of_the_task_are_refused(tmp_path: Path) -> None:
    mask = np.zeros((3, 8), dtype=bool)
    for sets in ({"bottom": NeuronSet(~mask)}, {"task": NeuronSet(mask)}):
        with pytest.raises(InputError, match=r"b\.safetensors: holds no neurons under the name `task`"):
            layer_shares([lay(tmp_path, "b.safetensors", **sets)])


def test_other_columns_are_refused(tmp_path: Path) -> None:
    (tmp_path / "other.csv").write_text("layer,value\n0,1.0\n")
    with pytest.raises(InputError, match=r"other\.csv:1: columns must be study, model"):
        LAYER_SHARES.read(tmp_path / "other.csv")
