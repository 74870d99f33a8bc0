"""The figures of keystone neurons say the headline, mark what is not healthy, and stand inside the page."""

from dataclasses import replace

import pytest
from drawn import assert_inside_the_page, figure_of, words_of

from taskneurons.errors import InputError
from taskneurons.studies.keystone.figures import draw_effects, draw_layers
from taskneurons.studies.keystone.rows import LayerRow, SummaryRow


def row(condition, percent, value, other, rise, *, headline=False):
    """A row of the loss over four tasks."""
    difference = None if other is None else value - other
    limits = (None, None) if difference is None else (difference - 0.1, difference + 0.1)
    return SummaryRow(
        "small", "mine", condition, percent, "loss", 4, 10, value, value - 0.1, value + 0.1, other, difference, *limits,
        rise, rise, rise <= 10, headline, "95 % t",
    )  # fmt: skip


ROWS = [
    *(row("random", percent, 0.0, None, 0.1) for percent in (0.1, 1, 10)),
    *(row("keystone", percent, value, None, 20 * value) for percent, value in ((0.1, 0.0), (1, 5.0), (10, 9.0))),
    *(row("top", percent, value, value, 20 * value) for percent, value in ((0.1, 0.2), (1, 5.0), (10, 9.0))),
    row("contrast", 0.1, 0.1, 0.0, 1),
    row("contrast", 1, 0.75, 0.25, 8, headline=True),
    row("contrast", 10, 9.0, 8.0, 100),
]


def test_the_title_is_the_headline_and_hollow_markers_are_models_that_broke():
    figure = figure_of(lambda paths: draw_effects(ROWS, "small, mine", paths, seeds=4, health=10))
    assert "loses at most 0.50 (0.40 to 0.60) nats a token more" in words_of(figure)
    assert "other tasks, 1 %" in words_of(figure)
    points = [line for line in figure.axes[1].lines if len(line.get_xdata()) == 1]
    hollow = {float(line.get_ydata()[0]) for line in points if line.get_markerfacecolor() == "white"}
    assert hollow == {0.0, 1.0} and 0.5 in {float(line.get_ydata()[0]) for line in points} - hollow
    assert "over 4 tasks and 4 seeds" in words_of(figure) and "intervals over seeds" in words_of(figure)
    assert_inside_the_page(figure)


def test_the_caption_names_the_intervals_that_are_drawn():
    over_tasks = [replace(one, interval="95 % t over tasks as if independent") for one in ROWS]
    figure = figure_of(lambda paths: draw_effects(over_tasks, "small, mine", paths, seeds=1, health=10))
    assert "4 tasks and 1 seed." in words_of(figure) and "intervals over tasks as if independent" in words_of(figure)
    none = [replace(one, low=None, high=None, difference_low=None, difference_high=None) for one in over_tasks]
    figure = figure_of(lambda paths: draw_effects(none, "small, mine", paths, seeds=1, health=10))
    assert "intervals" not in words_of(figure)


def test_without_a_healthy_share_the_title_says_so():
    broken = [one for one in ROWS if not one.headline]
    figure = figure_of(lambda paths: draw_effects(broken, "small, mine", paths, seeds=4, health=10))
    assert "no share leaves the model healthy" in words_of(figure)
    with pytest.raises(InputError, match="nothing was deactivated"):
        draw_effects([], "small, mine", [], seeds=4, health=10)


def test_layers_show_the_shares_that_have_keystone_neurons():
    layers = [
        LayerRow("small", "mine", 0, percent, layer, 50, keystone, 2.0)
        for percent, members in ((0.1, (0, 0)), (1, (1, 0)), (3, (1, 1)), (10, (4, 3)), (30, (9, 8)))
        for layer, keystone in enumerate(members)
    ]
    figure = figure_of(lambda paths: draw_layers(layers, "small, mine", paths))
    assert "at 30 % they are 17 of the 30 neurons of a top" in words_of(figure)
    assert [axis.get_title(loc="left") for axis in figure.axes] == [
        "1 %: 1 keystone, 4 other", "10 %: 7 keystone, 4 other", "30 %: 17 keystone, 4 other",
    ]  # fmt: skip
    assert_inside_the_page(figure)
    empty = figure_of(lambda paths: draw_layers(layers[:2], "small, mine", paths))
    assert "no neuron is in the top of every task" in words_of(empty)
