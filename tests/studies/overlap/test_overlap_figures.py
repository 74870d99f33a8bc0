"""Figures of overlap: the same bytes in every process, inside the page, and what is missing is said."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_overlap import DEPTH, GROUPS, TASKS, WIDTH, make_run, make_scores

from taskneurons.errors import InputError
from taskneurons.evidence.papers import PaperOverlap
from taskneurons.studies.overlap.figures import draw_overlap, draw_overlap_layers, draw_overlap_pairs
from taskneurons.studies.overlap.pairs import pair_table
from taskneurons.studies.overlap.rows import MEAN
from taskneurons.studies.overlap.tables import overlap_summary

RUN = {"suite": "mine", "model": "llama", "dpi": 60}
PUBLISHED = [PaperOverlap("CLS-CLS", "10", 20.8)]
NAMES = ("shares", "layers", "pairs")


@cache
def made(*, seeds=(0, 1, 2), flat=False, percents=(10, 50)):
    """The tables that the figures read."""
    runs = [make_run(seed) for seed in seeds]
    if flat:
        same = {task: make_scores(task, np.zeros((DEPTH, WIDTH)), run.whole[task].model_digest)
                for run in runs[:1] for task in run.whole}  # fmt: skip
        runs = [replace(runs[0], whole=same)]
    summary = overlap_summary(
        runs, {"mine": GROUPS}, {"mine": TASKS}, PUBLISHED, percents=percents, within="model", permutations=30
    )
    return summary, pair_table(runs, {"mine": TASKS}, percents=percents, within="model")


def draw(name, tables, paths, run=RUN, percent=10):
    summary, pairs = tables
    if name == "shares":
        draw_overlap(summary, paths, **run)
    elif name == "layers":
        draw_overlap_layers(summary, paths, percent=percent, **run)
    else:
        draw_overlap_pairs(pairs, summary, list(TASKS.values()), paths, percent=percent, **run)


@cache
def drawn(name, **options):
    """A figure of made-up tables."""
    return figure_of(lambda paths: draw(name, made(**options), paths))


def draw_all(folder: Path) -> list[Path]:
    tables = made(seeds=(0, 1))
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in NAMES}
    for name in NAMES:
        draw(name, tables, paths[name])
    return [path for both in paths.values() for path in both]


def test_bytes_do_not_change_between_processes(tmp_path):
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


CASES = {"as planned": {}, "one seed": {"seeds": (0,)}, "one share": {"percents": (10,)}, "no sets": {"flat": True}}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(case):
    for name in NAMES:
        assert_inside_the_page(drawn(name, **CASES[case]))


def test_figures_say_what_they_found_and_from_how_much():
    figure = drawn("shares")
    text = words_of(figure)
    assert "3 seeds" in text and "95 % t intervals over seeds" in text and "Table 8 of Leng & Xiong 2025" in text
    (row,) = [row for row in made()[0] if (row.seed, row.scope, row.group) == (MEAN, "unions", "CLS-CLS")
              and row.percent == 10 and row.layer is None]  # fmt: skip
    assert f"CLS-CLS {row.value:.0f} % (+{row.excess_layer:.1f})" in text
    lines = [line.get_ydata() for line in figure.axes[0].lines]
    assert any(len(y) == 2 and y[0] == row.value for y in lines)
    assert any(list(y) == [20.8] for y in lines)
    assert "1 seeds, at least 3 are needed" in words_of(drawn("shares", seeds=(0,)))
    pairs = words_of(drawn("pairs"))
    assert "split halves +" in pairs and "Mantel" in pairs
    assert "points in layer 3" in words_of(drawn("layers"))


def test_figures_say_what_is_missing():
    for name in ("shares", "layers"):
        assert "not available: moods_a: all scores are equal" in words_of(drawn(name, flat=True))


def test_nothing_to_draw_is_refused():
    tables = made(seeds=(0,))
    for name in NAMES:
        with pytest.raises(InputError, match="no overlap of bloom on mine"):
            draw(name, tables, ["x.png"], RUN | {"model": "bloom"})
    with pytest.raises(InputError, match="at 30 %"):
        draw("pairs", tables, ["x.png"], percent=30)
