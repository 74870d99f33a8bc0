"""Bars begin and end at the values, in the order of the legend, and what is drawn lies inside the panel."""

from pathlib import Path
from unittest import mock

import numpy as np
from matplotlib.figure import Figure

from taskneurons.evidence.bar_chart import Bar, Line, Look, Panel, draw_bars
from taskneurons.evidence.style import GREEN, SKY, Words

LOOKS = {"one": Look(SKY, "s", "one thing"), "other": Look(GREEN, "^", "another thing")}
LINES = [
    Line("first", 80.0, {"one": Bar(70.0, 65.0, 75.0, dots=(68.0, 72.0)), "other": Bar(90.0)}, chance=50.0),
    Line("second", 40.0, {"other": Bar(0.0)}, chance=20.0),
    Line("average", 60.0, {"one": Bar(70.0), "other": Bar(45.0, 40.0, 50.0)}, average=True),
]


def drawn(tmp_path: Path, panel: Panel) -> Figure:
    """The figure as it is rendered."""
    kept: list[Figure] = []
    with mock.patch.object(Figure, "savefig", lambda self, *a, **k: kept.append(self)):
        draw_bars([panel], LOOKS, Words("title", "caption"), [tmp_path / "x.png"], untouched="as it was", dpi=60)
    return kept[0]


def test_bars_run_from_the_untouched_value_to_that_of_the_condition(tmp_path: Path) -> None:
    axis = drawn(tmp_path, Panel("kind", "points", LINES)).axes[0]
    bars = [tuple(line.get_xdata()) for line in axis.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 2]
    assert bars == [(80, 70), (80, 90), (40, 0), (60, 70), (60, 45)]
    labels = [text.get_text() for text in axis.get_yticklabels()]
    assert labels == ["first", "second", "average"]
    assert (axis.get_title(loc="left"), axis.get_xlabel()) == ("kind", "points")


def test_conditions_stand_in_the_order_of_the_legend(tmp_path: Path) -> None:
    figure = drawn(tmp_path, Panel("kind", "points", LINES))
    assert [text.get_text() for text in figure.legends[0].get_texts()] == ["as it was", "one thing", "another thing"]
    axis = figure.axes[0]
    heights = {line.get_color(): [] for line in axis.lines if line.get_marker() in ("s", "^")}
    for line in axis.lines:
        if line.get_marker() in ("s", "^"):
            heights[line.get_color()].append(float(line.get_ydata()[0]))
    assert np.subtract(heights[GREEN][::2], heights[SKY]).tolist() == [1, 1]


def test_an_interval_is_drawn_where_there_is_one(tmp_path: Path) -> None:
    axis = drawn(tmp_path, Panel("kind", "points", LINES)).axes[0]
    ends = [bar.lines[2][0].get_segments()[0][:, 0].tolist() for bar in axis.containers]
    assert ends == [[65, 75], [40, 50]]


def test_the_axis_is_widened_to_chance_only_where_that_is_asked(tmp_path: Path) -> None:
    low = [Line("first", 80.0, {"one": Bar(70.0)}, chance=20.0)]
    for asked in (True, False):
        left, right = drawn(tmp_path, Panel("kind", "points", low, reaches_chance=asked)).axes[0].get_xlim()
        assert (left < 20) == asked
        assert 80 < right < 101


def test_only_percentages_end_at_a_hundred(tmp_path: Path) -> None:
    lines = [Line("first", 140.0, {"one": Bar(90.0)})]
    assert drawn(tmp_path, Panel("kind", "nats", lines, percent=False)).axes[0].get_xlim()[1] > 140
    assert drawn(tmp_path, Panel("kind", "%", lines)).axes[0].get_xlim()[1] == 101


def test_everything_lies_inside_the_panel_and_a_marker_at_its_edge_is_drawn_whole(tmp_path: Path) -> None:
    for reaches in (True, False):
        axis = drawn(tmp_path, Panel("kind", "points", LINES, reaches_chance=reaches)).axes[0]
        (left, right), (bottom, top) = axis.get_xlim(), axis.get_ylim()
        bars = [line for line in axis.lines if line.get_linewidth() == 2]
        markers = [line for line in axis.lines if line.get_marker() in ("s", "^")]
        assert len(bars) == len(markers) == 5
        for line in bars + markers:
            assert left <= min(line.get_xdata()) and max(line.get_xdata()) <= right
            assert top <= min(line.get_ydata()) and max(line.get_ydata()) <= bottom
        assert left in [float(line.get_xdata()[0]) for line in markers], "one lies at zero"
        assert not any(line.get_clip_on() for line in markers)
