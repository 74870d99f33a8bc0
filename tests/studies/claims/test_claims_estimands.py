"""Estimates equal those of scipy on the same rows; what is chosen of a table is what the estimand names."""

from statistics import fmean, median

import numpy as np
import pytest
from made_up_claims import LEVEL, SIDE, TASKS, contrast, make_claim, make_table
from scipy.stats import linregress, spearmanr, ttest_1samp, ttest_ind

from taskneurons.errors import InputError
from taskneurons.studies.claims.estimands import Estimate, estimate, matches


def of(rows, claim, **options):
    return estimate(rows, claim["estimand"], test=claim["test"], level=LEVEL, **options)


def texts(*rows):
    return [{column: str(value) for column, value in row.items()} for row in rows]


def test_several_random_draws_and_other_tasks_are_averaged_first():
    rows = texts(
        *(
            {"seed": s, "test_task": t, "condition": "more", "value": 10 * s + d}
            for s in (0, 1)
            for t in "ab"
            for d in (0, 4)
        ),
        *({"seed": s, "test_task": t, "condition": "less", "value": 10 * s} for s in (0, 1) for t in "ab"),
    )  # fmt: skip
    assert of(rows, contrast()).effect == 2.0


def test_only_units_that_every_seed_measured_count():
    rows = make_table(5.0, noise=1.0)
    lacking = [row for row in rows if (row["seed"], row["test_task"]) != ("1", "c")]
    without = [row for row in rows if row["test_task"] != "c"]
    assert of(lacking, contrast()) == of(without, contrast())


def test_welch_is_that_of_scipy():
    rng = np.random.default_rng(3)
    one, other = rng.normal(3, 1, 5), rng.normal(0, 4, 7)
    rows = texts(
        *({"seed": 0, "group": f"x{n}", "kind": "x", "value": v} for n, v in enumerate(one)),
        *({"seed": 0, "group": f"y{n}", "kind": "y", "value": v} for n, v in enumerate(other)),
    )
    sides = {name: SIDE | {"where": {"kind": kind}} for name, kind in (("minuend", "x"), ("subtrahend", "y"))}
    found = of(rows, make_claim({"kind": "contrast", **sides, "unit": "group", "units": "families"}, test="welch"))
    test = ttest_ind(one, other, equal_var=False)
    interval = test.confidence_interval(LEVEL)
    assert (found.effect, found.low, found.high) == pytest.approx((one.mean() - other.mean(), *interval))
    assert (found.freedom, found.n) == (pytest.approx(test.df), 12)
    assert found.interval == "95 % t (Welch) across 5 and 7 families"


def test_two_groups_with_three_seeds_have_an_interval_over_seeds():
    values = {(seed, kind): 10 * seed + (seed + 2 if kind == "x" else 0) for seed in range(3) for kind in "xy"}
    rows = texts(*({"seed": s, "group": k + g, "kind": k, "value": v} for (s, k), v in values.items() for g in "12"))
    sides = {name: SIDE | {"where": {"kind": kind}} for name, kind in (("minuend", "x"), ("subtrahend", "y"))}
    found = of(rows, make_claim({"kind": "contrast", **sides, "unit": "group"}, test="welch"))
    interval = ttest_1samp([2, 3, 4], 0).confidence_interval(LEVEL)
    assert (found.effect, found.low, found.high) == pytest.approx((3.0, *interval))
    assert found.seeds == ("0", "1", "2")


@pytest.mark.parametrize("measure", ["slope", "spearman"])
def test_trends_are_those_of_scipy_in_every_unit(measure):
    rng = np.random.default_rng(5)
    x = (10, 30, 50, 100)
    y = {task: rng.normal(size=4) + 0.02 * np.array(x) for task in TASKS}
    rows = texts(
        *({"seed": 0, "test_task": t, "percent": p, "value": v} for t in TASKS for p, v in zip(x, y[t], strict=True))
    )
    found = of(rows, make_claim({"kind": "trend", "against": "percent", "measure": measure}))
    of_scipy = {
        "slope": [100 * linregress(x, y[task]).slope for task in TASKS],
        "spearman": [spearmanr(x, y[task]).statistic for task in TASKS],
    }[measure]
    interval = ttest_1samp(of_scipy, 0).confidence_interval(LEVEL)
    assert (found.effect, found.low, found.high) == pytest.approx((fmean(of_scipy), *interval))


def test_a_flat_series_does_not_rise_and_one_point_is_no_trend():
    def series(*points):
        return texts(*({"seed": 0, "test_task": t, "percent": p, "value": v} for t in "abc" for p, v in points))

    claim = make_claim({"kind": "trend", "against": "percent", "measure": "spearman"})
    assert of(series((10, 5), (30, 5)), claim).effect == 0.0
    assert "two values of `percent`" in of(series((10, 5)), claim).reason


def test_depth_is_a_share_of_the_deepest_layer():
    rows = texts(*({"seed": 0, "task": t, "layer": n, "value": n} for t in "abc" for n in range(9)))
    for depth, layers in (((0, 0.29), [1, 2]), ((0.49, 1), [4, 5, 6, 7, 8]), ((-0.1, 0), [0])):
        side = SIDE | {"depth": depth}
        assert of(rows, make_claim({"kind": "contrast", "minuend": side, "unit": "task"})).effect == fmean(layers)


