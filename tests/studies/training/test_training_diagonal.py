"""Matrices of gains hold them, and the test of their diagonals recovers effects of known size."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from made_up_tasks import make_tasks
from made_up_trained import PAIRS, TRANSFER, the, training_rows

from taskneurons.measures.stats import diagonal_test
from taskneurons.studies.training.diagonal import gain_matrix, training_diagonal
from taskneurons.studies.training.rows import DIAGONAL
from taskneurons.studies.training.summary import arms

TASKS = make_tasks()


def test_matrices_hold_the_gains() -> None:
    rows = training_rows(TASKS, noise=0.0)
    names = [task.name for task in TASKS]
    metrics = {t.name: "accuracy" if t.options else "rougeL" for t in TASKS}
    pairs = gain_matrix(rows, names, metrics, 0, matrix="pairs")
    assert np.diagonal(pairs).tolist() == [15.0] * 12
    # The arm of the table is a cell of the first task's column, too.
    assert (pairs[1, 0], pairs[3, 0], pairs[6, 0]) == (PAIRS["family"], PAIRS["kind"], PAIRS["other"])
    transfer = gain_matrix(rows, names, metrics, 1, matrix="transfer")
    assert (transfer[0, 0], transfer[0, 1], transfer[0, 2], transfer[0, 6]) == (15.0, *TRANSFER.values())
    losses = gain_matrix(rows, names, dict.fromkeys(names, "loss"), 1, matrix="transfer")
    assert losses == pytest.approx(transfer / 40)
    assert np.isnan(gain_matrix(rows, names, metrics, 1, matrix="pairs")).sum() == 12 * 10


def test_diagonal_tests_recover_the_known_effect() -> None:
    rows = training_rows(TASKS, noise=0.0)
    results = training_diagonal(rows, TASKS)
    seeds = {matrix: {row.seed for row in results if row.matrix == matrix} for matrix in ("pairs", "transfer")}
    assert seeds == {"pairs": {0, "mean"}, "transfer": {0, 1, 2, "mean"}}
    small = the(results, matrix="transfer", scope="classification", metric="accuracy", seed="mean")
    assert (small.diagonal, small.sibling, small.same_kind, small.other_kind) == (15, 8, 2, None)
    assert (small.p_value, small.exact, small.rows_largest) == (pytest.approx(1 / 720), True, 1)
    large = the(results, matrix="transfer", scope="all", metric="loss", seed=2)
    assert (large.tasks, large.other_kind) == (12, pytest.approx(-1 / 40))
    for seed in (0, "mean"):
        family = [row for row in results if row.seed == seed]
        smallest = min(row.p_value for row in family)
        assert min(row.p_holm for row in family) == pytest.approx(min(1, len(family) * smallest))


def test_rates_that_differ_on_the_diagonal_of_pairs_are_said_and_change_no_number() -> None:
    rows, slower = (training_rows(TASKS, noise=0.0, rate_of_others=rate) for rate in (3e-3, 1e-4))
    assert {row.reason for row in training_diagonal(rows, TASKS)} == {""}
    results = training_diagonal(slower, TASKS)
    said = {matrix: {row.reason for row in results if row.matrix == matrix} for matrix in ("pairs", "transfer")}
    assert said == {"pairs": {"learning rate 0.003 on the diagonal, 0.0001 off it"}, "transfer": {""}}
    assert [replace(row, reason="") for row in results] == training_diagonal(rows, TASKS)
    missing = [row for row in slower if (row.neurons, row.test_task) != ("nli_place", "nli_person")]
    row = the(training_diagonal(missing, TASKS), matrix="pairs", scope="classification", metric="accuracy", seed=0)
    assert row.reason == "1 of 36 gains were not measured; learning rate 0.003 on the diagonal, 0.0001 off it"


def test_a_matrix_without_structure_has_no_diagonal() -> None:
    rng = np.random.default_rng(0)
    null = [
        replace(row, value=50 + rng.normal()) if row.condition in ("task", "other_task") else row
        for row in training_rows(TASKS)
    ]
    row = the(training_diagonal(null, TASKS), matrix="transfer", scope="all", metric="score", seed="mean")
    assert row.p_value > 0.05
    names = [task.name for task in TASKS]
    metrics = {t.name: "accuracy" if t.options else "rougeL" for t in TASKS}
    mean = np.mean([gain_matrix(null, names, metrics, seed, matrix="transfer") for seed in range(3)], axis=0)
    assert row.p_value == diagonal_test(mean).p_value


def test_unmeasured_pairs_say_so_and_tables_alone_have_no_test() -> None:
    rows = [row for row in training_rows(TASKS) if (row.neurons, row.test_task) != ("nli_place", "nli_person")]
    row = the(training_diagonal(rows, TASKS), matrix="pairs", scope="classification", metric="accuracy", seed=0)
    assert (row.p_value, row.reason) == (None, "1 of 36 gains were not measured")
    assert training_diagonal(arms(training_rows(TASKS)), TASKS) == []


def test_the_table_is_read_as_it_was_written(tmp_path: Path) -> None:
    results = training_diagonal(training_rows(TASKS), TASKS)
    DIAGONAL.write(tmp_path / "diagonal.csv", results)
    assert DIAGONAL.read(tmp_path / "diagonal.csv") == results
