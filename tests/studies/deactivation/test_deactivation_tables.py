"""The test of the diagonal recovers effects of known size; printed values stand beside ours."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_measurements import make_rows
from made_up_tasks import make_tasks

from taskneurons.errors import InputError
from taskneurons.evidence.papers import SCORES, printed_rows
from taskneurons.measures.stats import diagonal_test
from taskneurons.studies.deactivation.rows import DIAGONAL, PUBLISHED, DiagonalRow
from taskneurons.studies.deactivation.summary import summarise_deactivation
from taskneurons.studies.deactivation.tables import compare_with_published, diagonal_tests, drop_matrix

TASKS = make_tasks()
PATHS = sorted((Path(__file__).parents[3] / "published" / "leng2025").glob("*.csv"))
PRINTED = {table: printed_rows(SCORES, PATHS, table) for table in ("T1", "T6")}


def the(rows, **cells):
    (found,) = [row for row in rows if all(getattr(row, name) == value for name, value in cells.items())]
    return found


def test_published_values_stand_beside_ours(tmp_path: Path) -> None:
    summary = summarise_deactivation(make_rows(TASKS) + make_rows(TASKS, model="bloom"), TASKS)
    compared = compare_with_published(summary, PRINTED, TASKS, {"llama": "llama", "bloom": "bloom"})
    row = the(compared, model="llama", task="sentiment_film", condition="task")
    assert (row.table, row.published_task, row.published, row.published_drop) == ("T1", "SST-2", 84.6, 7.8)
    assert row.value == the(summary, model="llama", task="sentiment_film", condition="task", metric="accuracy").value
    row = the(compared, model="bloom", task="summary_sport", condition="random")
    assert (row.table, row.published_task, row.published, row.published_drop) == ("T6", "XSum", 30.8, 2.4)
    assert the(compared, model="llama", task="mean_gen", condition="task").published == 32.0
    assert the(compared, model="bloom", task="mean_cls", condition="original").published == 85.7
    assert {row.condition for row in compared} == {"original", "random", "task"}
    assert {row.metric for row in compared} == {"accuracy", "rougeL"}
    PUBLISHED.write(tmp_path / "published.csv", compared)
    assert PUBLISHED.read(tmp_path / "published.csv") == compared


def test_averages_are_compared_only_where_the_tasks_are_the_papers() -> None:
    own = [replace(task, source="my data") if task.name == "nli_place" else task for task in TASKS]
    compared = compare_with_published(summarise_deactivation(make_rows(own), own), PRINTED, own, {"llama": "llama"})
    names = {row.task for row in compared}
    assert "mean_gen" in names
    assert not names & {"mean_cls", "nli_place"}


def test_averages_without_a_guessed_task_are_not_the_papers() -> None:
    guessed = [replace(task, constant=99.0) if task.name == "nli_place" else task for task in TASKS]
    summary = summarise_deactivation(make_rows(TASKS), guessed)
    names = {row.task for row in compare_with_published(summary, PRINTED, guessed, {"llama": "llama"})}
    assert "mean_gen" in names and "nli_place" in names
    assert "mean_cls" not in names


def test_a_model_without_an_architecture_is_refused() -> None:
    with pytest.raises(InputError, match="architecture of model `llama`"):
        compare_with_published(summarise_deactivation(make_rows(TASKS), TASKS), PRINTED, TASKS, {})


def test_matrix_holds_the_drops_with_the_sign_of_harm() -> None:
    rows = make_rows(TASKS, noise=0.0)
    drops = drop_matrix(rows, [task.name for task in TASKS], {task.name: task.score for task in TASKS}, seed=1)
    assert np.diagonal(drops).tolist() == [45.0] * 12
    assert (drops[0, 1], drops[0, 2], drops[0, 6], drops[6, 0]) == (23.0, 4.0, 1.5, 1.5)
    loss = {task.name: "loss" for task in TASKS}
    assert drop_matrix(rows, list(loss), loss, seed=1) == pytest.approx(drops / 40)
    assert np.isnan(drop_matrix(rows, list(loss), loss, seed=9)).all()


def test_diagonal_tests_recover_the_known_effect(tmp_path: Path) -> None:
    results = diagonal_tests(make_rows(TASKS, noise=0.0), TASKS)
    assert {(row.scope, row.metric) for row in results} == {
        ("classification", "accuracy"), ("classification", "loss"), ("generation", "rougeL"), ("generation", "loss"),
        ("all", "score"), ("all", "loss"),
    }  # fmt: skip
    assert {row.seed for row in results} == {0, 1, 2, "mean"}
    small = the(results, scope="classification", metric="accuracy", seed="mean")
    assert (small.diagonal, small.sibling, small.same_kind, small.other_kind) == (45, 23, 4, None)
    # Own less sibling is the same in each of 3 seeds and 3 families: only the observed signs reach its sum.
    assert small.p_sibling == pytest.approx(1 / 2**9)
    assert the(results, scope="classification", metric="accuracy", seed=0).p_sibling == pytest.approx(1 / 2**3)
    assert small.off_diagonal == pytest.approx((23 + 4 * 4) / 5)
    assert small.p_value == pytest.approx(1 / 720)
    assert (small.exact, small.permutations, small.rows_largest) == (True, 720, 1)
    large = the(results, scope="all", metric="score", seed=0)
    assert (large.tasks, large.other_kind, large.exact, large.permutations) == (12, 1.5, False, 10_000)
    for seed in (0, "mean"):
        family = [row for row in results if row.seed == seed]
        assert [row.p_holm for row in family] == pytest.approx(holm_by_definition([row.p_value for row in family]))
    DIAGONAL.write(tmp_path / "diagonal.csv", results)
    assert DIAGONAL.read(tmp_path / "diagonal.csv") == results


def holm_by_definition(p: list[float]) -> list[float]:
    """Holm's step-down: reject while p <= alpha / (number left)."""
    adjusted = [0.0] * len(p)
    worst = 0.0
    for left, index in zip(range(len(p), 0, -1), np.argsort(p), strict=True):
        worst = max(worst, left * p[index])
        adjusted[index] = min(1.0, worst)
    return adjusted


