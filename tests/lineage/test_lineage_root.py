"""The root digest covers every field of every record but those that differ between honest runs."""

from dataclasses import fields, replace

import pytest

from taskneurons.lineage.record import Line
from taskneurons.lineage.root import REPORT, root_digest

LINE = Line(
    output="results/tables/a.csv",
    sha256="a" * 64,
    size=9,
    rule="tabulate",
    inputs=(),
    settings={"percent": 10},
    entry="a.tables:tabulate",
    code="c" * 64,
    wiring="w" * 64,
    started="2026-01-01T00:00:00+00:00",
    ended="2026-01-01T00:00:01+00:00",
    device="cpu",
)
OTHER = {
    "output": "results/tables/b.csv",
    "sha256": "b" * 64,
    "size": 8,
    "rule": "other",
    "inputs": (("raw/x", "d" * 64),),
    "settings": {"percent": 11},
    "entry": "a.tables:other",
    "code": "d" * 64,
    "wiring": "x" * 64,
    "started": "2025-01-01T00:00:00+00:00",
    "ended": "2027-01-01T00:00:00+00:00",
    "device": None,
    "machine": {"processor": "one"},
    "software": {"python": "3.11.7"},
    "memory": {"host": 1},
    "cpu_seconds": 2.0,
    "node": "n1",
}


@pytest.mark.parametrize("name", [field.name for field in fields(Line)])
def test_every_field_but_times_node_and_memory_counts(name):
    same = root_digest([replace(LINE, **{name: OTHER[name]})]) == root_digest([LINE])
    assert same == (name in ("started", "ended", "memory", "cpu_seconds", "node"))


def test_the_order_of_records_and_the_report_do_not_count():
    second, report = replace(LINE, output="results/tables/b.csv"), replace(LINE, output=REPORT)
    assert root_digest([LINE, second]) == root_digest([report, second, LINE]) != root_digest([LINE])
