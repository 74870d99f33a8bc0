"""A claim whose positive control does not pass in the same cells is not decided, whatever its own numbers say."""

from dataclasses import replace

import pytest
from made_up_claims import MODELS, SIDE, contrast, make_claim, make_rules, make_table

from taskneurons.errors import InputError
from taskneurons.studies.claims.params import parse_claims
from taskneurons.studies.claims.rows import CLAIMS
from taskneurons.studies.claims.tables import claim_rows, decide_claims
from taskneurons.studies.claims.words import claims_page

CEILING = {"minuend": SIDE | {"where": {"condition": "all"}}, "subtrahend": SIDE | {"where": {"condition": "less"}}}


def gate(estimand=None, **changes):
    """The whole model less the random neurons is more than 5."""
    estimand = estimand or make_claim({"kind": "contrast", **CEILING})["estimand"]
    words = {"name": "can_learn", "statement": "Training all beats training few."}
    return words | {"estimand": estimand, "above": 5.0, "below": None, "over": "mean"} | changes


def cells(effect, reached, **options):
    """A table in which `more` beats `less` by an effect, and `all` beats it by what is reached at each task."""
    rows = make_table(effect, **options)
    tasks = sorted({row["test_task"] for row in rows})
    levels = dict(zip(tasks, reached, strict=True)) if isinstance(reached, list) else dict.fromkeys(tasks, reached)
    beside = [row for row in rows if row["condition"] == "less"]
    return rows + [
        row | {"condition": "all", "value": str(float(row["value"]) + levels[row["test_task"]])} for row in beside
    ]


def found(claim, rows, **options):
    decided = decide_claims(make_rules(claim), options.pop("tables", {}) | {"made_up.csv": rows}, MODELS, {})
    return decided["claims"][0]["results"][0]


@pytest.mark.parametrize(("effect", "verdict"), [(8.0, "holds"), (0.2, "fails"), (-8.0, "opposite")])
def test_a_verdict_needs_a_control_that_passed(effect, verdict):
    assert found(contrast(gate=gate()), cells(effect, 20.0))["verdict"] == verdict
    result = found(contrast(gate=gate()), cells(effect, 2.0))
    assert (result["verdict"], result["gate_value"], result["gate_passed"]) == (
        "the setting cannot tell", pytest.approx(2.0), False,
    )  # fmt: skip
    assert result["reason"] == "the positive control `can_learn` did not pass: it is 2, not above 5"


def test_a_control_that_was_not_measured_has_not_passed():
    assert found(contrast(gate=gate()), make_table(8.0))["verdict"] == "the setting cannot tell"
    elsewhere = gate(make_claim({"kind": "contrast", **CEILING})["estimand"] | {"table": "absent.csv"})
    result = found(contrast(gate=elsewhere), cells(8.0, 20.0))
    assert (result["verdict"], result["gate_value"]) == ("the setting cannot tell", None)


def test_the_control_is_looked_at_in_the_seeds_and_units_of_the_claim():
    """Tasks that the claim leaves out, and seeds that it lacks, do not speak for the others."""
    rows = cells(8.0, [2.0, 2.0, 2.0, 2.0, 2.0, 200.0])
    assert found(contrast(gate=gate()), rows)["verdict"] == "holds"
    without = [row for row in rows if (row["condition"], row["test_task"]) != ("more", "f")]
    assert found(contrast(gate=gate()), without)["gate_value"] == pytest.approx(2.0)
    seeds = cells(8.0, 2.0, seeds=(0, 1, 2)) + [
        row | {"value": "999"} for row in cells(8.0, 2.0, seeds=(3,)) if row["condition"] == "all"
    ]
    assert found(contrast(gate=gate()), seeds)["gate_value"] == pytest.approx(2.0)


def test_a_control_of_every_unit_is_as_good_as_the_worst_of_them():
    rows = cells(8.0, [20.0, 20.0, 20.0, 20.0, 20.0, 4.0])
    assert found(contrast(gate=gate()), rows)["verdict"] == "holds"
    result = found(contrast(gate=gate(over="every")), rows)
    assert (result["verdict"], result["gate_value"]) == ("the setting cannot tell", pytest.approx(4.0))