def test_p_is_adjusted_over_all_settings_of_a_model_and_a_seed_and_over_nothing_else() -> None:
    def tests(**options) -> list[DiagonalRow]:
        return diagonal_tests(make_rows(TASKS, noise=30.0, seeds=(0, 1), **options), TASKS)

    both = list(dict.fromkeys(make_rows(TASKS, noise=30.0, seeds=(0, 1))
                              + make_rows(TASKS, noise=30.0, seeds=(0, 1), within="model")))  # fmt: skip
    together = diagonal_tests([*both, *make_rows(TASKS, noise=30.0, seeds=(0, 1), model="bloom")], TASKS)
    for seed in (0, 1, "mean"):
        family = [row for row in together if (row.model, row.seed) == ("llama", seed)]
        assert {row.selection for row in family} == {"layer", "model"}
        assert [row.p_holm for row in family] == pytest.approx(holm_by_definition([row.p_value for row in family]))
    assert [row for row in together if row.model == "bloom"] == tests(model="bloom")


def test_mean_matrix_is_tested_as_a_matrix_of_its_own() -> None:
    rows = make_rows(TASKS, noise=30.0)
    accuracy = {task.name: "accuracy" for task in TASKS if task.kind == "classification"}
    mean = np.mean([drop_matrix(rows, list(accuracy), accuracy, seed) for seed in range(3)], axis=0)
    row = the(diagonal_tests(rows, TASKS), scope="classification", metric="accuracy", seed="mean")
    assert row.p_value == diagonal_test(mean).p_value
    assert row.statistic == pytest.approx(diagonal_test(mean).statistic)


def test_a_task_at_chance_is_neither_row_nor_column_of_the_test() -> None:
    rows = make_rows(TASKS, noise=30.0)
    described = [replace(task, constant=99.0) if task.name == "nli_place" else task for task in TASKS]
    without = [row for row in rows if "nli_place" not in (row.test_task, row.train_task)]
    found = diagonal_tests(rows, described)
    assert found == diagonal_tests(without, TASKS) != diagonal_tests(rows, TASKS)
    assert the(found, scope="classification", metric="accuracy", seed="mean").tasks == 5
    # Of the family whose other task is left out there is no sibling.
    assert the(found, scope="classification", metric="accuracy", seed=0).p_sibling >= 1 / 2**2
    all_of_them = [replace(task, constant=99.0) if task.kind == "classification" else task for task in TASKS]
    assert {row.scope for row in diagonal_tests(make_rows(TASKS), all_of_them)} == {"generation"}


def test_unmeasured_cells_say_so_and_settings_of_the_own_task_alone_have_no_test() -> None:
    rows = [row for row in make_rows(TASKS) if not (row.train_task == "nli_place" and row.seed == 1)]
    results = diagonal_tests(rows, TASKS)
    row = the(results, scope="classification", metric="accuracy", seed=1)
    assert (row.p_value, row.p_holm, row.reason) == (None, None, "6 of 36 drops were not measured")
    assert the(results, scope="classification", metric="accuracy", seed="mean").reason
    assert the(results, scope="classification", metric="accuracy", seed=0).reason == ""
    own = [replace(row, intervention="mean") for row in rows if row.condition == "task"]
    assert {row.intervention for row in diagonal_tests(rows + own, TASKS)} == {"zero"}
    assert diagonal_tests([row for row in rows if row.condition in ("original", "task")], TASKS) == []


def test_an_undescribed_task_is_refused_by_the_tests() -> None:
    with pytest.raises(InputError, match="task `sentiment_food` of suite `synthetic` has results but no description"):
        diagonal_tests(make_rows(TASKS), TASKS[1:])
