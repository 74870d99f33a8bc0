"""Tables of the training study agree with pandas and scipy, recover effects of known size, and say what is missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from made_up_tuned import PAIRS, TRANSFER, training_rows
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.evidence.published import read_published
from taskneurons.evidence.training import TRAINING_COLUMNS, arms, training_summary
from taskneurons.evidence.training_intervals import signed_rank, stated
from taskneurons.evidence.training_matrix import DIAGONAL_COLUMNS, gain_matrix, training_diagonal
from taskneurons.evidence.training_published import PUBLISHED_COLUMNS, training_published
from taskneurons.evidence.tuned import COLUMNS, gather_tuned
from taskneurons.files import write_csv
from taskneurons.measures.stats import diagonal_test

PUBLISHED = Path(__file__).parents[2] / "published" / "leng2025"


def the(rows: list[dict], **cells) -> dict:
    found = [row for row in rows if all(row[name] == value for name, value in cells.items())]
    assert len(found) == 1, (len(found), cells)
    return found[0]


def test_summary_equals_pandas_and_scipy(tasks) -> None:
    rows = training_rows(tasks)
    summary = training_summary(rows, tasks)
    frame = pd.DataFrame(arms(rows))
    for task, metric in (("sentiment_food", "accuracy"), ("summary_news", "rougeL"), ("nli_place", "loss")):
        of_task = frame[(frame.test_task == task) & (frame.metric == metric)]
        means = of_task.groupby(["condition", "seed"]).value.mean().unstack()
        sign = -1 if metric == "loss" else 1
        for condition in ("random", "other_task", "task", "ffn", "full"):
            row = the(summary, condition=condition, task=task, metric=metric)
            own = means.loc[condition]
            for name, numbers in (
                ("value", own),
                ("gain", sign * (own - means.loc["zero_shot"])),
                ("over_random", sign * (own - means.loc["random"])),
            ):
                if name == "over_random" and condition not in ("task", "other_task"):
                    assert row["over_random"] is None
                    continue
                interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
                start = "" if name == "value" else f"{name}_"
                assert row[name] == pytest.approx(numbers.mean())
                assert (row[f"{start}low"], row[f"{start}high"]) == pytest.approx((interval.low, interval.high))
                assert row[f"{start}interval"] == "95 % t"
    random = the(summary, condition="random", task="nli_place", metric="accuracy")
    draws = frame[(frame.test_task == "nli_place") & (frame.metric == "accuracy") & (frame.condition == "random")]
    assert (random["draws"], random["share"], random["learning_rate"]) == (3, 10, "0.003")
    assert random["draw_sd"] == pytest.approx(draws.groupby("seed").value.std().mean())
    assert all(tuple(row) == TRAINING_COLUMNS for row in summary)


def test_gains_of_known_size_are_recovered(tasks) -> None:
    summary = training_summary(training_rows(tasks, noise=1e-4), tasks)
    for mean, metric, zero in (("mean_cls", "accuracy", 40), ("mean_gen", "rougeL", 20)):
        assert the(summary, task=mean, condition="zero_shot", metric=metric)["value"] == pytest.approx(zero, abs=1e-3)
        own = the(summary, task=mean, condition="task", metric=metric)
        assert (own["value"], own["gain"], own["over_random"]) == pytest.approx((zero + 15, 15, 13), abs=1e-3)
        assert (own["tasks"], own["gain_tasks"], own["over_random_tasks"]) == (6, 6, 6)
        # Six signs: two of 64 arrangements are as extreme.
        assert own["over_random_p"] == pytest.approx(2 / 64)
        # Equally small in all conditions: five differ from the untrained model, two have random neurons beside them.
        assert (own["gain_p_holm"], own["over_random_p_holm"]) == pytest.approx((5 * 2 / 64, 2 * 2 / 64))
    loss = the(summary, task="mean_all", condition="task", metric="loss")
    assert (loss["kind"], loss["tasks"], loss["gain"]) == ("all", 12, pytest.approx(15 / 40, abs=1e-3))
    assert loss["over_random_p"] == pytest.approx(2 / 4096)
    # Only the arm of the table, not the pairs of the matrix, whose gains differ.
    assert the(summary, task="nli_place", condition="other_task", metric="accuracy")["gain"] == pytest.approx(
        5, abs=1e-3
    )


def test_one_seed_has_intervals_over_tasks(tasks) -> None:
    rows = training_rows(tasks, seeds=(4,))
    summary = training_summary(rows, tasks)
    row = the(summary, task="mean_gen", condition="task", metric="rougeL")
    frame = pd.DataFrame(arms(rows))
    own = frame[frame.metric == "rougeL"].groupby(["condition", "test_task"]).value.mean().unstack()
    for start, numbers in (
        ("", own.loc["task"]),
        ("gain_", own.loc["task"] - own.loc["zero_shot"]),
        ("over_random_", own.loc["task"] - own.loc["random"]),
    ):
        interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
        assert (row[f"{start}low"], row[f"{start}high"]) == pytest.approx((interval.low, interval.high))
        assert row[f"{start}interval"] == "95 % t over tasks as if independent"
    assert row["over_random_p"] == stats.wilcoxon(own.loc["task"] - own.loc["random"]).pvalue
    assert row["over_random_p"] <= row["over_random_p_holm"] <= 1
    alone = the(summary, task="summary_news", condition="task", metric="rougeL")
    assert (alone["gain_p"], alone["gain_p_holm"]) == (None, None)
    assert (alone["low"], alone["interval"]) == (None, "not available: 1 seeds, at least 3 are needed")


def test_settings_of_one_seed_stand_beside_those_of_three(tasks) -> None:
    small = [
        row | {"percent": 3.0, "share": 3.0}
        for row in training_rows(tasks, pairs=False)
        if row["percent"] and row["seed"] == 0 and row["train_task"] == row["test_task"]
    ]
    summary = training_summary(training_rows(tasks) + small, tasks)
    row = the(summary, task="mean_cls", condition="task", metric="accuracy", percent=3.0)
    assert (row["seeds"], row["gain_interval"]) == (1, "95 % t over tasks as if independent")
    assert the(summary, task="mean_cls", condition="task", metric="accuracy", percent=10.0)["seeds"] == 3


def test_a_missing_task_leaves_no_average(tasks) -> None:
    rows = [row for row in training_rows(tasks) if (row["condition"], row["test_task"]) != ("full", "nli_place")]
    summary = training_summary(rows, tasks)
    assert not [row for row in summary if (row["condition"], row["task"]) == ("full", "mean_cls")]
    assert the(summary, condition="full", task="mean_gen", metric="rougeL")["tasks"] == 6
    with pytest.raises(InputError, match="task `sentiment_food` of suite `synthetic` has results but no description"):
        training_summary(rows, tasks[1:])


def test_chance_is_marked(tasks) -> None:
    summary = training_summary(training_rows(tasks, noise=0.01), tasks)
    untrained = the(summary, task="sentiment_food", condition="zero_shot", metric="accuracy")
    assert (untrained["chance"], untrained["at_chance"]) == (50, True)
    assert the(summary, task="sentiment_food", condition="full", metric="accuracy")["at_chance"] is False
    assert the(summary, task="sentiment_food", condition="full", metric="loss")["chance"] is None


def test_signed_rank_is_exact_with_ties_and_zeros() -> None:
    rng = np.random.default_rng(0)
    for size in (5, 6, 12):
        values = rng.normal(0.4, 1, size).tolist()
        assert signed_rank(values) == pytest.approx(stats.wilcoxon(values, method="exact").pvalue)
    # Ranks 1.5, 1.5, 3, 4: every one of 16 signs by hand.
    ranks, values = np.array([1.5, 1.5, 3, 4]), [1.0, 1.0, 2.0, -3.0]
    signs = np.array(np.meshgrid(*[[0, 1]] * 4)).reshape(4, -1)
    sums = ranks @ signs
    observed = 6.0
    assert signed_rank(values) == pytest.approx(min(1, 2 * min(np.mean(sums >= observed), np.mean(sums <= observed))))
    with_zero = stats.wilcoxon([0.0, *values], method=stats.PermutationMethod(rng=0))
    assert signed_rank([0.0, *values]) == with_zero.pvalue
    assert signed_rank([0.0, 0.0, 1e-12]) is None
    many = rng.normal(0.3, 1, 20)
    assert signed_rank(many.tolist()) == pytest.approx(stats.wilcoxon(many).pvalue)


def test_intervals_say_what_they_are_over() -> None:
    three = stated([{0: 1.0, 1: 2.0, 2: 4.0}, {0: 3.0, 1: 5.0, 2: 6.0}])
    low, high = stats.ttest_1samp([2.0, 3.5, 5.0], 0).confidence_interval(0.95)
    assert (three.mean, three.low, three.high) == pytest.approx((3.5, low, high))
    assert three.interval == "95 % t"
    # Only seeds that every task has.
    partly = stated([{0: 1.0, 1: 2.0, 2: 4.0}, {0: 3.0, 1: 5.0}, {0: 2.0, 1: 2.0}])
    low, high = stats.ttest_1samp([1.5, 4.0, 2.0], 0).confidence_interval(0.95)
    assert (partly.mean, partly.low, partly.high) == pytest.approx((2.5, low, high))
    assert partly.interval == "95 % t over tasks as if independent"
    assert stated([{0: 1.0}, {0: 2.0}]).interval == "not available: 2 tasks, at least 3 are needed"
    assert stated([]).mean is None
    assert stated([{0: 1.0}, {1: 2.0}]).interval == "not available: 0 seeds, at least 3 are needed"


def test_matrices_hold_the_gains(tasks) -> None:
    rows = training_rows(tasks, noise=0.0)
    names = [task["name"] for task in tasks]
    metrics = {t["name"]: "accuracy" if t["options"] else "rougeL" for t in tasks}
    pairs = gain_matrix(rows, names, metrics, 0, matrix="pairs")
    assert np.diagonal(pairs).tolist() == [15.0] * 12
    # The arm of the table is a cell of the first task's column, too.
    assert (pairs[1, 0], pairs[3, 0], pairs[6, 0]) == (PAIRS["family"], PAIRS["kind"], PAIRS["other"])
    transfer = gain_matrix(rows, names, metrics, 1, matrix="transfer")
    assert (transfer[0, 0], transfer[0, 1], transfer[0, 2], transfer[0, 6]) == (15.0, *TRANSFER.values())
    losses = gain_matrix(rows, names, dict.fromkeys(names, "loss"), 1, matrix="transfer")
    assert losses == pytest.approx(transfer / 40)
    assert np.isnan(gain_matrix(rows, names, metrics, 1, matrix="pairs")).sum() == 12 * 10


def test_diagonal_tests_recover_the_known_effect(tasks) -> None:
    rows = training_rows(tasks, noise=0.0)
    results = training_diagonal(rows, tasks)
    assert all(tuple(row) == DIAGONAL_COLUMNS for row in results)
    seeds = {matrix: {row["seed"] for row in results if row["matrix"] == matrix} for matrix in ("pairs", "transfer")}
    assert seeds == {"pairs": {0, "mean"}, "transfer": {0, 1, 2, "mean"}}
    small = the(results, matrix="transfer", scope="classification", metric="accuracy", seed="mean")
    assert (small["diagonal"], small["sibling"], small["same_kind"], small["other_kind"]) == (15, 8, 2, None)
    assert (small["p_value"], small["exact"], small["rows_largest"]) == (pytest.approx(1 / 720), True, 1)
    large = the(results, matrix="transfer", scope="all", metric="loss", seed=2)
    assert (large["tasks"], large["other_kind"]) == (12, pytest.approx(-1 / 40))
    for seed in (0, "mean"):
        family = [row for row in results if row["seed"] == seed]
        smallest = min(row["p_value"] for row in family)
        assert min(row["p_holm"] for row in family) == pytest.approx(min(1, len(family) * smallest))


def test_rates_that_differ_on_the_diagonal_of_pairs_are_told_and_change_no_number(tasks) -> None:
    rows, slower = (training_rows(tasks, noise=0.0, rate_of_others=rate) for rate in (3e-3, 1e-4))
    assert {row["reason"] for row in training_diagonal(rows, tasks)} == {""}
    results = training_diagonal(slower, tasks)
    told = {matrix: {row["reason"] for row in results if row["matrix"] == matrix} for matrix in ("pairs", "transfer")}
    assert told == {"pairs": {"learning rate 0.003 on the diagonal, 0.0001 off it"}, "transfer": {""}}
    assert [row | {"reason": ""} for row in results] == training_diagonal(rows, tasks)
    missing = [row for row in slower if (row["neurons"], row["test_task"]) != ("nli_place", "nli_person")]
    row = the(training_diagonal(missing, tasks), matrix="pairs", scope="classification", metric="accuracy", seed=0)
    assert row["reason"] == "1 of 36 gains were not measured; learning rate 0.003 on the diagonal, 0.0001 off it"


def test_a_matrix_without_structure_has_no_diagonal(tasks) -> None:
    rng = np.random.default_rng(0)
    null = [
        row | {"value": 50 + rng.normal()} if row["condition"] in ("task", "other_task") else row
        for row in training_rows(tasks)
    ]
    row = the(training_diagonal(null, tasks), matrix="transfer", scope="all", metric="score", seed="mean")
    assert row["p_value"] > 0.05
    names = [task["name"] for task in tasks]
    metrics = {t["name"]: "accuracy" if t["options"] else "rougeL" for t in tasks}
    mean = np.mean([gain_matrix(null, names, metrics, seed, matrix="transfer") for seed in range(3)], axis=0)
    assert row["p_value"] == diagonal_test(mean).p_value


def test_unmeasured_pairs_say_so_and_tables_alone_have_no_test(tasks) -> None:
    rows = [row for row in training_rows(tasks) if (row["neurons"], row["test_task"]) != ("nli_place", "nli_person")]
    row = the(training_diagonal(rows, tasks), matrix="pairs", scope="classification", metric="accuracy", seed=0)
    assert (row["p_value"], row["reason"]) == (None, "1 of 36 gains were not measured")
    assert training_diagonal(arms(training_rows(tasks)), tasks) == []


def test_published_values_stand_beside_ours(tasks) -> None:
    published = {table: read_published(PUBLISHED, table) for table in ("T2", "T7")}
    summary = training_summary(training_rows(tasks) + training_rows(tasks, model="bloom"), tasks)
    compared = training_published(summary, published, tasks, {"llama": "llama", "bloom": "bloom"})
    assert all(tuple(row) == PUBLISHED_COLUMNS for row in compared)
    row = the(compared, model="llama", task="sentiment_food", condition="random")
    assert (row["table"], row["published_task"]) == ("T2", "AmazonFood")
    assert (row["published"], row["published_gain"]) == (85.5, 0.3)
    row = the(compared, model="llama", task="mean_cls", condition="task")
    theirs = {r["condition"]: r["value"] for r in published["T2"] if r["task"] == "mean_cls"}
    assert row["published_over_random"] == pytest.approx(theirs["train_task"] - theirs["train_random"])
    ours = the(summary, model="llama", task="mean_cls", condition="task", metric="accuracy")
    assert (row["over_random"], row["over_random_low"]) == (ours["over_random"], ours["over_random_low"])
    assert the(compared, model="bloom", task="summary_sport", condition="zero_shot")["published"] == 13.4
    assert {row["condition"] for row in compared} == {"zero_shot", "random", "task"}
    with pytest.raises(InputError, match="architecture of model `bloom`"):
        training_published(summary, published, tasks, {"llama": "llama"})


def test_the_untrained_model_may_stand_in_several_files(tmp_path: Path, tasks) -> None:
    rows = training_rows([tasks[0], tasks[7]], seeds=(0,))
    write_csv(tmp_path / "a.csv", rows, COLUMNS)
    zero = [row for row in rows if row["condition"] == "zero_shot"]
    write_csv(tmp_path / "b.csv", zero, COLUMNS)
    assert len(gather_tuned([tmp_path / "a.csv", tmp_path / "b.csv"], "training")) == len(rows)
    write_csv(tmp_path / "b.csv", [row | {"value": 1.0} for row in zero], COLUMNS)
    with pytest.raises(InputError, match="measures again what"):
        gather_tuned([tmp_path / "a.csv", tmp_path / "b.csv"], "training")
    write_csv(tmp_path / "b.csv", [row for row in rows if row["condition"] == "full"], COLUMNS)
    with pytest.raises(InputError, match="measures again what"):
        gather_tuned([tmp_path / "a.csv", tmp_path / "b.csv"], "training")
