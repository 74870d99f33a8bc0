"""Figures have the same bytes in every process, survive odd input, and say in words what they draw."""

import hashlib
import subprocess
import sys
import xml.etree.ElementTree as ET
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from made_up_results import make_rows, make_tasks
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence.figures.drops import draw_drops
from taskneurons.evidence.figures.layers import draw_layers
from taskneurons.evidence.figures.matrix import draw_matrix
from taskneurons.evidence.figures.scores import draw_scores
from taskneurons.evidence.style import WIDTH
from taskneurons.neurons.scores import NeuronScores

RUN = {"suite": "synthetic", "model": "llama", "estimator": "taylor", "percent": 10}


def make_scores(tasks, seeds=(0, 1, 2), shape=(4, 64)) -> list[NeuronScores]:
    rng = np.random.default_rng(0)
    made = []
    for _ in seeds:
        for task in tasks:
            array = rng.lognormal(sigma=1.5, size=shape).astype(np.float32)
            made.append(NeuronScores(array, array, array, task["name"], "d", "taylor", 300, 900))
    return made


def make_layers(tasks, seeds=(0, 1, 2), depth=4, selections=("model", "layer")) -> list[dict]:
    shares = np.linspace(2, 1, depth) / np.linspace(2, 1, depth).sum() * 100
    return [
        {
            "suite": "synthetic", "model": "llama", "seed": seed, "estimator": "taylor", "percent": 10,
            "selection": selection, "train_task": task["name"], "layer": layer, "metric": "layer_share",
            "value": shares[layer] if selection == "model" else 100 / depth, "n": 100,
        }
        for seed in seeds for selection in selections for task in tasks for layer in range(depth)
    ]  # fmt: skip


def draw_all(folder: Path, tasks, rows_of) -> list[Path]:
    rows = rows_of(tasks)
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in ("drops", "matrix", "scores", "layers")}
    draw_drops(rows, tasks, paths["drops"], selection="layer", dpi=60, **RUN)
    draw_matrix(rows, tasks, paths["matrix"], selection="layer", dpi=60, **RUN)
    draw_scores(make_scores(tasks), tasks, paths["scores"], suite="synthetic", model="llama", percent=10, dpi=60)
    draw_layers(make_layers(tasks), tasks, paths["layers"], dpi=60, **RUN)
    return [path for both in paths.values() for path in both]


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    return draw_all(tmp_path_factory.mktemp("drawn"), make_tasks(), make_rows)


def texts_of(draw, *arguments, **options) -> tuple[list[str], Figure]:
    """The texts of a figure as it is when it is rendered, and the figure."""
    kept: list[Figure] = []
    with mock.patch.object(Figure, "savefig", lambda self, *a, **k: kept.append(self)):
        draw(*arguments, **options)
    return [text.get_text() for text in kept[0].findobj(Text) if text.get_visible() and text.get_text()], kept[0]


def test_bytes_do_not_change_between_processes(tmp_path: Path, drawn: list[Path]) -> None:
    here = [hashlib.sha256(path.read_bytes()).hexdigest() for path in drawn]
    code = (
        "import sys, hashlib, pathlib; sys.path[:0] = [sys.argv[1]]\n"
        "import made_up_results as made, test_evidence_figures as t\n"
        "for path in t.draw_all(pathlib.Path(sys.argv[2]), made.make_tasks(), made.make_rows):\n"
        "    print(hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    other = tmp_path / "other"
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(other)],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.split() == here


def test_files_are_images_without_dates_and_at_paper_width(drawn: list[Path]) -> None:
    for path in drawn:
        content = path.read_bytes()
        if path.suffix == ".png":
            assert content.startswith(b"\x89PNG")
            assert int.from_bytes(content[16:20]) == 60 * WIDTH
            assert b"Software" not in content
        else:
            root = ET.fromstring(content)
            assert root.get("width") == f"{72 * WIDTH:g}pt"
            assert b"<dc:date>" not in content
    assert not list(drawn[0].parent.glob(".*"))


