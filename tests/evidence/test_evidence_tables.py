"""Summaries and tests agree with scipy and pandas, recover effects of known size, and say what is missing."""

from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from scipy import stats

from taskneurons.errors import InputError
from taskneurons.evidence.chance import at_chance, chance_level
from taskneurons.evidence.published import read_published
from taskneurons.evidence.tables import (
    DIAGONAL_COLUMNS,
    NEURON_COLUMNS,
    PUBLISHED_COLUMNS,
    SUMMARY_COLUMNS,
    compare_with_published,
    diagonal_tests,
    drop_matrix,
    neuron_table,
    read_neuron_table,
    summarise_deactivation,
)
from taskneurons.files import write_csv
from taskneurons.measures.stats import diagonal_test
from taskneurons.neurons.sets import NeuronSet, save_sets

PUBLISHED = Path(__file__).parents[2] / "published" / "leng2025"


def the(rows: list[dict], **cells) -> dict:
    found = [row for row in rows if all(row[name] == value for name, value in cells.items())]
    assert len(found) == 1, (len(found), cells)
    return found[0]


def test_summary_equals_pandas_and_scipy(tasks, rows_of) -> None:
    rows = rows_of(tasks)
    summary = summarise_deactivation(rows, tasks)
    frame = pd.DataFrame(rows)
    for condition in ("bottom", "random", "other_task", "task"):
        for task, metric in (("sentiment_food", "accuracy"), ("summary_news", "rougeL"), ("nli_place", "loss")):
            of_task = frame[(frame.test_task == task) & (frame.metric == metric)]
            values = of_task[of_task.condition == condition].groupby("seed").value.mean()
            original = of_task[of_task.condition == "original"].set_index("seed").value
            drops = (values - original) if metric == "loss" else (original - values)
            row = the(summary, condition=condition, task=task, metric=metric)
            for name, numbers in (("", values), ("drop_", drops)):
                interval = stats.ttest_1samp(numbers, 0).confidence_interval(0.95)
                assert (row[f"{name}low"], row[f"{name}high"]) == pytest.approx((interval.low, interval.high))
            assert (row["value"], row["drop"]) == pytest.approx((values.mean(), drops.mean()))
            assert (row["seeds"], row["interval"], row["drop_interval"], row["n"]) == (3, "95 % t", "95 % t", 500)
    random = the(summary, condition="random", task="nli_place", metric="accuracy")
    draws = frame[(frame.test_task == "nli_place") & (frame.metric == "accuracy") & (frame.condition == "random")]
    assert random["draws"] == 5
    assert random["draw_sd"] == pytest.approx(draws.groupby("seed").value.std().mean())


def test_averages_are_made_within_seeds(tasks, rows_of) -> None:
    rows = rows_of(tasks)
    summary = summarise_deactivation(rows, tasks)
    frame = pd.DataFrame(rows)
    chosen = frame[(frame.metric == "accuracy") & (frame.condition == "task")]
    row = the(summary, task="mean_cls", condition="task", metric="accuracy")
    per_seed = chosen.groupby("seed").value.mean()
    assert row["value"] == pytest.approx(per_seed.mean())
    assert row["low"] == pytest.approx(stats.ttest_1samp(per_seed, 0).confidence_interval(0.95).low)
    assert row["drop"] == pytest.approx(45, abs=1)
    assert row["n"] == 3000
    assert the(summary, task="mean_gen", condition="random", metric="rougeL")["drop"] == pytest.approx(1, abs=1)
    draws = frame[(frame.metric == "rougeL") & (frame.condition == "random")].groupby(["seed", "draw"]).value.mean()
    assert the(summary, task="mean_gen", condition="random", metric="rougeL")["draw_sd"] == pytest.approx(
        draws.groupby("seed").std().mean()
    )
    assert {row["metric"] for row in summary if row["task"] == "mean_cls"} == {"accuracy", "loss"}


def test_one_missing_task_leaves_no_average_for_that_seed(tasks, rows_of) -> None:
    rows = [
        row
        for row in rows_of(tasks)
        if not (row["condition"] == "task" and row["seed"] == 2 and row["test_task"] == "nli_person")
        and not (row["condition"] == "bottom" and row["test_task"] == "nli_person")
    ]
    summary = summarise_deactivation(rows, tasks)
    assert the(summary, task="mean_cls", condition="task", metric="accuracy")["seeds"] == 2
    assert not [row for row in summary if (row["task"], row["condition"]) == ("mean_cls", "bottom")]


