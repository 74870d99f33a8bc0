"""`base:` and what differs: the whole is as if one file said it, and a mistake is named where it stands."""

import copy
import json
import os
from pathlib import Path

import pytest
import yaml
from hypothesis import assume, given
from hypothesis import strategies as st
from omegaconf import OmegaConf
from omegaconf.errors import ConfigTypeError

from taskneurons.errors import InputError
from taskneurons.params.bases import SORTS, WHOLE, changes, merged, read_with_bases
from taskneurons.params.loading import load_params, parse_params
from taskneurons.params.strict_yaml import Document, parse_yaml

ROOT = Path(__file__).resolve().parents[2]
DEFAULT = (ROOT / "params.yaml").read_text(encoding="utf-8")

scalars = st.one_of(st.integers(-9, 9), st.booleans(), st.none(), st.text("xyz", max_size=3))
keys = st.text("abc", min_size=1, max_size=2)
inner = st.recursive(
    st.one_of(scalars, st.lists(scalars, max_size=3)), lambda one: st.dictionaries(keys, one, max_size=3), max_leaves=12
)
mappings = st.dictionaries(keys, inner, max_size=4)


def document(value: object, name: str) -> Document:
    return parse_yaml(json.dumps(value, indent=1), name)


def whole(own: object, base: object) -> object:
    return merged([document(own, "own.yaml"), document(base, "base.yaml")]).value


@given(mappings)
def test_a_file_without_changes_is_its_base_and_a_file_over_itself_is_itself(value: dict) -> None:
    assert whole({}, value) == whole(value, {}) == whole(value, value) == value


@given(mappings, mappings)
def test_files_are_merged_as_omegaconf_merges_them(base: dict, own: dict) -> None:
    try:
        expected = OmegaConf.to_container(OmegaConf.merge(base, own))
    except ConfigTypeError:
        # A list in place of keys, or keys in place of a list, which it refuses.
        assume(False)
    assert whole(own, base) == expected


def leaves(value: object, path: tuple = ()) -> dict[tuple, object]:
    """The key paths that hold no further keys."""
    if isinstance(value, dict) and value:
        return {at: one for key, inside in value.items() for at, one in leaves(inside, (*path, key)).items()}
    return {path: value}


@given(mappings, mappings)
def test_every_value_has_the_place_in_the_file_where_it_stands(base: dict, own: dict) -> None:
    above, below = document(own, "own.yaml"), document(base, "base.yaml")
    found = merged([above, below])
    for path, value in leaves(found.value).items():
        written = above if path in above.places else below
        assert found.places[path] == written.places[path]
        inside = written.value
        for key in path:
            inside = inside[key]
        # A mapping that both have is empty only where both are.
        assert inside == value or value == {}
    paths = {()}
    stack = [((), found.value)]
    while stack:
        path, value = stack.pop()
        paths.add(path)
        pairs = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
        stack += [((*path, key), one) for key, one in pairs]
    assert set(found.places) == paths, "no place is left of what was replaced"


@given(mappings, mappings)
def test_changes_are_all_that_differs(before: dict, after: dict) -> None:
    result = copy.deepcopy(before)
    for change in changes(before, after):
        holder = result
        for key in change.path[:-1]:
            holder = holder[key]
        key = change.path[-1]
        assert ([holder[key]] if key in holder else []) == change.before != change.after
        if change.after:
            holder[key] = change.after[0]
        else:
            del holder[key]
    assert result == after
    assert not list(changes(after, after))


@pytest.mark.parametrize("sort", SORTS)
def test_another_sort_of_thing_replaces_the_whole_of_it(sort: str) -> None:
    base = {"one": {sort: "a", "only_of_a": 1, "x": 1}}
    assert whole({"one": {sort: "b", "x": 2}}, base) == {"one": {sort: "b", "x": 2}}
    assert whole({"one": {sort: "a", "x": 2}}, base) == {"one": {sort: "a", "only_of_a": 1, "x": 2}}
    assert whole({"one": {"x": 2}}, base) == {"one": {sort: "a", "only_of_a": 1, "x": 2}}


@pytest.mark.parametrize(("section", "key"), WHOLE)
def test_names_that_belong_together_are_replaced_together(section: str, key: str) -> None:
    base = {section: {"mine": {key: {"a": {"x": 1}, "b": 2}, "c": {"d": 1}}}}
    own = {section: {"mine": {key: {"a": {"y": 1}}, "c": {"e": 1}}}}
    assert whole(own, base) == {section: {"mine": {key: {"a": {"y": 1}}, "c": {"d": 1, "e": 1}}}}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The current folder, with the default parameters in it."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params.yaml").write_text(DEFAULT)
    (tmp_path / "params").mkdir()
    return tmp_path


def refusal(path: str | Path) -> str:
    with pytest.raises(InputError) as error:
        load_params(path)
    return str(error.value)


