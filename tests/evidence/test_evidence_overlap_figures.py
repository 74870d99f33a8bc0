"""Figures of overlap: the same bytes in every process, inside the page, and what is missing is said."""

import hashlib
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from made_up_overlap import DEPTH, GROUPS, TASKS, WIDTH, make_run, make_scores
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence.figures.overlap import draw_overlap, draw_overlap_layers, draw_overlap_pairs
from taskneurons.evidence.overlap import PAIR_COLUMNS, SUMMARY_COLUMNS, overlap_summary, pair_table

RUN = {"suite": "mine", "model": "llama", "dpi": 60}
PUBLISHED = [{"train_test": "CLS-CLS", "percent": "10", "overlap": 20.8}]
NAMES = ("shares", "layers", "pairs")


def made(*, seeds=(0, 1, 2), flat=False, percents=(10, 50)):
    """The tables that the figures read, with every cell that a file would have."""
    runs = [make_run(seed) for seed in seeds]
    if flat:
        same = {task: make_scores(task, np.zeros((DEPTH, WIDTH)), run.whole[task].model_digest)
                for run in runs[:1] for task in run.whole}  # fmt: skip
        runs = [replace(runs[0], whole=same)]
    summary = overlap_summary(
        runs, {"mine": GROUPS}, {"mine": TASKS}, PUBLISHED, percents=percents, within="model", permutations=30
    )
    pairs = pair_table(runs, {"mine": TASKS}, percents=percents, within="model")
    return [dict.fromkeys(SUMMARY_COLUMNS) | row for row in summary], [
        dict.fromkeys(PAIR_COLUMNS) | row for row in pairs
    ]


def draw(name, tables, paths, run=RUN, percent=10):
    summary, pairs = tables
    if name == "shares":
        draw_overlap(summary, paths, **run)
    elif name == "layers":
        draw_overlap_layers(summary, paths, percent=percent, **run)
    else:
        draw_overlap_pairs(pairs, summary, list(TASKS.values()), paths, percent=percent, **run)


def draw_all(folder: Path) -> list[Path]:
    tables = made(seeds=(0, 1))
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
    here = [hashlib.sha256(path.read_bytes()).hexdigest() for path in draw_all(tmp_path / "here")]
    code = (
        "import sys, hashlib, pathlib; sys.path[:0] = [sys.argv[1]]\n"
        "import test_evidence_overlap_figures as t\n"
        "for path in t.draw_all(pathlib.Path(sys.argv[2])):\n"
        "    print(hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "other")],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.split() == here


CASES = {"as planned": {}, "one seed": {"seeds": (0,)}, "one share": {"percents": (10,)}, "no sets": {"flat": True}}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(case):
    tables = made(**CASES[case])
    for name in NAMES:
        _, figure = texts_of(name, tables)
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
        renderer = canvas.get_renderer()
        own = [text.get_window_extent(renderer) for text in figure.texts]
        own += [legend.get_window_extent(renderer) for legend in figure.legends]
        panels = [axis.get_tightbbox(renderer) for axis in figure.axes if axis.get_visible()]
        page = figure.bbox.padded(1)
        for box in own + panels:
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, name
        for place, box in enumerate(own):
            assert not any(box.overlaps(other) for other in own[place + 1 :] + panels), name
        assert all(text.get_fontsize() >= 7 for text in figure.findobj(Text))


def test_figures_say_what_they_found_and_from_how_much():
    tables = made()
    text, figure = texts_of("shares", tables)
    assert "3 seeds" in text and "95 % t intervals over seeds" in text and "Table 8 of Leng & Xiong 2025" in text
    (row,) = [r for r in tables[0] if (r["seed"], r["scope"], r["group"]) == ("mean", "unions", "CLS-CLS")
              and r["percent"] == 10 and r["layer"] is None]  # fmt: skip
    assert f"CLS-CLS {row['value']:.0f} % (+{row['excess_layer']:.1f})" in text
    drawn = [line.get_ydata() for line in figure.axes[0].lines]
    assert any(len(y) == 2 and y[0] == row["value"] for y in drawn)
    assert any(list(y) == [20.8] for y in drawn)
    assert "1 seeds, at least 3 are needed" in texts_of("shares", made(seeds=(0,)))[0]
    assert "split halves +" in texts_of("pairs", tables)[0] and "Mantel" in texts_of("pairs", tables)[0]
    assert "points in layer 3" in texts_of("layers", tables)[0]


def test_figures_say_what_is_missing():
    tables = made(flat=True)
    for name in ("shares", "layers"):
        assert "not available: moods_a: all scores are equal" in texts_of(name, tables)[0]


def test_nothing_to_draw_is_refused():
    tables = made(seeds=(0,))
    for name in NAMES:
        with pytest.raises(InputError, match="no overlap of bloom on mine"):
            draw(name, tables, ["x.png"], RUN | {"model": "bloom"})
    with pytest.raises(InputError, match="at 30 %"):
        draw("pairs", tables, ["x.png"], percent=30)
