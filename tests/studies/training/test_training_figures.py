"""Figures of curves: the same bytes in every process, inside the page, and true in words."""

from dataclasses import replace
from pathlib import Path

import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_curves import BEST, READINGS, SPEEDS, START, reading_rows, score, speed
from made_up_tasks import make_tasks
from matplotlib.colors import to_rgb
from matplotlib.figure import Figure

from taskneurons.errors import InputError
from taskneurons.studies.training.curve_figure import LINES, SHADE, draw_curves
from taskneurons.studies.training.curves import curve_rows, groups
from taskneurons.studies.training.map_figure import draw_map
from taskneurons.studies.training.rows import CurveRow
from taskneurons.studies.training.specificity_figure import draw_specificity, shown_reading

TASKS = make_tasks()
NAMES = ("shares", "rates", "shares-loss", "map", "specificity")


CURVES: dict[str, list[CurveRow]] = {}


def curves(tasks=TASKS, **options) -> list[CurveRow]:
    """The rows of some made-up readings; several figures draw the same ones."""
    what = repr((tasks, options))
    if what not in CURVES:
        CURVES[what] = curve_rows(groups(reading_rows(tasks, **options), tasks))
    return CURVES[what]


def draw(name, paths, *, tasks=TASKS, **options) -> None:
    rows = curves(tasks, **options)
    of_rate = [row for row in rows if row.learning_rate == 1e-3]
    if name == "map":
        draw_map(rows, paths, dpi=60)
    elif name == "specificity":
        draw_specificity(of_rate, tasks, paths, dpi=60)
    else:
        some = of_rate if name.startswith("shares") else [row for row in rows if row.percent == 3]
        measure = "loss" if name.endswith("loss") else "score"
        draw_curves(some, paths, by=name.removesuffix("-loss"), measure=measure, dpi=60)


def drawn(name: str, **options) -> Figure:
    return figure_of(lambda paths: draw(name, paths, **options))


def draw_all(folder: Path) -> list[Path]:
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in ("shares", "map", "specificity")}
    for name, both in paths.items():
        draw(name, both, wobble=1.0)
    return [path for both in paths.values() for path in both]


def test_bytes_do_not_change_between_processes(tmp_path: Path) -> None:
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


@pytest.mark.parametrize("name", NAMES)
def test_everything_stands_inside_the_page(name: str) -> None:
    long = [
        replace(task, name=f"{'überraschend_langer_name_für_' if i % 2 else '感情_'}{task.name}_$x_1$<b>")
        for i, task in enumerate(TASKS)
    ]
    assert_inside_the_page(drawn(name, tasks=long, wobble=1.0))
    assert_inside_the_page(drawn(name, seeds=(0,)))


def test_lines_are_the_differences_and_grey_marks_what_cannot_decide() -> None:
    figure = drawn("shares")
    # Two kinds, three shares.
    axis = figure.axes[1]
    assert axis.get_title("left") == "3 %"
    line = next(one for one in axis.lines if one.get_color() == LINES["task", "random"][0])
    expected = [
        score("classification", speed("task", 3, 1e-3), steps)
        - score("classification", speed("random", 3, 1e-3), steps)
        for steps in READINGS
    ]
    assert list(line.get_ydata()) == pytest.approx(expected)
    undecided = [
        row.steps
        for row in curves()
        if (row.task, row.metric, row.percent, row.learning_rate, row.condition, row.against)
        == ("mean_cls", "accuracy", 20, 1e-3, "task", "random")
        and not row.decides
    ]
    shaded = [patch for patch in figure.axes[2].patches if patch.get_facecolor()[:3] == to_rgb(SHADE)]
    assert len(shaded) == len(undecided) > 0
    assert "cannot decide" in words_of(figure)


def test_the_map_prints_every_difference_and_parts_where_the_sign_turns() -> None:
    figure = drawn("map", speeds=SPEEDS | {"random": 0.02, "task": 0.01})
    words = words_of(figure)
    assert "Own neurons less random neurons of the same layers" in words
    texts = [text.get_text() for text in figure.axes[0].texts]
    assert len(texts) == 4 * len(READINGS)
    assert all(text.lstrip("(").startswith(("−", "0")) for text in texts)
    assert not figure.axes[0].lines
    # Own neurons that start ahead and end behind turn the sign once in each cell.
    rows = [
        replace(row, difference=12.0 - row.steps)
        for row in curves()
        if (row.condition, row.against) == ("task", "random")
    ]
    turned = figure_of(lambda paths: draw_map(rows, paths, dpi=60))
    assert len(turned.axes[0].lines) == 4


def test_the_reading_that_is_shown_is_where_random_neurons_are_half_way_and_not_where_own_ones_are_ahead() -> None:
    rows = [row for row in curves() if row.learning_rate == 1e-3]
    percent, steps = shown_reading(rows, "classification")
    half = (START["classification"] + BEST) / 2
    deciding = {
        (row.percent, row.steps) for row in rows if row.task == "mean_cls" and row.metric == "accuracy" and row.decides
    }
    assert (percent, steps) == min(
        deciding, key=lambda at: abs(score("classification", speed("random", at[0], 1e-3), at[1]) - half)
    )
    better = [replace(row, difference=99.0) if row.condition == "task" else row for row in rows]
    assert shown_reading(better, "classification") == (percent, steps)
    words = words_of(drawn("specificity"))
    assert f"classification: {percent:g} %, {steps} steps" in words
    own, other = (score("classification", speed(one, percent, 1e-3), steps) for one in ("task", "other_task"))
    assert f"classification +{own - other:.1f}" in words and "another family's" in words
    fast = words_of(drawn("specificity", speeds=dict.fromkeys(SPEEDS, 5.0)))
    assert "cannot decide" in fast


def test_nothing_to_draw_is_refused(tmp_path: Path) -> None:
    for draw_nothing in (
        lambda: draw_curves([], [tmp_path / "x.png"], by="shares", measure="score"),
        lambda: draw_map([], [tmp_path / "x.png"]),
        lambda: draw_specificity([], TASKS, [tmp_path / "x.png"]),
    ):
        with pytest.raises(InputError):
            draw_nothing()
    assert not list(tmp_path.iterdir())