def line_of(text: str, part: str) -> int:
    return text[: text.index(part)].count("\n") + 1


def test_a_base_is_found_from_the_file_and_not_from_the_current_folder(folder: Path, monkeypatch) -> None:
    (folder / "params/own.yaml").write_text("base: ../params.yaml\nfigures: {dpi: 70}\n")
    (folder / "params/deeper").mkdir()
    (folder / "params/deeper/third.yaml").write_text("base: ../own.yaml\ndial: {draws: 7}\n")
    (folder / "elsewhere").mkdir()
    for place in (folder, folder / "params", folder / "elsewhere"):
        monkeypatch.chdir(place)
        params = load_params(folder / "params/deeper/third.yaml")
        assert (params.figures.dpi, params.dial.draws) == (70, 7)
        assert params.dial.tuning == parse_params(DEFAULT).dial.tuning
    # Through a link the file is where it lies.
    (folder / "elsewhere/link.yaml").symlink_to("../params/own.yaml")
    assert load_params("link.yaml").figures.dpi == 70


def test_the_whole_is_what_one_file_would_say(folder: Path) -> None:
    (folder / "params/same.yaml").write_text("base: ../params.yaml\n")
    assert load_params("params/same.yaml") == load_params("params.yaml")
    ci = load_params(ROOT / "params/ci.yaml")
    values = yaml.safe_load(DEFAULT)
    own = yaml.safe_load((ROOT / "params/ci.yaml").read_text())
    del own["base"]
    # Orders are replaced and not merged.
    values["streams"]["stream"]["benchmarks"] = {}
    values = OmegaConf.to_container(OmegaConf.merge(values, own))
    (folder / "one.yaml").write_text(yaml.safe_dump(values))
    assert load_params("one.yaml") == ci


def test_null_stays_null(folder: Path) -> None:
    suite = (
        "{source: flan, tasks: all, train: 9, validation: 9, test: 9, seed: 0, max_invalid_percent: 5.0, mirror: m, "
    )
    suite += f"revision: '{'a' * 40}', corpus: 9}}"
    run = "runs:\n  - {suite: flan, model: llama, seeds: [0], studies: [layers]}\n"
    first = f"base: ../params.yaml\n{run}suites:\n  flan: {suite}\n"
    (folder / "params/first.yaml").write_text(first)
    (folder / "params/second.yaml").write_text("base: first.yaml\nsuites: {flan: {mirror: null}}\ndial: null\n")
    params = load_params("params/second.yaml")
    assert (params.suites["flan"].mirror, params.dial) == (None, None)
    assert load_params("params/first.yaml").suites["flan"].mirror == "m"
    (folder / "params/third.yaml").write_text("base: first.yaml\nsuites: {flan: {corpus: null}}\n")
    assert refusal("params/third.yaml").startswith("params/third.yaml:2: suites.flan.corpus: model `llama` is trained")


def test_a_mistake_is_named_with_the_file_and_the_line_in_which_it_stands(folder: Path) -> None:
    wrong = DEFAULT.replace("dpi: 200", "dpi: many").replace("  random_draws: 5\n", "  random_drows: 5\n")
    (folder / "params.yaml").write_text(wrong)
    own = "# One.\nbase: ../params.yaml\n\ndial: {draws: 0}\nlayers:\n  alpha: 2.0\n"
    (folder / "params/own.yaml").write_text(own)
    said = refusal("params/own.yaml")
    assert said.startswith("params/own.yaml: 4 problems\n")
    lines = said.splitlines()[1:]
    assert lines[0].startswith("  line 4: dial.draws: expected greater than 0, got 0")
    assert lines[1].startswith("  line 6: layers.alpha: expected less than 1, got 2.0")
    place = line_of(wrong, "random_drows")
    assert lines[2].startswith(
        f"  params.yaml:{place}: neurons.random_drows: unknown key. Did you mean `random_draws`?"
    )
    assert lines[3].startswith(f"  params.yaml:{line_of(wrong, 'dpi: many')}: figures.dpi: expected a whole number")
    # Alone, it is one sentence.
    (folder / "params.yaml").write_text(DEFAULT.replace("dpi: 200", "dpi: many"))
    (folder / "params/own.yaml").write_text("base: ../params.yaml\n")
    place = line_of(DEFAULT, "dpi: 200")
    assert refusal("params/own.yaml").startswith(f"params.yaml:{place}: figures.dpi: expected a whole number, got")


def test_what_is_replaced_is_no_mistake_any_more_and_what_yaml_refuses_still_is(folder: Path) -> None:
    (folder / "params.yaml").write_text(DEFAULT.replace("dpi: 200", "dpi: many"))
    (folder / "params/own.yaml").write_text("base: ../params.yaml\nfigures: {dpi: 90}\n")
    assert load_params("params/own.yaml").figures.dpi == 90
    (folder / "params.yaml").write_text(DEFAULT.replace("dpi: 200", "dpi: 1e2"))
    place = line_of(DEFAULT, "dpi: 200")
    assert refusal("params/own.yaml").startswith(f"params.yaml:{place}: figures.dpi: 1e2 is a number to some YAML")