def awkward(tasks) -> list[dict]:
    """Fourteen tasks with long, unusual and formula-like names."""
    renamed = [
        task | {"name": f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task['name']}_$x_1$<b>"}
        for i, task in enumerate(tasks)
    ]
    return [
        *renamed,
        tasks[0] | {"name": "extra_a", "family": "extra"},
        tasks[6] | {"name": "extra_b", "family": "extra_2"},
    ]


CASES = {
    "awkward names": (awkward, {}),
    "two tasks": (lambda tasks: [tasks[0], tasks[7]], {}),
    "one kind": (lambda tasks: tasks[:6], {}),
    "one seed": (lambda tasks: tasks, {"seeds": (3,)}),
    "own task only": (lambda tasks: tasks, {"conditions": ("original", "task")}),
    "random only": (lambda tasks: tasks, {"conditions": ("original", "random", "other_task")}),
    "no spread": (lambda tasks: tasks, {"noise": 0.0}),
}


@pytest.mark.parametrize("case", CASES)
def test_odd_input_is_drawn_inside_the_page(tmp_path: Path, tasks, rows_of, case: str) -> None:
    choose, options = CASES[case]
    chosen = choose(tasks)
    rows = rows_of(chosen, draws=2, **options)
    seeds = options.get("seeds", (0, 1, 2))
    drawings = [
        (draw_drops, (rows, chosen), {"selection": "layer"} | RUN),
        (draw_matrix, (rows, chosen), {"selection": "layer"} | RUN),
        (draw_scores, (make_scores(chosen, seeds), chosen), {"suite": "s", "model": "m", "percent": 10}),
        (draw_layers, (make_layers(chosen, seeds), chosen), RUN),
    ]
    for draw, arguments, settings in drawings:
        _, figure = texts_of(draw, *arguments, [tmp_path / "x.png"], **settings)
        canvas = FigureCanvasAgg(figure)
        with mock.patch("warnings.warn"):
            canvas.draw()
        # Nothing is cut off, and the panels leave title, legend and caption alone.
        renderer = canvas.get_renderer()
        own = [text.get_window_extent(renderer) for text in figure.texts]
        own += [legend.get_window_extent(renderer) for legend in figure.legends]
        panels = [axis.get_tightbbox(renderer) for axis in figure.axes if axis.get_visible()]
        page = figure.bbox.padded(1)
        for box in own + panels:
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1
        for place, box in enumerate(own):
            assert not any(box.overlaps(other) for other in own[place + 1 :] + panels)
        for text in figure.findobj(Text):
            assert text.get_fontsize() >= 7


def test_drops_say_what_is_seen_and_how_sure_it_is(tmp_path: Path, tasks, rows_of) -> None:
    texts, _ = texts_of(draw_drops, rows_of(tasks, noise=0.1), tasks, [tmp_path / "x.png"], selection="layer", **RUN)
    words = " ".join(" ".join(texts).split())
    assert "accuracy −45.0 points (random ones: −1.0), ROUGE-L −4" in words
    assert "500 test examples a task, 5 random draws a seed. Bars: 95 % t intervals over 3 seeds" in words
    assert "Dashed: chance" in words
    assert not any("at chance" in text for text in texts)


def test_two_seeds_have_no_bars_and_the_caption_says_so(tmp_path: Path, tasks, rows_of) -> None:
    for seeds, expected in (((0, 1), "2 seeds: no interval (at least 3 are needed)"), ((0, 1, 2), "95 % t intervals")):
        rows = rows_of(tasks, seeds=seeds)
        texts, figure = texts_of(draw_drops, rows, tasks, [tmp_path / "x.png"], selection="layer", **RUN)
        assert expected in " ".join(" ".join(texts).split())
        bars = sum(len(axis.containers) for axis in figure.axes)
        assert (bars > 0) == (len(seeds) == 3)


def test_task_at_chance_is_marked(tmp_path: Path, tasks, rows_of) -> None:
    rows = [
        row | {"value": 52.0}
        if (row["condition"], row["test_task"], row["metric"]) == ("original", "sentiment_film", "accuracy")
        else row
        for row in rows_of(tasks)
    ]
    texts, _ = texts_of(draw_drops, rows, tasks, [tmp_path / "x.png"], selection="layer", **RUN)
    assert [text for text in texts if "at chance" in text] == ["sentiment_film\n(at chance)"]