def test_a_control_may_lie_below_its_threshold_or_be_a_row_or_words_of_a_study():
    below = gate(above=None, below=5.0)
    assert found(contrast(gate=below), cells(8.0, 2.0))["verdict"] == "holds"
    assert found(contrast(gate=below), cells(8.0, 20.0))["verdict"] == "the setting cannot tell"
    base = {"suite": "synthetic", "model": "llama", "seed": "0"}
    row = make_claim({"kind": "row", "table": "learned.csv", "effect": "share"})["estimand"]
    said = make_claim({"kind": "words", "table": "learned.csv", "column": "learned", "holds": ["yes"], "fails": ["no"]})
    for share, word, verdict in (("9", "yes", "holds"), ("3", "no", "the setting cannot tell")):
        tables = {"learned.csv": [base | {"share": share, "learned": word}]}
        for one in (gate(row), gate(said["estimand"], above=None)):
            assert found(contrast(gate=one), cells(8.0, 0.0), tables=tables)["verdict"] == verdict


def test_variants_of_one_seed_are_compared_with_that_seed_alone():
    """An arm of seed 0 alone stands beside an arm of three seeds: the others' level must not enter."""
    rows = make_table(3.0, noise=0.1)
    high = [row | {"value": str(float(row["value"]) + 100 * int(row["seed"]))} for row in rows]
    alone = [row for row in high if row["condition"] == "less" or row["seed"] == "0"]
    result = found(contrast(), alone)
    assert (result["effect"], result["seeds"]) == (pytest.approx(3.0, abs=0.2), ["0"])


def test_the_first_screen_says_which_control_did_not_pass_and_what_one_seed_cannot_give():
    claim = contrast(gate=gate(), id="blind")
    claim["estimand"] |= {"table": "training.csv"}
    claim["gate"]["estimand"] |= {"table": "training.csv"}
    rows = cells(8.0, 2.0, seeds=(0,))
    few = contrast(id="open")
    few["estimand"] |= {"table": "training.csv", "where": {"test_task": "a"}}
    decided = decide_claims(make_rules(claim, few), {"training.csv": rows}, MODELS, {})
    blind, seeds = decided["told"]
    assert blind == (
        "In neurons trained (llama), the positive control did not pass (Training all beats training few: 2, where "
        "above 5 was needed), so the setting cannot tell blind."
    )
    assert seeds.startswith("With one seed") and seeds.endswith("no verdict on open.")
    page = claims_page(decided)
    assert blind in page and seeds in page
    # A p on the wrong side of a margin is not told.
    ((without,),) = (
        decide_claims(make_rules(contrast(id="free")), {"made_up.csv": make_table(8.0)}, MODELS, {})["told"],
    )
    assert without == "These are decided without a positive control: free."
    wrong = decide_claims(make_rules(contrast(id="wrong")), {"made_up.csv": make_table(-8.0)}, MODELS, {})
    wrong["claims"] = [claim | {"table": "training.csv"} for claim in wrong["claims"]]
    assert "p 1" not in claims_page(wrong)


def test_value_threshold_and_passage_of_the_control_stand_in_the_table(tmp_path):
    decided = decide_claims(
        make_rules(contrast(gate=gate()), contrast(id="free")), {"made_up.csv": cells(8.0, 2.0)}, MODELS, {}
    )
    rows = claim_rows(decided)
    assert [(row.gate, row.gate_threshold, row.gate_passed) for row in rows] == [
        ("can_learn", 5.0, False), (None, None, None),
    ]  # fmt: skip
    CLAIMS.write(tmp_path / "claims.csv", rows)
    assert CLAIMS.read(tmp_path / "claims.csv") == [replace(row) for row in rows]


@pytest.mark.parametrize(
    ("edit", "said"),
    [
        (("above: 1", "above: 1\n    below: 2"), "a gate of row with 2 thresholds"),
        (("    above: 1\n", ""), "a gate of row with 0 thresholds"),
        (("above: 1", "above: 1\n    over: every"), "a row has no units"),
        (("gate: can", "gate: may"), "there is no gate `may`"),
        (("    gate: can\n", ""), "no claim names this gate"),
    ],
)
def test_a_mistake_in_a_gate_is_named(edit, said):
    text = """level: 0.95
alpha: 0.05
gates:
  can:
    statement: It can.
    estimand: {kind: row, table: training.csv, effect: value}
    above: 1
claims:
  one:
    paper: leng2025
    role: claim
    statement: One is more.
    source: Table 1
    published: null
    unit: points
    direction: above
    margin: 1
    scale: embedded
    architecture: any
    family: one
    gate: can
    test: t
    estimand: {kind: row, table: training.csv, effect: value}
"""
    parse_claims(text)
    with pytest.raises(InputError, match=said):
        parse_claims(text.replace(*edit, 1))
