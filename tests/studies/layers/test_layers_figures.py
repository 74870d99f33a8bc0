"""Figures of the layers study: the same bytes in every process, inside the page, and what is missing is said."""

from pathlib import Path
from unittest import mock

import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process
from made_up_layers import DEPTH, make_layer_rows, make_sets, make_transfer_rows
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence.runs import Run
from taskneurons.studies.layers.families_figure import draw_families
from taskneurons.studies.layers.joint import NO_SETS, joint_tests, neuron_shares, task_pairs
from taskneurons.studies.layers.joint_figure import JointTables, draw_joint
from taskneurons.studies.layers.map_figure import draw_layer_map
from taskneurons.studies.layers.maps import layer_maps, map_of
from taskneurons.studies.layers.similarity_figure import draw_similarity

RUN = {"suite": "wide", "model": "llama", "dpi": 60}
NAMES = ("similarity", "map", "families", "joint")


def made(*, sets=True, seeds=(0,), **options):
    """The tables that the figures read."""
    rows = make_layer_rows(seeds=seeds, **options)
    # Figures read the map by the unbiased CKA alone.
    maps = layer_maps([row for row in rows if row.metric == "cka_unbiased"], alpha=0.05, draws=39)
    pairs, joint = [], []
    for seed in seeds:
        run = Run("wide", "llama", seed)
        by_task = {name: make_sets(seed=seed) if sets else {} for name in ("layer", "model")}
        own = task_pairs(make_transfer_rows(seed), rows, by_task, run)
        pairs += own
        joint += joint_tests(own, draws=50)
        found = map_of(maps, suite="wide", model="llama", seeds=[seed], role="experimental", scope="all")
        joint += neuron_shares(by_task, found, run)
    return rows, JointTables(joint, pairs, maps)


def draw(name, tables, paths, run=RUN):
    rows, joint = tables
    if name == "similarity":
        draw_similarity(rows, paths, **run)
    elif name == "map":
        draw_layer_map(rows, joint.maps, paths, **run)
    elif name == "families":
        draw_families(rows, paths, **run)
    else:
        draw_joint(joint, paths, selection="layer", histogram="model", **run)


def draw_all(folder: Path) -> list[Path]:
    tables = made()
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in NAMES}
    for name in NAMES:
        draw(name, tables, paths[name])
    return [path for both in paths.values() for path in both]


def texts_of(name, tables) -> tuple[str, Figure]:
    kept: list[Figure] = []
    with mock.patch.object(Figure, "savefig", lambda self, *a, **k: kept.append(self)):
        draw(name, tables, ["x.png"], RUN)
    texts = [text.get_text() for text in kept[0].findobj(Text) if text.get_visible() and text.get_text()]
    return " ".join(" ".join(texts).split()), kept[0]


@pytest.fixture(autouse=True)
def nothing_is_written_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_bytes_do_not_change_between_processes(tmp_path):
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


CASES = {
    "as planned": {},
    "three seeds": {"seeds": (0, 1, 2)},
    "no sets": {"sets": False},
    "no layers": {"depth": 0},
}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(case):
    tables = made(**CASES[case])
    for name in NAMES:
        _, figure = texts_of(name, tables)
        assert_inside_the_page(figure)


def test_figures_say_what_they_found():
    tables = made()
    assert "shared up to layer 3, refinement from layer 6" in texts_of("map", tables)[0]
    assert "held-out model, unseen tasks (6)" in texts_of("map", tables)[0]
    assert "no rise" in texts_of("map", tables)[0]
    assert f"mean of tasks, layer 1 to {DEPTH}" in texts_of("similarity", tables)[0]
    assert "layers 1 to 4" in texts_of("families", tables)[0]
    assert "Clear correlations over task pairs: neurons with representations in" in texts_of("joint", tables)[0]
    assert "mean over 3 seeds" in texts_of("families", made(seeds=(0, 1, 2)))[0]


def test_figures_say_what_is_missing():
    assert NO_SETS in texts_of("joint", made(sets=False))[0]
    tables = made(depth=0)
    for name in ("similarity", "families"):
        assert "not available: all features are constant" in texts_of(name, tables)[0]
    few = texts_of("map", made(depth=3))[0]
    assert "3 layers, at least 4 are needed" in few


def test_nothing_to_draw_is_refused():
    tables = made()
    for name in NAMES:
        with pytest.raises(InputError, match="of bloom on wide were compared"):
            draw(name, tables, ["x.png"], RUN | {"model": "bloom"})
