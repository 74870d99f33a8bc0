"""Figures of the studies that train neurons: the same bytes in every process, inside the page, and true in words."""

import hashlib
import subprocess
import sys
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from made_up_results import make_tasks
from made_up_tuned import group_tasks, proportion_rows, training_rows
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence.figures.proportion import draw_proportion
from taskneurons.evidence.figures.training import draw_training
from taskneurons.evidence.figures.training_matrix import draw_training_matrix

RUN = {"suite": "synthetic", "model": "llama", "dpi": 60}
SETTING = {"estimator": "taylor", "percent": 10, "selection": "model"}
NAMES = ("gains", "gains-loss", "pairs", "transfer", "joint", "single-loss")


def draw(name: str, tasks, paths, *, seeds=(0,), noise=1.0, run=RUN, **options) -> None:
    if name in ("gains", "gains-loss"):
        rows = training_rows(tasks, seeds=seeds, noise=noise, **options)
        draw_training(rows, tasks, paths, measure="loss" if name == "gains-loss" else "score", **SETTING, **run)
    elif name in ("pairs", "transfer"):
        draw_training_matrix(
            training_rows(tasks, seeds=seeds, noise=noise, **options), tasks, paths, matrix=name, **SETTING, **run
        )
    else:
        how, _, measure = name.partition("-")
        rows = proportion_rows(tasks, seeds=seeds, noise=noise, **options)
        groups = {"synthetic": group_tasks(tasks)}
        draw_proportion(rows, groups, paths, how=how, measure=measure or "score", **run)


def draw_all(folder: Path) -> list[Path]:
    tasks = make_tasks()
    names = ("gains", "transfer", "joint")
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in names}
    for name in names:
        draw(name, tasks, paths[name])
    return [path for both in paths.values() for path in both]


def texts_of(name: str, tasks, **options) -> tuple[str, Figure]:
    """The texts of a figure as it is when it is rendered, and the figure."""
    kept: list[Figure] = []
    with mock.patch.object(Figure, "savefig", lambda self, *a, **k: kept.append(self)):
        draw(name, tasks, ["x.png"], **options)
    texts = [text.get_text() for text in kept[0].findobj(Text) if text.get_visible() and text.get_text()]
    return " ".join(" ".join(texts).split()), kept[0]


@pytest.fixture(autouse=True)
def nothing_is_written_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    here = [hashlib.sha256(path.read_bytes()).hexdigest() for path in draw_all(tmp_path / "here")]
    code = (
        "import sys, hashlib, pathlib; sys.path[:0] = [sys.argv[1]]\n"
        "import test_evidence_training_figures as t\n"
        "for path in t.draw_all(pathlib.Path(sys.argv[2])):\n"
        "    print(hashlib.sha256(path.read_bytes()).hexdigest())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", code, str(Path(__file__).parent), str(tmp_path / "other")],
        capture_output=True, text=True, check=True, env={"PYTHONHASHSEED": "7", "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    assert done.stdout.split() == here


def awkward(tasks) -> list[dict]:
    """Long, unusual and formula-like names."""
    return [
        task | {"name": f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task['name']}_$x_1$<b>"}
        for i, task in enumerate(tasks)
    ]


CASES = {
    "awkward names": (awkward, {}, NAMES),
    "three seeds": (lambda tasks: tasks, {"seeds": (0, 1, 2)}, ("gains-loss", "joint")),
    "no spread": (lambda tasks: tasks, {"noise": 0.0}, ("gains", "single-loss")),
}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(tasks, case: str) -> None:
    choose, options, names = CASES[case]
    for name in names:
        _, figure = texts_of(name, choose(tasks), **options)
        canvas = FigureCanvasAgg(figure)
        with mock.patch("warnings.warn"):
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


def test_gains_say_what_random_neurons_gain(tasks) -> None:
    words, figure = texts_of("gains", tasks, seeds=(0, 1, 2), noise=0.01)
    assert "accuracy +15.0, against random ones +13.0 (95 %: +13.0 to +13.0)" in words
    assert "95 % t intervals of the gain over 3 seeds" in words
    assert "Learning rates, chosen on validation: random 0.003, another's 0.003, own 0.003, all FFN 0.001" in words
    assert all(axis.containers for axis in figure.axes)
    loss, _ = texts_of("gains-loss", tasks, seeds=(0, 1, 2), noise=0.01)
    # 15 and 13 points are 0.375 and 0.325 nats, and less is better.
    assert "classification loss −0.37" in loss and "against random ones −0.3" in loss
    single, _ = texts_of("gains", tasks)
    assert (
        "1 seed: no interval of a task; bars of the averages: 95 % t intervals of the gain over tasks as if independent"
        in single
    )


def test_tasks_that_no_model_learns_are_marked(tasks) -> None:
    words, _ = texts_of("gains", [{**task, "constant": 99.0} for task in tasks[:1]] + tasks[1:])
    assert words.count("(at chance)") == 1


def test_matrices_print_the_gains_and_leave_the_unmeasured_empty(tasks) -> None:
    words, figure = texts_of("transfer", tasks, noise=0.0)
    cells = np.array([text.get_text() for text in figure.axes[0].texts]).reshape(12, 12)
    assert cells[0, 0] == "15" and cells[0, 1] == "8" and cells[0, 6] == "−1"
    assert "own task +15.0, same family +8.0, same kind +2.0, other kind −1.0" in words
    words, _ = texts_of("pairs", tasks, noise=0.0)
    assert "A task's neurons trained on the tested task's data, mean gain in points: own task +15.0" in words
    assert "1 seed, 500 test examples" in words and "learning rate" not in words
    words, _ = texts_of("pairs", tasks, noise=0.0, rate_of_others=1e-4)
    assert "all else frozen; learning rate 0.003 on the diagonal, 0.0001 off it." in words


def test_proportions_say_the_change_the_trend_and_the_rates(tasks) -> None:
    words, figure = texts_of("joint", tasks, noise=0.01)
    assert "classification trained: ID‑CLS +18.0" in words
    assert "ρ = +1.00, p = 0.017" in words
    assert "Learning rate, one for all shares, by validation: 0.001." in words
    assert "at large shares they overlap them, and the difference shrinks by construction" in words
    assert "Thin: each tested task" in words
    assert "Thin: each seed" in texts_of("joint", tasks, seeds=(0, 1, 2))[0]
    loss, _ = texts_of("single-loss", tasks, noise=0.01)
    assert "ID‑GEN −0.45" in loss
    assert "ρ = −1.00" in loss
    assert len(figure.axes) == 6


def test_nothing_to_draw_is_refused(tasks) -> None:
    other = RUN | {"model": "bloom"}
    for name in ("gains", "transfer"):
        with pytest.raises(InputError, match="no results of bloom on synthetic for taylor, 10, model"):
            draw(name, tasks, ["x.png"], run=other)
    with pytest.raises(InputError, match="no joint training of bloom on synthetic has a score"):
        draw("joint", tasks, ["x.png"], run=other)
    rows = training_rows(tasks, pairs=False)
    with pytest.raises(InputError, match="the matrix `pairs` of llama on synthetic was not measured"):
        draw_training_matrix(rows, tasks, ["x.png"], matrix="pairs", **SETTING, **RUN)
    with pytest.raises(InputError, match="there is no matrix `rows`"):
        draw_training_matrix(rows, tasks, ["x.png"], matrix="rows", **SETTING, **RUN)
    assert not list(Path.cwd().iterdir())
