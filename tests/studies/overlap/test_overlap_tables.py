"""Overlap tables: values against plain sets, chance where there is nothing, and what was planted is found."""

from dataclasses import replace
from itertools import combinations
from statistics import fmean

import numpy as np
import pytest
from made_up_overlap import DEPTH, GROUPS, TASKS, WIDTH, make_run, make_scores

from taskneurons.errors import InputError
from taskneurons.evidence.papers import OVERLAPS
from taskneurons.studies.overlap.pairs import pair_table
from taskneurons.studies.overlap.rows import MEAN, PAIRS, SUMMARY
from taskneurons.studies.overlap.sets import ScoredRun, read_scored_runs
from taskneurons.studies.overlap.tables import overlap_summary


def summarised(runs, published=(), percents=(10,), within="model", permutations=200):
    return overlap_summary(
        runs, {"mine": GROUPS}, {"mine": TASKS}, published, percents=percents, within=within, permutations=permutations
    )


def one(rows, **key):
    (row,) = [row for row in rows if all(getattr(row, name) == value for name, value in key.items())]
    return row


def members(run, task, percent):
    """The best neurons, by sorting in plain Python."""
    scores = run.whole[task].scores.ravel().tolist()
    return set(sorted(range(len(scores)), key=lambda n: (-scores[n], n))[: round(len(scores) * percent / 100)])


def test_pairs_and_unions_are_those_of_plain_sets():
    run = make_run(1)
    pairs, rows = pair_table([run], {"mine": TASKS}, percents=[10, 30], within="model"), summarised([run])
    assert len(pairs) == 2 * len(list(combinations(TASKS, 2)))
    for row in pairs:
        a, b = (members(run, task, row.percent) for task in (row.first_task, row.second_task))
        assert row.shared == len(a & b)
        assert row.value == pytest.approx(100 * len(a & b) / len(a | b))
        assert row.p_model <= row.p_model_fdr and row.p_layer <= row.p_layer_fdr
    for group, (trained, tested) in {
        "CLS-GEN": (["moods_a", "likes_a"], ["facts_b", "lists_b"]),
        "GEN-GEN": (["facts_a", "lists_a"], ["facts_b", "lists_b"]),
    }.items():
        a, b = (set().union(*(members(run, task, 10) for task in tasks)) for tasks in (trained, tested))
        row = one(rows, scope="unions", group=group, layer=None)
        assert row.value == pytest.approx(100 * len(a & b) / len(a | b))
        for layer in range(DEPTH):
            inside = range(layer * WIDTH, (layer + 1) * WIDTH)
            a_here, b_here = ({n for n in part if n in inside} for part in (a, b))
            value = one(rows, scope="unions", group=group, layer=layer).value
            assert value == pytest.approx(100 * len(a_here & b_here) / len(a_here | b_here))


def test_tasks_without_a_common_cause_share_what_chance_gives():
    runs = [make_run(seed, family=0, kind=0) for seed in range(20)]
    pairs = pair_table(runs, {"mine": TASKS}, percents=[10], within="model")
    assert fmean(row.p_layer_fdr < 0.05 for row in pairs) <= 0.05
    assert abs(fmean(row.excess_layer for row in pairs)) < 0.5
    found = [row for run in runs for row in summarised([run], permutations=99) if row.expected_model]
    assert len(found) == 4 * len(runs)
    for row in found:
        # Two sets in each union here: 1 - 0.9^2 = 19 %, so that chance is 0.19 / (2 - 0.19).
        assert row.expected_model == pytest.approx(100 * 0.19 / 1.81)
    for p in ("p_model", "p_layer", "p_unions"):
        assert fmean(getattr(row, p) <= 0.05 for row in found) <= 0.12
        assert 0.3 < fmean(getattr(row, p) for row in found) < 0.7


