"""Verdicts of two files are compared claim by claim, and the page of changes says what both files say."""

import json
import re
import subprocess
from pathlib import Path

import pytest

from taskneurons import cli
from taskneurons.errors import InputError
from taskneurons.files import read_json
from taskneurons.studies.claims.changes import changes_table, compare_claims, verdicts_page, wrong_reasons
from taskneurons.studies.claims.params import load_claims
from taskneurons.studies.claims.reasons import VerdictReasons, load_reasons

ROOT = Path(__file__).parents[3]
NOW = ROOT / "results" / "claims.json"
PAGE = ROOT / "docs" / "verdicts.md"
REASONS = load_reasons(ROOT / "docs" / "verdicts.yaml")
BEFORE = read_json(ROOT / REASONS.file)


def result(verdict="holds", model="llama", architecture="llama", suite="transfer", **numbers):
    values = {"effect": 3.0, "low": 2.0, "high": 4.0, "words": "", "seeds": ["0", "1", "2"]} | numbers
    return {"verdict": verdict, "suite": suite, "model": model, "architecture": architecture} | values


def decided(**claims):
    return {"claims": [{"id": name, "unit": "points", "results": results} for name, results in claims.items()]}


def reasons(**changes):
    given = {"commit": "0123456", "date": "2026-01-02", "file": "before.json", "introduction": "Much differs."}
    return VerdictReasons.model_validate(
        {**given, "changes": {"gate": "g", "base": "b"}, "reasons": {}, "notes": {}, **changes}
    )


def shapes_in_table(changes):
    """The column `shape` of the table."""
    return [line.split(" | ")[1] for line in changes_table(changes)[2:]]


def test_a_file_does_not_differ_from_itself():
    assert [one for one in compare_claims(BEFORE, BEFORE) if one.is_one] == []


def test_what_is_after_one_way_round_is_before_the_other_way_round():
    one, other = decided(a=[result()], b=[result()]), decided(a=[result("fails")], c=[result("fails")])
    there = {(change.claim, change.place.shape, *change.verdicts) for change in compare_claims(one, other)}
    back = {(change.claim, change.place.shape, *change.verdicts[::-1]) for change in compare_claims(other, one)}
    assert there == back == {
        ("a", "llama", "holds", "fails"), ("b", "llama", "holds", None), ("c", "llama", None, "fails")
    }  # fmt: skip


def test_models_of_one_shape_are_paired_whatever_their_names_are():
    before = decided(a=[result(model="llama"), result(model="bloom", architecture="bloom")])
    after = decided(a=[result(model="bloom_early", architecture="bloom"), result(model="llama_early")])
    assert {(one.place.shape, one.verdicts) for one in compare_claims(before, after)} == {
        ("llama", ("holds", "holds")),
        ("bloom", ("holds", "holds")),
    }


# The verdicts of one claim on two models of one architecture, or on one model on two suites.
TWICE = [("transfer", "small"), ("transfer", "large")], [("transfer", "small"), ("wide", "small")]


@pytest.mark.parametrize("runs", TWICE)
@pytest.mark.parametrize("turned", [False, True])
def test_results_of_one_architecture_do_not_hide_each_other(runs, turned):
    (suite, model), other = runs
    first, second = (result("holds", run[1], suite=run[0]) for run in runs)
    results = [first | {"verdict": "opposite"}, second]
    found = compare_claims(decided(a=[first, second]), decided(a=results[::-1] if turned else results))
    changed = [one for one in found if one.is_one]
    assert len(found) == 2
    assert [(one.place.run, one.verdicts) for one in changed] == [(f"{suite}/{model}", ("holds", "opposite"))]
    assert shapes_in_table(changed) == [f"Llama ({suite}/{model})"]
    assert {one.place.run for one in found} == {f"{suite}/{model}", "/".join(other)}


