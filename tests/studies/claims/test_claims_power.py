"""The seeds that a verdict needs are those of published tables of power, and their cost is that of their jobs."""

import math

import numpy as np
import pytest
from drawn import assert_inside_the_page, figure_of, words_of
from made_up_claims import MODELS, contrast, make_rules, make_table

from taskneurons import cli
from taskneurons.files import write_jsonl
from taskneurons.studies.claims.examples import Parts, example_variances
from taskneurons.studies.claims.power import more_seconds, power, power_rows, seed_seconds, seeds_needed
from taskneurons.studies.claims.power_figure import draw_power
from taskneurons.studies.claims.power_words import power_lines, power_section
from taskneurons.studies.claims.rows import POWER
from taskneurons.studies.claims.tables import decide_claims


@pytest.mark.parametrize(
    ("effect", "level", "seeds"), [(0.2, 0.025, 199), (0.5, 0.025, 34), (0.8, 0.025, 15), (0.5, 0.05, 27)]
)
def test_the_numbers_are_those_of_g_power_for_one_sample(effect, level, seeds):
    # Cohen's small, medium and large effects, power 0.80, as G*Power 3.1 has them.
    assert seeds_needed([effect], 1.0, [level]) == seeds


def test_the_chance_is_how_often_a_test_of_drawn_seeds_finds_it():
    rng = np.random.default_rng(0)
    drawn = rng.normal(2.0, 1.5, size=(40_000, 5))
    # The 97.5 % quantile of t with 4 degrees of freedom.
    found = drawn.mean(axis=1) / (drawn.std(axis=1, ddof=1) / math.sqrt(5)) > 2.776445
    assert power(2.0, 1.5, 5, 0.025) == pytest.approx(found.mean(), abs=0.01)


def planned(claim, rows):
    """The one row of an inconclusive claim of this table."""
    (row,) = power_rows(decide_claims(make_rules(claim), {"made_up.csv": rows}, MODELS, {}))
    return row


def test_an_effect_short_of_the_margin_needs_no_correction_and_fails():
    row = planned(contrast(margin=3.0), make_table(2.5, noise=2.0))
    assert (row.towards, row.level, row.seeds) == ("fails", 0.025, 3)
    assert row.needed > 3 and row.needed_low <= row.needed
    assert row.needed_high is None or row.needed_high >= row.needed


def test_holms_correction_counts_the_claims_of_the_family_that_do_not_hold():
    rows = make_table(3.0, noise=3.0)
    (alone,) = power_rows(decide_claims(make_rules(contrast()), {"made_up.csv": rows}, MODELS, {}))
    family = [contrast(), *(contrast(id=f"other{number}") for number in range(3))]
    found = power_rows(decide_claims(make_rules(*family), {"made_up.csv": rows}, MODELS, {}))
    assert alone.towards == "holds"
    assert [row.level for row in (alone, *found)] == [0.025, *[0.0125] * 4]
    assert found[0].needed > alone.needed
    assert len({row.sd for row in found}) == 1


def test_an_effect_on_the_margin_is_never_decided_and_one_across_tasks_is_not_planned():
    rows = make_table(1.0, noise=0.3)
    effect = planned(contrast(margin=1.0), rows).effect
    row = planned(contrast(margin=effect), rows)
    assert (row.needed, row.reason) == (None, "more than 200: the effect lies too near the margin")
    row = planned(contrast(margin=effect), make_table(1.0, noise=0.3, seeds=(0,)))
    assert row.needed is None and "no interval over seeds" in row.reason


