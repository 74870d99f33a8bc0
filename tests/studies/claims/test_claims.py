"""Planted tables flip each verdict of each kind of test; a changed rule changes its digest; what is absent is said."""

import copy
import json
import math

import numpy as np
import pytest
from csv_files import write_csv
from made_up_claims import ALPHA, LEVEL, MODELS, SIDE, TASKS, contrast, make_claim, make_rules, make_table
from scipy.stats import ttest_1samp

from taskneurons.errors import InputError
from taskneurons.files import write_json
from taskneurons.measures.specificity import specificity
from taskneurons.report.verdicts import read_claims, tally
from taskneurons.studies.claims.decision import DECIDING, VERDICTS, corrected, file_digest, rule_digest
from taskneurons.studies.claims.rows import CLAIMS
from taskneurons.studies.claims.tables import claim_rows, decide_claims, read_tables

NONE = dict.fromkeys(VERDICTS, 0)


def decided(claim, rows, *, models=MODELS, tables=None, groups=None):
    """The results of one claim whose table has the rows."""
    found = decide_claims(make_rules(claim), (tables or {}) | {"made_up.csv": rows}, models, groups or {})
    return found["claims"][0]["results"]


def verdict(claim, rows, **options):
    (result,) = decided(claim, rows, **options)
    return result["verdict"]


@pytest.mark.parametrize("seeds", [(0, 1, 2), (0,)])
@pytest.mark.parametrize(
    ("direction", "margin", "effects"),
    [
        ("above", 1.0, {"holds": 5.0, "opposite": -4.0, "inconclusive": 1.0}),
        ("above", 1.0, {"fails": 0.2, "holds": 5.0}),
        ("above", -1.0, {"holds": 0.0, "fails": -3.0, "inconclusive": -1.0}),
        ("below", 5.0, {"holds": 1.0, "fails": 9.0, "inconclusive": 5.0}),
        ("below", -0.5, {"holds": -3.0, "opposite": 2.0, "inconclusive": -0.5}),
        ("within", 1.0, {"holds": 0.0, "fails": 4.0, "inconclusive": 1.0}),
        ("within", 1.0, {"fails": -4.0, "inconclusive": -1.0}),
    ],
)
def test_a_planted_difference_decides_on_either_side_of_the_margin(direction, margin, effects, seeds):
    claim = contrast(direction=direction, margin=margin)
    for expected, effect in effects.items():
        # A larger noise where the effect lies on the margin itself, so that no draw leaves it.
        rows = make_table(effect, seeds=seeds, noise=2.0 if expected == "inconclusive" else 0.2)
        assert verdict(claim, rows) == expected, (direction, effect)


def test_interval_and_p_are_those_of_scipy():
    rows = make_table(5.0)
    (result,) = decided(contrast(), rows)
    cells = {(r["seed"], r["test_task"], r["condition"]): float(r["value"]) for r in rows}
    means = [sum(cells[s, t, "more"] - cells[s, t, "less"] for t in TASKS) / 6 for s in "012"]
    test = ttest_1samp(means, 1.0, alternative="greater")
    interval = ttest_1samp(means, 0.0).confidence_interval(LEVEL)
    assert result["effect"] == pytest.approx(sum(means) / 3)
    assert (result["low"], result["high"]) == pytest.approx((interval.low, interval.high))
    assert result["p"] == pytest.approx(test.pvalue)
    assert (result["interval"], result["n"], result["seeds"]) == ("95 % t over 3 seeds", 3, ["0", "1", "2"])


def test_one_seed_has_an_interval_across_tasks_and_says_so():
    (result,) = decided(contrast(), make_table(5.0, seeds=(7,)))
    assert (result["interval"], result["n"], result["seeds"]) == (
        "95 % t across 6 tasks as if independent (1 seed)",
        6,
        ["7"],
    )
    (few,) = decided(contrast(), [row for row in make_table(5.0, seeds=(7,)) if row["test_task"] in "ab"])
    assert (few["verdict"], few["low"]) == ("inconclusive", None)
    assert few["interval"] == "none: 2 values, at least 3 are needed"


