"""Scales beside the default, the reference page, the schema, and the descriptions that they are made of."""

import json
from pathlib import Path

import jsonschema
import pytest
import yaml

from taskneurons.errors import InputError
from taskneurons.params import reference
from taskneurons.params.loading import load_params, parse_params
from taskneurons.params.root import SECTIONS, Params
from taskneurons.params.section import UNPINNED, Section
from taskneurons.params.suites import HubSuite
from taskneurons.tasks.sources.hub import hub_tasks

ROOT = Path(__file__).resolve().parents[2]


def sections(kind: type[Section] = Section) -> list[type[Section]]:
    """The sections of the parameters; claims.yaml is made of sections, too, and states no parameter."""
    found = [one for child in kind.__subclasses__() for one in (child, *sections(child))]
    return [one for one in found if one.__module__ != "taskneurons.studies.claims.params"]


@pytest.mark.parametrize("section", sections(), ids=lambda section: section.__name__)
def test_every_field_is_described_required_and_has_a_unit(section: type[Section]) -> None:
    assert section.__doc__
    for name, field in section.model_fields.items():
        assert field.description, name
        assert isinstance(field.json_schema_extra, dict) and field.json_schema_extra["unit"], name
        # A section of a study may be absent as a whole, which hides no number.
        absent = section is Params and name in {one for sections in SECTIONS.values() for one in sections}
        assert field.is_required() or (absent and not field.get_default(call_default_factory=True)), name


@pytest.mark.parametrize(
    "name", ["params.yaml", *(f"params/{path.name}" for path in sorted((ROOT / "params").glob("*.yaml")))]
)
def test_scales_are_valid(name: str) -> None:
    params = load_params(ROOT / name)
    # What was validated can be written and read again without a change.
    assert Params.model_validate_json(params.model_dump_json()) == params
    # The schema, which editors use, agrees with the models.
    jsonschema.validate(yaml.safe_load((ROOT / name).read_text()), json.loads(reference.schema()))


def test_the_schema_takes_a_part_of_a_section_only_where_there_is_a_base() -> None:
    schema = json.loads(reference.schema())
    part = {"models": {"llama": {"hidden_size": 32, "pretraining": {"steps": 3}}}, "layers": {"alpha": 0.1}}
    jsonschema.validate(part | {"base": "params.yaml"}, schema)
    for wrong in (part, {"base": "x", "models": {"llama": {"hiden_size": 3}}}, {"base": 3}, {"base": "x", "dail": {}}):
        with pytest.raises(jsonschema.ValidationError):
            jsonschema.validate(wrong, schema)


def test_full_scale_is_the_default_with_more() -> None:
    default, full = load_params(ROOT / "params.yaml"), load_params(ROOT / "params/full.yaml")
    assert (full.suites, full.multitask) == (default.suites, default.multitask)
    # Eight layers are trained for longer; every other model is the default's.
    assert {name for name, model in default.models.items() if full.models[name] != model} == {"llama_deep"}
    assert full.models["llama_deep"].pretraining.steps > default.models["llama_deep"].pretraining.steps
    assert set(full.neurons.selections) > set(default.neurons.selections)
    large = {(run.suite, run.model): set(run.seeds) for run in full.runs}
    for small in default.runs:
        assert large[small.suite, small.model] > set(small.seeds)


def test_default_has_the_seeds_and_draws_that_intervals_need() -> None:
    """Intervals of the deactivation are over seeds, those of the layers over tasks and examples."""
    params = load_params(ROOT / "params.yaml")
    assert all(len(run.seeds) >= 3 for run in params.runs if "deactivation" in run.studies)
    assert any("layers" in run.studies for run in params.runs)
    assert params.neurons.random_draws >= 5


def test_revisions_may_be_looked_up_later_and_are_commits_or_say_so() -> None:
    text = (ROOT / "params/paper.yaml").read_text(encoding="utf-8")
    suite = load_params(ROOT / "params/paper.yaml").suites["public"]
    for wrong in ("main", "pinme", "a" * 39):
        with pytest.raises(InputError, match=r"not a revision: .* write pin-me and run `taskneurons pin`"):
            parse_params(text.replace("xsum: pin-me", f"xsum: {wrong}"), str(ROOT / "params/paper.yaml"))
    assert isinstance(suite, HubSuite)
    assert UNPINNED in suite.revisions.values()
    assert len(suite.tasks) == 12
    assert set(suite.tasks) <= set(hub_tasks())


def test_reference_is_up_to_date() -> None:
    assert (ROOT / reference.PAGE_FILE).read_text(encoding="utf-8") == reference.page(), "taskneurons params docs"
    assert (ROOT / reference.SCHEMA_FILE).read_text(encoding="utf-8") == reference.schema(), "taskneurons params schema"


def test_page_has_a_row_for_every_key_of_the_scales() -> None:
    page = reference.page()

    def check(value: object, path: str) -> None:
        if isinstance(value, dict):
            for key, one in value.items():
                named = path.endswith((".revisions", ".benchmarks"))
                inner = named or path in ("suites", "models", "groups", "streams")
                here = f"{path}.<name>" if inner else f"{path}.{key}" if path else key
                if here.count(".") and not inner:
                    assert f"| `{here}` |" in page
                if not named:
                    check(one, here)
        elif isinstance(value, list):
            for one in value:
                check(one, f"{path}[]")

    for name in ("params.yaml", "params/jsonl.yaml", "params/paper.yaml"):
        check(yaml.safe_load((ROOT / name).read_text(encoding="utf-8")), "")
