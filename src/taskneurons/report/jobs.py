"""The job of the report. It alone reads the lineage records; the pages take them as plain values."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from taskneurons.job import Job
from taskneurons.lineage.graph import Graph
from taskneurons.lineage.record import Line, present
from taskneurons.lineage.root import REPORT, root_digest
from taskneurons.report.contents import gather
from taskneurons.report.page import write_report


@dataclass(frozen=True)
class ReportSettings:
    """What the report depends on beside its inputs and its code.

    Attributes:
        templates: digest of the templates, styles and scripts.
    """

    templates: str


def write(job: Job[ReportSettings]) -> None:
    """Write the report of all inputs, with the lineage of everything that is there but of an earlier report.

    Two honest runs give the same bytes, so that it tells no times; `taskneurons report` does.
    """
    lines = [line for line in present(Graph.load()).values() if line.output != REPORT]
    contents = gather(job.inputs.all(), plain(lines), digest=root_digest(lines) if lines else "")
    write_report(job.outputs.one("page"), contents)


def plain(lines: Iterable[Line]) -> list[Mapping[str, Any]]:
    """Lineage lines as plain mappings."""
    return [{field.name: getattr(line, field.name) for field in fields(line)} for line in lines]
