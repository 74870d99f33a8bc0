"""Figures of growing shares: the same bytes in every process, inside the page, and true in words."""

from dataclasses import replace
from pathlib import Path

import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_tasks import make_tasks
from made_up_trained import group_tasks, proportion_rows
from matplotlib.figure import Figure

from taskneurons.errors import InputError
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.proportion.figures import draw_proportion
from taskneurons.studies.proportion.scopes import TaskGroups

TASKS = make_tasks()
RUN = {"suite": "synthetic", "model": "llama", "dpi": 60}


def draw(name, paths, *, tasks=TASKS, seeds=(0,), noise=1.0, run=RUN, **options) -> None:
    how, _, measure = name.partition("-")
    groups = TaskGroups(**{key: tuple(names) for key, names in group_tasks(tasks).items()})
    rows = proportion_rows(tasks, seeds=seeds, noise=noise, **options)
    draw_proportion(rows, {"synthetic": groups}, paths, how=how, measure=measure or "score", **run)


def drawn(name: str, **options) -> Figure:
    return figure_of(lambda paths: draw(name, paths, **options))


def draw_all(folder: Path) -> list[Path]:
    paths = [folder / "joint.png", folder / "joint.svg"]
    draw("joint", paths)
    return paths


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def awkward() -> list[DescribedTask]:
    """Long, unusual and formula-like names."""
    return [
        replace(task, name=f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task.name}_$x_1$<b>")
        for i, task in enumerate(TASKS)
    ]


CASES = {
    "awkward names": ({"tasks": awkward()}, ("joint", "single-loss")),
    "three seeds": ({"seeds": (0, 1, 2)}, ("joint",)),
    "no spread": ({"noise": 0.0}, ("single-loss",)),
}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(case: str) -> None:
    options, names = CASES[case]
    for name in names:
        assert_inside_the_page(drawn(name, **options))


def test_figures_say_the_change_the_trend_and_the_rates() -> None:
    words = words_of(drawn("joint", noise=0.01))
    assert "on classification: trained tasks +18.0" in words
    assert "ρ = +1.00, p = 0.017" in words
    assert "Learning rate, one for all shares: 0.001." in words
    assert "whole band is above the dashed line, and are forgotten where it is below" in words
    assert "Thin: each tested task" in words
    assert "Thin: each seed" in words_of(drawn("joint", seeds=(0, 1, 2)))
    figure = drawn("single-loss", noise=0.01)
    assert "on generation: trained tasks −0.45" in words_of(figure)
    assert "ρ = −1.00" in words_of(figure)
    assert "dashed line" not in words_of(figure)
    assert len(figure.axes) == 2
    losses = drawn("joint-loss", noise=0.01)
    assert "whole band is below the dashed line, and are forgotten where it is above" in words_of(losses)
    assert len(losses.axes) == 6


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no joint training of bloom on synthetic has a score"):
        draw("joint", [tmp_path / "x.png"], run=RUN | {"model": "bloom"})
    assert not list(tmp_path.iterdir())
