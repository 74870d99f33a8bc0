"""Figures of trained neurons: the same bytes in every process, inside the page, and true in words."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_tasks import make_tasks
from made_up_trained import training_rows
from matplotlib.figure import Figure

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.training.gains_figure import draw_gains
from taskneurons.studies.training.matrix_figure import draw_matrix
from taskneurons.studies.training.rows import Setting

TASKS = make_tasks()
RUN = {"suite": "synthetic", "model": "llama", "setting": Setting("taylor", 10, "model"), "dpi": 60}
NAMES = ("gains", "gains-loss", "pairs", "transfer")


def draw(name, paths, *, tasks=TASKS, seeds=(0,), noise=1.0, run=RUN, **options) -> None:
    rows = training_rows(tasks, seeds=seeds, noise=noise, **options)
    if name in ("gains", "gains-loss"):
        draw_gains(rows, tasks, paths, measure="loss" if name == "gains-loss" else "score", **run)
    else:
        draw_matrix(rows, tasks, paths, matrix=name, **run)


def drawn(name: str, **options) -> Figure:
    return figure_of(lambda paths: draw(name, paths, **options))


def draw_all(folder: Path) -> list[Path]:
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in ("gains", "transfer")}
    for name, both in paths.items():
        draw(name, both)
    return [path for both in paths.values() for path in both]


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def awkward() -> list[DescribedTask]:
    """Long, unusual and formula-like names."""
    return [
        replace(task, name=f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task.name}_$x_1$<b>")
        for i, task in enumerate(TASKS)
    ]


CASES = {
    "awkward names": ({"tasks": awkward()}, NAMES),
    "three seeds": ({"seeds": (0, 1, 2)}, ("gains-loss",)),
    "no spread": ({"noise": 0.0}, ("gains",)),
}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(case: str) -> None:
    options, names = CASES[case]
    for name in names:
        assert_inside_the_page(drawn(name, **options))


def test_gains_say_what_random_neurons_gain() -> None:
    figure = drawn("gains", seeds=(0, 1, 2), noise=0.01)
    words = words_of(figure)
    assert "accuracy +15.0, against random ones +13.0 (95 %: +13.0 to +13.0)" in words
    assert "95 % t intervals of the gain over 3 seeds" in words
    assert "Learning rates, chosen on validation: random 0.003, another's 0.003, own 0.003, all FFN 0.001" in words
    assert all(axis.containers for axis in figure.axes)
    loss = words_of(drawn("gains-loss", seeds=(0, 1, 2), noise=0.01))
    # 15 and 13 points are 0.375 and 0.325 nats, and less is better.
    assert "classification loss −0.37" in loss and "against random ones −0.3" in loss
    single = words_of(drawn("gains"))
    assert (
        "1 seed: no interval of a task; bars of the averages: 95 % t intervals of the gain over tasks as if independent"
        in single
    )


def test_tasks_that_no_model_learns_are_marked() -> None:
    words = words_of(drawn("gains", tasks=[replace(TASKS[0], constant=99.0), *TASKS[1:]]))
    assert words.count("(at chance)") == 1


def test_matrices_print_the_gains() -> None:
    figure = drawn("transfer", noise=0.0)
    cells = np.array([text.get_text() for text in figure.axes[0].texts]).reshape(12, 12)
    assert cells[0, 0] == "15" and cells[0, 1] == "8" and cells[0, 6] == "−1"
    assert "own task +15.0, same family +8.0, same kind +2.0, other kind −1.0" in words_of(figure)
    words = words_of(drawn("pairs", noise=0.0))
    assert "A task's neurons trained on the tested task's data, mean gain in points: own task +15.0" in words
    assert "1 seed, 500 test examples" in words and "learning rate" not in words
    words = words_of(drawn("pairs", noise=0.0, rate_of_others=1e-4))
    assert "all else frozen; learning rate 0.003 on the diagonal, 0.0001 off it." in words


def test_a_gain_that_was_not_measured_is_left_empty() -> None:
    rows = [
        row
        for row in training_rows(TASKS, seeds=(0,), noise=0.0)
        if (row.neurons, row.test_task) != ("nli_place", "nli_person")
    ]
    figure = figure_of(lambda paths: draw_matrix(rows, TASKS, paths, matrix="transfer", **RUN))
    assert len(figure.axes[0].texts) == 12 * 12 - 1


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    for name in ("gains", "transfer"):
        with pytest.raises(InputError, match="no results of bloom on synthetic for taylor, 10, model"):
            draw(name, [tmp_path / "x.png"], run=RUN | {"model": "bloom"})
    rows = training_rows(TASKS, pairs=False)
    with pytest.raises(InputError, match="the matrix `pairs` of llama on synthetic was not measured"):
        draw_matrix(rows, TASKS, [tmp_path / "x.png"], matrix="pairs", **RUN)
    assert not list(tmp_path.iterdir())