def test_equal_values_carry_no_difference_but_an_equality():
    rows = make_table(3.0, noise=0.0)
    assert verdict(contrast(), rows) == "inconclusive"
    assert verdict(contrast(direction="within"), rows) == "fails"
    same = make_table(0.0, noise=0.0)
    (result,) = decided(contrast(direction="within"), same)
    assert (result["verdict"], result["reason"]) == ("holds", "all 6 values are equal")


def diagonal(statistics, p, **more):
    """Rows of a study's own test, one a seed, and that of their mean."""
    rows = [{"seed": str(seed), "statistic": value} for seed, value in enumerate(statistics)]
    if len(rows) > 1:
        rows.append({"seed": "mean", "statistic": sum(statistics) / len(statistics)})
    shared = {"suite": "synthetic", "model": "llama", "p_value": p} | more
    return [{column: str(value) for column, value in (shared | row).items()} for row in rows]


def test_a_test_of_the_study_gives_p_and_seeds_the_interval():
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table")
    assert verdict(claim, diagonal([9.0, 10.0, 11.0], 0.001)) == "holds"
    assert verdict(claim, diagonal([9.0, 10.0, 11.0], 0.2)) == "inconclusive"
    assert verdict(claim, diagonal([-5.0, 10.0, 20.0], 0.001)) == "inconclusive"
    assert verdict(claim, diagonal([-9.0, -10.0, -11.0], 0.999)) == "opposite"


@pytest.mark.parametrize("together", ["mean", "all"])
def test_the_row_of_all_seeds_together_is_no_seed(together):
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table")
    rows = diagonal([9.0, 10.0, 11.0], 0.001)
    rows[-1]["seed"] = together
    (result,) = decided(claim, rows)
    assert (result["seeds"], result["effect"], result["p"]) == (["0", "1", "2"], 10.0, 0.001)
    # Of one seed together there is less in that row than in the seed's own.
    alone = [rows[0], rows[-1] | {"p_value": ""}]
    assert verdict(claim, alone) == "holds"


@pytest.mark.parametrize(
    ("effect", "p", "sided", "direction", "expected"),
    [
        (9.0, 0.001, "one", "above", "holds"),
        (9.0, 0.2, "one", "above", "inconclusive"),
        (0.5, 0.001, "one", "above", "inconclusive"),
        (-9.0, 1.0, "one", "above", "inconclusive"),
        (-0.5, 1.0, "one", "above", "inconclusive"),
        (-9.0, 1.0, "one", "below", "inconclusive"),
        (-9.0, 0.02, "two", "above", "opposite"),
        (-0.5, 0.02, "two", "above", "fails"),
        (-9.0, 0.2, "two", "above", "inconclusive"),
        (9.0, 0.06, "two", "above", "holds"),
        (-9.0, 0.04, "two", "above", "opposite"),
        (-9.0, 0.04, "two", "below", "holds"),
        (9.0, 0.04, "two", "below", "fails"),
    ],
)
def test_without_an_interval_the_p_of_the_study_decides(effect, p, sided, direction, expected):
    estimand = {"kind": "row", "effect": "statistic", "p": "p_value", "sided": sided}
    assert verdict(make_claim(estimand, test="table", direction=direction), diagonal([effect], p)) == expected


def test_the_worse_of_two_permutations_is_no_opposite():
    """Two tasks of one seed: the own neurons were matched worst, as in half of all cases."""
    found = specificity([np.array([[10.0, 12.0], [13.0, 10.0]])], floor=0.1)
    assert (found.difference, found.p, found.permutations) == (-2.5, 1.0, 2)
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table")
    (result,) = decided(claim, diagonal([found.difference], found.p))
    assert (result["verdict"], result["reason"]) == ("inconclusive", "the effect is not beyond the margin")


def test_a_table_that_tests_one_side_says_nothing_of_a_claim_on_the_other():
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table", direction="below")
    (result,) = decided(claim, diagonal([-9.0], 1.0))
    assert (result["verdict"], result["reason"]) == ("inconclusive", "the table's test is of the other side")


