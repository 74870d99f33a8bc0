"""`taskneurons params show`: the whole, which gives the same parameters again, and what differs from the base."""

import copy
import json
from functools import cache
from pathlib import Path

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from taskneurons.cli import main
from taskneurons.params.loading import load_params, parse_params
from taskneurons.params.root import Params
from taskneurons.params.show import show, show_changes, written
from taskneurons.params.strict_yaml import parse_yaml

ROOT = Path(__file__).resolve().parents[2]
SCALES = ["params.yaml", *(f"params/{name}.yaml" for name in ("ci", "flan", "full", "jsonl", "wide"))]
PAPER = (ROOT / "params/paper.yaml").read_text(encoding="utf-8").replace("pin-me", "a" * 40)


@pytest.mark.parametrize("name", SCALES)
def test_what_is_shown_gives_the_same_parameters(name: str) -> None:
    text = show(ROOT / name)
    assert "base:" not in text
    assert parse_params(text) == load_params(ROOT / name)


revisions = st.one_of(
    st.text("0123456789abcdef", min_size=40, max_size=40),
    # Digits around one e are a number to some YAML readers.
    st.integers(1, 38).map(lambda place: "1" * place + "e" + "2" * (39 - place)),
)
paths = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["C", "Zl", "Zp", "Zs"]), min_size=1, max_size=20),
    st.sampled_from(
        ["no", "1e-4", "null", "yes", "010", "1:30", "#x", "a: b", "- a", "*a", "2024-01-01", "'", '"', "x "]
    ),
).filter(lambda text: text.isprintable() and not text.startswith(("~", "results")) and "$" not in text)
positive = st.floats(min_value=0, exclude_min=True, max_value=1, allow_subnormal=False)


@cache
def paper() -> str:
    """The parameters of the paper's scale as JSON, read once for all examples."""
    return parse_params(PAPER, str(ROOT / "params/paper.yaml")).model_dump_json()


@given(revisions, paths, positive, st.floats(1, 1e15), st.integers(1, 10**9))
def test_to_show_and_to_load_is_to_change_nothing(
    revision: str, path: str, rate: float, size: float, steps: int
) -> None:
    values = json.loads(paper())
    values["suites"]["public"]["revisions"]["sst2"] = revision
    values["suites"]["public"]["mirror"] = path
    values["models"]["llama2_7b"] |= {"parameters": size, "revision": revision}
    values["multitask"] |= {"learning_rate": rate, "steps": steps + 100}
    params = Params.model_validate_json(json.dumps(values))
    text = written(params)
    assert parse_params(text) == params
    # PyYAML reads as YAML 1.1, ruamel, which DVC reads parameters with, as YAML 1.2.
    assert yaml.safe_load(text) == YAML(typ="safe").load(text) == parse_yaml(text, "x").value


def test_absent_sections_and_unused_suites_are_not_shown(tmp_path: Path) -> None:
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    values["runs"] = [run for run in values["runs"] if run["studies"] == ["layers"]]
    for section in ("dial", "continual", "streams", "groups"):
        del values[section]
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(values))
    found = yaml.safe_load(show(tmp_path / "params.yaml"))
    assert not {"dial", "continual"} & set(found)
    assert set(found["suites"]) == {"wide"} and set(found["models"]) == {"llama_deep"}
    assert found["groups"] == found["streams"] == {}


def test_changes_are_told_with_both_values(tmp_path: Path) -> None:
    default = yaml.safe_load((ROOT / "params.yaml").read_text())
    (tmp_path / "params.yaml").write_text(yaml.safe_dump(default))
    own = {
        "base": "params.yaml",
        "figures": {"dpi": 70},
        "dial": {"draws": default["dial"]["draws"]},
        "proportion": {"percents": [1.5, 20]},
        "models": {"llama": {"tokenizer": {"kind": "bpe", "vocabulary": 400}}},
    }
    (tmp_path / "own.yaml").write_text(yaml.safe_dump(own, sort_keys=False))
    lines = show_changes(tmp_path / "own.yaml").splitlines()
    assert lines[0] == f"# {tmp_path}/own.yaml changes of {tmp_path}/params.yaml:"
    assert sorted(lines[1:]) == [
        f"figures.dpi: {default['figures']['dpi']} -> 70",
        "models.llama.tokenizer.kind: word -> bpe",
        "models.llama.tokenizer.vocabulary: nothing -> 400",
        "proportion.percents: [10, 50, 70, 100] -> [1.5, 20]",
    ]


def test_the_command_shows_and_writes_also_over_the_base(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "params").mkdir()
    for name in ("params.yaml", "params/ci.yaml"):
        (tmp_path / name).write_text((ROOT / name).read_text())
    before = load_params("params/ci.yaml")
    assert main(["params", "show"]) == 0
    assert parse_params(capsys.readouterr().out) == load_params("params.yaml")
    assert main(["params", "show", "params/ci.yaml", "--changes"]) == 0
    assert "figures.dpi: 200 -> 100\n" in capsys.readouterr().out
    assert main(["params", "show", "params/ci.yaml", "--out", "params.yaml"]) == 0
    assert load_params("params.yaml") == before == load_params("params/ci.yaml")
    with pytest.raises(SystemExit):
        main(["params", "show", "params/ci.yaml", "--changes", "--out", "changes.yaml"])
    assert not (tmp_path / "changes.yaml").exists()
    assert "--out: not allowed with argument --changes" in capsys.readouterr().err
    assert main(["params", "show", "--changes"]) == 2
    assert "error: params.yaml: has no base. Show it whole, without --changes" in capsys.readouterr().err
    (tmp_path / "params.yaml").write_text("figures: 1\n")
    assert main(["params", "show"]) == 2
    assert "figures: expected keys with values, got 1" in capsys.readouterr().err


@given(st.data())
def test_a_text_of_any_part_of_the_default_merges_into_the_default(data: st.DataObject) -> None:
    """What a file repeats of its base changes nothing."""
    values = yaml.safe_load((ROOT / "params.yaml").read_text())
    kept = data.draw(st.sets(st.sampled_from(sorted(values))))
    part = {key: copy.deepcopy(values[key]) for key in kept}
    text = yaml.safe_dump({"base": "params.yaml", **part})
    assert parse_params(text, str(ROOT / "own.yaml")) == load_params(ROOT / "params.yaml")