def test_examples_explain_what_the_binomial_distribution_says():
    rng = np.random.default_rng(1)
    examples, tasks, seeds = 50, "abcd", range(400)
    rows = []
    for seed in seeds:
        for task in tasks:
            # Half of what the second side gets wrong is right on the first; nothing is the other way round.
            draws = rng.random(examples)
            for condition, share in (("more", 0.8), ("less", 0.6)):
                cells = {"suite": "synthetic", "model": "llama", "seed": str(seed), "test_task": task}
                value = 100 * np.mean(draws < share)
                rows.append(cells | {"condition": condition, "metric": "accuracy", "n": "50", "value": str(value)})
    claim = contrast(margin=20.0)
    claim["estimand"]["where"] = {"metric": "accuracy"}
    decided = decide_claims(make_rules(claim), {"made_up.csv": rows}, MODELS, {})
    (parts,) = example_variances(make_rules(claim), decided, {"made_up.csv": rows}, {}).values()
    (row,) = power_rows(decided)
    # One seed's mean over four tasks of a difference: all of its spread is the examples'.
    assert parts.least == pytest.approx(row.sd**2, rel=0.15)
    assert parts.greatest == pytest.approx(1e4 * (0.8 * 0.2 + 0.6 * 0.4) / examples / len(tasks), rel=0.05)
    (told,) = power_rows(decided, {row_key(row): Parts(4.0, 1e9, None)})
    assert (told.examples_low, told.examples_high, told.draws) == (pytest.approx(100 * 4.0 / row.sd**2), 100.0, None)


def test_draws_explain_the_variance_of_their_means():
    rng = np.random.default_rng(2)
    rows = []
    for seed in range(300):
        for task in "abc":
            cells = {"suite": "synthetic", "model": "llama", "seed": str(seed), "test_task": task, "n": "1000"}
            cells |= {"metric": "accuracy"}
            rows.append(cells | {"condition": "less", "draw": "", "value": "40"})
            for draw in "01":
                rows.append(cells | {"condition": "more", "draw": draw, "value": str(50 + 3 * rng.normal())})
    # A margin that no number of seeds tells from the effect.
    claim = contrast(margin=np.mean([float(row["value"]) for row in rows if row["draw"]]) - 40)
    claim["estimand"]["where"] = {"metric": "accuracy"}
    tables = {"made_up.csv": rows}
    decided = decide_claims(make_rules(claim), tables, MODELS, {})
    (parts,) = example_variances(make_rules(claim), decided, tables, {}).values()
    # Two draws of standard deviation 3 in each of three tasks.
    assert parts.draws == pytest.approx(9 / 2 / 3, rel=0.1)
    once = {"made_up.csv": [row for row in rows if row["draw"] != "1"]}
    (parts,) = example_variances(make_rules(claim), decided, once, {}).values()
    assert parts.draws is None


def row_key(row):
    return row.id, row.suite, row.model


def record(output, cpu, *inputs):
    return {"outputs": [{"output": output}], "inputs": [[name, ""] for name in inputs], "cpu_seconds": cpu}


RECORDS = [
    record("results/models/s/m/seed0/base.json", 10.0),
    record("results/models/s/m/seed1/base.json", 20.0),
    record("results/models/s/other/seed1/base.json", 500.0),
    record("results/made/s/m/seed1/cells.csv", 3.0, "results/models/s/m/seed1/base.json"),
    record("results/tables/made.csv", 700.0, "results/made/s/m/seed1/cells.csv", "results/models/s/m/seed0/base.json"),
    record("results/tables/more.csv", 900.0, "results/models/s/m/seed1/base.json"),
]


def test_a_seed_costs_what_the_last_one_did_and_each_job_counts_once():
    assert seed_seconds(RECORDS, ["made.csv"], "s", "m") == 23.0
    assert seed_seconds(RECORDS, ["more.csv"], "s", "m") == 20.0
    assert seed_seconds(RECORDS, ["made.csv", "more.csv"], "s", "m") == 23.0
    assert seed_seconds(RECORDS, ["made.csv"], "s", "unknown") is None


