"""The specification curve says how many readings give the paper's numbers, marks what broke, and fits its page."""

from pathlib import Path

import pytest
from drawn import assert_inside_the_page, figure_of, words_of
from made_up_multiverse import PATTERN, rows

from taskneurons.evidence.papers import SCORES, printed_rows
from taskneurons.studies.multiverse.figures import Curve, draw_curve, printed_differences
from taskneurons.studies.multiverse.tables import explain_choices, level_means, summarise_multiverse

PUBLISHED = Path(__file__).parents[3] / "published" / "leng2025"


def curve(**change):
    found, _ = summarise_multiverse(rows(**change), health=10, pattern=PATTERN)
    printed = {"Llama-2-7b": 9.6, "Bloom-7b1": 9.2}
    return Curve(
        "small, mine", found[0].metric, found, explain_choices(found), level_means(found), 10, PATTERN, printed
    )


def test_the_title_counts_the_readings_that_give_the_papers_numbers():
    figure = figure_of(lambda paths: draw_curve(curve(), paths))
    words = words_of(figure)
    assert "1 of 2 readings of the paper give its numbers" in words
    assert "share of the neurons (100 %)" in words
    above, below = figure.axes
    # Each specification has one level of each choice that varies.
    (cells,) = (image.get_array() for image in below.images)
    assert {int((column > 0).sum()) for column in cells.T} == {2}
    assert above.get_xlim() == (0, 5)
    assert_inside_the_page(figure)


def test_a_model_that_broke_is_pale():
    broken = figure_of(lambda paths: draw_curve(curve(own_rise=40.0), paths))
    (cells,) = (image.get_array() for image in broken.axes[1].images)
    assert set(cells.flat) == {0, 1}
    assert "0 of 2 readings" in words_of(broken)


def test_without_scores_the_figure_says_so():
    found = curve()
    empty = Curve(found.run, "score", (), (), (), 10, PATTERN, {})
    assert "no scores were measured" in words_of(figure_of(lambda paths: draw_curve(empty, paths)))
    loss = figure_of(lambda paths: draw_curve(curve(metric="loss"), paths))
    assert "nats a token" in words_of(loss)


def test_the_printed_difference_is_the_mean_of_the_papers_own_averages():
    files = [PUBLISHED / "table1_deactivation_llama2_7b.csv", PUBLISHED / "table6_deactivation_bloom_7b1.csv"]
    found = printed_differences(printed_rows(SCORES, files, name) for name in ("T1", "T6"))
    # Its averages of classification and generation are printed with one digit.
    assert found == pytest.approx({"Llama-2-7b": (8.8 + 10.3) / 2, "Bloom-7b1": (7.7 + 10.8) / 2}, abs=0.06)
