"""claims.yaml: it is complete, prints what the papers print, and asks tables for what they have; mistakes are named."""

import re
from collections import Counter
from pathlib import Path
from statistics import fmean

import pytest

from taskneurons.errors import InputError
from taskneurons.evidence.papers import CONTROLLED, CORRELATIONS, FILES, OVERLAPS, SCORES, STREAMS, read_table
from taskneurons.files import read_json
from taskneurons.studies.all_tables import all_tables
from taskneurons.studies.claims.decision import file_digest
from taskneurons.studies.claims.estimands import INDEPENDENT
from taskneurons.studies.claims.params import load_claims, parse_claims
from taskneurons.studies.claims.power_words import power_section
from taskneurons.studies.claims.printed import union_jaccard
from taskneurons.studies.claims.words import claims_page
from taskneurons.studies.overlap.controlled import published_slope

ROOT = Path(__file__).parents[3]
TEXT = (ROOT / "claims.yaml").read_text(encoding="utf-8")
COLUMNS = {f"{name}.csv": table.columns for name, table in all_tables().items()}
STUDY = re.compile("[a-z]+")


@pytest.fixture(scope="module")
def rules():
    return load_claims(ROOT / "claims.yaml").rules()


def columns_of(estimand):
    """Every column that an estimand names."""
    found = set(estimand["where"])
    for side in (estimand.get(name) for name in ("minuend", "subtrahend", "side")):
        if side:
            found |= {*side["where"], *side["groups"], *(side["same"] or ()), *(["layer"] if side["depth"] else [])}
    found |= set(estimand.get("at_most", ()))
    names = ("unit", "spread", "value", "against", "effect", "minus", "low", "high", "interval", "p", "column")
    found |= {estimand[name] for name in names if estimand.get(name)}
    return found


def test_there_are_enough_claims_of_both_papers(rules):
    roles = Counter((claim["paper"], claim["role"]) for claim in rules["claims"])
    assert roles["leng2025", "claim"] + roles["zhao2024", "claim"] >= 25
    assert roles["zhao2024", "claim"] >= 8
    assert roles["leng2025", "arithmetic"] >= 3


def test_tables_have_the_columns_that_claims_ask_for(rules):
    for claim in rules["claims"]:
        for estimand in [claim["estimand"], *([claim["gate"]["estimand"]] if claim["gate"] else [])]:
            assert columns_of(estimand) <= set(COLUMNS[estimand["table"]]), claim["id"]
            if chosen := estimand.get("leave_out"):
                assert {*chosen["where"], chosen["column"]} <= set(COLUMNS[chosen["table"]]), claim["id"]


def test_a_rule_makes_every_table_of_a_study_that_there_is(rules):
    texts = {path.stem: path.read_text() for path in (ROOT / "rules").glob("*.smk")}
    made = {name for text in texts.values() for name in re.findall(r"tables/(\w+\.csv)", text)}
    named = {claim["estimand"]["table"] for claim in rules["claims"]} | set(COLUMNS)
    studies = {"published": "claims"}
    missing = {name for name in named - made if studies.get(study := STUDY.match(name)[0], study) in texts}
    assert missing == set()


def printed(table, **wanted):
    kind = {"T4": CORRELATIONS, "T5": STREAMS, "T8": OVERLAPS}.get(table, SCORES)
    kind = CONTROLLED if table in ("T9", "T10", "T11") else kind
    rows = read_table(kind, ROOT / "published" / "leng2025" / f"{FILES[table]}.csv")
    return [row for row in rows if all(getattr(row, key) == value for key, value in wanted.items())]


def drop(table, first, second, task):
    one, other = (printed(table, condition=condition, task=task)[0].value for condition in (first, second))
    return one - other


def stream(method, orders="123456"):
    return fmean(row.value for row in printed("T5", method=method) if row.order in orders)


def jaccard(pair):
    return printed("T8", train_test=pair, percent="10")[0].overlap


def both(tables, first, second, tasks=("mean_cls", "mean_gen")):
    return fmean(drop(table, first, second, task) for table in tables for task in tasks)


