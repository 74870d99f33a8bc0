"""Figures of similarity: the same bytes in every process, inside the page, and what is missing is said."""

from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_similarity import KIND, TASKS, TEST, gains_like, make_cells, make_scores

from taskneurons.errors import InputError
from taskneurons.evidence.papers import PaperCorrelation
from taskneurons.studies.similarity.correlation import correlations, gather_transfer
from taskneurons.studies.similarity.correlation_figure import draw_correlations
from taskneurons.studies.similarity.layer_figure import draw_similarity_layers
from taskneurons.studies.similarity.rows import SimilarityRow
from taskneurons.studies.similarity.tables import layer_summary
from taskneurons.studies.similarity.transfer_figure import draw_transfer

RUN = {"suite": "mine", "model": "llama", "dpi": 60}
PUBLISHED = [PaperCorrelation("SST-2", "pearson", 0.87, 0.02)]
NAMES = ("layers", "transfer", "correlation")


def emptied(row: SimilarityRow) -> SimilarityRow:
    """As where a set has no neurons in the layer."""
    names = [name for name, value in vars(row).items() if isinstance(value, float) and name != "percent"]
    return replace(row, reason="a set has no neurons in this layer", **dict.fromkeys(names))


@cache
def made(*, seeds=(0, 1, 2), empty=False, flat=False):
    """The tables that the figures read."""
    cells = [
        SimilarityRow(**vars(row), masked_cosine_residual=row.masked_cosine - row.ochiai, best_match_excess=0.1)
        for seed in seeds
        for row in make_cells(seed)
    ]
    if empty:
        cells = [emptied(row) for row in cells]
    scores = []
    for seed in seeds:
        own = make_cells(seed)
        gains = gains_like(own, slope=0 if flat else 30, noise=0 if flat else 8, seed=seed)
        scores += make_scores(seed, gains)
    transfers = gather_transfer(cells, scores, TASKS)
    found = correlations(transfers, TASKS, PUBLISHED, draws=30)
    return layer_summary(cells, {("mine", name): kind for name, kind in KIND.items()}), transfers, found


def draw(name, tables, paths, run=RUN):
    layers, transfers, found = tables
    if name == "layers":
        draw_similarity_layers(layers, paths, **run)
    elif name == "transfer":
        draw_transfer(transfers, found, TASKS, paths, **run)
    else:
        draw_correlations(found, TASKS, paths, **run)


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


CASES = {
    "as planned": {},
    "one seed": {"seeds": (0,)},
    "equal scores": {"flat": True, "seeds": (0,)},
    "no neurons": {"empty": True},
}


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(case):
    for name in NAMES:
        assert_inside_the_page(drawn(name, **CASES[case]))


def test_figures_say_what_they_found_and_from_how_much():
    layers = words_of(drawn("layers"))
    assert "all +0.30, then −0.20" in layers and "3 seeds" in layers and "95 % t over seeds" in layers
    figure = drawn("transfer")
    transfer = words_of(figure)
    assert "Large: mean over 3 seeds" in transfer and "over 6 test tasks" in transfer
    assert len([axis for axis in figure.axes if axis.get_visible()]) == len(TEST)
    text = words_of(drawn("correlation"))
    assert "over 6 models" in text and "Table 4 of Leng & Xiong 2025" in text
    assert "One seed." in words_of(drawn("transfer", seeds=(0,)))


def test_figures_say_what_is_missing():
    assert "no pair of tasks has a value" in words_of(drawn("layers", empty=True))
    assert "all values of one side are equal" in words_of(drawn("transfer", **CASES["equal scores"]))
    assert "not available" in words_of(drawn("correlation", **CASES["equal scores"]))


def test_nothing_to_draw_is_refused():
    tables = made(seeds=(0,))
    for name in NAMES:
        with pytest.raises(InputError, match="no parameters of bloom on mine"):
            draw(name, tables, ["x.png"], RUN | {"model": "bloom"})
