"""Tables of the layers study: planted borders are found, planted agreement too, and what is missing says why."""

import numpy as np
import pytest
from made_up_layers import DEPTH, FAMILIES, UNSEEN, make_layer_rows, make_sets, make_transfer_rows
from scipy.stats import spearmanr, ttest_1samp

from taskneurons.errors import InputError
from taskneurons.evidence.layers import (
    LAYER_COLUMNS,
    MAP_COLUMNS,
    SUMMARY_COLUMNS,
    gather_layers,
    layer_maps,
    read_layer_rows,
    read_maps,
    summarise_layers,
)
from taskneurons.evidence.layers_joint import (
    JOINT_COLUMNS,
    PAIR_COLUMNS,
    TRANSFER_COLUMNS,
    experimental_sets,
    gather_transfer,
    group_of,
    joint_tests,
    neuron_shares,
    read_joint,
    read_pairs,
    task_pairs,
)
from taskneurons.files import write_csv, write_json
from taskneurons.neurons.sets import NeuronSet, save_sets

RUN = {"model": "llama", "suite": "wide", "seed": 0}
EXPERIMENTAL = {"role": "experimental", "scope": "all", "metric": "cka_unbiased"}


def chosen(rows, **key):
    return [row for row in rows if all(row[name] == value for name, value in key.items())]


