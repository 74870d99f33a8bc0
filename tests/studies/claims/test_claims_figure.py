"""The pages of the claims: the same bytes in every process, every verdict by colour and symbol, nothing left out."""

from pathlib import Path
from unittest import mock

import pytest
from drawn import digests, digests_of_another_process
from made_up_claims import MODELS, contrast, make_claim, make_rules, make_table
from matplotlib.colors import to_hex
from matplotlib.figure import Figure
from matplotlib.text import Text

from taskneurons.errors import InputError
from taskneurons.studies.claims.decision import VERDICTS
from taskneurons.studies.claims.figures import LOOK, draw_claims
from taskneurons.studies.claims.pages import DESIGNED, PAPERS, STUDIES, pages_of
from taskneurons.studies.claims.params import load_claims
from taskneurons.studies.claims.tables import decide_claims
from taskneurons.studies.claims.words import SYMBOLS, claims_page, shown

GATE = {"name": "can", "statement": "More than a hundred.", "above": 100.0, "below": None, "over": "mean"}
GATE |= {"estimand": contrast()["estimand"] | {"table": "training.csv"}}


def planted():
    """One claim for each verdict, and one of each further form."""
    rows = make_table(5.0) + make_table(-4.0, model="bloom")
    words = {"kind": "words", "table": "training_checks.csv", "column": "agrees", "holds": ["True"], "fails": ["False"]}
    claims = [
        contrast(statement="Llama holds."),
        contrast(id="fails", statement="Less is more.", direction="below", margin=-1.0, architecture="llama"),
        contrast(id="open", statement="It lies about five.", margin=5.0, architecture="llama", published=None),
        contrast(id="equal", statement="Both are equal.", direction="within", margin=9.0, unit="correlation"),
        make_claim(words, id="words", test="words", architecture="none", statement="They agree.", unit="percent"),
        on("training_absent.csv", contrast(id="absent", role="control", statement="Nobody looked.")),
        contrast(id="other_way", statement="Right is wrong.", architecture="bloom", published=None),
        contrast(id="blind", statement="Nobody can tell.", architecture="llama", gate=GATE),
        contrast(id="designed", role="design", family=None, statement="It was made so.", architecture="llama"),
    ]
    tables = {"training_checks.csv": [{"agrees": "True"}, {"agrees": "False"}], "training.csv": rows}
    claims = [on("training.csv", one) if one["estimand"]["table"] == "made_up.csv" else one for one in claims]
    return decide_claims(make_rules(*claims), tables, MODELS, {})


def on(table, claim):
    return claim | {"estimand": claim["estimand"] | {"table": table}}


def kept(decided, name="claims-1"):
    """The figure of a page, not written."""
    figures: list[Figure] = []
    with mock.patch.object(Figure, "savefig", lambda self, *a, **k: figures.append(self)):
        draw_claims(decided, name, ["x.png"], dpi=60)
    return figures[0]


@pytest.fixture(autouse=True)
def nothing_is_written_here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_the_planted_claims_have_every_verdict():
    assert {r["verdict"] for claim in planted()["claims"] for r in claim["results"]} == set(VERDICTS)


def draw_all(folder):
    paths = [folder / "claims.png", folder / "claims.svg"]
    draw_claims(planted(), "claims-1", paths, dpi=60)
    return paths


def test_bytes_do_not_change_between_processes(tmp_path):
    assert digests_of_another_process(__file__, tmp_path / "other") == digests(draw_all(tmp_path / "here"))


def test_every_result_stands_there_with_its_verdict_by_colour_and_symbol():
    decided = planted()
    told = kept(decided).axes[2]
    drawn = [(to_hex(line.get_color()), line.get_marker()) for line in told.lines]
    results = [result for claim in decided["claims"] for result in claim["results"]]
    assert drawn == [(LOOK[result["verdict"]][0].lower(), LOOK[result["verdict"]][1]) for result in results]
    assert len({colour for colour, _ in LOOK.values()}) == len({marker for _, marker in LOOK.values()}) == len(VERDICTS)
    numbers = [text.get_text() for text in told.texts[1::2]]
    for result, text in zip(results, numbers, strict=True):
        if result["low"] is not None and result["verdict"] != "the setting cannot tell":
            unit = next(claim["unit"] for claim in decided["claims"] if result in claim["results"])
            assert (
                text == f"{shown(result['effect'], unit)} [{shown(result['low'], unit)}, {shown(result['high'], unit)}]"
            )
    assert numbers[-5:-3] == ["1 of 2 agree", "not tested"]
    assert numbers[-2] == "the setting cannot tell"