def test_what_is_planted_is_found_and_ranked():
    rows = summarised([make_run(seed) for seed in range(3)])
    whole = [row for row in rows if row.seed == MEAN and row.layer is None]
    means = {row.group: row for row in whole if row.scope == "pairs"}
    excess = {name: row.excess_layer for name, row in means.items()}
    assert excess["same_family"] > excess["same_kind"] + 10 > excess["other_kind"] + 10
    assert means["same_family"].p_tasks < 0.05 and means["same_kind"].p_tasks < 0.05
    assert means["other_kind"].p_tasks is None
    assert means["same_family"].excess_layer_low > 0
    halves = [row for row in whole if row.scope == "halves"]
    assert {row.group for row in halves} == set(TASKS)
    assert all(row.value > means["same_family"].value for row in halves)
    assert all(row.ceiling > row.value_halves for row in means.values())


def test_neurons_that_crowd_into_one_layer_are_no_evidence_of_sharing():
    """Independent tasks whose neurons lie in layer 0: far above chance over the model, at chance within layers."""
    rows = summarised([make_run(seed, family=0, kind=0, first_layer=1.5) for seed in range(3)])
    for group in ("CLS-CLS", "CLS-GEN"):
        row = one(rows, seed=MEAN, scope="unions", group=group, layer=None)
        assert row.p_model < 0.02 and row.excess_model > 5
        assert row.p_layer > 0.05 and abs(row.excess_layer) < 3


def test_tasks_of_a_group_that_share_neurons_lower_chance_for_their_union():
    """Groups that share nothing with each other lie below three independent sets, and at chance as wholes."""
    run = make_run(0, family=0, kind=3, noise=0.1)
    rows = summarised([run], percents=(50,))
    row = one(rows, scope="unions", group="CLS-GEN", layer=None)
    assert row.excess_model < -3 and row.p_model < 0.05
    assert abs(row.excess_unions) < 6


def test_table_8_stands_beside_ours(root):
    rows = summarised([make_run()], OVERLAPS.read(root / "published" / "leng2025" / "table8_overlap.csv"))
    row = one(rows, scope="unions", group="CLS-CLS", layer=None)
    assert row.published == 20.8
    # The paper has three tasks a group, the made-up suite two.
    assert row.published_excess == round(20.8 - row.expected_model, 1)
    assert one(rows, scope="unions", group="CLS-CLS", layer=1).published_excess is None


def test_one_seed_has_intervals_over_tasks_for_pairs_and_none_for_unions():
    rows = summarised([make_run()])
    assert {row.seed for row in rows} == {0}
    pairs = one(rows, scope="pairs", group="same_family", layer=None)
    assert pairs.interval == "95 % t over families as if independent, jackknife"
    assert pairs.low < pairs.value < pairs.high
    other = one(rows, scope="pairs", group="other_kind", layer=None)
    assert other.interval == "95 % t over tasks as if independent, jackknife"
    assert other.excess_layer_low < other.excess_layer < other.excess_layer_high
    # The two families of a kind: without one of them there is no pair, but without one task there are some.
    same = one(rows, scope="pairs", group="same_kind", layer=None)
    assert same.low < same.value < same.high
    unions = one(rows, scope="unions", group="GEN-GEN", layer=None)
    assert unions.interval == "not available: 1 seeds, at least 3 are needed" and unions.low is None


def test_all_neurons_overlap_fully():
    rows = summarised([make_run()], percents=(100,))
    for row in rows:
        if row.scope == "unions":
            assert row.value == row.null_layer == 100
            assert row.p_layer == 1