def test_an_interval_of_the_table_is_taken_with_what_it_is():
    estimand = {"kind": "row", "effect": "slope", "low": "low", "high": "high", "interval": "told"}
    row = {"suite": "synthetic", "model": "llama", "slope": "3", "low": "2", "high": "4", "told": "95 % t over orders"}
    (result,) = decided(make_claim(estimand), [row])
    assert (result["verdict"], result["low"], result["interval"]) == ("holds", 2.0, "95 % t over orders")
    assert verdict(make_claim(estimand), [row | {"low": "0"}]) == "inconclusive"
    assert verdict(make_claim(estimand), [row | {"slope": "0", "low": "-1", "high": "0.5"}]) == "fails"
    assert verdict(make_claim(estimand), [row | {"low": "", "high": ""}]) == "inconclusive"
    minus = make_claim(estimand | {"low": None, "high": None, "interval": None, "minus": "low"})
    assert decided(minus, [row])[0]["effect"] == 1.0


def test_words_of_a_study_are_its_verdict_unless_p_is_large():
    estimand = {"kind": "words", "column": "verdict", "holds": ["transition"], "fails": ["drift"], "p": "p_value"}
    claim = make_claim(estimand, test="words")
    for word, p, expected in (
        ("transition", 0.001, "holds"),
        ("transition", 0.3, "inconclusive"),
        ("drift", 0.001, "fails"),
        ("none", 0.6, "inconclusive"),
    ):
        (result,) = decided(claim, diagonal([1.0], p, verdict=word))
        assert (result["verdict"], result["words"], result["effect"]) == (expected, word, None)
    # With several seeds it is the verdict on their mean.
    rows = diagonal([1.0, 1.0, 1.0], 0.001, verdict="none")
    rows[-1]["verdict"] = "transition"
    assert verdict(claim, rows) == "holds"


def test_checks_hold_when_all_agree_and_print_how_many_do():
    estimand = {"kind": "words", "column": "agrees", "holds": ["True"], "fails": ["False"]}
    claim = make_claim(estimand, test="words", architecture="none")
    (result,) = decided(claim, [{"agrees": "True"}] * 4)
    assert (result["verdict"], result["effect"], result["n"], result["suite"]) == ("holds", 100.0, 4, "")
    (result,) = decided(claim, [{"agrees": "True"}] * 3 + [{"agrees": "False"}])
    assert (result["verdict"], result["effect"], result["words"]) == ("fails", 75.0, "3 of 4 True")


def test_a_trend_is_decided_by_its_slope():
    claim = make_claim({"kind": "trend", "against": "overlap"}, margin=0.5)
    for slope, expected in ((4.0, "holds"), (-4.0, "opposite"), (0.0, "fails")):
        rows = [
            {"suite": "synthetic", "model": "llama", "seed": "0", "test_task": task, "overlap": str(x)}
            | {"value": str(60 + slope * x / 100 + 0.1 * place * x / 100)}
            for place, task in enumerate(TASKS)
            for x in (10, 50, 100)
        ]
        assert verdict(claim, rows) == expected


def test_two_groups_of_units_are_compared_by_welch():
    sides = {
        "minuend": SIDE | {"where": {"test_task": ["a", "b", "c"], "condition": "more"}},
        "subtrahend": SIDE | {"where": {"test_task": ["d", "e", "f"], "condition": "less"}},
    }
    claim = make_claim({"kind": "contrast", **sides}, test="welch")
    # Tasks d to f stand 15 above a to c.
    assert verdict(claim, make_table(60.0, seeds=(0,))) == "holds"
    assert verdict(claim, make_table(-60.0, seeds=(0,))) == "opposite"
    assert verdict(claim, make_table(16.0, seeds=(0,))) == "inconclusive"


def test_holm_is_within_a_family_over_all_its_runs():
    # The worked example of Holm's procedure: 4 x 0.005, 3 x 0.01, 2 x 0.03, and 0.04 raised to 0.06.
    assert corrected([0.01, 0.04, None, 0.03, 0.005]) == pytest.approx([0.03, 0.06, None, 0.06, 0.02])
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table")
    rows = [row | {"model": model} for model in ("llama", "bloom") for row in diagonal([9.0], 0.03)]
    assert [r["verdict"] for r in decided(claim, rows[:1])] == ["holds"]
    both = decided(claim, rows)
    assert [(r["model"], r["p_holm"], r["family_size"], r["verdict"]) for r in both] == [
        ("llama", 0.06, 2, "inconclusive"),
        ("bloom", 0.06, 2, "inconclusive"),
    ]
    assert both[0]["reason"] == "corrected within its family, p is 0.06"
    rules = make_rules(claim, claim | {"id": "other", "family": "two"})
    found = decide_claims(rules, {"made_up.csv": rows[:1]}, MODELS, {})
    assert [claim["results"][0]["p_holm"] for claim in found["claims"]] == [0.03, 0.03]


