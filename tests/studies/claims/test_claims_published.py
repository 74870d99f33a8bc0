"""Checks of the printed numbers find planted mistakes and agree with scipy and with simulation."""

from dataclasses import fields, replace
from pathlib import Path

import numpy as np
import pytest
from scipy.stats import pearsonr, permutation_test, spearmanr

from taskneurons.studies.claims.printed import (
    Printed,
    exact_spearman_p,
    pearson_p,
    published_checks,
    rank_correlations,
    union_jaccard,
)

FOLDER = Path(__file__).parents[3] / "published" / "leng2025"


@pytest.fixture(scope="module")
def published():
    return Printed.read(FOLDER.glob("*.csv"))


def disagreeing(published, check):
    return [row.item for row in published_checks(published) if row.check == check and not row.agrees]


def test_chance_overlap_is_the_closed_form_and_a_simulation():
    assert [round(union_jaccard(percent), 1) for percent in (10, 30, 50, 70)] == [15.7, 48.9, 77.8, 94.7]
    rng = np.random.default_rng(0)
    one, other = (np.any(rng.random((3, 400_000)) < 0.1, axis=0) for _ in range(2))
    assert union_jaccard(10) == pytest.approx(100 * (one & other).sum() / (one | other).sum(), abs=0.3)


def test_p_of_pearson_is_that_of_scipy():
    rng = np.random.default_rng(1)
    for n in (4, 6, 12):
        x, y = rng.normal(size=(2, n))
        test = pearsonr(x, y)
        assert pearson_p(float(test.statistic), n) == pytest.approx(test.pvalue)
    assert round(pearson_p(0.79, 6), 3) == 0.062
    assert pearson_p(1.0, 6) == 0.0


def test_exact_p_of_spearman_is_that_of_all_permutations():
    x = np.arange(5)
    for y in ([0, 1, 2, 4, 3], [3, 1, 4, 0, 2], [4, 3, 2, 1, 0]):
        test = permutation_test(
            (y,), lambda y: spearmanr(x, y).statistic, permutation_type="pairings", n_resamples=np.inf
        )
        assert exact_spearman_p(float(spearmanr(x, y).statistic), 5) == pytest.approx(test.pvalue)
    assert sum(rank_correlations(6).values()) == 720
    # A sum of squared differences of at most 6: 1 + 5 + 6 + 9 of 720 orders, and as many at the other end.
    assert exact_spearman_p(29 / 35, 6) == pytest.approx(2 * 21 / 720)


def test_rows_are_complete_and_each_check_is_there(published):
    rows = published_checks(published)
    checks = {row.check for row in rows}
    assert checks == {
        "average", "pearson p", "spearman p", "spearman r", "exact p", "above chance", "same overlap", "rises",
        "one value", "upper bound", "same tasks",
    }  # fmt: skip
    assert all(f"`{check}`" in published_checks.__doc__ for check in checks)


def test_what_is_known_of_the_printed_numbers(published):
    assert disagreeing(published, "average") == []
    assert disagreeing(published, "pearson p") == ["GPTNLI"]
    assert disagreeing(published, "spearman r") == ["SST-2", "GPTNLI"]
    # Within a type the overlap is above chance but at 70 % of generation; across types it is below.
    above = [row.item for row in published_checks(published) if row.check == "above chance" and row.agrees]
    assert above == [f"CLS-CLS, {p} %" for p in (10, 30, 50, 70)] + [f"GEN-GEN, {p} %" for p in (10, 30, 50)]
    assert disagreeing(published, "rises") == ["30 % trained"]


def change(printed, table, wanted, **changes):
    """The tables with another value in the one row that is wanted."""

    def changed(rows):
        places = [at for at, row in enumerate(rows) if all(getattr(row, key) == v for key, v in wanted.items())]
        assert len(places) == 1
        return [replace(row, **changes) if at in places else row for at, row in enumerate(rows)]

    for field in fields(printed):
        found = getattr(printed, field.name)
        if isinstance(found, dict) and table in found:
            return replace(printed, **{field.name: found | {table: changed(found[table])}})
    name = {"T4": "correlations", "T5": "streams", "T8": "overlaps", "T14": "orders"}[table]
    return replace(printed, **{name: changed(getattr(printed, name))})


@pytest.mark.parametrize(
    ("table", "wanted", "changes", "check", "item"),
    [
        ("T1", {"condition": "original", "task": "mean_cls"}, {"value": 87.9}, "average", "original, mean_cls"),
        ("T4", {"test_task": "PAWS", "coefficient": "pearson"}, {"p_value": 0.05}, "pearson p", "PAWS"),
        ("T4", {"test_task": "XSum", "coefficient": "spearman"}, {"p_value": 0.01}, "spearman p", "XSum"),
        ("T4", {"test_task": "XSum", "coefficient": "spearman"}, {"r": 0.74}, "spearman r", "XSum"),
        ("T8", {"train_test": "CLS-CLS", "percent": "10"}, {"overlap": 15.0}, "above chance", "CLS-CLS, 10 %"),
        ("T9", {"overlap_percent": "20.8"}, {"overlap_percent": "21.8"}, "same overlap", "CLS-CLS, 10 %"),
        ("T9", {"overlap_percent": "50", "trained_percent": "10"}, {"value": 80.0}, "rises", "10 % trained"),
        ("T5", {"method": "PerTaskFT", "order": "2"}, {"value": 77.3}, "one value", "PerTaskFT, standard"),
        ("T5", {"method": "O-LoRA", "order": "1"}, {"value": 77.3}, "upper bound", "O-LoRA, order 1"),
        ("T14", {"order": "2"}, {"tasks": "DBpedia Amazon AGNews MNLI"}, "same tasks", "standard"),
    ],
)
def test_a_planted_mistake_is_found(published, table, wanted, changes, check, item):
    assert item not in disagreeing(published, check)
    broken = change(published, table, wanted, **changes)
    assert item in disagreeing(broken, check)