def test_matrix_prints_the_drops_and_leaves_the_unmeasured_empty(tmp_path: Path, tasks, rows_of) -> None:
    rows = rows_of(tasks, noise=0.0)
    texts, figure = texts_of(draw_matrix, rows, tasks, [tmp_path / "x.png"], selection="layer", **RUN)
    cells = [text.get_text() for text in figure.axes[0].texts]
    # 1.5 rounds to even.
    assert {value: cells.count(value) for value in set(cells)} == {"45": 12, "23": 12, "4": 48, "2": 72}
    assert "own task −45.0, same family −23.0" in " ".join(" ".join(texts).split())
    fewer = [row for row in rows if not (row["train_task"] == "nli_place" and row["seed"] == 1)]
    _, figure = texts_of(draw_matrix, fewer, tasks, [tmp_path / "x.png"], selection="layer", **RUN)
    assert len(figure.axes[0].texts) == 132


def test_scores_give_the_share_above_the_cut(tmp_path: Path, tasks) -> None:
    array = np.ones((2, 10), dtype=np.float32)
    array[0, :2] = 41
    scores = [NeuronScores(array, array, array, tasks[0]["name"], "d", "taylor", 300, 900)]
    texts, _ = texts_of(draw_scores, scores, tasks, [tmp_path / "x.png"], suite="s", model="m", percent=10)
    # 82 of 100 lie in the top two of twenty neurons.
    assert "sentiment_food (82 %)" in texts
    assert "The top 10 % of neurons hold 82 % of a task's attribution" in " ".join(texts)


def test_layers_say_where_the_neurons_lie(tmp_path: Path, tasks) -> None:
    texts, _ = texts_of(draw_layers, make_layers(tasks), tasks, [tmp_path / "x.png"], **RUN)
    assert "Ranked over the model, 33 % of a task's neurons lie in layer 0 (an even share is 25 %)" in " ".join(texts)
    only = make_layers(tasks, selections=("layer",))
    texts, _ = texts_of(draw_layers, only, tasks, [tmp_path / "x.png"], **RUN)
    assert "same share of each of the 4 layers" in " ".join(texts)


def test_nothing_to_draw_is_refused(tmp_path: Path, tasks, rows_of) -> None:
    paths = [tmp_path / "x.png"]
    for draw in (draw_drops, draw_matrix):
        with pytest.raises(InputError, match="no results of llama on synthetic for taylor, 10, model, zero"):
            draw(rows_of(tasks), tasks, paths, selection="model", **RUN)
    with pytest.raises(InputError, match="no sets to draw"):
        draw_layers([], tasks, paths, **RUN)
    with pytest.raises(InputError, match="one estimator and one model shape"):
        draw_scores([], tasks, paths, suite="s", model="m", percent=10)
    with pytest.raises(InputError, match="without a description: sentiment_food"):
        draw_scores(make_scores(tasks[:1]), tasks[1:], paths, suite="s", model="m", percent=10)
    zeros = np.zeros((1, 2), dtype=np.float32)
    with pytest.raises(InputError, match="nli_person: no neuron has a positive score"):
        draw_scores(
            [NeuronScores(zeros, zeros, zeros, "nli_person", "d", "taylor", 1, 1)],
            tasks, paths, suite="s", model="m", percent=10,
        )  # fmt: skip
    with pytest.raises(InputError, match=r"x\.gif: figures are written as"):
        draw_layers(make_layers(tasks), tasks, [tmp_path / "x.gif"], **RUN)
    with pytest.raises(InputError, match="dpi"):
        draw_layers(make_layers(tasks), tasks, paths, dpi=0, **RUN)
    assert not list(tmp_path.iterdir())


def test_evidence_starts_fast_and_without_torch() -> None:
    code = (
        "import sys, time\n"
        "import taskneurons.evidence.tables, taskneurons.evidence.figures.drops, taskneurons.evidence.figures.matrix\n"
        "import taskneurons.evidence.figures.scores, taskneurons.evidence.figures.layers\n"
        "print(time.process_time(), *({'torch', 'transformers', 'pandas'} & set(sys.modules)))\n"
    )
    seconds, *heavy = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout.split()  # fmt: skip
    assert heavy == []
    assert float(seconds) <= 2.0