def test_the_opposite_is_corrected_as_what_holds_is_and_is_the_claim_turned_round():
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table")
    rows = diagonal([-9.0, -10.0, -11.0], 0.98)
    assert [r["verdict"] for r in decided(claim, rows)] == ["opposite"]
    family = make_rules(*(claim | {"id": name} for name in "abc"))
    for (found,) in (one["results"] for one in decide_claims(family, {"made_up.csv": rows}, MODELS, {})["claims"]):
        assert (found["verdict"], found["p_opposite"]) == ("fails", pytest.approx(0.06))
        assert found["reason"].endswith("on the other side, but there corrected within its family, p is 0.06")
    table = make_table(-4.0, noise=1.5)
    (one,), (turned,) = decided(contrast(), table), decided(contrast(direction="below", margin=-1.0), table)
    assert one["p_opposite"] == pytest.approx(turned["p_holm"])
    assert turned["p_opposite"] == pytest.approx(one["p_holm"])
    # What 0 meets has no opposite.
    (none,) = decided(contrast(margin=-1.0), table)
    assert none["p_opposite"] is None


def test_a_check_of_the_design_is_in_no_family_and_no_count():
    rows = make_table(5.0, noise=1.0)
    claims = [contrast(), contrast(id="other")]
    design = contrast(id="design", role="design", family=None)
    alone = decide_claims(make_rules(*claims), {"made_up.csv": rows}, MODELS, {})
    found = decide_claims(make_rules(*claims, design), {"made_up.csv": rows}, MODELS, {})
    assert found["counts"] == alone["counts"] == NONE | {"holds": 2}
    assert [claim["results"] for claim in found["claims"][:2]] == [claim["results"] for claim in alone["claims"]]
    assert tally(read_claims(found, "claims.json")) == [("holds", 2)]
    (result,) = found["claims"][2]["results"]
    assert (result["verdict"], result["p_holm"], result["family_size"]) == ("holds", result["p"], 1)


def test_claims_of_absent_tables_and_models_are_not_tested():
    rows = make_table(5.0)
    cases = [
        (contrast(), {}, "there is no table made_up.csv"),
        (contrast(architecture="bloom"), {"made_up.csv": rows}, "has no such rows of a model of architecture bloom"),
        (contrast(scale="7B"), {"made_up.csv": rows}, "needs models of the 7B class"),
    ]
    for claim, tables, reason in cases:
        found = decide_claims(make_rules(claim), tables, MODELS, {})
        (result,) = found["claims"][0]["results"]
        assert (result["verdict"], result["effect"], result["p"]) == ("not tested", None, None)
        assert reason in result["reason"]
        assert found["counts"] == NONE | {"not tested": 1}
    big = {("synthetic", "llama"): {"architecture": "llama", "parameters": 6_740_000_000}}
    assert verdict(contrast(scale="7B"), rows, models=big) == "holds"
    # Rows of this table alone, none of which the claim is about, or only of one side.
    assert verdict(contrast(), [row for row in rows if row["condition"] == "less"]) == "not tested"
    other = contrast()
    other["estimand"]["where"] = {"condition": "neither"}
    assert verdict(other, rows) == "not tested"


def test_every_architecture_but_bloom_stands_beside_llama():
    rows = make_table(5.0, model="mine") + make_table(5.0, model="bloom")
    models = {("synthetic", "mine"): {"architecture": "qwen3", "parameters": 10**6}} | MODELS
    assert [r["model"] for r in decided(contrast(architecture="llama"), rows, models=models)] == ["mine"]
    assert [r["model"] for r in decided(contrast(architecture="any"), rows, models=models)] == ["mine", "bloom"]


