"""The spread of one seed made again is told from that over seeds as the published analysis of variance does it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from made_up_claims import MODELS, contrast, make_rules, make_table

from taskneurons import cli
from taskneurons.errors import InputError
from taskneurons.files import read_json, write_json
from taskneurons.studies.claims.repeats import repeat_lines, repeats, spreads
from taskneurons.studies.claims.tables import decide_claims

RULES = make_rules(contrast())


def made(folder, rows, rules=RULES):
    """A folder of results with one table and the verdict on it."""
    (folder / "tables").mkdir(parents=True)
    lines = [list(rows[0]), *(row.values() for row in rows)]
    (folder / "tables" / "made_up.csv").write_text("\n".join(",".join(line) for line in lines) + "\n")
    write_json(folder / "claims.json", decide_claims(rules, {"made_up.csv": rows}, MODELS, {}))
    return folder


def moved(rows, by):
    """The same rows, where the effect of each seed is larger by some number."""
    return [
        row | {"value": str(float(row["value"]) + by[row["seed"]])} if row["condition"] == "more" else row
        for row in rows
    ]


def test_the_shares_are_those_of_shrout_and_fleiss():
    # Their table 2: four judges rate six targets. BMS 11.24, WMS 6.26, ICC(1,1) 0.17.
    ratings = np.array([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]], float)
    found = spreads(ratings)
    assert found.within**2 == pytest.approx(6.26, abs=0.005)
    assert found.between**2 == pytest.approx((11.24 - 6.26) / 4, abs=0.005)
    assert 1 - found.share == pytest.approx(0.17, abs=0.005)


@given(
    arrays(float, (4, 2), elements=st.floats(-100, 100, width=32)),
    st.floats(-50, 50, width=32),
    st.floats(0.5, 20, width=32),
)
def test_spreads_do_not_depend_on_the_zero_and_scale_with_the_unit(values, shift, factor):
    plain, changed = spreads(values), spreads(factor * values + shift)
    assert changed.within == pytest.approx(factor * plain.within, rel=1e-6, abs=1e-3)
    assert changed.between == pytest.approx(factor * plain.between, rel=1e-3, abs=0.05)
    swapped = spreads(values[:, ::-1])
    assert (swapped.within, swapped.between) == pytest.approx((plain.within, plain.between))


def test_two_makings_of_the_same_seeds_are_compared_seed_by_seed(tmp_path):
    rows = make_table(3.0, seeds=(0, 1, 2, 3))
    by = {"0": 1.0, "1": -1.0, "2": 1.0, "3": -3.0}
    first, second = made(tmp_path / "first", rows), made(tmp_path / "second", moved(rows, by))
    (same,) = repeats(RULES, first, first, {})
    assert (same.spreads.within, same.spreads.share) == (0, 0)
    (found,) = repeats(RULES, first, second, {})
    # Half of the squared difference of a seed from itself is its variance: 1, 1, 1 and 9, halved, on average.
    assert found.spreads.within == pytest.approx(np.sqrt(12 / 4 / 2))
    assert found.second - found.first == pytest.approx(sum(by.values()) / 4)
    assert found.seeds == ("0", "1", "2", "3")
    lines = list(repeat_lines([found, same]))
    assert "`made_up`" in lines[2] and "1.2" in lines[2]
    half = 100 * (found.spreads.share + 0) / 2
    assert lines[-1].startswith(f"llama: half of 2 claims have at least {half:.0f} %")


@pytest.mark.parametrize("level", [0.9, 0.95, 0.975])
def test_a_mean_over_seeds_is_one_at_every_level(level, tmp_path):
    rules = RULES | {"level": level}
    folder = made(tmp_path / "made", make_table(3.0), rules)
    (result,) = read_json(folder / "claims.json")["claims"][0]["results"]
    assert result["interval"] == f"{100 * level:g} % t over 3 seeds"
    (found,) = repeats(rules, folder, folder, {})
    assert (found.claim, found.seeds, found.spreads.share) == ("made_up", ("0", "1", "2"), 0)


def test_what_is_across_tasks_is_no_mean_over_seeds(tmp_path):
    folder = made(tmp_path / "made", make_table(3.0, seeds=(0, 1)))
    (result,) = read_json(folder / "claims.json")["claims"][0]["results"]
    assert "across" in result["interval"] and "(2 seeds)" in result["interval"]
    with pytest.raises(InputError, match="no claim has effects of the same seeds in both"):
        repeats(RULES, folder, folder, {})


def test_what_is_between_is_never_below_nothing():
    # Every seed has the same mean, so that all of the variance is within.
    found = spreads(np.array([[1.0, 3.0], [3.0, 1.0], [0.0, 4.0]]))
    assert (found.between, found.share) == (0, 1)
    assert spreads(np.ones((3, 2))).share is None


def test_the_command_prints_what_it_finds(tmp_path, monkeypatch, capsys):
    root = Path(__file__).resolve().parents[3]
    results = str(root / "results")
    monkeypatch.chdir(root)
    assert cli.main(["claims", "repeat", results, results]) == 0
    said = capsys.readouterr().out
    assert "`t1_classification` | llama | 4 |" in said
    # A slope has no mean over seeds.
    assert "`t9_slope`" not in said
    assert "llama: half of" in said and "at least 0 %" in said


def test_folders_of_other_seeds_are_refused(tmp_path):
    first = made(tmp_path / "first", make_table(3.0, seeds=(0, 1, 2)))
    # More seeds are other seeds: what one gives may hang on which ones stand beside it.
    second = made(tmp_path / "second", make_table(3.0, seeds=(0, 1, 2, 3)))
    with pytest.raises(InputError, match="no claim has effects of the same seeds in both"):
        repeats(RULES, first, second, {})
    write_json(second / "claims.json", {"claims": [{}]})
    with pytest.raises(InputError, match="no file of decided claims"):
        repeats(RULES, first, second, {})


def test_a_file_of_other_tables_is_refused_and_one_by_other_rules_is_not(tmp_path):
    rows = make_table(3.0, seeds=(0, 1, 2))
    first, second = made(tmp_path / "first", rows), made(tmp_path / "second", moved(rows, dict.fromkeys("012", 2.0)))
    decided = read_json(first / "claims.json")
    write_json(second / "claims.json", decided)
    with pytest.raises(InputError, match=r"other tables: made_up \(llama\) is 2\.9\d+ in it and 4\.9\d+ in"):
        repeats(RULES, first, second, {})
    decided["claims"][0]["digest"] = "of another rule"
    write_json(second / "claims.json", decided)
    assert repeats(RULES, first, second, {})[0].second == pytest.approx(repeats(RULES, first, first, {})[0].second + 2)


def test_one_making_alone_has_no_spread():
    with pytest.raises(ValueError, match="two makings"):
        spreads(np.ones((3, 1)))
