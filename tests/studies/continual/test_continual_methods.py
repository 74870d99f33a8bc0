"""The list of methods: it has what the paper prints, and every name in it can be asked for and drawn."""

from pathlib import Path

import pytest

from taskneurons.errors import InputError
from taskneurons.evidence import papers
from taskneurons.studies.continual.look import FAMILY_LOOK, LINE_LOOK
from taskneurons.studies.continual.methods import FAMILIES, METHODS, Method
from taskneurons.studies.continual.study import STUDY

PRINTED = Path(__file__).parents[3] / "published" / "leng2025" / f"{papers.FILES['T5']}.csv"


def test_every_published_method_is_one_of_ours():
    printed = {row.method for row in papers.STREAMS.read(PRINTED)}
    assert {method.published for method in METHODS.values()} - {""} == printed


def test_every_method_has_a_name_and_a_label_of_its_own():
    assert [method.name for method in METHODS.values()] == list(METHODS)
    assert len({method.label for method in METHODS.values()}) == len(METHODS)
    with pytest.raises(InputError, match="needs a label and a family"):
        Method("x", "x", "magic", "x")
    with pytest.raises(InputError, match="needs a label and a family"):
        Method("x", "", "stored", "x")


@pytest.mark.parametrize("column", ["method", "group", ""])
def test_readers_are_told_the_label_of_a_method_wherever_its_name_stands(column):
    assert STUDY.say("wncft_rewind", column) == "NCFT, rewound"


def test_every_family_and_every_main_method_that_learns_a_stream_has_a_look():
    assert set(FAMILY_LOOK) == set(FAMILIES)
    assert set(LINE_LOOK) == {method.name for method in METHODS.values() if method.main and not method.is_bound}
    assert len(set(LINE_LOOK.values())) == len(LINE_LOOK)


def test_what_takes_anothers_rate_or_weighs_its_patches_names_a_method_that_learns():
    for method in METHODS.values():
        for other in {method.rate_of, method.weighs} - {""}:
            assert METHODS[other].kind == "methods"
        assert bool(method.weighs) == (method.kind in ("weightings", "dynamic"))
        assert not method.weighs or METHODS[method.weighs].keeps_patches
