"""Readings side by side: every interval lies where the numbers say, and the picture is the same in every process."""

from pathlib import Path

import pytest
from drawn import assert_inside_the_page, digests, digests_of_another_process, figure_of, words_of
from made_up_claims import MODELS, contrast, make_rules, make_table
from matplotlib.colors import to_hex

from taskneurons import cli
from taskneurons.errors import InputError
from taskneurons.files import write_json
from taskneurons.studies.claims.compared_figure import Reading, draw_compared
from taskneurons.studies.claims.figures import LOOK
from taskneurons.studies.claims.tables import decide_claims

TABLE = "training.csv"


def decided(effect, *, noise=0.3):
    """A claim that more is more by a margin, the same turned round, and one that both are equal."""
    claims = [
        contrast(id="more", architecture="llama"),
        contrast(id="less", direction="below", margin=3.0, architecture="llama"),
        contrast(id="equal", direction="within", margin=9.0, architecture="llama"),
    ]
    claims = [one | {"estimand": one["estimand"] | {"table": TABLE}} for one in claims]
    return decide_claims(make_rules(*claims), {TABLE: make_table(effect, noise=noise)}, MODELS, {})


def readings():
    return [Reading("once", decided(5.0)), Reading("again", decided(0.2, noise=0.1))]


def draw_all(folder: Path) -> list[Path]:
    paths = [folder / "compared.png", folder / "compared.svg"]
    draw_compared(readings(), paths, dpi=50)
    return paths


def test_effects_lie_as_far_from_the_line_as_from_their_margin():
    figure = figure_of(lambda paths: draw_compared(readings(), paths))
    assert_inside_the_page(figure)
    words = words_of(figure)
    assert "0 of 2 verdicts are the same" in words and "once" in words and "again" in words
    (axis,) = figure.axes
    assert [label.get_text() for label in axis.get_yticklabels()] == ["more, Llama", "less, Llama"]
    bars = [line for line in axis.lines if len(line.get_xdata()) == 2 and line.get_linewidth() == 0.9]
    for place, reading in enumerate(readings()):
        more, less, _ = (claim["results"][0] | {"margin": claim["margin"]} for claim in reading.decided["claims"])
        ahead = [more[side] - more["margin"] for side in ("low", "high")]
        turned = [less["margin"] - less[side] for side in ("low", "high")]
        assert list(bars[place].get_xdata()) == pytest.approx(ahead)
        assert list(bars[2 + place].get_xdata()) == pytest.approx(turned)
    points = [line for line in axis.lines if len(line.get_xdata()) == 1]
    assert [point.get_marker() for point in points] == ["o", "s", "o", "s"]
    assert [bar.get_color() for bar in bars] == [
        LOOK[verdict][0] for verdict in ("holds", "fails", "fails", "holds")
    ], [to_hex(bar.get_color()) for bar in bars]


def test_a_verdict_that_one_reading_lacks_is_not_the_same_in_all():
    once, again = decided(5.0), decided(5.0)
    again["claims"][0]["results"][0]["verdict"] = "the setting cannot tell"
    three = [Reading("once", once), Reading("twice", once), Reading("again", again)]
    figure = figure_of(lambda paths: draw_compared(three, paths))
    assert "1 of 2 verdicts are the same" in words_of(figure)


def test_two_models_of_one_architecture_have_a_line_each():
    models = {("synthetic", name): {"architecture": "llama", "parameters": 340_000} for name in ("small", "large")}
    claim = contrast(id="more", architecture="llama")
    claim |= {"estimand": claim["estimand"] | {"table": TABLE}}

    def both(small, large):
        rows = make_table(small, model="small") + make_table(large, model="large")
        return decide_claims(make_rules(claim), {TABLE: rows}, models, {})

    turned = both(-5.0, 5.0)
    turned["claims"][0]["results"].reverse()
    figure = figure_of(lambda paths: draw_compared([Reading("once", both(5.0, 5.0)), Reading("again", turned)], paths))
    assert_inside_the_page(figure)
    assert "1 of 2 verdicts are the same" in words_of(figure)
    (axis,) = figure.axes
    names = [label.get_text() for label in axis.get_yticklabels()]
    assert names == ["more, Llama (synthetic/small)", "more, Llama (synthetic/large)"]
    points = [line for line in axis.lines if len(line.get_xdata()) == 1]
    ahead = [point.get_xdata()[0] > 0 for point in sorted(points, key=lambda point: point.get_ydata()[0])]
    assert ahead == [True, False, True, True]


def test_the_bytes_are_those_of_another_process(tmp_path):
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def test_one_reading_or_none_in_common_is_refused():
    with pytest.raises(InputError, match="two to 4 files"):
        draw_compared(readings()[:1], ["x.png"])
    nothing = {"claims": [], "rules": {}}
    with pytest.raises(InputError, match="no claim with an interval in common"):
        draw_compared([Reading("once", decided(5.0)), Reading("never", nothing)], ["x.png"])


def test_the_command_draws_what_it_compares(tmp_path, capsys):
    files = [tmp_path / f"{reading.label}.json" for reading in readings()]
    for file, reading in zip(files, readings(), strict=True):
        write_json(file, reading.decided)
    old, new = map(str, files)
    picture = tmp_path / "compared.png"
    assert cli.main(["claims", "compare", old, new, "--figure", str(picture), "--labels", "a", "b"]) == 0
    assert picture.read_bytes().startswith(b"\x89PNG")
    assert "verdicts differ" in capsys.readouterr().out
    assert cli.main(["claims", "compare", old, new, "--figure", str(picture), "--labels", "a"]) != 0
    assert "2 files and 1 labels" in capsys.readouterr().err
    empty = tmp_path / "empty.json"
    empty.write_text("{}")
    assert cli.main(["claims", "compare", old, new, "--more", str(empty), "--figure", str(picture)]) != 0
    assert "no file of decided claims" in capsys.readouterr().err
    assert cli.main(["claims", "compare", old, new, "--more", old]) != 0
    assert "--figure" in capsys.readouterr().err
    assert cli.main(["claims", "compare", old, new, "--more", old, new, "--figure", str(picture)]) == 0
    capsys.readouterr()
    assert cli.main(["claims", "compare", old, new, "--more", old, new, old, "--figure", str(picture)]) == 2
    assert capsys.readouterr().err == "error: --more: two files at most, not 3\n"