def test_published_values_are_those_of_the_printed_tables(rules):
    expected = {
        "t1_classification": drop("T1", "deactivate_random", "deactivate_task", "mean_cls"),
        "t1_generation": drop("T1", "deactivate_random", "deactivate_task", "mean_gen"),
        "t6_classification": drop("T6", "deactivate_random", "deactivate_task", "mean_cls"),
        "t6_generation": drop("T6", "deactivate_random", "deactivate_task", "mean_gen"),
        "t1_random_classification": drop("T1", "original", "deactivate_random", "mean_cls"),
        "t1_random_generation": drop("T1", "original", "deactivate_random", "mean_gen"),
        "t6_random_classification": drop("T6", "original", "deactivate_random", "mean_cls"),
        "t6_random_generation": drop("T6", "original", "deactivate_random", "mean_gen"),
        "t2_classification": drop("T2", "train_task", "train_random", "mean_cls"),
        "t2_generation": drop("T2", "train_task", "train_random", "mean_gen"),
        "t7_classification": drop("T7", "train_task", "train_random", "mean_cls"),
        "t7_generation": drop("T7", "train_task", "train_random", "mean_gen"),
        "t2_random_classification": both(["T2", "T7"], "train_random", "zero_shot", ["mean_cls"]),
        "t2_random_generation": both(["T2", "T7"], "train_random", "zero_shot", ["mean_gen"]),
        "t5_ncft_seqft": stream("NCFT") - stream("SeqFT"),
        "t5_ncft_seqlora": stream("NCFT") - stream("SeqLoRA"),
        "t5_wncft": stream("W-NCFT") - stream("NCFT"),
        "t5_olora": stream("W-NCFT", "456") - stream("O-LoRA", "456"),
        "t5_anchor": stream("O-LoRA") - stream("SeqLoRA"),
        "t4_pearson": fmean(row.r for row in printed("T4", coefficient="pearson")),
        "t4_spearman": fmean(row.r for row in printed("T4", coefficient="spearman")),
        "t8_classification": jaccard("CLS-CLS") - jaccard("CLS-GEN"),
        "t8_generation": jaccard("GEN-GEN") - jaccard("GEN-CLS"),
        "t8_chance_classification": jaccard("CLS-CLS") - union_jaccard(10),
        "t8_chance_generation": jaccard("GEN-GEN") - union_jaccard(10),
        **{
            f"t{n}_slope": published_slope(printed(f"T{n}"), 10)
            for n in (9, 10, 11)
        },
    }  # fmt: skip
    stated = {claim["id"]: claim["published"] for claim in rules["claims"] if claim["published"] is not None}
    stated.pop("z2_borders")  # "layers 1 to 9"
    assert set(stated) == set(expected)
    for name, value in stated.items():
        digits = len(str(value).partition(".")[2])
        assert value == pytest.approx(expected[name], abs=0.5001 * 10**-digits), name


def test_the_paper_itself_would_hold_by_every_rule_that_has_its_value(rules):
    """A margin that the paper's own value does not pass would be a rule against it."""
    for claim in rules["claims"]:
        if claim["published"] is not None:
            beyond = claim["published"] - claim["margin"]
            assert beyond > 0 if claim["direction"] == "above" else beyond < 0, claim["id"]


def test_margins_are_the_stated_ones(rules):
    usual = {"points": {1, 0.5, 5, -1}, "slope": {0.05}, "percent": {1, 0}, "correlation": {0.3}, "layers": {5}}
    usual["similarity"] = {0.02, -0.02, 0}
    assert [c["id"] for c in rules["claims"] if c["margin"] not in usual[c["unit"]]] == []


def test_statements_are_sentences_of_our_own_that_fit_three_lines(rules):
    statements = [claim["statement"] for claim in rules["claims"]]
    assert all(text.endswith(".") and len(text) <= 170 for text in statements), max(statements, key=len)


def test_kinds_are_not_pooled(rules):
    """Generation may carry what classification does not show."""
    metrics = {claim["id"]: claim["estimand"]["where"].get("metric") for claim in rules["claims"]}
    assert [name for name, metric in metrics.items() if isinstance(metric, list) or metric == "score"] == []


