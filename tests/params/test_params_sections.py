"""A section is asked for only where a run names a study that needs it; what no run names is checked and left out."""

from copy import deepcopy
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from taskneurons.errors import InputError
from taskneurons.params.loading import parse_params
from taskneurons.params.root import GROUPED, SECTIONS

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = (ROOT / "params.yaml").read_text(encoding="utf-8")
STUDIES = sorted(SECTIONS)
OPTIONAL = sorted({section for sections in SECTIONS.values() for section in sections})


def every_study() -> dict:
    """The default with the runs of planted neurons, which stand in a file of their own."""
    values, plants = yaml.safe_load(DEFAULT), yaml.safe_load((ROOT / "params/validation.yaml").read_text())
    merged = {section: values[section] | plants[section] for section in ("suites", "models")}
    return values | merged | {"runs": values["runs"] + plants["runs"], "validation": plants["validation"]}


EVERY = every_study()


def with_runs_of(studies: set[str]) -> dict:
    """All studies with the runs that name some of these, which they name alone.

    What no run names, the first run is made to name.
    """
    values = deepcopy(EVERY)
    named = {study for run in values["runs"] for study in run["studies"]}
    values["runs"][0]["studies"] += sorted(set(STUDIES) - named)
    for run in values["runs"]:
        run["studies"] = [study for study in run["studies"] if study in studies]
    values["runs"] = [run for run in values["runs"] if run["studies"]]
    return values


@given(st.sets(st.sampled_from(STUDIES), min_size=1))
def test_the_sections_of_the_studies_are_enough(studies: set[str]) -> None:
    values = with_runs_of(studies)
    needed = {section for study in studies for section in SECTIONS[study]}
    for section in set(OPTIONAL) - needed:
        del values[section]
    params = parse_params(yaml.safe_dump(values))
    assert {section for section in OPTIONAL if not getattr(params, section)} == set(OPTIONAL) - needed


@pytest.mark.parametrize(("study", "section"), [(study, one) for study in STUDIES for one in SECTIONS[study]])
def test_a_section_that_a_study_needs_is_asked_for_at_the_run_that_names_it(study: str, section: str) -> None:
    values = with_runs_of({study})
    del values[section]
    text = yaml.safe_dump(values, sort_keys=False)
    with pytest.raises(InputError) as error:
        parse_params(text)
    for index, run in enumerate(values["runs"]):
        if section in ("groups", "streams"):
            words = f"runs[{index}].studies[0]: study `{study}` needs to know of suite `{run['suite']}`"
            remedy = f"Write {section}.{run['suite']}"
        else:
            words = f"runs[{index}].studies[0]: study `{study}` needs the section `{section}`"
            remedy = "Write it, or leave out the study"
        assert words in str(error.value) and remedy in str(error.value)


def test_the_error_stands_at_the_line_of_the_run() -> None:
    text = DEFAULT.replace(DEFAULT[DEFAULT.index("dial:\n  tuning") : DEFAULT.index("streams:\n")], "")
    line = text[: text.index("studies: [dial]")].count("\n") + 1
    with pytest.raises(InputError, match="needs the section `dial`") as error:
        parse_params(text)
    assert error.value.where == f"params.yaml:{line}"


def test_a_section_of_the_parameters_of_every_run_is_always_asked_for() -> None:
    for section in set(yaml.safe_load(DEFAULT)) - set(OPTIONAL):
        values = yaml.safe_load(DEFAULT)
        del values[section]
        with pytest.raises(InputError, match=f"{section}: is missing"):
            parse_params(yaml.safe_dump(values))


def test_a_misspelled_section_is_not_taken_for_an_absent_one() -> None:
    with pytest.raises(InputError, match=r"dail: unknown key. Did you mean `dial`\?"):
        parse_params(DEFAULT.replace("\ndial:\n", "\ndail:\n"))


def test_what_no_run_names_is_left_out() -> None:
    for study in STUDIES:
        params = parse_params(yaml.safe_dump(with_runs_of({study})))
        suites = {run.suite for run in params.runs}
        assert set(params.suites) == suites
        assert set(params.models) == {run.model for run in params.runs}
        assert set(params.groups) == suites & {"transfer"}
        assert set(params.streams) == suites & {"stream"}
        assert parse_params(DEFAULT).suites["transfer"] == params.suites.get(
            "transfer", parse_params(DEFAULT).suites["transfer"]
        )


@pytest.mark.parametrize("section", ["groups", "streams"])
def test_sections_by_suite_are_compared_with_the_suites_where_a_run_needs_them(section: str) -> None:
    """A file with another suite need not take out what the runs of another file need."""
    values = with_runs_of({"layers"})
    (name,) = values[section]
    values[section]["elsewhere"] = values[section].pop(name)
    assert "elsewhere" not in getattr(parse_params(yaml.safe_dump(values)), section)
    needing = with_runs_of({"training", "continual"})
    needing[section]["elsewhere"] = next(iter(needing[section].values()))
    with pytest.raises(InputError, match=rf"{section}\.elsewhere: there is no suite `elsewhere`"):
        parse_params(yaml.safe_dump(needing))


def test_what_no_run_names_is_checked_all_the_same() -> None:
    values = with_runs_of({"layers"})
    values["suites"]["dial"]["asked"] = 6
    with pytest.raises(InputError, match=r"suites.dial.asked: any two tasks that ask 6 of 6 skills share some"):
        parse_params(yaml.safe_dump(values))


def test_studies_that_train_on_some_tasks_know_their_groups() -> None:
    assert set(GROUPED) == {"training", "proportion", "overlap", "similarity", "kinds"}


def test_neurons_are_planted_into_random_weights_on_a_suite_whose_skills_are_known() -> None:
    values = with_runs_of({"validation"})
    values["runs"][0]["suite"] = "dial"
    values["models"]["bloom_plant"] = {
        "source": "folder", "path": "mine", "parameters": 1e6, "context": 64, "dtype": "float32", "prompts": "plain",
    }  # fmt: skip
    with pytest.raises(InputError) as error:
        parse_params(yaml.safe_dump(values))
    assert "study `validation` needs to know which skills the tasks of suite `dial` ask" in str(error.value)
    assert "study `validation` plants neurons into random weights, and model `bloom_plant` has others" in str(
        error.value
    )
    values = with_runs_of({"validation"})
    values["validation"]["gates"] = {"open": 0.7, "closed": 0.4}
    with pytest.raises(InputError, match=r"open 0\.7 and closed 0\.4 are more than all"):
        parse_params(yaml.safe_dump(values))