def test_values_that_are_wrong_together_are_named_where_they_stand(folder: Path) -> None:
    (folder / "params/own.yaml").write_text("base: ../params.yaml\nmodels:\n  llama: {hidden_size: 62}\n")
    place = line_of(DEFAULT, "heads: 4")
    assert refusal("params/own.yaml").startswith(f"params.yaml:{place}: models.llama.heads: 4 heads do not divide")
    (folder / "params/own.yaml").write_text("base: ../params.yaml\nmodels:\n  llama: {heads: 5}\n")
    assert refusal("params/own.yaml").startswith("params/own.yaml:3: models.llama.heads: 5 heads do not divide")


def test_what_another_sort_of_thing_lacks_is_named_in_the_file_that_says_it(folder: Path) -> None:
    own = "base: ../params.yaml\nmodels:\n  llama:\n    source: folder\n    path: mine\n"
    (folder / "params/own.yaml").write_text(own)
    said = refusal("params/own.yaml")
    assert "hidden_size" not in said
    assert "  line 3: models.llama.context: is missing" in said


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (
            "base: absent.yaml\n",
            "params/own.yaml:1: `base` names absent.yaml, which does not exist. The path is relative",
        ),
        ("\nbase: ../params\n", "params/own.yaml:2: `base` names ../params, which is no file"),
        ("base: params.yaml\n", "`base` names params.yaml, which does not exist"),
        ("base: 5\n", "params/own.yaml:1: `base` names no parameter file. Write a path relative to this file"),
        ("base:\n", "params/own.yaml:1: `base` names no parameter file"),
        ("base: ''\n", "params/own.yaml:1: `base` names no parameter file"),
        ("base: [../params.yaml]\n", "params/own.yaml:1: `base` names no parameter file"),
        ('base: "a\\nb"\n', "params/own.yaml:1: `base` names no parameter file"),
        (
            "base: own.yaml\n",
            "params/own.yaml:1: these bases come back to where they began: params/own.yaml -> params/own",
        ),
        ("base: ../list.yaml\n", "list.yaml: expected keys with values"),
        ("base: ../empty.yaml\n", "empty.yaml: expected keys with values"),
        ("base: ../bad.yaml\n", "bad.yaml:3: not YAML"),
        ("base: ../latin.yaml\n", "latin.yaml: not UTF-8"),
        ("base: ../large.yaml\n", "large.yaml: larger than 256 KiB"),
        ("base: ../params.yaml\nbase: ../params.yaml\n", "base: this key already stands in line 1"),
        ("bases: ../params.yaml\n", "bases: unknown key"),
        ("base: ../params.yaml\nbas: 1\n", "params/own.yaml:2: bas: unknown key"),
        ("base: no\n", "base: no is a truth value to some YAML readers"),
    ],
)
def test_a_base_that_cannot_be_one_is_refused(folder: Path, text: str, said: str) -> None:
    (folder / "list.yaml").write_text("[1]")
    (folder / "empty.yaml").write_text("")
    (folder / "bad.yaml").write_text("a: 1\nb: [\n")
    (folder / "latin.yaml").write_bytes("a: é".encode("latin-1"))
    (folder / "large.yaml").write_text("#" * 300_000)
    (folder / "params/own.yaml").write_text(text)
    assert said in refusal("params/own.yaml")


def test_a_pipe_is_no_base_and_nobody_waits_for_it(folder: Path) -> None:
    os.mkfifo(folder / "pipe.yaml")
    (folder / "params/own.yaml").write_text("base: ../pipe.yaml\n")
    assert "`base` names ../pipe.yaml, which is no file" in refusal("params/own.yaml")


def test_bases_that_come_back_are_refused_with_their_way(folder: Path) -> None:
    for name, base in (("a", "b"), ("b", "c"), ("c", "b")):
        (folder / f"params/{name}.yaml").write_text(f"base: {base}.yaml\n")
    way = "params/b.yaml -> params/c.yaml -> params/b.yaml"
    assert refusal("params/a.yaml").startswith(f"params/c.yaml:1: these bases come back to where they began: {way}")
    (folder / "params/d.yaml").symlink_to("a.yaml")
    (folder / "params/c.yaml").write_text("base: d.yaml\n")
    assert "come back to where they began" in refusal("params/a.yaml")


def test_the_files_of_a_chain_are_told_in_their_order(folder: Path) -> None:
    (folder / "params/own.yaml").write_text("base: ../params.yaml\n")
    (folder / "third.yaml").write_text("base: params/own.yaml\n")
    assert [one.name for one in read_with_bases("third.yaml")] == ["third.yaml", "params/own.yaml", "params.yaml"]
