"""Figures of deactivation have the same bytes in every process, survive odd input, and say in words what they draw."""

import re
import xml.etree.ElementTree as ET
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_measurements import ZEROED, make_rows
from made_up_tasks import make_tasks
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence.measurements import Measurement
from taskneurons.evidence.style import WIDTH
from taskneurons.evidence.tasks import DescribedTask
from taskneurons.studies.deactivation.figures import draw_drops, draw_matrix

TASKS = make_tasks()
RUN = {"suite": "synthetic", "model": "llama", "setting": ZEROED["layer"], "tuned": True}


def drawn(draw: Callable[..., None], rows: list[Measurement], tasks: list[DescribedTask] = TASKS, **run) -> Figure:
    return figure_of(lambda paths: draw(rows, tasks, paths, **(RUN | run)))


def draw_all(folder: Path) -> list[Path]:
    rows = make_rows(TASKS)
    paths = {
        draw: [folder / f"{draw.__name__}.{form}" for form in ("png", "svg")] for draw in (draw_drops, draw_matrix)
    }
    for draw, both in paths.items():
        draw(rows, TASKS, both, dpi=60, **RUN)
    return [path for both in paths.values() for path in both]


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def test_files_are_images_without_dates_and_at_paper_width(tmp_path: Path) -> None:
    for path in draw_all(tmp_path):
        content = path.read_bytes()
        if path.suffix == ".png":
            assert content.startswith(b"\x89PNG")
            assert int.from_bytes(content[16:20]) == 60 * WIDTH
            assert b"Software" not in content
        else:
            root = ET.fromstring(content)
            assert root.get("width") == f"{72 * WIDTH:g}pt"
            assert b"<dc:date>" not in content
    assert not list(tmp_path.glob(".*"))


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
    "awkward names": (awkward(), {}),
    "two tasks": ([TASKS[0], TASKS[7]], {}),
    "one kind": (TASKS[:6], {}),
    "one seed": (TASKS, {"seeds": (3,)}),
    "own task only": (TASKS, {"conditions": ("original", "task")}),
    "random only": (TASKS, {"conditions": ("original", "random", "other_task")}),
    "no spread": (TASKS, {"noise": 0.0}),
}


@pytest.mark.parametrize("draw", [draw_drops, draw_matrix])
@pytest.mark.parametrize("case", CASES)
def test_odd_input_is_drawn_inside_the_page(case: str, draw: Callable[..., None]) -> None:
    tasks, options = CASES[case]
    assert_inside_the_page(drawn(draw, make_rows(tasks, draws=2, **options), tasks))


def test_drops_say_what_is_seen_and_how_sure_it_is() -> None:
    figure = drawn(draw_drops, make_rows(TASKS, noise=0.1))
    words = words_of(figure)
    # Another task's neurons: (23 + 4 * 4 + 6 * 1.5) / 11 points.
    assert "accuracy −45.0 points (another task's: −4.4, random ones: −1.0), ROUGE-L −4" in words
    assert "500 test examples a task, 5 random draws a seed. Bars: 95 % t intervals over 3 seeds" in words
    assert "Dashed: chance" in words
    assert "(at chance)" not in words


def test_the_title_tells_where_another_tasks_neurons_do_the_same() -> None:
    own = {(row.seed, row.test_task, row.metric): row.value for row in make_rows(TASKS) if row.condition == "task"}
    rows = [
        replace(row, value=own[row.seed, row.test_task, row.metric]) if row.condition == "other_task" else row
        for row in make_rows(TASKS)
    ]
    words = words_of(drawn(draw_drops, rows))
    (loss, others) = re.search(r"accuracy (−\S+) points \(another task's: (−[\d.]+), random ones", words).groups()
    assert loss == others


def test_a_loss_that_rounds_to_zero_has_no_sign() -> None:
    rows = make_rows(TASKS, noise=0.0, conditions=("original", "random", "task"))
    untouched = {(row.test_task, row.metric): row.value for row in rows if row.condition == "original"}
    same = [replace(row, value=untouched[row.test_task, row.metric]) for row in rows]
    words = words_of(drawn(draw_drops, same))
    assert "accuracy 0.0 points (random ones: 0.0), ROUGE-L 0.0 points" in words


def test_drops_are_drawn_at_the_original_score_less_the_drop() -> None:
    axis = drawn(draw_drops, make_rows(TASKS, noise=0.0, conditions=("original", "task"))).axes[0]
    bars = [tuple(line.get_xdata()) for line in axis.lines if line.get_linewidth() == 2]
    # Six tasks and their average.
    assert bars == [(92.0, 47.0)] * 7


def test_two_seeds_have_no_bars_and_the_caption_says_so() -> None:
    for seeds, expected in (((0, 1), "2 seeds: no interval (at least 3 are needed)"), ((0, 1, 2), "95 % t intervals")):
        figure = drawn(draw_drops, make_rows(TASKS, seeds=seeds))
        assert expected in words_of(figure)
        bars = sum(len(axis.containers) for axis in figure.axes)
        assert (bars > 0) == (len(seeds) == 3)


def test_a_task_at_chance_is_marked() -> None:
    at_chance = ("original", "sentiment_film", "accuracy")
    rows = [
        replace(row, value=52.0) if (row.condition, row.test_task, row.metric) == at_chance else row
        for row in make_rows(TASKS)
    ]
    texts = [text.get_text() for text in drawn(draw_drops, rows).findobj(Text) if text.get_visible()]
    assert [text for text in texts if "at chance" in text] == ["sentiment_film\n(at chance)"]


def test_matrix_prints_the_drops_and_leaves_the_unmeasured_empty() -> None:
    rows = make_rows(TASKS, noise=0.0)
    figure = drawn(draw_matrix, rows)
    cells = [text.get_text() for text in figure.axes[0].texts]
    # 1.5 rounds to even.
    assert {value: cells.count(value) for value in set(cells)} == {"45": 12, "23": 12, "4": 48, "2": 72}
    assert "own task −45.0, same family −23.0" in words_of(figure)
    fewer = [row for row in rows if not (row.train_task == "nli_place" and row.seed == 1)]
    assert len(drawn(draw_matrix, fewer).axes[0].texts) == 132


@pytest.mark.parametrize("draw", [draw_drops, draw_matrix])
def test_nothing_to_draw_is_refused(tmp_path: Path, draw: Callable[..., None]) -> None:
    with pytest.raises(InputError, match="no results of llama on synthetic for taylor, 10, model, zero"):
        draw(make_rows(TASKS), TASKS, [tmp_path / "x.png"], **(RUN | {"setting": ZEROED["model"]}))
    with pytest.raises(InputError, match=r"x\.gif: figures are written as"):
        draw(make_rows(TASKS), TASKS, [tmp_path / "x.gif"], **RUN)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("draw", [draw_drops, draw_matrix])
def test_a_caption_tells_a_tuned_model_from_the_same_model_as_it_is(draw: Callable[..., None]) -> None:
    rows, two = make_rows(TASKS[:2], seeds=(0,)), TASKS[:2]
    assert "llama tuned on all tasks, suite synthetic" in words_of(drawn(draw, rows, two))
    assert "llama as it is, suite synthetic" in words_of(drawn(draw, rows, two, tuned=False))