def test_a_check_of_the_design_stands_apart_and_is_not_counted():
    decided = planted()
    page = kept(decided)
    (title,) = (text.get_text() for text in page.findobj(Text) if text.get_gid() == "title")
    own = [r["verdict"] for c in decided["claims"] if c["role"] == "claim" for r in c["results"]]
    assert f"{own.count('holds')} hold, {own.count('fails')} fail" in title.replace("\n", " ")
    said = [text.get_text() for text in page.axes[0].texts]
    assert said[:2] == [f"{PAPERS['leng2025']}: {STUDIES['training']}", DESIGNED]
    assert said[-1].startswith("It was made so.")
    page = claims_page(decided)
    assert "\n8 claims. Verdicts: " in page
    assert page.index("`absent`") < page.index("## Checks of a design") < page.index("`designed`")


def test_every_claim_of_the_file_stands_on_one_printable_page_with_two_models():
    claims = load_claims(Path(__file__).parents[3] / "claims.yaml").rules()["claims"]
    result = dict.fromkeys(("effect", "low", "high", "p", "p_holm", "n")) | {"verdict": "not tested", "model": "bloom"}
    claims = [claim | {"table": claim["estimand"]["table"], "results": [result, result]} for claim in claims]
    decided = {"rules": {"digest": "0" * 64, "level": 0.95, "alpha": 0.05}, "claims": claims}
    pages = pages_of(claims)
    assert sorted(claim["id"] for page in pages for claim in page.claims) == sorted(claim["id"] for claim in claims)
    for page in pages:
        width, height = kept(decided, page.name).get_size_inches()
        assert width <= 7 and height <= 10, (page.name, height)


def test_a_study_that_is_longer_than_a_page_goes_on_on_the_next_one():
    many = [on("training.csv", contrast(id=f"c{n}", statement="Words. " * 20)) for n in range(40)]
    pages = pages_of([*many, on("overlap.csv", contrast(id="last"))])
    assert [claim["id"] for page in pages for claim in page.claims] == [f"c{n}" for n in range(40)] + ["last"]
    assert len(pages) > 2 and [page.name for page in pages] == [f"claims-{n}" for n in range(1, len(pages) + 1)]
    assert pages[0].title == STUDIES["training"]


@pytest.mark.parametrize(("direction", "margin", "side"), [("above", 1.0, 1), ("below", -1.0, -1), ("below", 9.0, -1)])
def test_right_is_as_claimed(direction, margin, side):
    decided = decide_claims(
        make_rules(on("training.csv", contrast(direction=direction, margin=margin))),
        {"training.csv": make_table(5.0)},
        MODELS,
        {},
    )
    ((result,),) = (claim["results"] for claim in decided["claims"])
    axis = kept(decided).axes[1]
    (effect,) = (line for line in axis.lines if line.get_marker() == LOOK[result["verdict"]][1])
    # The effect is 5: right of 0 where more was claimed, left of it where less was.
    assert effect.get_xdata()[0] * side > 0
    (band,) = axis.collections
    left, right = band.get_paths()[0].get_extents().intervalx
    assert (left <= effect.get_xdata()[0] <= right) == (result["verdict"] == "holds")


def test_all_words_are_inside_the_page():
    figure = kept(planted())
    figure.canvas.draw()
    assert all(text.get_fontsize() >= 7 for text in figure.findobj(Text))
    width, height = figure.get_size_inches() * figure.dpi
    for text in (text for part in (*figure.axes, *figure.texts) for text in part.findobj(Text)):
        if text.get_visible() and text.get_text():
            box = text.get_window_extent()
            assert box.x0 >= -1 and box.x1 <= width + 1 and box.y0 >= -1 and box.y1 <= height + 1, text.get_text()


def test_no_claims_are_refused():
    with pytest.raises(InputError, match="no claims to draw"):
        draw_claims({"claims": []}, "claims-1", ["x.png"])
    with pytest.raises(InputError, match="study `made` is on no page"):
        pages_of([contrast()])


def test_the_page_names_every_claim_with_its_verdicts():
    decided = planted()
    text = claims_page(decided)
    rows = {line.split("`")[1]: line for line in text.splitlines() if line.startswith("| `")}
    assert list(rows) == [claim["id"] for claim in decided["claims"]]
    for claim in decided["claims"]:
        for result in claim["results"]:
            assert f"{SYMBOLS[result['verdict']]} {result['model']}".strip() in rows[claim["id"]]
    assert decided["rules"]["digest"][:12] in text