def test_too_few_seeds_have_no_interval_and_say_so(tasks, rows_of) -> None:
    summary = summarise_deactivation(rows_of(tasks, seeds=(4, 7)), tasks)
    for row in summary:
        assert (row["low"], row["high"], row["drop_low"], row["drop_high"]) == (None,) * 4
        assert row["interval"] == "not available: 2 seeds, at least 3 are needed"
    assert the(summary, task="nli_place", condition="original", metric="loss")["drop"] is None


def test_equal_values_have_no_interval_and_say_so(tasks, rows_of) -> None:
    summary = summarise_deactivation(rows_of(tasks, noise=0.0), tasks)
    row = the(summary, task="nli_place", condition="task", metric="accuracy")
    assert (row["value"], row["drop"]) == (47.0, 45.0)
    assert row["interval"] == row["drop_interval"] == "not available: all 3 values are equal"


def test_drops_without_an_original_are_not_available(tasks, rows_of) -> None:
    rows = [row for row in rows_of(tasks) if not (row["condition"] == "original" and row["seed"] == 1)]
    row = the(summarise_deactivation(rows, tasks), task="nli_place", condition="task", metric="accuracy")
    assert row["interval"] == "95 % t"
    assert row["drop_interval"] == "not available: 2 seeds, at least 3 are needed"
    bare = summarise_deactivation(rows_of(tasks, conditions=("task",)), tasks)
    row = the(bare, task="nli_place", condition="task", metric="accuracy")
    assert (row["drop"], row["drop_interval"]) == (None, "not available: 0 seeds, at least 3 are needed")


def test_models_and_selections_do_not_mix(tasks, rows_of) -> None:
    parts = [rows_of(tasks, model=m, selection=s) for m in ("llama", "bloom") for s in ("layer", "model")]
    together = {tuple(row.values()): row for part in parts for row in part}
    summary = summarise_deactivation(together.values(), tasks)
    alone = summarise_deactivation(parts[0], tasks)
    assert [r for r in summary if r["model"] == "llama" and r["selection"] in (None, "layer")] == alone
    assert all(tuple(row) == SUMMARY_COLUMNS for row in summary)


def test_summary_does_not_depend_on_the_order_of_rows(tasks, rows_of) -> None:
    rows = rows_of(tasks, draws=2)
    assert summarise_deactivation(reversed(rows), tasks) == summarise_deactivation(rows, tasks)


def test_undescribed_task_is_refused(tasks, rows_of) -> None:
    rows = rows_of(tasks)
    for function in (summarise_deactivation, diagonal_tests):
        with pytest.raises(
            InputError, match="task `sentiment_food` of suite `synthetic` has results but no description"
        ):
            function(rows, tasks[1:])


def test_published_values_stand_beside_ours(tasks, rows_of) -> None:
    published = {table: read_published(PUBLISHED, table) for table in ("T1", "T6")}
    rows = rows_of(tasks) + rows_of(tasks, model="bloom")
    summary = summarise_deactivation(rows, tasks)
    compared = compare_with_published(summary, published, tasks, {"llama": "llama", "bloom": "bloom"})
    row = the(compared, model="llama", task="sentiment_film", condition="task")
    assert (row["table"], row["published_task"], row["published"], row["published_drop"]) == ("T1", "SST-2", 84.6, 7.8)
    assert (
        row["value"] == the(summary, model="llama", task="sentiment_film", condition="task", metric="accuracy")["value"]
    )
    row = the(compared, model="bloom", task="summary_sport", condition="random")
    assert (row["table"], row["published_task"], row["published"], row["published_drop"]) == ("T6", "XSum", 30.8, 2.4)
    assert the(compared, model="llama", task="mean_gen", condition="task")["published"] == 32.0
    assert the(compared, model="bloom", task="mean_cls", condition="original")["published"] == 85.7
    assert {row["condition"] for row in compared} == {"original", "random", "task"}
    assert {row["metric"] for row in compared} == {"accuracy", "rougeL"}
    assert all(tuple(row) == PUBLISHED_COLUMNS for row in compared)


def test_averages_are_compared_only_where_the_tasks_are_the_papers(tasks, rows_of) -> None:
    published = {table: read_published(PUBLISHED, table) for table in ("T1", "T6")}
    own = [t | {"source": "my data"} if t["name"] == "nli_place" else t for t in tasks]
    compared = compare_with_published(summarise_deactivation(rows_of(own), own), published, own, {"llama": "llama"})
    names = {row["task"] for row in compared}
    assert "mean_gen" in names
    assert not names & {"mean_cls", "nli_place"}
    with pytest.raises(InputError, match="architecture of model `llama`"):
        compare_with_published(summarise_deactivation(rows_of(tasks), tasks), published, tasks, {})


