"""Figures of streams: the same bytes in every process, inside the page, and what they say is what was measured."""

from dataclasses import asdict, replace
from itertools import pairwise, product
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
from drawn import digests, digests_of_another_process
from made_up_streams import BENCHMARKS, ORDERS, TASKS, stream_rows, trials
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.evidence import papers
from taskneurons.studies.continual.cost_figure import draw_cost, front
from taskneurons.studies.continual.methods import METHODS
from taskneurons.studies.continual.methods_figure import draw_methods
from taskneurons.studies.continual.published import published_streams
from taskneurons.studies.continual.rates_figure import draw_rates
from taskneurons.studies.continual.retention_figure import draw_retention
from taskneurons.studies.continual.rows import RateRow
from taskneurons.studies.continual.stages_figure import draw_stages
from taskneurons.studies.continual.streams import sequences
from taskneurons.studies.continual.summary import average_methods, measure_streams, summarise_streams

FEW = ("seqft", "olora", "ncft", "wncft", "wncft_gate", "pertask", "multitask")
RUN = {"suite": "stream", "model": "llama", "dpi": 60}
NAMES = ("methods", "retention", "stages", "cost", "rates")


def tables(methods=FEW, orders=("1", "2", "3"), seeds=(0,), benchmarks=BENCHMARKS, tried=None, **options):
    """The tables that the figures read."""
    rows = [row for m, o, s in product(methods, orders, seeds) for row in stream_rows(m, o, seed=s, **options)]
    measures = measure_streams(rows, benchmarks)
    summary = summarise_streams(measures)
    folder = Path(__file__).parents[3] / "published" / "leng2025"
    printed = papers.STREAMS.read(folder / f"{papers.FILES['T5']}.csv")
    printed_orders = papers.ORDERS.read(folder / f"{papers.FILES['T14']}.csv")
    shown = [m for m in methods if m not in ("pertask", "multitask")] if tried is None else tried
    return {
        "rows": rows,
        "summary": summary,
        "measures": measures,
        "methods": average_methods(measures, 90),
        "published": published_streams(summary, printed, printed_orders, sequences(rows), TASKS),
        "rates": [
            RateRow("stream", "llama", method, **asdict(row), at_edge=False)
            for method in shown
            for row in trials(method)
        ],
        "benchmarks": benchmarks["stream"],
        "order": orders[0],
    }


def draw(name, of, paths, **run):
    run = RUN | run
    if name == "methods":
        draw_methods(of["measures"], of["methods"], of["published"], paths, **run)
    elif name == "retention":
        draw_retention(of["rows"], paths, benchmarks=of["benchmarks"], **run)
    elif name == "stages":
        draw_stages(of["rows"], TASKS, paths, order=of["order"], **run)
    elif name == "cost":
        draw_cost(of["summary"], paths, **run)
    else:
        draw_rates(of["rates"], paths, **run)


def draw_all(folder: Path) -> list[Path]:
    folder.mkdir(parents=True, exist_ok=True)
    of = tables()
    paths = {name: [folder / f"{name}.png", folder / f"{name}.svg"] for name in NAMES}
    for name in NAMES:
        draw(name, of, paths[name])
    return [path for both in paths.values() for path in both]


def kept(name, of, **run) -> tuple[str, Figure]:
    """Its texts and the figure as it is when it is written."""
    figures: list[Figure] = []

    def save(figure: Figure, *_, **__) -> None:
        # Ticks are made when they are first drawn, in the style that holds then.
        FigureCanvasAgg(figure)
        figure.draw_without_rendering()
        figures.append(figure)

    with mock.patch.object(Figure, "savefig", save):
        draw(name, of, ["x.png"], **run)
    texts = [text.get_text() for text in figures[0].findobj(Text) if text.get_visible() and text.get_text()]
    return " ".join(" ".join(texts).split()), figures[0]


@pytest.fixture(scope="module")
def few():
    return tables()


@pytest.fixture(autouse=True)
def nothing_is_written_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_bytes_do_not_change_between_processes(tmp_path):
    paths = draw_all(tmp_path / "here")
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(paths)
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in paths if path.suffix == ".png")


CASES = {
    "every method": {"methods": tuple(METHODS), "orders": ("1", "4")},
    "two methods": {"methods": ("seqft", "ncft"), "orders": ("1",), "tried": ()},
    "joint training alone beside a stream": {"methods": ("ncft", "multitask", "pertask"), "orders": ("1", "2")},
    "long names": {
        "orders": ("mine",), "sequence": tuple(f"überraschend_langer_name_für_eine_aufgabe_$x_{n}$" for n in range(10)),
        "benchmarks": {"stream": {"a benchmark of one's own": ("mine",)}},
    },
}  # fmt: skip


@pytest.mark.parametrize("case", CASES)
def test_everything_stands_inside_the_page(tmp_path, case):
    of = tables(**CASES[case])
    for name in NAMES:
        _, figure = kept(name, of)
        renderer = figure.canvas.get_renderer()
        own = [text.get_window_extent(renderer) for text in figure.texts]
        own += [legend.get_window_extent(renderer) for legend in figure.legends]
        panels = [axis.get_tightbbox(renderer) for axis in figure.axes if axis.get_visible()]
        page = figure.bbox.padded(1)
        for box in own + panels:
            assert page.x0 <= box.x0 and box.x1 <= page.x1 and page.y0 <= box.y0 and box.y1 <= page.y1, name
        for place, box in enumerate(own):
            assert not any(box.overlaps(other) for other in own[place + 1 :] + panels), name
        assert all(text.get_fontsize() >= 7 for text in figure.findobj(Text))