def test_a_second_model_of_an_architecture_in_one_file_alone_is_new_or_gone():
    one, two = decided(a=[result()]), decided(a=[result("fails", "large"), result()])
    untested = decided(a=[result("not tested", "", "", "")])
    assert {(found.place.run, found.verdicts) for found in compare_claims(one, two)} == {
        ("transfer/llama", ("holds", "holds")), ("transfer/large", (None, "fails"))
    }  # fmt: skip
    assert {(found.place.run, found.verdicts) for found in compare_claims(two, one)} == {
        ("transfer/llama", ("holds", "holds")), ("transfer/large", ("fails", None))
    }  # fmt: skip
    assert {(found.place.run, found.verdicts) for found in compare_claims(two, untested)} == {
        ("transfer/llama", ("holds", "not tested")), ("transfer/large", ("fails", "not tested"))
    }  # fmt: skip


def test_each_of_several_models_may_have_a_reason_of_its_own():
    now = [result("fails"), result("the setting cannot tell", "large")]
    changes = compare_claims(decided(a=[result(), result(model="large")]), decided(a=now))
    assert wrong_reasons(changes, reasons()) == ["a/llama/transfer/llama has none", "a/llama/transfer/large has none"]
    assert len(wrong_reasons(changes, reasons(reasons={"a": ("base",)}))) == 1
    own = reasons(
        reasons={"a/llama": ("base",), "a/llama/transfer/large": ("gate",)}, notes={"a/llama/transfer/llama": "Why."}
    )
    assert wrong_reasons(changes, own) == []
    page = verdicts_page(decided(a=[result(), result(model="large")]), decided(a=now), own)
    rows = [line for line in page.splitlines() if line.startswith("| `a`")]
    assert [row.rsplit(" | ", 1)[1] for row in rows] == ["base. Why. |", "gate |"]


def test_a_claim_that_was_not_tested_is_paired_with_every_shape():
    untested = [result("not tested", "", "", "", effect=None, low=None, high=None, seeds=[])]
    tested = [result(), result("fails", "bloom", "bloom")]
    found = compare_claims(decided(a=tested), decided(a=untested))
    assert [(one.place.shape, one.verdicts) for one in found] == [
        ("llama", ("holds", "not tested")),
        ("bloom", ("fails", "not tested")),
    ]


def test_the_table_says_effect_interval_and_which_side_has_none():
    lines = changes_table(compare_claims(decided(), decided(a=[result(effect=-3.14, low=-4.0, high=-2.0)])))
    assert lines[-1].startswith("| `a` | Llama | no such verdict | ✔ holds, −3.1 (−4.0 to −2.0)")


def test_a_change_without_a_reason_is_told():
    changes = compare_claims(decided(a=[result()]), decided(a=[result("fails")]))
    assert wrong_reasons(changes, reasons()) == ["a/llama has none"]
    assert wrong_reasons(changes, reasons(reasons={"a": ("base",)})) == []


def test_a_gate_is_named_where_the_setting_cannot_tell_and_nowhere_else():
    cannot = compare_claims(decided(a=[result()]), decided(a=[result("the setting cannot tell")]))
    fails = compare_claims(decided(a=[result()]), decided(a=[result("fails")]))
    base, gate = reasons(reasons={"a": ("base",)}), reasons(reasons={"a/llama": ("gate",)})
    assert len(wrong_reasons(cannot, base)) == len(wrong_reasons(fails, gate)) == 1
    assert wrong_reasons(cannot, gate) == wrong_reasons(fails, base) == []


def test_a_reason_that_is_not_described_is_refused():
    with pytest.raises(ValueError, match="no change `luck`"):
        reasons(reasons={"a": ("luck",)})


def test_every_reason_is_of_a_claim_that_there_is_or_was():
    known = {claim["id"] for claim in BEFORE["claims"]} | set(load_claims(ROOT / "claims.yaml").claims)
    assert {name.partition("/")[0] for name in [*REASONS.reasons, *REASONS.notes]} <= known