def test_matrix_holds_the_drops_with_the_sign_of_harm(tasks, rows_of) -> None:
    rows = rows_of(tasks, noise=0.0)
    names = [task["name"] for task in tasks]
    drops = drop_matrix(rows, names, {t["name"]: "accuracy" if t["options"] else "rougeL" for t in tasks}, seed=1)
    assert np.diagonal(drops).tolist() == [45.0] * 12
    assert (drops[0, 1], drops[0, 2], drops[0, 6], drops[6, 0]) == (23.0, 4.0, 1.5, 1.5)
    losses = drop_matrix(rows, names, dict.fromkeys(names, "loss"), seed=1)
    assert losses == pytest.approx(drops / 40)
    assert np.isnan(drop_matrix(rows, names, dict.fromkeys(names, "loss"), seed=9)).all()


def test_diagonal_tests_recover_the_known_effect(tasks, rows_of) -> None:
    rows = rows_of(tasks, noise=0.0)
    results = diagonal_tests(rows, tasks)
    assert all(tuple(row) == DIAGONAL_COLUMNS for row in results)
    assert {(row["scope"], row["metric"]) for row in results} == {
        ("classification", "accuracy"), ("classification", "loss"), ("generation", "rougeL"), ("generation", "loss"),
        ("all", "score"), ("all", "loss"),
    }  # fmt: skip
    assert {row["seed"] for row in results} == {0, 1, 2, "mean"}
    small = the(results, scope="classification", metric="accuracy", seed="mean")
    assert (small["diagonal"], small["sibling"], small["same_kind"], small["other_kind"]) == (45, 23, 4, None)
    assert small["off_diagonal"] == pytest.approx((23 + 4 * 4) / 5)
    assert small["p_value"] == pytest.approx(1 / 720)
    assert (small["exact"], small["permutations"], small["rows_largest"]) == (True, 720, 1)
    large = the(results, scope="all", metric="score", seed=0)
    assert (large["tasks"], large["other_kind"], large["exact"], large["permutations"]) == (12, 1.5, False, 10_000)
    for seed in (0, "mean"):
        family = [row for row in results if row["seed"] == seed]
        assert [row["p_holm"] for row in family] == pytest.approx(list(stats_holm([row["p_value"] for row in family])))


def stats_holm(p: list[float]) -> np.ndarray:
    """Holm's step-down by its definition: reject while p <= alpha / (number left)."""
    order = np.argsort(p)
    adjusted = np.zeros(len(p))
    worst = 0.0
    for left, index in zip(range(len(p), 0, -1), order, strict=True):
        worst = max(worst, left * p[index])
        adjusted[index] = min(1.0, worst)
    return adjusted


def test_mean_matrix_is_tested_as_a_matrix_of_its_own(tasks, rows_of) -> None:
    rows = rows_of(tasks, noise=30.0)
    results = diagonal_tests(rows, tasks)
    cls = [task["name"] for task in tasks[:6]]
    mean = np.mean([drop_matrix(rows, cls, dict.fromkeys(cls, "accuracy"), seed) for seed in range(3)], axis=0)
    row = the(results, scope="classification", metric="accuracy", seed="mean")
    assert row["p_value"] == diagonal_test(mean).p_value
    assert row["statistic"] == pytest.approx(diagonal_test(mean).statistic)


def test_unmeasured_cells_say_so_and_own_task_only_settings_have_no_test(tasks, rows_of) -> None:
    rows = [row for row in rows_of(tasks) if not (row["train_task"] == "nli_place" and row["seed"] == 1)]
    results = diagonal_tests(rows, tasks)
    row = the(results, scope="classification", metric="accuracy", seed=1)
    assert (row["p_value"], row["p_holm"], row["reason"]) == (None, None, "6 of 36 drops were not measured")
    assert the(results, scope="classification", metric="accuracy", seed="mean")["reason"]
    assert the(results, scope="classification", metric="accuracy", seed=0)["reason"] == ""
    own = [row | {"intervention": "mean"} for row in rows if row["condition"] == "task"]
    assert {row["intervention"] for row in diagonal_tests(rows + own, tasks)} == {"zero"}
    assert diagonal_tests([row for row in rows if row["condition"] in ("original", "task")], tasks) == []