def test_rows_survive_a_file_whatever_their_order(tmp_path):
    rows = make_layer_rows()
    write_csv(tmp_path / "a.csv", rows[: len(rows) // 2], LAYER_COLUMNS)
    write_csv(tmp_path / "b.csv", rows[len(rows) // 2 :], LAYER_COLUMNS)
    gathered = gather_layers([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert gathered == gather_layers([tmp_path / "b.csv", tmp_path / "a.csv"])
    assert sorted(map(repr, gathered)) == sorted(map(repr, rows))
    write_csv(tmp_path / "all.csv", gathered, LAYER_COLUMNS)
    assert read_layer_rows(tmp_path / "all.csv") == gathered
    with pytest.raises(InputError, match=r"b\.csv: measures again"):
        gather_layers([tmp_path / "b.csv", tmp_path / "b.csv"])


def test_damaged_tables_are_refused_with_their_line(tmp_path):
    rows = make_layer_rows()
    for change, said in (({"value": "x"}, "no number"), ({"role": "nobody"}, "no role"), ({"seed": ""}, "no number")):
        write_csv(tmp_path / "x.csv", [rows[0], rows[1] | change], LAYER_COLUMNS)
        with pytest.raises(InputError, match=rf"x\.csv:3: .*{said}"):
            read_layer_rows(tmp_path / "x.csv")
    write_csv(tmp_path / "x.csv", [{"study": "layers"}], ["study"])
    for read in (read_layer_rows, read_maps, read_pairs, read_joint, lambda path: gather_transfer([path])):
        with pytest.raises(InputError, match="columns must be"):
            read(tmp_path / "x.csv")


def test_the_map_finds_the_planted_borders_and_none_on_unseen_tasks(tmp_path):
    maps = layer_maps(make_layer_rows(), alpha=0.05, draws=300)
    (found,) = chosen(maps, **EXPERIMENTAL)
    assert (found["verdict"], found["shared_end"], found["refinement_start"]) == ("transition", 3, 6)
    assert (found["tasks"], found["layers"]) == (len(FAMILIES), DEPTH)
    assert chosen(maps, scope="seen", metric="cka_unbiased")[0]["verdict"] == "transition"
    assert chosen(maps, scope="unseen", metric="cka_unbiased")[0]["verdict"] == "none"
    write_csv(tmp_path / "map.csv", maps, MAP_COLUMNS)
    read = read_maps(tmp_path / "map.csv")["llama", "wide", "0", "experimental", "all", "cka_unbiased"]
    assert {key: read[key] for key in ("verdict", "shared_low", "p_value")} == {
        key: found[key] for key in ("verdict", "shared_low", "p_value")
    }
    assert [group_of(layer, read) for layer in (1, 3, 4, 5, 6, 8)] == (
        ["shared"] * 2 + ["transition"] * 2 + ["refinement"] * 2
    )


def test_several_seeds_have_a_map_each_and_one_of_their_mean():
    maps = layer_maps(make_layer_rows(seeds=(0, 1)), alpha=0.05, draws=50)
    assert [row["seed"] for row in chosen(maps, **EXPERIMENTAL)] == [0, 1, "mean"]


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"depth": 3}, "3 layers, at least 4 are needed"),
        ({"tasks": tuple(FAMILIES)[:4]}, "4 tasks, at least 5 are needed"),
        ({"depth": 0}, "0 layers, at least 4"),
    ],
)
def test_a_map_that_cannot_be_made_says_why(options, reason):
    maps = layer_maps(make_layer_rows(**options), alpha=0.05, draws=50)
    for found in chosen(maps, **EXPERIMENTAL):
        assert found["verdict"] is None
        assert reason in found["reason"]
    assert options == {"depth": 0} or chosen(maps, **EXPERIMENTAL)


def test_summary_is_the_mean_over_tasks_with_a_t_interval():
    rows = make_layer_rows(noise=0.05)
    summary = summarise_layers(rows)
    assert all(set(row) <= set(SUMMARY_COLUMNS) for row in summary)
    base, own = (
        np.array([row["value"] for row in chosen(rows, role=role, layer=7, metric="cka_unbiased")])
        for role in ("base", "experimental")
    )
    (row,) = chosen(summary, group="", layer=7, **EXPERIMENTAL)
    interval = ttest_1samp(own - base, 0).confidence_interval()
    assert [row["base"], row["value"], row["gain"]] == pytest.approx([base.mean(), own.mean(), (own - base).mean()])
    assert [row["gain_low"], row["gain_high"]] == pytest.approx(list(interval))
    (family,) = chosen(summary, group="sums", layer="mean", **EXPERIMENTAL)
    assert (family["tasks"], family["interval"]) == (2, "not available: 2 tasks, at least 3 are needed")
    unseen = chosen(summary, role="held_out", scope="unseen", layer=1, metric="cka_unbiased")
    assert [row["tasks"] for row in unseen] == [len(UNSEEN)]


def pairs_of(sets=None, **options):
    by_selection = {"taylor-10-layer": make_sets() if sets is None else sets}
    return task_pairs(make_transfer_rows(), make_layer_rows(**options), by_selection, RUN)


def test_pairs_hold_overlap_similarity_and_transfer(tmp_path):
    sets = make_sets()
    pairs = pairs_of(sets)
    assert len(pairs) == len(FAMILIES) * (len(FAMILIES) - 1) * (DEPTH + 1)
    row = chosen(pairs, train_task="sums_a", test_task="lists_b", layer=8)[0]
    one, other = (set(np.flatnonzero(sets[task].mask[7])) for task in ("sums_a", "lists_b"))
    assert row["jaccard"] == pytest.approx(len(one & other) / len(one | other))
    assert row["excess"] == row["jaccard"] - row["chance"]
    assert row["same_family"] is False
    # The base scores 20 and has a loss of 1.6 on every task.
    same = chosen(pairs, train_task="sums_a", test_task="sums_b", layer=1)[0]
    assert (same["transfer"], same["transfer_loss"]) == (40.0, pytest.approx(0.6))
    write_csv(tmp_path / "pairs.csv", pairs, PAIR_COLUMNS)
    read = read_pairs(tmp_path / "pairs.csv")
    assert [r["excess"] for r in read] == [r.get("excess") for r in pairs]
    assert "excess" not in chosen(pairs, train_task="sums_a", test_task="lists_b", layer=0)[0]


def test_planted_agreement_is_found_and_is_the_families(tmp_path):
    pairs = pairs_of()
    tests = joint_tests(pairs, draws=999)
    assert {row["layer"] for row in tests} == set(range(1, DEPTH + 1))
    (row,) = chosen(tests, measure="excess~cka", given="", layer=8)
    some = chosen(pairs, layer=8)
    assert row["value"] == pytest.approx(spearmanr([p["excess"] for p in some], [p["cka"] for p in some]).statistic)
    for measure in ("excess~cka", "cka~transfer_loss"):
        at = chosen(tests, measure=measure, given="")
        assert np.median([row["p"] for row in at]) < 0.02
        assert all(row["p_holm"] >= row["p"] for row in at)
        # Nothing but the family ties the made-up pairs.
        assert np.median([row["p"] for row in chosen(tests, measure=measure, given="family")]) > 0.2
    assert {row["selection"] for row in chosen(tests, measure="cka~transfer")} == {""}
    write_csv(tmp_path / "joint.csv", tests, JOINT_COLUMNS)
    assert [row["value"] for row in read_joint(tmp_path / "joint.csv")] == [row["value"] for row in tests]


def test_without_sets_of_the_experimental_model_the_reason_stands_in_the_table(tmp_path):
    sets, reason = experimental_sets({}, None)
    tests = joint_tests(pairs_of(sets), draws=50, reason=reason)
    assert {row["reason"] for row in tests if row["measure"].startswith("excess")} == {reason}
    assert all(row["p"] is not None for row in tests if row["measure"].startswith("cka"))
    assert neuron_shares({"taylor-10-model": sets}, {}, RUN, reason)[0]["reason"] == reason


def test_sets_of_another_model_are_refused(tmp_path):
    neurons = NeuronSet(np.eye(4, dtype=bool))
    write_json(tmp_path / "checkpoint.json", {"digest": "a" * 64})
    save_sets(tmp_path / "x.safetensors", {"task": neurons}, {"model": "a" * 64})
    sets, reason = experimental_sets({"x": tmp_path / "x.safetensors"}, tmp_path / "checkpoint.json")
    assert (sets, reason) == ({"x": neurons}, "")
    save_sets(tmp_path / "x.safetensors", {"task": neurons}, {"model": "b" * 64})
    with pytest.raises(InputError, match="sets of the model bbbbbbbbbbbb, the experimental model is aaaaaaaaaaaa"):
        experimental_sets({"x": tmp_path / "x.safetensors"}, tmp_path / "checkpoint.json")
    save_sets(tmp_path / "x.safetensors", {"bottom": neurons}, {"model": "a" * 64})
    with pytest.raises(InputError, match="holds no set named `task`"):
        experimental_sets({"x": tmp_path / "x.safetensors"}, tmp_path / "checkpoint.json")


def test_shares_of_neurons_add_up_by_layer_and_by_group():
    sets = make_sets()
    (found,) = chosen(layer_maps(make_layer_rows(), alpha=0.05, draws=50), **EXPERIMENTAL)
    rows = neuron_shares({"taylor-10-model": sets}, found, RUN)
    by_layer, by_group = (chosen(rows, measure=measure) for measure in ("neuron_share", "group_share"))
    expected = np.mean([100 * one.layers() / len(one) for one in sets.values()], axis=0)
    assert [row["value"] for row in by_layer] == pytest.approx(expected.tolist())
    assert [row["layer"] for row in by_layer] == list(range(1, DEPTH + 1))
    assert {row["group"]: row["expected"] for row in by_group} == {
        "shared": 37.5,
        "transition": 25.0,
        "refinement": 37.5,
    }
    for rows_of in (by_layer, by_group):
        assert sum(row["value"] for row in rows_of) == pytest.approx(100)
        assert all(row["low"] <= row["value"] <= row["high"] for row in rows_of)
    (none,) = chosen(neuron_shares({"x": sets}, {"verdict": "none", "p_value": 0.4}, RUN), measure="group_share")
    assert none["reason"] == "no groups of layers: no transition (p = 0.4)"


def test_transfer_rows_survive_a_file(tmp_path):
    rows = make_transfer_rows()
    write_csv(tmp_path / "t.csv", rows, TRANSFER_COLUMNS)
    assert gather_transfer([tmp_path / "t.csv"]) == rows
    write_csv(tmp_path / "t.csv", [rows[0] | {"n": "many"}], TRANSFER_COLUMNS)
    with pytest.raises(InputError, match=r"t\.csv:2: holds a cell that is no number"):
        gather_transfer([tmp_path / "t.csv"])