def test_equal_scores_have_no_set_and_say_so():
    run = make_run()
    flat = make_scores("moods_a", np.zeros((DEPTH, WIDTH)))
    run = replace(run, whole=run.whole | {"moods_a": flat})
    pairs = pair_table([run], {"mine": TASKS}, percents=[10], within="model")
    assert [row for row in pairs if row.value is not None] == [row for row in pairs if row.first_task != "moods_a"]
    assert "moods_a: all scores are equal" in pairs[0].reason
    rows = summarised([run, make_run(1)])
    assert one(rows, seed=0, scope="unions", group="CLS-GEN", layer=None).value is None
    mean = one(rows, seed=MEAN, scope="unions", group="CLS-GEN", layer=None)
    assert mean.reason.startswith("seed 0: moods_a: all scores are equal") and mean.value is None
    assert one(rows, seed=MEAN, scope="unions", group="GEN-GEN", layer=None).value is not None
    assert one(rows, seed=0, scope="halves", group="moods_a").reason


def test_scores_of_another_model_are_refused():
    run, other = make_run(), make_run(1)
    with pytest.raises(InputError, match=r"scored on the model 0{12}, the first is of") as refused:
        ScoredRun("mine", "llama", 0, run.whole | {"moods_b": other.whole["moods_b"]}, run.halves)
    assert refused.value.where == "mine, llama, seed 0: moods_b"
    wrong = make_scores("moods_b", np.ones((DEPTH, WIDTH)), estimator="gradient")
    with pytest.raises(InputError, match="scored by gradient"):
        ScoredRun("mine", "llama", 0, run.whole | {"moods_b": wrong}, run.halves)
    with pytest.raises(InputError, match="halves of"):
        ScoredRun("mine", "llama", 0, run.whole, {})
    with pytest.raises(InputError, match="has scores but no description"):
        pair_table([run], {"mine": {}}, percents=[10], within="model")
    groups = {"mine": GROUPS | {"train_generation": ["unknown"]}}
    with pytest.raises(InputError, match="`unknown` of the groups has no scores"):
        overlap_summary([run], groups, {"mine": TASKS}, (), percents=[10], within="model", permutations=5)


def test_scores_are_read_run_by_run(tmp_path):
    runs = [make_run(1), make_run(0), make_run(0, model="bloom")]
    files = []
    for run in runs:
        folder = tmp_path / "mine" / run.model / f"seed{run.seed}" / "base"
        for task, scores in run.whole.items():
            files.append(folder / "scores" / f"{task}.safetensors")
            scores.save(files[-1])
        for task, halves in run.halves.items():
            for number, half in enumerate(halves):
                files.append(folder / "halves" / f"{task}.{number}.safetensors")
                half.save(files[-1])
    read = read_scored_runs(files)
    assert [(run.suite, run.model, run.seed) for run in read] == [(run.suite, run.model, run.seed) for run in runs]
    for run, again in zip(runs, read, strict=True):
        assert summarised([again]) == summarised([replace(run, whole=dict(sorted(run.whole.items())))])
    with pytest.raises(InputError, match="halves 0 and 1 were expected, not 1"):
        read_scored_runs([path for path in files if path.name != "moods_a.0.safetensors"])
    files[0].rename(files[0].with_name("moods_c.safetensors"))
    with pytest.raises(InputError, match="holds the scores of moods_a"):
        read_scored_runs([files[0].with_name("moods_c.safetensors")])


def test_tables_are_read_as_they_were_written_and_others_refused(tmp_path):
    run = make_run()
    summary, pairs = summarised([run, make_run(1)]), pair_table([run], {"mine": TASKS}, percents=[10], within="layer")
    SUMMARY.write(tmp_path / "summary.csv", summary)
    PAIRS.write(tmp_path / "pairs.csv", pairs)
    assert SUMMARY.read(tmp_path / "summary.csv") == summary
    assert PAIRS.read(tmp_path / "pairs.csv") == pairs
    with pytest.raises(InputError, match="columns must be"):
        SUMMARY.read(tmp_path / "pairs.csv")
    text = (tmp_path / "pairs.csv").read_text().replace("taylor,layer,10", "taylor,layer,ten", 1)
    (tmp_path / "pairs.csv").write_text(text)
    with pytest.raises(InputError, match=r"pairs\.csv:2: `percent`: is `ten`; expected a number"):
        PAIRS.read(tmp_path / "pairs.csv")