def test_what_a_suite_was_designed_for_is_no_claim(rules):
    assert [claim["id"] for claim in rules["claims"] if claim["role"] == "design"] == ["dial_transfer"]
    assert [claim["id"] for claim in rules["claims"] if claim["family"] is None] == ["dial_transfer"]


def test_layers_of_one_seed_have_families_as_units_in_a_table_that_names_them(rules):
    for claim in rules["claims"]:
        table, unit = claim["estimand"]["table"], claim["estimand"].get("unit")
        if unit and "family" in COLUMNS.get(table, ()):
            assert unit == "family", claim["id"]
        assert (unit in ("family", "group")) >= (claim["estimand"].get("units") in INDEPENDENT), claim["id"]


def refusal(*edits):
    text = TEXT
    for old, new in edits:
        assert old in text
        # The head of the file and the gates have keys of the same names.
        start = text.index("\nclaims:\n") if old in text.partition("\nclaims:\n")[2] else 0
        text = text[:start] + text[start:].replace(old, new, 1)
    with pytest.raises(InputError) as caught:
        parse_claims(text)
    return str(caught.value)


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("    margin: 1\n", "    marign: 1\n", "FIRST.marign: unknown key. Did you mean `margin`?"),
        ("    margin: 1\n", "", "FIRST.margin: is missing"),
        ("    margin: 1\n", "    margin: small\n", "FIRST.margin: expected a number"),
        ("direction: above", "direction: abov", "FIRST.direction: expected `above`, `below` or `within`"),
        ("test: t\n", "test: words\n", "FIRST.test: `words` is no test of a contrast. Write t or welch"),
        ("kind: contrast", "kind: contrats", "FIRST.estimand.kind: there is no kind `contrats`"),
        ("minuend: {", "minuent: {", "FIRST.estimand.minuent: unknown key. Did you mean `minuend`?"),
        ("above\n    margin: 1", "within\n    margin: 0", "FIRST.margin: nothing lies within"),
        ("  t1_classification:", "  T1:", "claims.T1: not a usable name"),
        ("  t1_generation:", "  t1_classification:", "FIRST: this key already stands in line"),
        ("      p: p_value\n", "", "f5_deactivation_classification.estimand: the table's own test has no column"),
        ("      low: tasks_low\n", "", "claims.t9_slope.estimand: an interval with one limit"),
        ("table: deactivation.csv", "table: ../x.csv", "FIRST.estimand.table"),
        ("    gate: deactivation_classification\n", "    gate: nowhere\n", "FIRST.gate: there is no gate `nowhere`"),
        ("family: null", "family: dial", "claims.dial_transfer.family: p of a check of the design"),
        ("family: deactivation\n", "family: null\n", "FIRST.family: p of a check of the design"),
        ("where: {metric: accuracy}", "where: {metric: accuracy, seed: mean}", "FIRST.estimand: a seed is named"),
        ("alpha: 0.05", "alpha: 5", "alpha: expected less than 1"),
        ("level: 0.95", "level: .95", "level: .95 is a different number to different YAML readers"),
    ],
)  # fmt: skip
def test_a_mistake_is_named_with_its_claim(old, new, said):
    text = refusal((old, new))
    assert said.replace("FIRST", "claims.t1_classification") in text
    assert text.startswith("claims.yaml:")


def test_no_claims_are_refused():
    with pytest.raises(InputError, match="no claim is given"):
        parse_claims("level: 0.95\nalpha: 0.05\nclaims: {}\n")
    with pytest.raises(InputError, match="expected keys with values"):
        parse_claims("")


def test_the_page_is_in_step_with_the_results():
    results = ROOT / "results" / "claims.json"
    if not results.is_file():
        pytest.skip("the claims have not been decided here")
    found, rules = read_json(results), load_claims(ROOT / "claims.yaml").rules()
    if found["rules"]["digest"] != file_digest(rules["claims"], rules["level"], rules["alpha"]):
        pytest.skip("these results were decided by other rules")
    text = (ROOT / "docs" / "claims.md").read_text(encoding="utf-8")
    assert claims_page(found, power_section(found)) == text, "run `taskneurons claims docs`"
