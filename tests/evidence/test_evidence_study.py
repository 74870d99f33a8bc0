import pytest

from taskneurons.errors import InputError
from taskneurons.evidence.study import Study, study_of

RAIN = Study("rain", "Rain", "how much", "How much does it rain?", tables=(("rain", "All"), ("wet_days", "Days")))
RAIN_OFF = Study(
    "rain_off",
    "No rain",
    "how little",
    "How little does it rain?",
    figures=(("dry-*", "dry"), ("*", "any")),
    words=(("condition", "task", "rain"),),
    files=(("cards", "results/cards/*/*.md"),),
)


@pytest.mark.parametrize(
    ("path", "study"),
    [("results/tables/rain.csv", "rain"), ("results/tables/rain_summary.csv", "rain"),
     ("results/tables/rain_off_summary.csv", "rain_off"), ("results/tables/wet_days.csv", "rain"),
     ("results/tables/new_things.csv", "new"), ("results/figures/rain/s/m/dry.svg", "rain"),
     ("results/cards/s/t.md", "rain_off"), ("results/cards/s/t.csv", "cards"), ("results/rain/s/x.json", "rain"),
     ("results/report.html", "report"), ("results/claims.json", "claims")],
)  # fmt: skip
def test_an_artifact_belongs_to_the_study_that_names_it_else_to_its_folder(path, study):
    assert study_of(path, [RAIN, RAIN_OFF]) == study
    assert study_of(path, [RAIN_OFF, RAIN]) == study


def test_the_first_pattern_that_fits_is_the_caption():
    assert [RAIN_OFF.caption(stem) for stem in ("dry-1", "other")] == ["dry", "any"]
    assert RAIN.caption("dry-1") == ""


def test_a_table_without_a_heading_has_its_name():
    assert (RAIN.heading("rain"), RAIN.heading("rain_of_day")) == ("All", "Rain of day")


def test_own_words_come_before_those_of_the_house():
    assert RAIN_OFF.say("task", "condition") == "rain"
    assert RAIN.say("task", "condition") == RAIN_OFF.say("task") == "the task's own neurons"


def test_files_are_read_in_their_role_alone():
    assert RAIN_OFF.reads("results/cards/s/t.md", "cards")
    assert not RAIN_OFF.reads("results/cards/s/t.md", "scores")
    assert not RAIN_OFF.reads("results/cards/s/deeper/t.txt", "cards")


@pytest.mark.parametrize("missing", ["name", "title", "question", "asks"])
def test_a_study_without_words_is_refused(missing):
    with pytest.raises(InputError):
        Study(**{"name": "a", "title": "A", "question": "q", "asks": "Q?"} | {missing: ""})
