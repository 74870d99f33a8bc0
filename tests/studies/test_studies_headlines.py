"""The headline numbers of studies: means of the rows of a summary table, never of numbers that are not alike."""

import csv
import json
import math
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

from taskneurons.job import Files, Job, NoSettings
from taskneurons.studies.headlines import FURTHER, KEYS, WHOLE, headlines, write
from taskneurons.studies.registry import STUDIES

TABLES = sorted((Path(__file__).parents[2] / "results" / "tables").glob("*_summary.csv"))
HEADER = "suite,model,seed,percent,condition,task,kind,metric,value\n"
TABLE = HEADER + (
    "s,m,,,original,rain,classification,accuracy,90\n"
    "s,m,,,original,snow,classification,accuracy,70\n"
    "s,m,,,original,echo,generation,rougeL,40\n"
    "s,m,,,original,echo,generation,accuracy_restricted,5\n"
    "s,m,,10,task,rain,classification,accuracy,20\n"
    "s,m,,10,task,snow,classification,accuracy,\n"
    "s,m,,30,task,rain,classification,accuracy,10\n"
    "s,m,mean,30,random,rain,classification,accuracy,88\n"
    "s,m,0,30,random,rain,classification,accuracy,1\n"
)


def written(source: Path) -> dict:
    out = source.with_name("metrics.json")
    write(Job(NoSettings(), Files({"source": (source,)}), Files({"metrics": (out,)}), {}, identity="job"))
    return json.loads(out.read_text())


def numbers(found: dict, *above: str) -> Iterator[tuple[tuple[str, ...], float]]:
    for key, value in found.items():
        if isinstance(value, dict):
            yield from numbers(value, *above, key)
        else:
            yield (*above, key), value


def test_a_headline_is_the_mean_over_tasks_of_rows_that_are_alike(tmp_path):
    source = tmp_path / "rain_summary.csv"
    source.write_text(TABLE)
    assert dict(numbers(written(source)["s"]["m"])) == {
        ("original", "classification", "accuracy"): 80,
        ("original", "generation", "rougeL"): 40,
        ("10", "task", "classification", "accuracy"): 20,
        ("30", "task", "classification", "accuracy"): 10,
        ("30", "random", "classification", "accuracy"): 88,
    }


def test_whatever_tells_rows_of_a_summary_apart_tells_headlines_apart_or_is_averaged_on_purpose():
    averaged = {"task", "order"}
    # The table of the paper follows from the kinds of tasks.
    said_elsewhere = {"study", "table"}
    found = 0
    for study in (one.name for one in STUDIES):
        for stem, table in import_module(f"taskneurons.studies.{study}.rows").TABLES.items():
            if stem.endswith(("_summary", "_advantage")):
                found += 1
                apart = {name for name, (_, column) in table.kinds.items() if not column.measured}
                assert apart <= {*KEYS, *WHOLE} | averaged | said_elsewhere, stem
    assert found >= 8


def test_numbers_that_are_not_alike_are_not_averaged(tmp_path):
    source = tmp_path / "rain_summary.csv"
    source.write_text(
        "scope,group,trained,tested,members,overlap,task,metric,value\n"
        "unions,CLS-CLS,,,,,,,10\n"
        "unions,CLS-GEN,,,,,,,30\n"
        "halves,rain,,,,,,,10\n"
        "halves,snow,,,,,,,30\n"
        ",,generation,generation,higher,10.0,,rougeL,1\n"
        ",,generation,generation,higher,100.0,,rougeL,2\n"
        ",,generation,generation,lower,10.0,,rougeL,3\n"
        ",,generation,classification,lower,10.0,,accuracy,4\n"
        ",,,,,,echo,rougeL,5\n"
        ",,,,,,rain,rougeL,7\n"
        ",,,,,,mean_gen,rougeL,9\n"
    )
    assert sorted(value for _, value in numbers(written(source))) == [1, 2, 3, 4, 6, 10, 20, 30]


def test_a_change_of_one_row_changes_the_headline_of_that_row_alone(tmp_path):
    source = tmp_path / "rain_summary.csv"
    source.write_text(TABLE)
    before = dict(numbers(written(source)))
    source.write_text(TABLE.replace("snow,classification,accuracy,70", "snow,classification,accuracy,60"))
    after = dict(numbers(written(source)))
    assert {keys for keys in before if before[keys] != after[keys]} == {
        ("s", "m", "original", "classification", "accuracy")
    }
    assert before.keys() == after.keys()


@pytest.mark.parametrize("table", TABLES, ids=lambda path: path.stem)
def test_every_headline_lies_among_the_rows_of_its_keys(table):
    """Found anew by the words of its keys, wherever they stand in a row."""
    with table.open(newline="") as file:
        rows = [row for row in csv.DictReader(file) if row.get("metric") not in FURTHER]
    value_of = [(set(row.values()), row.get("value") or row.get("after")) for row in rows]
    found = list(numbers(headlines(rows)))
    assert found
    for keys, value in found:
        # A key with numbers both of its own and below it has a dot there.
        words = {key.removesuffix(".") for key in keys}
        alike = [float(of) for cells, of in value_of if of and words <= cells]
        assert math.isfinite(value)
        assert min(alike) - 1e-9 <= value <= max(alike) + 1e-9, keys


def test_the_effects_and_the_number_of_each_verdict_are_those_of_the_claims(tmp_path):
    results = [
        {"suite": "s", "model": "m", "verdict": "holds", "effect": 4.5},
        {"suite": "s", "model": "n", "verdict": "not measured", "effect": None},
    ]
    printed = {"suite": "", "model": "", "verdict": "holds", "effect": 0.5}
    source = tmp_path / "claims.json"
    source.write_text(json.dumps({"claims": [{"id": "a", "results": results}, {"id": "b", "results": [printed]}]}))
    assert written(source) == {
        "effects": {"a": {"s/m": 4.5}, "b": {"papers": 0.5}},
        "verdicts": {"holds": 2, "not measured": 1},
    }
