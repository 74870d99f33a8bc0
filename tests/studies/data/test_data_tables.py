"""What became of every record, as a table."""

from pathlib import Path

from taskneurons.files import read_csv, write_json
from taskneurons.job import Files, Job, NoSettings
from taskneurons.studies.data.tables import outcomes, tabulate
from taskneurons.tasks.storage import Counts, SplitCounts

NONE = SplitCounts(None, 0, 0, 0, {})


def counts(read: int, kept: int, **dropped: int) -> SplitCounts:
    return SplitCounts(kept, read, kept, read - kept - sum(dropped.values()), dropped)


COUNTS = {
    ("mine", "mood"): Counts({"train": counts(9, 5, empty=1, copy=2), "validation": NONE, "test": counts(3, 3)}),
    ("other", "mood"): Counts({"train": counts(2, 1), "validation": NONE, "test": NONE}),
}


def test_every_record_is_in_one_row_of_the_table() -> None:
    for (suite, task), value in COUNTS.items():
        rows = list(outcomes(suite, task, value))
        assert {(row.study, row.suite, row.task) for row in rows} == {("data", suite, task)}
        for split, one in value.splits.items():
            here = [row for row in rows if row.split == split]
            numbers = {(row.outcome, row.reason): row.examples for row in here}
            assert len(numbers) == len(here)
            read = numbers.pop(("read", ""))
            assert read == one.read == sum(numbers.values())
    rows = [row for (suite, task), value in COUNTS.items() for row in outcomes(suite, task, value)]
    reasons = {(row.reason, row.examples) for row in rows if row.outcome == "dropped"}
    assert reasons == {("empty", 1), ("copy", 2)}


def test_the_table_names_the_suite_of_each_task(tmp_path: Path) -> None:
    files = []
    for (suite, task), value in COUNTS.items():
        files.append(tmp_path / "data" / suite / "tasks" / task / "counts.json")
        write_json(files[-1], value.as_json())
    out = tmp_path / "data.csv"
    tabulate(Job(NoSettings(), Files({"counts": tuple(files)}), Files({"table": (out,)}), {}, "identity"))
    kept = [row for row in read_csv(out) if (row["split"], row["outcome"]) == ("train", "kept")]
    assert [(row["suite"], row["task"], row["examples"]) for row in kept] == [
        ("mine", "mood", "5"),
        ("other", "mood", "1"),
    ]
    assert {row["reason"] for row in kept} == {""}
