"""Figures of neurons have the same bytes in every process, survive odd input, and say in words what they draw."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_tasks import make_tasks
from matplotlib.figure import Figure

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.neurons.scores import NeuronScores
from taskneurons.neurons.selection import Selection
from taskneurons.studies.neurons.figures import draw_layers, draw_scores
from taskneurons.studies.neurons.rows import LayerShare

TASKS = make_tasks()
SCORES = {"suite": "synthetic", "model": "llama", "tuned": True, "percent": 10}
LAYERS = {"suite": "synthetic", "model": "llama", "tuned": False, "selection": Selection("taylor", 10, "model")}


def make_scores(
    tasks: Sequence[DescribedTask] = TASKS, seeds: Sequence[int] = (0, 1, 2), shape: tuple[int, int] = (4, 64)
) -> list[NeuronScores]:
    rng = np.random.default_rng(0)
    made = []
    for _ in seeds:
        for task in tasks:
            array = rng.lognormal(sigma=1.5, size=shape).astype(np.float32)
            made.append(NeuronScores(array, array, array, task.name, "d", "taylor", 300, 900))
    return made


def make_layers(
    tasks: Sequence[DescribedTask] = TASKS,
    seeds: Sequence[int] = (0, 1, 2),
    depth: int = 4,
    selections: Sequence[str] = ("model", "layer"),
) -> list[LayerShare]:
    shares = np.linspace(2, 1, depth) / np.linspace(2, 1, depth).sum() * 100
    return [
        LayerShare(
            study="neurons", model="llama", suite="synthetic", seed=seed, condition="task", train_task=task.name,
            test_task="", percent=10, estimator="taylor", selection=selection, intervention="", draw=None, layer=layer,
            metric="layer_share", value=shares[layer] if selection == "model" else 100 / depth, n=100,
        )
        for seed in seeds for selection in selections for task in tasks for layer in range(depth)
    ]  # fmt: skip


def layers_drawn(rows: Sequence[LayerShare], tasks: Sequence[DescribedTask] = TASKS) -> Figure:
    return figure_of(lambda paths: draw_layers(rows, tasks, paths, **LAYERS))


def scores_drawn(scores: Sequence[NeuronScores], tasks: Sequence[DescribedTask] = TASKS) -> Figure:
    return figure_of(lambda paths: draw_scores(scores, tasks, paths, **SCORES))


def draw_all(folder: Path) -> list[Path]:
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in ("scores", "layers")}
    draw_scores(make_scores(), TASKS, paths["scores"], dpi=60, **SCORES)
    draw_layers(make_layers(), TASKS, paths["layers"], dpi=60, **LAYERS)
    return [path for both in paths.values() for path in both]


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def awkward() -> list[DescribedTask]:
    """Fourteen tasks with long, unusual and formula-like names."""
    renamed = [
        replace(task, name=f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task.name}_$x_1$<b>")
        for i, task in enumerate(TASKS)
    ]
    return [
        *renamed,
        replace(TASKS[0], name="extra_a", family="extra"),
        replace(TASKS[6], name="extra_b", family="extra_2"),
    ]


CASES = {
    "awkward names": (awkward(), (0, 1, 2)),
    "two tasks": ([TASKS[0], TASKS[7]], (0, 1, 2)),
    "one kind": (TASKS[:6], (0, 1, 2)),
    "one seed": (TASKS, (3,)),
}


@pytest.mark.parametrize("case", CASES)
def test_odd_input_is_drawn_inside_the_page(case: str) -> None:
    tasks, seeds = CASES[case]
    assert_inside_the_page(scores_drawn(make_scores(tasks, seeds), tasks))
    assert_inside_the_page(layers_drawn(make_layers(tasks, seeds), tasks))


def test_scores_give_the_share_above_the_cut() -> None:
    array = np.ones((2, 10), dtype=np.float32)
    array[0, :2] = 41
    figure = scores_drawn([NeuronScores(array, array, array, TASKS[0].name, "d", "taylor", 300, 900)])
    # 82 of 100 lie in the top two of twenty neurons.
    assert "sentiment_food (82 %)" in words_of(figure)
    assert "The top 10 % of neurons hold 82 % of a task's attribution" in words_of(figure)
    assert "llama tuned on all tasks, suite synthetic" in words_of(figure)


def test_layers_say_where_the_neurons_lie() -> None:
    words = words_of(layers_drawn(make_layers()))
    assert "Ranked over the model, 33 % of a task's neurons lie in layer 0 (an even share is 25 %)" in words
    assert "llama as it is, suite synthetic" in words
    assert "same share of each of the 4 layers" in words_of(layers_drawn(make_layers(selections=("layer",))))


def test_every_bar_and_dot_lies_inside_its_panel_and_is_drawn_whole() -> None:
    """Where the first task's neurons are spread evenly and the last one's lie in one layer, in one seed all of them."""
    rows = [
        replace(row, value=100.0 if row.layer == 2 else 0.0)
        if (row.train_task, row.selection, row.seed) == (TASKS[-1].name, "model", 0)
        else row
        for row in make_layers(depth=6)
    ]
    figure = layers_drawn(rows)
    figure.draw_without_rendering()
    panels = [axis for axis in figure.axes if axis.get_visible()]
    assert len(panels) == len(TASKS)
    highest = 0.0
    for axis in panels:
        low, high = axis.get_ylim()
        left, right = axis.get_xlim()
        assert low == 0
        assert len(axis.patches) == 6
        for bar in axis.patches:
            assert left < bar.get_x() and bar.get_x() + bar.get_width() < right
            assert bar.get_height() <= high
        for line in axis.lines:
            assert low <= min(line.get_ydata()) and max(line.get_ydata()) <= high
            highest = max(highest, *line.get_ydata())
            # A dot at zero lies on the edge.
            assert line.get_clip_on() == (line.get_marker() != ".")
    assert highest == 100


def test_scores_that_cannot_be_drawn_are_refused(tmp_path: Path) -> None:
    paths = [tmp_path / "x.png"]
    with pytest.raises(InputError, match="one estimator and one model shape"):
        draw_scores([], TASKS, paths, **SCORES)
    with pytest.raises(InputError, match="without a description: sentiment_food"):
        draw_scores(make_scores(TASKS[:1]), TASKS[1:], paths, **SCORES)
    zeros = np.zeros((1, 2), dtype=np.float32)
    with pytest.raises(InputError, match="nli_person: no neuron has a positive score"):
        draw_scores([NeuronScores(zeros, zeros, zeros, "nli_person", "d", "taylor", 1, 1)], TASKS, paths, **SCORES)
    assert not list(tmp_path.iterdir())


def test_layers_that_cannot_be_drawn_are_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no sets to draw"):
        draw_layers([], TASKS, [tmp_path / "x.png"], **LAYERS)
    with pytest.raises(InputError, match=r"x\.gif: figures are written as"):
        draw_layers(make_layers(), TASKS, [tmp_path / "x.gif"], **LAYERS)
    with pytest.raises(InputError, match="dpi"):
        draw_layers(make_layers(), TASKS, [tmp_path / "x.png"], dpi=0, **LAYERS)
    assert not list(tmp_path.iterdir())