def test_where_the_rule_alone_is_named_the_earlier_numbers_give_the_new_verdict():
    rules = {claim["id"]: claim for claim in load_claims(ROOT / "claims.yaml").rules()["claims"]}
    alone = [name for name, why in REASONS.reasons.items() if why == ("opposite",)]
    assert alone
    for name in alone:
        claim, _, shape = name.partition("/")
        rule = rules[claim]
        for one in next(found["results"] for found in BEFORE["claims"] if found["id"] == claim):
            if one["verdict"] == "fails" and shape in ("", one["architecture"]):
                assert rule["direction"] == "above" and one["high"] < -rule["margin"], name


def test_the_earlier_file_is_that_of_the_commit():
    def git(*words):
        return subprocess.run(["git", *words], cwd=ROOT, capture_output=True, text=True, check=False)

    kept = git("rev-parse", "--verify", "--quiet", f"{REASONS.commit}:results/claims.json")
    if kept.returncode:
        pytest.skip("this clone does not have the commit")
    assert git("hash-object", "--no-filters", REASONS.file).stdout == kept.stdout


@pytest.mark.skipif(not NOW.is_file(), reason="the claims have not been decided here")
class TestThePage:
    def test_it_is_in_step_with_the_results(self):
        assert verdicts_page(BEFORE, read_json(NOW), REASONS) == PAGE.read_text(encoding="utf-8"), (
            "run `taskneurons claims docs`"
        )
        assert wrong_reasons(compare_claims(BEFORE, read_json(NOW)), REASONS) == []

    def test_its_verdicts_are_those_of_both_files(self):
        part = PAGE.read_text(encoding="utf-8").partition("## Verdicts that changed")[2].partition("\n## ")[0]
        rows = re.findall(r"^\| `(\w+)` \| (\w*) \| \S+ ([a-z ]+)[^|]* \| \S+ ([a-z ]+)[^|]* \| .+ \|$", part, re.M)
        assert len(rows) == part.count("\n| `") > 0
        for claim, shape, *verdicts in rows:
            for decided_then, verdict in zip((BEFORE, read_json(NOW)), verdicts, strict=True):
                results = next(one["results"] for one in decided_then["claims"] if one["id"] == claim)
                found = {one["verdict"] for one in results if one["architecture"] in ("", shape.lower())}
                assert found == {verdict.strip()}, claim

    def test_no_verdict_is_missing(self):
        heads = re.search(
            r"^(\d+) verdicts changed, (\d+) did not, (\d+) have no succ\w+, (\d+) are new", PAGE.read_text(), re.M
        )
        changed, same, gone, new = map(int, heads.groups())
        # A claim that was not tested now has one result, but had one for each shape before, and the other way round.
        pairs = {
            (claim["id"], one["architecture"])
            for side in (BEFORE, read_json(NOW))
            for claim in side["claims"]
            for one in claim["results"]
        }
        several = {claim for claim, shape in pairs if shape}
        assert changed + same + gone + new == len(
            {(claim, shape) for claim, shape in pairs if shape or claim not in several}
        )


def test_the_command_prints_what_differs(tmp_path, capsys):
    for name, one in (
        ("old", decided(a=[result()], b=[result()])),
        ("new", decided(a=[result("fails")], b=[result()])),
    ):
        (tmp_path / f"{name}.json").write_text(json.dumps(one))
    assert cli.main(["claims", "compare", str(tmp_path / "old.json"), str(tmp_path / "new.json")]) == 0
    out = capsys.readouterr().out
    assert "| `a` | Llama | ✔ holds" in out and "`b`" not in out and "1 of 2 verdicts differ" in out


def test_a_file_of_another_kind_is_refused_by_its_name():
    for wrong in ({"rows": []}, [], {"claims": [{"id": "a"}]}):
        with pytest.raises(InputError, match=r"new\.json: no file of decided claims"):
            compare_claims(decided(), wrong, ("old.json", "new.json"))