def test_the_figure_shows_every_claim_inside_the_page_with_the_seeds_it_needs():
    rows = make_table(3.0, noise=3.0) + make_table(1.0, noise=2.0, model="bloom")
    claims = [contrast(), contrast(id="within", direction="within"), contrast(id="low", direction="below", margin=5.0)]
    found = power_rows(decide_claims(make_rules(*claims), {"made_up.csv": rows}, MODELS, {}))
    figure = figure_of(lambda paths: draw_power(found, paths))
    assert_inside_the_page(figure)
    words = words_of(figure)
    assert len(found) > 2
    for row in found:
        assert f"{row.id} ({row.model})" in words
        assert (f"{row.seeds} → {row.needed} (" if row.needed else f"{row.seeds} → more than 200 seeds") in words
    assert "no claim of the papers is inconclusive" in words_of(figure_of(lambda paths: draw_power([], paths)))


def test_the_command_says_what_more_seeds_decide(tmp_path, monkeypatch, capsys):
    rows = make_table(3.0, noise=3.0)
    decided = decide_claims(make_rules(contrast(), contrast(id="other")), {"made_up.csv": rows}, MODELS, {})
    found = power_rows(decided)
    seconds = {("made_up.csv",): 60.0}
    assert more_seconds(found, 10, lambda tables, *_: seconds[tuple(tables)]) == 7 * 60.0
    table = tmp_path / "results/tables/claims_power.csv"
    table.parent.mkdir(parents=True)
    assert cli.main(["claims", "power", str(tmp_path / "results")]) == 2
    assert "there is no such table. Make it with `taskneurons results claims`" in capsys.readouterr().err
    POWER.write(table, found)
    path = tmp_path / "lineage/made.jsonl"
    path.parent.mkdir()
    cells = "results/made/synthetic/llama/seed2/cells.csv"
    write_jsonl(path, [record(cells, 60.0), record("results/tables/made_up.csv", 1.0, cells)])
    assert cli.main(["claims", "power", str(tmp_path / "results")]) == 0
    said = capsys.readouterr().out
    steps = [line for line in said.splitlines() if line.startswith("With ")]
    assert "in place of 3, 2 of the papers' 2 inconclusive claims" in steps[-1]
    seeds = int(steps[-1].split()[1])
    assert f"for {seeds - 3} CPU-minutes more" in steps[-1]
    assert all(f"`{row.id}`" in "\n".join(power_section(decided)) for row in found)
    assert power_lines([], lambda *_: None) == ["No result is inconclusive."]
    # The records lie beside the folder of results, however that is named.
    monkeypatch.chdir(tmp_path / "results")
    for name in (".", "../results", "tables/.."):
        assert cli.main(["claims", "power", name]) == 0
        assert capsys.readouterr().out == said, name


def test_a_cost_that_no_record_says_is_not_told(tmp_path, capsys):
    rows = make_table(3.0, noise=3.0) + make_table(3.0, noise=3.0, model="bloom")
    found = power_rows(decide_claims(make_rules(contrast()), {"made_up.csv": rows}, MODELS, {}))
    assert [row.model for row in found] == ["llama", "bloom"]
    assert len({row.needed for row in found}) == 1, "one step tells of both"
    POWER.write(tmp_path / "results/tables/claims_power.csv", found)
    assert cli.main(["claims", "power", str(tmp_path / "results")]) == 0
    said = {"nothing": capsys.readouterr().out.splitlines()}
    said["one"] = power_lines(found, lambda _, __, model: 60.0 if model == "llama" else None)
    said["both"] = power_lines(found, lambda *_: 60.0)
    steps = {name: [line for line in lines if line.startswith("With ")] for name, lines in said.items()}
    assert all(len(lines) == 1 for lines in steps.values()), steps
    seeds = int(steps["nothing"][0].split()[1])
    start = steps["nothing"][0].removesuffix(".")
    assert start.endswith("such a chance")
    assert steps["one"] == [f"{start}, for at least {seeds - 3} CPU-minutes more."]
    assert steps["both"] == [f"{start}, for {2 * (seeds - 3)} CPU-minutes more."]