def test_sides_choose_by_equal_columns_and_by_lists_of_tasks():
    rows = texts(
        *(
            {"seed": 0, "train_task": a, "test_task": b, "value": 10 * (a == b) + (b == "a")}
            for a in "abc"
            for b in "abc"
        )
    )
    own = make_claim({"kind": "contrast", "minuend": SIDE | {"same": ["train_task", "test_task"]}})
    assert of(rows, own).effect == pytest.approx(31 / 3)
    listed = make_claim({"kind": "contrast", "minuend": SIDE | {"groups": {"test_task": "test_generation"}}})
    assert of(rows, listed, groups={"test_generation": ["b", "c"]}).effect == pytest.approx(10 / 3)
    assert of(rows, listed).reason == "the table has no values of the minuend"


def test_spread_is_the_distance_from_the_median():
    wide, narrow = [0.0, 4.0, 10.0, 1.0, 3.0], [5.0, 5.5, 6.0, 5.2, 4.0]
    rows = texts(
        *({"seed": 0, "task": n, "layer": 1, "value": v} for n, v in enumerate(narrow)),
        *({"seed": 0, "task": n, "layer": 2, "value": v} for n, v in enumerate(wide)),
    )
    sides = {name: SIDE | {"where": {"layer": layer}} for name, layer in (("minuend", 2), ("subtrahend", 1))}
    found = of(rows, make_claim({"kind": "contrast", **sides, "unit": "task", "spread": "task"}))
    expected = [abs(w - median(wide)) - abs(n - median(narrow)) for w, n in zip(wide, narrow, strict=True)]
    assert found.effect == pytest.approx(fmean(expected))


def test_spread_is_among_tasks_and_its_interval_across_their_families():
    wide = {"x": [0.0, 4.0], "y": [10.0, 1.0], "z": [3.0]}
    rows = texts(
        *(
            {"seed": 0, "task": f"{family}{n}", "family": family, "layer": layer, "value": value if layer else 5.0}
            for family, values in wide.items()
            for n, value in enumerate(values)
            for layer in (0, 1)
        )
    )
    sides = {name: SIDE | {"where": {"layer": layer}} for name, layer in (("minuend", 1), ("subtrahend", 0))}
    estimand = {"kind": "contrast", **sides, "unit": "family", "units": "families", "spread": "task"}
    found = of(rows, make_claim(estimand))
    middle = median(value for values in wide.values() for value in values)
    means = [fmean(abs(value - middle) for value in values) for values in wide.values()]
    interval = ttest_1samp(means, 0).confidence_interval(LEVEL)
    assert (found.effect, found.low, found.high) == pytest.approx((fmean(means), *interval))
    assert found.interval == "95 % t across 3 families (1 seed)"


def test_rows_beyond_a_greatest_share_do_not_count():
    def shares(*greatest):
        rows = [row | {"share": str(share)} for share in greatest for row in make_table(float(share), noise=0.1)]
        claim = contrast()
        claim["estimand"]["at_most"] = {"share": 50}
        return of(rows, claim)

    assert shares(20, 50, 70).effect == pytest.approx(35, abs=0.2)
    assert shares(20, 50, 70) == shares(20, 50)
    assert shares(70).absent


def test_the_effect_beside_an_interval_over_seeds_is_their_mean():
    """The study's estimate from means over seeds, here of a correlation, may even lie outside."""
    seeds, together = [0.40, 0.42, 0.44], 0.93
    rows = texts(
        *({"seed": n, "r": r, "p": 0.001} for n, r in enumerate(seeds)), {"seed": "mean", "r": together, "p": 0.01}
    )
    found = of(rows, make_claim({"kind": "row", "effect": "r", "p": "p"}, test="table"))
    interval = ttest_1samp(seeds, 0).confidence_interval(LEVEL)
    assert (found.effect, found.low, found.high) == pytest.approx((0.42, *interval))
    assert found.p == 0.01
    assert not found.low <= together <= found.high
    two = of(rows[:2] + rows[3:], make_claim({"kind": "row", "effect": "r", "p": "p"}, test="table"))
    assert (two.effect, two.low) == (together, None)


def test_rows_of_a_mean_over_seeds_are_no_seed():
    rows = make_table(5.0) + [row | {"seed": "mean", "value": "1000"} for row in make_table(5.0, seeds=(0,))]
    assert of(rows, contrast()) == of(make_table(5.0), contrast())


def test_values_match_as_text_or_as_numbers():
    row = {"percent": "10.0", "task": "a", "empty": ""}
    assert matches(row, {"percent": 10, "task": ["b", "a"]})
    assert matches(row, {"empty": ""})
    assert not matches(row, {"percent": 1})
    assert not matches(row, {"task": 10})
    assert not matches(row, {"empty": 0})


def test_empty_cells_are_left_out_and_said_when_nothing_remains():
    rows = make_table(5.0, seeds=(0,))
    for row in rows:
        row["value"] = "" if row["test_task"] != "a" else row["value"]
    assert of(rows, contrast()).n == 1
    empty = [row | {"value": ""} for row in rows]
    assert of(empty, contrast()).reason == "the table has no values of the minuend"
    row = {"statistic": "", "p": "", "reason": "2 of 36 drops were not measured"}
    claim = make_claim({"kind": "row", "effect": "statistic", "p": "p"}, test="table")
    assert of([row], claim).reason == "2 of 36 drops were not measured"


def test_an_estimate_checks_itself():
    with pytest.raises(InputError, match="both limits"):
        Estimate(1.0, low=0.0)
    with pytest.raises(InputError, match="an interval from 2"):
        Estimate(1.0, low=2.0, high=0.0)
    for effect in (0.9, 2.1, None):
        with pytest.raises(InputError, match=r"outside its interval from 1\.0 to 2\.0"):
            Estimate(effect, low=1.0, high=2.0)
