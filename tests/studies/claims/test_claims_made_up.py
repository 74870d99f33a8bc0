"""The rules of claims.yaml, on tables that the studies' own code makes of results with known effects."""

from dataclasses import replace
from pathlib import Path

import pytest
from made_up_layers import make_layer_rows
from made_up_measurements import make_rows
from made_up_tasks import make_tasks

from taskneurons.evidence.measurements import MEASUREMENTS
from taskneurons.studies.claims.params import load_claims
from taskneurons.studies.claims.tables import decide_claims, read_tables
from taskneurons.studies.deactivation.rows import DIAGONAL, SPECIFICITY, SUMMARY
from taskneurons.studies.deactivation.specificity import own_less_other
from taskneurons.studies.deactivation.summary import summarise_deactivation
from taskneurons.studies.deactivation.tables import diagonal_tests
from taskneurons.studies.layers.maps import layer_maps
from taskneurons.studies.layers.rows import COMPARED, MAPS
from taskneurons.studies.layers.rows import SUMMARY as LAYERS_SUMMARY
from taskneurons.studies.layers.tables import summarise_layers

ROOT = Path(__file__).parents[3]
LLAMA = {"architecture": "llama", "parameters": 340_000}
MODELS = {("synthetic", "llama"): LLAMA, ("wide", "llama"): LLAMA}


def decided(folder):
    """Results by claim, of those that were tested."""
    found = decide_claims(
        load_claims(ROOT / "claims.yaml").rules(), read_tables(sorted(folder.glob("*.csv"))), MODELS, {}
    )
    return {
        claim["id"]: claim["results"][0] for claim in found["claims"] if claim["results"][0]["verdict"] != "not tested"
    }


def lay_deactivation(folder, **options):
    """Write the tables of the study; return the rows of the first."""
    tasks = make_tasks()
    # The original model belongs to both selections.
    rows = list(
        dict.fromkeys(row for within in ("model", "layer") for row in make_rows(tasks, within=within, **options))
    )
    MEASUREMENTS.write(folder / "deactivation.csv", rows)
    SUMMARY.write(folder / "deactivation_summary.csv", summarise_deactivation(rows, tasks))
    SPECIFICITY.write(folder / "deactivation_specificity.csv", own_less_other(rows, tasks))
    DIAGONAL.write(folder / "deactivation_diagonal.csv", diagonal_tests(rows, tasks))
    return rows


@pytest.mark.parametrize("seeds", [(0, 1, 2), (0,)])
def test_known_effects_of_deactivation_are_found(tmp_path, seeds):
    lay_deactivation(tmp_path, seeds=seeds)
    found = decided(tmp_path)
    # 45 points without the task's neurons, 1 without random ones, 23 on the sibling; on all others 4 and 1.5.
    expected = {"t1_classification": 44, "t1_generation": 44, "t1_random_generation": 1}
    expected |= {"f5_sibling_classification": 22, "f5_family_generation": 41}
    for name, effect in expected.items():
        assert found[name]["effect"] == pytest.approx(effect, abs=2.0), name
    assert found["f5_deactivation_classification"]["effect"] == pytest.approx(45 - (23 + 4 * 4) / 5, abs=1.0)
    kind = {3: "over 3 seeds", 1: "across 6 tasks as if independent (1 seed)"}[len(seeds)]
    assert found["t1_classification"]["interval"] == f"95 % t {kind}"
    open_ones = {name for name, result in found.items() if result["verdict"] != "holds"}
    # One seed has no interval of a diagonal; its permutation test decides, where there is one.
    siblings = {"f5_sibling_classification", "f5_sibling_generation"}
    assert open_ones == (siblings if len(seeds) == 1 else set())
    assert {result["gate_passed"] for result in found.values()} == {True}


def test_nothing_is_said_where_removing_the_neurons_of_all_tasks_does_not_hurt(tmp_path):
    rows = lay_deactivation(tmp_path, seeds=(0, 1, 2))
    kept = {(row.seed, row.test_task, row.metric): row.value for row in rows if row.condition == "original"}
    blind = [
        replace(row, value=kept[row.seed, row.test_task, row.metric]) if row.condition == "all_tasks" else row
        for row in rows
    ]
    MEASUREMENTS.write(tmp_path / "deactivation.csv", blind)
    assert {result["verdict"] for result in decided(tmp_path).values()} == {"the setting cannot tell"}


def test_the_claims_fail_where_random_neurons_hurt_as_much(tmp_path):
    rows = lay_deactivation(tmp_path, seeds=(0, 1, 2))
    own = {(row.seed, row.test_task, row.selection, row.metric): row.value for row in rows if row.condition == "task"}
    # Every draw is the task's own loss, give or take the noise of a tenth of a point.
    draws = [
        replace(row, value=own[row.seed, row.test_task, row.selection, row.metric] + 0.1 * (place % 3 - 1))
        for place, row in enumerate(row for row in rows if row.condition == "random")
    ]
    MEASUREMENTS.write(tmp_path / "deactivation.csv", [row for row in rows if row.condition != "random"] + draws)
    found = decided(tmp_path)
    assert found["t1_classification"]["verdict"] == "fails"
    assert found["t1_random_classification"]["verdict"] == "fails"


def test_known_layers_are_found(tmp_path):
    rows = make_layer_rows(depth=8)
    COMPARED.write(tmp_path / "layers.csv", rows)
    LAYERS_SUMMARY.write(tmp_path / "layers_summary.csv", summarise_layers(rows))
    MAPS.write(tmp_path / "layers_map.csv", layer_maps(rows, alpha=0.05, draws=300))
    found = decided(tmp_path)
    # The tuned model stands 0.06 below the base up to layer 3 and 0.09 above it from layer 6 on; the base falls.
    assert found["z2_shared"]["effect"] == pytest.approx(-0.06, abs=0.01)
    assert [found[name]["verdict"] for name in ("z1_falls", "z2_shared", "z2_refinement", "z2_map")] == ["holds"] * 4
    assert found["z2_shared"]["interval"] == "95 % t across 6 families (1 seed)"
    # Nothing happens on unseen tasks.
    assert found["z4_shared"]["effect"] == pytest.approx(0, abs=0.01)
    assert [found[name]["verdict"] for name in ("z4_shared", "z4_refinement", "z4_map")] == [
        "fails",
        "fails",
        "inconclusive",
    ]