def test_layers_of_sets_become_shares(tmp_path: Path) -> None:
    mask = np.zeros((3, 8), dtype=bool)
    mask[0, :3] = mask[2, 0] = True
    save_sets(tmp_path / "a", {"task": NeuronSet(mask), "bottom": NeuronSet(~mask)}, {})
    cells = {
        "suite": "s", "model": "m", "seed": 0, "estimator": "taylor", "percent": 10, "selection": "model",
        "train_task": "a",
    }  # fmt: skip
    rows = neuron_table([(cells, tmp_path / "a")])
    assert [(row["layer"], row["value"], row["n"]) for row in rows] == [(0, 75.0, 4), (1, 0.0, 4), (2, 25.0, 4)]
    assert all(tuple(row) == NEURON_COLUMNS for row in rows)
    assert {(row["study"], row["condition"], row["metric"]) for row in rows} == {("neurons", "task", "layer_share")}
    write_csv(tmp_path / "neurons.csv", rows, NEURON_COLUMNS)
    kept = (
        "model",
        "suite",
        "seed",
        "estimator",
        "percent",
        "selection",
        "train_task",
        "layer",
        "metric",
        "value",
        "n",
    )
    for read, row in zip(read_neuron_table(tmp_path / "neurons.csv"), rows, strict=True):
        assert {name: read[name] for name in kept} == {name: row[name] for name in kept}
    write_csv(tmp_path / "other.csv", [{"layer": 0, "value": 1.0}], ("layer", "value"))
    with pytest.raises(InputError, match=r"other\.csv: columns must be study, model"):
        read_neuron_table(tmp_path / "other.csv")
    save_sets(tmp_path / "b", {"bottom": NeuronSet(mask)}, {})
    with pytest.raises(InputError, match="b: holds no neurons under the name `task`"):
        neuron_table([(cells, tmp_path / "b")])


def test_chance_is_the_better_of_guessing_and_a_constant_answer() -> None:
    assert chance_level({"options": ["a", "b", "c", "d"]}) == 25
    assert chance_level({"options": ["a", "b"], "constant": 83.5}) == 83.5
    assert chance_level({"options": ["a", "b"], "constant": 41.0}) == 50
    assert chance_level({"constant": 12.5}) == 12.5
    assert chance_level({"options": []}) is None
    assert chance_level({}) is None


def test_summary_marks_accuracies_at_chance(tasks, rows_of) -> None:
    summary = summarise_deactivation(rows_of(tasks), tasks)
    original = the(summary, task="sentiment_food", condition="original", metric="accuracy")
    assert (original["chance"], original["at_chance"]) == (50, False)
    # 92 - 45 points are below the 50 of guessing between two options, and above the 33 of three.
    assert the(summary, task="sentiment_food", condition="task", metric="accuracy")["at_chance"] is True
    assert the(summary, task="nli_place", condition="task", metric="accuracy")["at_chance"] is False
    for task, metric in (("sentiment_food", "loss"), ("summary_news", "rougeL"), ("mean_cls", "accuracy")):
        assert the(summary, task=task, condition="task", metric=metric)["chance"] is None


def test_a_guesser_is_at_chance_and_a_learner_is_not() -> None:
    rng = np.random.default_rng(0)
    guesses = 100 * rng.binomial(500, 0.5, 4000) / 500
    # One-sided at two standard errors: 97.7 % of guessers are recognised.
    assert np.mean([at_chance(g, 500, 50) for g in guesses]) == pytest.approx(0.977, abs=0.01)
    assert not at_chance(60, 500, 50)


def test_averages_leave_out_tasks_that_the_original_model_only_guesses(tasks, rows_of) -> None:
    rows = rows_of(tasks)
    whole = the(summarise_deactivation(rows, tasks), task="mean_cls", condition="task", metric="accuracy")
    # A constant answer as good as the model: what happens to this task tells nothing.
    guessed = [{**task, "constant": 99.0} if task["name"] == "nli_place" else task for task in tasks]
    summary = summarise_deactivation(rows, guessed)
    mean = the(summary, task="mean_cls", condition="task", metric="accuracy")
    kept = [
        the(summary, task=task["name"], condition="task", metric="accuracy")["value"]
        for task in guessed
        if task["kind"] == "classification" and task["name"] != "nli_place"
    ]
    assert mean["value"] == pytest.approx(np.mean(kept))
    assert mean["value"] != pytest.approx(whole["value"])
