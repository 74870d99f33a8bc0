"""Figures of similarity: the same bytes in every process, inside the page, and what is missing is said."""

import hashlib
import subprocess
import sys
from pathlib import Path
from unittest import mock

import pytest
from made_up_similarity import KIND, TASKS, TEST, gains_like, make_cells, make_scores
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence.figures.parameter_similarity import draw_correlations, draw_similarity_layers, draw_transfer
from taskneurons.evidence.similarity import LAYER_COLUMNS, layer_summary
from taskneurons.evidence.similarity_correlation import CORRELATION_COLUMNS, correlations, gather_transfer

RUN = {"suite": "mine", "model": "llama", "dpi": 60}
PUBLISHED = [{"test_task": "SST-2", "coefficient": "pearson", "r": 0.87, "p_value": 0.02}]
NAMES = ("layers", "transfer", "correlation")


def made(*, seeds=(0, 1, 2), empty=False, flat=False):
    """The tables that the figures read, with every cell that a file would have."""
    cells = [row | {"masked_cosine_residual": row["masked_cosine"] - row["ochiai"], "best_match_excess": 0.1}
             for seed in seeds for row in make_cells(seed)]  # fmt: skip
    for row in cells if empty else ():
        row |= {name: None for name, value in row.items() if isinstance(value, float)}
        row |= {"percent": 10, "reason": "a set has no neurons in this layer"}
    scores = []
    for seed in seeds:
        own = make_cells(seed)
        gains = gains_like(own, slope=0 if flat else 30, noise=0 if flat else 8, seed=seed)
        scores += make_scores(seed, gains)
    transfers = gather_transfer(cells, scores, TASKS)
    found = correlations(transfers, TASKS, PUBLISHED, draws=30)
    layers = layer_summary(cells, {("mine", name): kind for name, kind in KIND.items()})
    return (
        [dict.fromkeys(LAYER_COLUMNS) | row for row in layers],
        transfers,
        [dict.fromkeys(CORRELATION_COLUMNS) | row for row in found],
    )


def draw(name, tables, paths, run=RUN):
    layers, transfers, found = tables
    if name == "layers":
        draw_similarity_layers(layers, paths, **run)
    elif name == "transfer":
        draw_transfer(transfers, found, TASKS, paths, **run)
    else:
        draw_correlations(found, TASKS, paths, **run)


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
        "import test_evidence_similarity_figures as t\n"
        "for path in t.draw_all(pathlib.Path(sys.argv[2])):\n"
        "    print(hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "other")],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.split() == here


CASES = {
    "as planned": {},
    "one seed": {"seeds": (0,)},
    "equal scores": {"flat": True, "seeds": (0,)},
    "no neurons": {"empty": True},
}


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
    layers, _ = texts_of("layers", tables)
    assert "all +0.30, then −0.20" in layers and "3 seeds" in layers and "95 % t over seeds" in layers
    transfer, figure = texts_of("transfer", tables)
    assert "Large: mean over 3 seeds" in transfer and "over 6 test tasks" in transfer
    assert len([axis for axis in figure.axes if axis.get_visible()]) == len(TEST)
    text, _ = texts_of("correlation", tables)
    assert "over 6 models" in text and "Table 4 of Leng & Xiong 2025" in text
    assert "One seed." in texts_of("transfer", made(seeds=(0,)))[0]


def test_figures_say_what_is_missing():
    assert "no pair of tasks has a value" in texts_of("layers", made(empty=True))[0].replace("\n", " ")
    assert "all values of one side are equal" in texts_of("transfer", made(flat=True, seeds=(0,)))[0]
    assert "not available" in texts_of("correlation", made(flat=True, seeds=(0,)))[0]


def test_nothing_to_draw_is_refused():
    tables = made(seeds=(0,))
    for name in NAMES:
        with pytest.raises(InputError, match="no parameters of bloom on mine"):
            draw(name, tables, ["x.png"], RUN | {"model": "bloom"})