def mean_of(of, method, metric, scoring):
    """Over orders, at the method's own rate."""
    wanted = (method, metric, scoring, "own")
    return np.mean([r.value for r in of["summary"] if (r.method, r.metric, r.scoring, r.rate) == wanted])


def test_titles_say_what_was_found(few):
    ends = {method: mean_of(few, method, "CL", "restricted") for method in FEW}
    best = max((m for m in FEW if not METHODS[m].is_bound), key=ends.get)
    text, _ = kept("methods", few)
    assert f"standard: {METHODS[best].label} is best, {ends[best]:.1f} %" in text
    assert f"SeqFT {ends['seqft']:.1f}" in text and f"Joint training {ends['multitask']:.1f}" in text
    assert "Table 5" in text and "over them, from three on" in text
    text, _ = kept("retention", few)
    retained = mean_of(few, "seqft", "FG", "restricted")
    assert "standard: " in text and f"SeqFT {retained:.0f} %" in text
    assert "standard, free: 4 tasks" in text and "standard, restricted: 4 tasks" in text
    assert "order 1" in kept("stages", few)[0]
    assert "leads" in kept("rates", few)[0]


def test_the_front_holds_what_none_beats():
    points = {
        "a": (1.0, 50.0),
        "b": (2.0, 40.0),
        "c": (2.0, 60.0),
        "d": (3.0, 60.0),
        "e": (0.5, 10.0),
        "f": (1.0, 50.0),
    }
    assert front(points) == ["e", "a", "f", "c"]
    rng = np.random.default_rng(0)
    cloud = {str(n): (float(x), float(y)) for n, (x, y) in enumerate(rng.integers(0, 9, size=(40, 2)))}
    kept_ones = {cloud[name] for name in front(cloud)}
    for cost, value in cloud.values():
        beaten = any(c <= cost and v >= value and (c, v) != (cost, value) for c, v in cloud.values())
        assert beaten != ((cost, value) in kept_ones)


def test_the_stair_bounds_what_was_learned(few):
    """Just below it the accuracy is that of a task that was just learned, above it that of one that was not."""
    _, figure = kept("stages", few)
    axis = next(axis for axis in figure.axes if axis.get_title(loc="left") == "NCFT")
    matrix = axis.images[0].get_array()
    (stair,) = axis.lines
    points = list(zip(*stair.get_data(), strict=True))
    level = {(one[0] + other[0]) / 2: one[1] for one, other in pairwise(points) if one[1] == other[1]}
    for task in range(4):
        # Cell n reaches from n - 1/2 to n + 1/2, and its stage is n.
        just_learned = round(level[task] + 0.5)
        assert matrix[just_learned, task] > 20 + max(0, matrix[just_learned - 1, task])


def test_marks_stand_where_the_numbers_are(few):
    _, figure = kept("methods", few)
    axis, restricted = figure.axes
    places = [
        line.get_data() for line in axis.lines if line.get_marker() == "D" and line.get_markerfacecolor() == "none"
    ]
    assert not [line for line in restricted.lines if line.get_markerfacecolor() == "none"]
    printed = {(float(x[0]), int(y[0])) for x, y in places}
    rows = [row for row in few["published"] if row.order == "all"]
    methods = [method for method in METHODS if method in FEW]
    assert printed == {(float(row.published), methods.index(row.method)) for row in rows}
    means = {
        (row.value, row.has_learned)
        for row in few["methods"]
        if (row.orders, row.metric, row.scoring) == ("standard", "CL", "restricted")
    }
    drawn = {float(np.ravel(x)[0]) for line in restricted.lines if len(x := line.get_xdata()) == 1}
    assert {value for value, _ in means} == drawn
    _, figure = kept("rates", few)
    stars = [line.get_data() for axis in figure.axes for line in axis.lines if line.get_marker() == "*"]
    chosen = {(row.accuracy) for row in few["rates"] if row.chosen}
    assert {float(np.ravel(y)[0]) for _, y in stars} == chosen


def test_a_method_that_has_not_learned_is_crossed_out(few):
    weak = [replace(row, has_learned=row.method != "ncft") for row in few["methods"]]
    _, figure = kept("methods", few | {"methods": weak})
    for axis, scoring in zip(figure.axes, ("free", "restricted"), strict=True):
        crossed = {float(np.ravel(line.get_xdata())[0]) for line in axis.lines if line.get_marker() == "x"}
        assert crossed == {
            row.value
            for row in weak
            if (row.method, row.metric, row.scoring, row.orders) == ("ncft", "CL", scoring, "standard")
        }


def test_what_is_missing_is_said(tmp_path):
    alone = tables(methods=("seqft", "ncft"), orders=("1",), tried=())
    assert "Per-Task FT was not run" in kept("retention", alone)[0]
    assert "nothing was tried" in kept("rates", alone)[0]
    with pytest.raises(InputError, match="no stream of llama on stream learns order `9`"):
        draw("stages", alone | {"order": "9"}, ["x.png"])
    for name in NAMES[:-1]:
        with pytest.raises(InputError, match="no stream of tasks of bloom on stream"):
            draw(name, alone, ["x.png"], model="bloom")


def test_another_suites_orders_are_drawn_too(tmp_path):
    """Three tasks in two orders of a user's own, without printed values."""
    sequence = ORDERS["1"][:3]
    of = tables(orders=("x",), sequence=sequence, benchmarks={"stream": {"mine": ("x",)}})
    text, _ = kept("methods", of)
    assert "mine, free" in text and "Table 5" not in text
    assert "mine: 3 tasks" in kept("cost", of)[0]