def test_units_at_chance_are_left_out():
    rows = make_table(5.0, seeds=(0,))
    for row in rows:
        if row["test_task"] == "a" and row["condition"] == "more":
            row["value"] = "0"
    claim = contrast()
    assert verdict(claim, rows) == "inconclusive"
    claim["estimand"]["leave_out"] = {"table": "chance.csv", "where": {"at_chance": "True"}, "column": "task"}
    chance = [
        {"suite": "synthetic", "model": model, "task": task, "at_chance": str(task == "a")}
        for model in ("llama", "bloom")
        for task in TASKS
    ]
    (result,) = decided(claim, rows, tables={"chance.csv": chance})
    assert (result["verdict"], result["n"]) == ("holds", 5)
    nowhere = [row | {"at_chance": "True"} for row in chance]
    (result,) = decided(claim, rows, tables={"chance.csv": nowhere})
    assert (result["verdict"], result["reason"]) == ("inconclusive", "all tasks are left out")
    with pytest.raises(InputError, match=r"claims.made_up .*: there is no table chance.csv"):
        decided(claim, rows)


def test_what_a_table_does_not_have_is_named_with_the_claim():
    for change, said in (
        ({"where": {"colour": "red"}}, "there is no column `colour`"),
        ({"value": "score"}, "there is no column `score`"),
        ({"unit": "family"}, "there is no column `family`"),
        ({"value": "condition"}, "not a finite number"),
    ):
        claim = contrast()
        claim["estimand"] |= change
        with pytest.raises(InputError, match=rf"claims.made_up \(made_up.csv\): .*{said}"):
            decided(claim, make_table(5.0))
    twice = make_claim({"kind": "row", "effect": "statistic", "p": "p_value"}, test="table")
    with pytest.raises(InputError, match="more than one row of seed `0`"):
        decided(twice, diagonal([1.0], 0.1) * 2)
    with pytest.raises(InputError, match="3 seeds, and no row of them together"):
        decided(twice, diagonal([1.0, 2.0, 3.0], 0.1)[:3])
    with pytest.raises(InputError, match="model `unknown` on suite `synthetic` has rows but no checkpoint"):
        decided(contrast(), make_table(5.0, model="unknown"))


def test_a_changed_rule_changes_its_digest_and_the_files_digest():
    claim = contrast()
    before = rule_digest(claim, LEVEL, ALPHA)
    changes = {
        "margin": 2.0, "direction": "below", "test": "welch", "family": "two", "scale": "7B", "architecture": "llama",
        "estimand": claim["estimand"] | {"unit": "train_task"}, "gate": {"name": "control"},
    }  # fmt: skip
    assert set(changes) == set(DECIDING)
    digests = [rule_digest(claim | {key: value}, LEVEL, ALPHA) for key, value in changes.items()]
    digests += [rule_digest(claim, 0.9, ALPHA), rule_digest(claim, LEVEL, 0.01)]
    assert len({before, *digests}) == len(digests) + 1
    for words in ({"statement": "Other words."}, {"published": None}, {"source": "Table 2"}):
        assert rule_digest(claim | words, LEVEL, ALPHA) == before
    files = {
        file_digest(claims, LEVEL, ALPHA)
        for claims in ([claim], [claim | {"margin": 2.0}], [claim, claim | {"id": "more"}], [claim | {"id": "more"}])
    }
    assert len(files) == 4
    assert file_digest([claim], LEVEL, ALPHA) == file_digest([copy.deepcopy(claim)], LEVEL, ALPHA)


def test_results_survive_json_and_csv(tmp_path):
    rules = make_rules(contrast(), contrast(id="absent") | {"estimand": contrast()["estimand"] | {"table": "no.csv"}})
    write_csv(tmp_path / "made_up.csv", make_table(5.0), list(make_table(5.0)[0]))
    found = decide_claims(rules, read_tables([tmp_path / "made_up.csv"]), MODELS, {})
    write_json(tmp_path / "claims.json", found)
    assert json.loads((tmp_path / "claims.json").read_text()) == found
    rows = claim_rows(found)
    assert [(row.id, row.verdict, row.seeds) for row in rows] == [
        ("made_up", "holds", "0 1 2"),
        ("absent", "not tested", ""),
    ]
    CLAIMS.write(tmp_path / "claims.csv", rows)
    assert CLAIMS.read(tmp_path / "claims.csv") == rows
    assert math.isclose(rows[0].effect, found["claims"][0]["results"][0]["effect"])
    assert found["rules"]["digest"] == file_digest(rules["claims"], LEVEL, ALPHA)
