import csv

import pytest

from taskneurons.evidence import words
from taskneurons.evidence.study import study_of
from taskneurons.studies.registry import STUDIES


@pytest.mark.parametrize(
    ("name", "column", "said"),
    [("other_task", "", "another task's neurons"), ("other_task", "condition", "another task's neurons"),
     ("rougeL", "", "ROUGE-L"),
     ("mean", "intervention", "set to the mean"), ("mean", "layer", "mean"),
     ("my_task", "test_task", "my_task"), ("some_thing", "", "some thing")],
)  # fmt: skip
def test_a_name_is_told_by_its_column_and_an_unknown_one_as_it_is(name, column, said):
    assert words.of(name, column) == said


def test_a_name_that_is_told_without_its_column_means_one_thing():
    kinds = (words.CONDITIONS, words.METRICS, words.MEASURES, words.MEANS)
    names = [name for kind in kinds for name in kind]
    assert sorted(set(names)) == sorted(names)


@pytest.mark.parametrize("kind", [words.CONDITIONS, words.METRICS, words.MEASURES, words.ESTIMATORS])
def test_no_two_names_of_one_kind_are_told_alike(kind):
    assert len(set(kind.values())) == len(kind)


def test_cells_are_joined_and_empty_ones_left_out():
    cells = [("percent", "10.0"), ("estimator", "taylor"), ("intervention", ""), ("selection", "layer")]
    assert words.joined(cells) == "top 10 %, Taylor, ranked within layers"
    assert words.joined(cells[:1], lambda value, column: "never") == "top 10 %"


def test_no_bare_name_of_a_condition_metric_measure_or_method_is_shown_of_the_committed_tables(root):
    """Task names are the user's; what a study calls by itself, its own words tell."""
    studies, seen = {study.name: study for study in STUDIES}, set()
    for path in sorted((root / "results/tables").glob("*.csv")):
        study = studies[study_of(f"results/tables/{path.name}", STUDIES)]
        named = {*words.VALUES, "method", "best"} - {"task"}
        with path.open(encoding="utf-8", newline="") as file:
            for row in csv.DictReader(file):
                seen |= {(study.name, column, row[column]) for column in named & set(row)}
    assert len(seen) > 100
    bare = {one for one in seen if "_" in (said := studies[one[0]].say(one[2], one[1])) or "~" in said}
    assert {one for one in bare if not one[1].endswith("task")} == set()
