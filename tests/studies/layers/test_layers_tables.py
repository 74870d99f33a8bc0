"""Tables of the layers study: planted borders are found, planted agreement too, and what is missing says why."""

from dataclasses import replace

import numpy as np
import pytest
from csv_files import write_csv
from made_up_layers import DEPTH, FAMILIES, RUN, UNSEEN, make_layer_rows, make_sets, make_transfer_rows
from scipy.stats import spearmanr, ttest_1samp

from taskneurons.errors import InputError
from taskneurons.files import write_json
from taskneurons.neurons.sets import NeuronSet, save_sets
from taskneurons.studies.layers.joint import NO_SETS, experimental_sets, joint_tests, neuron_shares, task_pairs
from taskneurons.studies.layers.maps import group_of, layer_maps, map_of
from taskneurons.studies.layers.rows import COMPARED, JOINT, MAPS, PAIRS, SUMMARY, TRANSFER
from taskneurons.studies.layers.tables import summarise_layers

EXPERIMENTAL = {"role": "experimental", "scope": "all", "metric": "cka_unbiased"}


def chosen(rows, **key):
    return [row for row in rows if all(getattr(row, name) == value for name, value in key.items())]


def test_rows_survive_a_file_whatever_their_order(tmp_path):
    rows = make_layer_rows()
    COMPARED.write(tmp_path / "a.csv", rows[: len(rows) // 2])
    COMPARED.write(tmp_path / "b.csv", rows[len(rows) // 2 :])
    gathered = COMPARED.gather([tmp_path / "a.csv", tmp_path / "b.csv"])
    assert gathered == COMPARED.gather([tmp_path / "b.csv", tmp_path / "a.csv"])
    assert sorted(map(repr, gathered)) == sorted(map(repr, rows))
    COMPARED.write(tmp_path / "all.csv", gathered)
    assert COMPARED.read(tmp_path / "all.csv") == gathered
    with pytest.raises(InputError, match=r"b\.csv: measures again"):
        COMPARED.gather([tmp_path / "b.csv", tmp_path / "b.csv"])


def test_damaged_tables_are_refused_with_their_line(tmp_path):
    rows = make_layer_rows()
    for change, said in (
        ({"value": "x"}, "`value`: is `x`; expected a number"),
        ({"role": "nobody"}, "`role`: is `nobody`; expected one of base"),
        ({"seed": None}, "`seed`: is empty; expected a whole number"),
        ({"held_out": "maybe"}, "`held_out`: is `maybe`; expected True or False"),
        ({"p": 1.5}, "`p`: is `1.5`; expected a number or nothing or in"),
    ):
        COMPARED.write(tmp_path / "x.csv", [rows[0], replace(rows[1], **change)])
        with pytest.raises(InputError, match=rf"x\.csv:3: {said}"):
            COMPARED.read(tmp_path / "x.csv")
    TRANSFER.write(tmp_path / "x.csv", [replace(make_transfer_rows()[0], n="many")])
    with pytest.raises(InputError, match=r"x\.csv:2: `n`: is `many`; expected a whole number"):
        TRANSFER.gather([tmp_path / "x.csv"])
    write_csv(tmp_path / "x.csv", [{"study": "layers"}], ["study"])
    for table in (COMPARED, SUMMARY, MAPS, PAIRS, JOINT, TRANSFER):
        with pytest.raises(InputError, match="columns must be"):
            table.gather([tmp_path / "x.csv"])


def test_the_map_finds_the_planted_borders_and_none_on_unseen_tasks(tmp_path):
    maps = layer_maps(make_layer_rows(), alpha=0.05, draws=59)
    (found,) = chosen(maps, **EXPERIMENTAL)
    assert (found.verdict, found.shared_end, found.refinement_start) == ("transition", 3, 6)
    assert (found.tasks, found.families, found.layers) == (len(FAMILIES), len(set(FAMILIES.values())), DEPTH)
    assert chosen(maps, scope="seen", metric="cka_unbiased")[0].verdict == "transition"
    assert chosen(maps, scope="unseen", metric="cka_unbiased")[0].verdict == "none"
    MAPS.write(tmp_path / "map.csv", maps)
    read = MAPS.read(tmp_path / "map.csv")
    assert read == maps
    own = map_of(read, suite="wide", model="llama", seeds=[0], role="experimental", scope="all")
    assert own == found
    assert [group_of(layer, own) for layer in (1, 3, 4, 5, 6, 8)] == (
        ["shared"] * 2 + ["transition"] * 2 + ["refinement"] * 2
    )


def test_several_seeds_have_a_map_each_and_one_of_their_mean():
    maps = layer_maps(make_layer_rows(seeds=(0, 1)), alpha=0.05, draws=50)
    assert [row.seed for row in chosen(maps, **EXPERIMENTAL)] == [0, 1, "mean"]
    for seeds, name in (([0, 1], "mean"), ([1], 1)):
        found = map_of(maps, suite="wide", model="llama", seeds=seeds, role="experimental", scope="all")
        assert found is not None and found.seed == name
    assert map_of(maps, suite="wide", model="bloom", seeds=[0], role="experimental", scope="all") is None


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        ({"depth": 3}, "3 layers, at least 4 are needed"),
        ({"tasks": tuple(FAMILIES)[:4]}, "2 families, at least 5 are needed"),
        ({"depth": 0}, "0 layers, at least 4"),
    ],
)
def test_a_map_that_cannot_be_made_says_why(options, reason):
    maps = layer_maps(make_layer_rows(**options), alpha=0.05, draws=50)
    for found in chosen(maps, **EXPERIMENTAL):
        assert found.verdict is None
        assert reason in found.reason
    assert options == {"depth": 0} or chosen(maps, **EXPERIMENTAL)


def test_summary_is_the_mean_over_tasks_with_a_t_interval(tmp_path):
    rows = make_layer_rows(noise=0.05)
    summary = list(summarise_layers(rows))
    SUMMARY.write(tmp_path / "summary.csv", summary)
    assert SUMMARY.read(tmp_path / "summary.csv") == summary
    base, own = (
        np.array([row.value for row in chosen(rows, role=role, layer=7, metric="cka_unbiased")])
        for role in ("base", "experimental")
    )
    (row,) = chosen(summary, group="", layer=7, **EXPERIMENTAL)
    interval = ttest_1samp(own - base, 0).confidence_interval()
    assert [row.base, row.value, row.gain] == pytest.approx([base.mean(), own.mean(), (own - base).mean()])
    assert [row.gain_low, row.gain_high] == pytest.approx(list(interval))
    assert [row.base_lowest, row.base_highest, row.lowest, row.highest] == [
        base.min(), base.max(), own.min(), own.max(),
    ]  # fmt: skip
    (family,) = chosen(summary, group="sums", layer="mean", **EXPERIMENTAL)
    assert (family.tasks, family.interval) == (2, "not available: 2 tasks, at least 3 are needed")
    unseen = chosen(summary, role="held_out", scope="unseen", layer=1, metric="cka_unbiased")
    assert [row.tasks for row in unseen] == [len(UNSEEN)]


def pairs_of(sets=None):
    by_selection = {"taylor-10-layer": make_sets() if sets is None else sets}
    return task_pairs(make_transfer_rows(), make_layer_rows(), by_selection, RUN)


def test_pairs_hold_overlap_similarity_and_transfer(tmp_path):
    sets = make_sets()
    pairs = pairs_of(sets)
    assert len(pairs) == len(FAMILIES) * (len(FAMILIES) - 1) * (DEPTH + 1)
    row = chosen(pairs, train_task="sums_a", test_task="lists_b", layer=8)[0]
    one, other = (set(np.flatnonzero(sets[task].mask[7])) for task in ("sums_a", "lists_b"))
    assert row.jaccard == pytest.approx(len(one & other) / len(one | other))
    assert row.excess == row.jaccard - row.chance
    assert row.same_family is False
    # The base scores 20 and has a loss of 1.6 on every task.
    same = chosen(pairs, train_task="sums_a", test_task="sums_b", layer=1)[0]
    assert (same.transfer, same.transfer_loss) == (40.0, pytest.approx(0.6))
    PAIRS.write(tmp_path / "pairs.csv", pairs)
    assert PAIRS.read(tmp_path / "pairs.csv") == pairs
    assert chosen(pairs, train_task="sums_a", test_task="lists_b", layer=0)[0].excess is None


def test_pairs_of_another_run_are_left_aside():
    transfer = [*make_transfer_rows(), *(replace(row, value=0.1) for row in make_transfer_rows(seed=1))]
    layers = [*make_layer_rows(), *(replace(row, seed=1, value=50.0) for row in make_layer_rows())]
    assert task_pairs(transfer, layers, {"taylor-10-layer": make_sets()}, RUN) == pairs_of()


def test_planted_agreement_is_found_and_is_the_families(tmp_path):
    pairs = pairs_of()
    tests = joint_tests(pairs, draws=999)
    assert {row.layer for row in tests} == set(range(1, DEPTH + 1))
    (row,) = chosen(tests, measure="excess~cka", given="", layer=8)
    some = chosen(pairs, layer=8)
    assert row.value == pytest.approx(spearmanr([p.excess for p in some], [p.cka for p in some]).statistic)
    for measure in ("excess~cka", "cka~transfer_loss"):
        at = chosen(tests, measure=measure, given="")
        assert np.median([row.p for row in at]) < 0.02
        assert all(row.p_holm >= row.p for row in at)
        # Nothing but the family ties the made-up pairs.
        assert np.median([row.p for row in chosen(tests, measure=measure, given="family")]) > 0.2
    assert {row.selection for row in chosen(tests, measure="cka~transfer")} == {""}
    JOINT.write(tmp_path / "joint.csv", tests)
    assert JOINT.read(tmp_path / "joint.csv") == tests


def test_without_sets_of_the_experimental_model_the_reason_stands_in_the_table():
    tests = joint_tests(pairs_of({}), draws=50)
    pairs = len(FAMILIES) * (len(FAMILIES) - 1)
    assert {row.reason for row in tests if row.measure.startswith("excess")} == {
        f"{pairs} of {pairs} pairs of tasks are not available"
    }
    assert all(row.p is not None for row in tests if row.measure.startswith("cka"))
    assert neuron_shares({"taylor-10-model": {}}, None, RUN)[0].reason == NO_SETS


def test_sets_of_another_model_are_refused(tmp_path):
    neurons = NeuronSet(np.eye(4, dtype=bool))
    write_json(tmp_path / "checkpoint.json", {"digest": "a" * 64})
    save_sets(tmp_path / "x.safetensors", {"task": neurons}, {"model": "a" * 64})
    assert experimental_sets({"x": tmp_path / "x.safetensors"}, tmp_path / "checkpoint.json") == {"x": neurons}
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
    assert [row.value for row in by_layer] == pytest.approx(expected.tolist())
    assert [row.layer for row in by_layer] == list(range(1, DEPTH + 1))
    assert {row.group: row.expected for row in by_group} == {
        "shared": 37.5,
        "transition": 25.0,
        "refinement": 37.5,
    }
    for rows_of in (by_layer, by_group):
        assert sum(row.value for row in rows_of) == pytest.approx(100)
        assert all(row.low <= row.value <= row.high for row in rows_of)
    flat = replace(found, verdict="none", p_value=0.4, shared_end=None, refinement_start=None)
    (none,) = chosen(neuron_shares({"x": sets}, flat, RUN), measure="group_share")
    assert none.reason == "no groups of layers: no rise (p = 0.4)"
